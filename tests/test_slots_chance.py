"""Held slots against events: a small simulation that knows only the rules of the system."""

import heapq
import itertools
import math
import random
from collections import deque

import numpy as np

from queueing.slots import SlotServers, Visit

WEB = SlotServers(
    arrival_rate=190,
    servers=3,
    slots=5,
    processors=2,
    waiting_room=100,
    shared_places=15,
    processing=(Visit(1, 0.020, 1.0),),
    shared=(Visit(2, 0.006, 1.0),),
    elsewhere=0.010,
)


class Places:
    """Places to take, and the line of those who wait for one."""

    def __init__(self, free):
        self.free, self.line = free, deque()


class Events:
    """A process is a generator: it yields seconds to let pass, or places of which to take one."""

    def __init__(self):
        self.now, self.coming, self.number = 0.0, [], itertools.count()

    def resume(self, process):
        for wish in process:
            if isinstance(wish, Places) and wish.free:
                wish.free -= 1
            elif isinstance(wish, Places):
                wish.line.append(process)
                return
            else:
                heapq.heappush(self.coming, (self.now + wish, next(self.number), process))
                return

    def leave(self, places):
        if places.line:
            self.resume(places.line.popleft())
        else:
            places.free += 1

    def run(self):
        while self.coming:
            self.now, _, process = heapq.heappop(self.coming)
            self.resume(process)


def simulated(web, arrival_rate, requests=90_000, batches=30):
    """Mean waits of a request in all, by batches of requests, the first left out."""
    rng, events = random.Random(2026), Events()  # noqa: S311 - no secret, and twice NumPy's pace
    slots = [Places(web.slots) for _ in range(web.servers)]
    processors = [Places(web.processors) for _ in range(web.servers)]
    shared, present, waits = Places(web.shared_places), [0] * web.servers, np.zeros(requests)
    visits = [*web.processing, *web.shared * 2]

    def request(name):
        fewest = min(present)
        server = rng.choice([i for i, count in enumerate(present) if count == fewest])
        present[server] += 1
        began = events.now
        services = [rng.gammavariate(1 / v.scv, v.mean * v.scv) for v in visits]
        away = rng.expovariate(1 / web.elsewhere)
        yield slots[server]
        for places, seconds in zip((processors[server], shared, shared), services, strict=True):
            yield places
            yield seconds
            events.leave(places)
        yield away
        waits[name] = events.now - began - away - sum(services)
        present[server] -= 1
        events.leave(slots[server])

    def arrivals():
        for name in range(requests):
            events.resume(request(name))
            yield rng.expovariate(arrival_rate)

    events.resume(arrivals())
    events.run()
    return waits[requests // batches :].reshape(-1, requests // batches).mean(axis=1)


def test_waits_are_near_those_of_events_and_a_busier_system_is_told_apart():
    """Within 7 % and five deviations of 29 batches, which chance leaves once in 30 000 seeds."""
    theory = WEB.slot_wait.mean() + WEB.processor_wait.mean() + 2 * WEB.shared_wait.mean()

    def difference(arrival_rate):
        batches = simulated(WEB, arrival_rate)
        allowed = 0.07 * theory + 5 * batches.std() / math.sqrt(batches.size)
        return abs(batches.mean() - theory) / allowed

    assert difference(WEB.arrival_rate) < 1
    assert difference(1.1 * WEB.arrival_rate) > 1
