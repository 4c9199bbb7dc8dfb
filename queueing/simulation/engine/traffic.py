"""When the next request arrives."""

from typing import Any

import numpy as np

from queueing.simulation.engine.chance import exponential, own_exponential
from queueing.simulation.engine.compiled import compiled
from queueing.simulation.engine.tables import knot_at


@compiled
def next_open_arrival(world: Any, now: float) -> float:
    """Return the next point of a Poisson process whose rate follows the users.

    The integral of the rate is inverted exactly: the curve is linear between its knots, and the
    factor on it constant.
    """
    need = own_exponential(world) * world.cycle  # in users times seconds
    while world.segment < world.n_knots - 1:
        knot, following = knot_at(world, world.segment), knot_at(world, world.segment + 1)
        users = knot.users + knot.slope * (now - knot.time)
        left = 0.5 * (users + following.users) * (following.time - now) * knot.factor
        if left > need:
            need /= knot.factor
            square = max(users * users + 2.0 * knot.slope * need, 0.0)
            gap = 2.0 * need / (users + np.sqrt(square))
            world.users = users + knot.slope * gap
            return now + gap
        need -= left
        now = following.time
        world.segment += 1
    return np.inf


@compiled
def redraw_thinking(world: Any, now: float) -> None:
    """Set the next closed arrival: the first of n exponential thoughts ends after one of mean / n.

    That is so whenever one looks, hence no user's thought needs an event of its own.
    """
    if world.thinking == 0:
        world.next_arrival = np.inf
    else:
        world.next_arrival = now + world.think_time / world.thinking * exponential(world)


@compiled
def stop_thinking(world: Any, now: float) -> None:
    """A user asks."""
    world.thinking -= 1
    redraw_thinking(world, now)


@compiled
def think_again(world: Any, now: float) -> None:
    """A user, if users wait for their replies, has one and thinks."""
    if world.closed == 1:
        world.thinking += 1
        redraw_thinking(world, now)


@compiled
def follow_users(world: Any, now: float) -> None:
    """Let thinking users come and go until there are as many as the curve says."""
    while world.segment < world.n_knots - 1 and knot_at(world, world.segment + 1).time <= now:
        world.segment += 1
    knot = knot_at(world, world.segment)
    wanted = np.int64(np.rint(knot.users + knot.slope * (now - knot.time)))
    change = max(wanted - world.population, -world.thinking)
    world.users = wanted
    if change != 0:
        world.population += change
        world.thinking += change
        redraw_thinking(world, now)
