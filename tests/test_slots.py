"""Held slots: exact where they must be, near an exact chain elsewhere, near chance at the end."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.linalg import spsolve

from queueing import MMc, pollaczek_khinchine
from queueing.slots import SlotServers, Visit


def servers_with(**changes):
    """One server with five slots and two processors, and whatever is said otherwise."""
    parameters = {
        "arrival_rate": 1.0,
        "servers": 1,
        "slots": 5,
        "processors": 2,
        "waiting_room": 1000,
        "shared_places": 1,
        "processing": (Visit(1, 1.0, 1.0),),
        "shared": (),
        "elsewhere": 0.0,
    }
    return SlotServers(**parameters | changes)


def stationary(moves):
    """The stationary law of the chain with moves (from, to, rate) among states of any kind."""
    index = {state: number for number, state in enumerate(dict.fromkeys(m[0] for m in moves))}
    origin = np.array([index[move[0]] for move in moves])
    target = np.array([index[move[1]] for move in moves])
    rate = np.array([move[2] for move in moves])
    rows, columns = np.concatenate([target, origin]), np.concatenate([origin, origin])
    flow = sparse.csc_matrix((np.concatenate([rate, -rate]), (rows, columns)))
    weights = np.append(1, spsolve(flow[1:, 1:], -flow[1:, 0].toarray().ravel()))
    return dict(zip(index, weights / weights.sum(), strict=True))


# Exact limits


@pytest.mark.parametrize("processors", [1, 2, 4, 8, 10, 32])
@pytest.mark.parametrize("ratio", [0.3, 0.7, 0.9])
def test_with_plenty_of_slots_one_server_is_an_mmc(processors, ratio):
    station = MMc(arrival_rate=ratio * processors, service_rate=1, servers=processors)
    server = servers_with(
        arrival_rate=ratio * processors, slots=processors + 500, processors=processors
    )
    assert server.slot_wait.mean() < 1e-12
    assert server.shed_probability < 1e-15
    assert server.processor_wait.sf(0) == pytest.approx(station.wait_probability, rel=1e-10)
    assert server.processor_wait.mean() == pytest.approx(station.mean_wait, rel=1e-8)
    p = np.array([0.5, 0.9, 0.99, 0.9999])
    waits = station.wait.ppf(p)
    assert server.processor_wait.ppf(p) == pytest.approx(waits, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(("processors", "slots"), [(1, 1), (2, 2), (2, 3), (5, 7), (16, 20)])
def test_waiting_before_the_slot_or_before_the_processor_is_the_same_in_all(processors, slots):
    station = MMc(arrival_rate=0.8 * processors, service_rate=1, servers=processors)
    server = servers_with(arrival_rate=0.8 * processors, slots=slots, processors=processors)
    together = server.slot_wait.mean() + server.processor_wait.mean()
    assert together == pytest.approx(station.mean_wait, rel=1e-8)
    assert server.capacity == pytest.approx(processors, rel=1e-12)


@pytest.mark.parametrize(("servers", "slots"), [(1, 120), (4, 40), (10, 16)])
@pytest.mark.parametrize(("places", "ratio"), [(1, 0.5), (3, 0.8), (8, 0.7)])
def test_a_shared_station_behind_plenty_of_slots_is_an_mmc(servers, slots, places, ratio):
    station = MMc(arrival_rate=ratio * places, service_rate=1, servers=places)
    web = servers_with(
        arrival_rate=ratio * places,
        servers=servers,
        slots=slots,
        processors=slots,
        shared_places=places,
        processing=(Visit(1, 0.5, 1.0),),
        shared=(Visit(1, 1.0, 1.0),),
        elsewhere=2.0,
    )
    assert web.shared_wait.sf(0) == pytest.approx(station.wait_probability, rel=1e-9)
    assert web.shared_wait.mean() == pytest.approx(station.mean_wait, rel=1e-6)
    assert web.shared_wait.ppf(0.99) == pytest.approx(station.wait.ppf(0.99), rel=1e-5)


@pytest.mark.parametrize("ratio", [0.5, 0.6, 0.9])
@pytest.mark.parametrize("scv", [0.1, 0.5, 1, 2, 4])
def test_one_slot_waits_as_pollaczek_and_khinchine_say(ratio, scv):
    server = servers_with(
        arrival_rate=ratio, slots=1, processors=1, processing=(Visit(1, 1.0, scv),)
    )
    exact = pollaczek_khinchine(ratio, 1, scv)
    assert server.slot_wait.mean() == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("ratio", [0.6, 0.8, 0.9])
@pytest.mark.parametrize("scv", [0.5, 1, 2, 4])
def test_one_slot_waits_as_variably_as_takacs_says(ratio, scv):
    """E[W^2] = 2 E[W]^2 + lambda E[S^3] / 3 (1 - rho): L. Takacs (1962); near, and exact at 1."""
    server = servers_with(
        arrival_rate=ratio, slots=1, processors=1, processing=(Visit(1, 1.0, scv),)
    )
    wait = server.slot_wait
    exact = 2 * wait.mean() ** 2 + ratio * (1 + scv) * (1 + 2 * scv) / (3 * (1 - ratio))
    found = wait.var() + wait.mean() ** 2
    assert found == pytest.approx(exact, rel=1e-9 if scv == 1 else 0.05 * abs(scv - 1) + 0.07)


@pytest.mark.parametrize("rate", [1e-9, 1e-6])
def test_one_request_at_a_time_waits_for_nobody(rate):
    web = servers_with(
        arrival_rate=rate,
        servers=3,
        shared_places=2,
        shared=(Visit(2, 0.5, 1.5),),
        elsewhere=0.1,
    )
    for wait in (web.slot_wait, web.processor_wait, web.shared_wait):
        assert wait.mean() < 1e-10
        assert wait.ppf(0.999) == 0
    assert web.shed_probability < 1e-12
    assert web.is_stable


def test_loads_are_work_over_places():
    web = servers_with(
        arrival_rate=7,
        servers=3,
        processing=(Visit(1, 0.2, 1.0), Visit(2, 0.1, 2.0)),
        shared=(Visit(0.5, 0.3, 1.0),),
        shared_places=4,
    )
    assert web.processor_load == pytest.approx(7 * 0.4 / 6)
    assert web.shared_load == pytest.approx(7 * 0.15 / 4)
    assert web.slot_load == pytest.approx(7 / web.capacity)


# Capacity: the throughput of a closed network, a request for every slot


def closed_throughput(web):
    """Exact, by the chain of requests at each server's processors, at the station, elsewhere."""
    work, query = web.processing[0].mean, web.shared[0].mean
    alone = [(p, s) for p in range(web.slots + 1) for s in range(web.slots + 1 - p)]
    moves, leaving = [], {}
    for state in itertools.product(alone, repeat=web.servers):
        at_station = sum(s for _, s in state)
        pace = min(at_station, web.shared_places) / query / max(at_station, 1)
        away = [web.slots - p - s for p, s in state]
        leaving[state] = sum(away) / web.elsewhere
        for i, (p, s) in enumerate(state):
            for rate, after in (
                (min(p, web.processors) / work, (p - 1, s + 1)),
                (pace * s, (p, s - 1)),
                (away[i] / web.elsewhere, (p + 1, s)),
            ):
                if rate:
                    moves.append((state, (*state[:i], after, *state[i + 1 :]), rate))
    return sum(chance * leaving[state] for state, chance in stationary(moves).items())


NETWORKS = {  # servers, slots, processors, places; work, query, elsewhere; relative error
    "only the station is short": ((1, 5, 5, 2), (1, 1, 0.5), 1e-10),
    "only the station is short, of three": ((3, 2, 2, 1), (1, 0.3, 0.5), 1e-10),
    "only processors are short": ((1, 5, 2, 5), (1, 1, 0.5), 1e-10),
    "only processors are short, of three": ((3, 2, 1, 6), (1, 1, 0.5), 1e-10),
    "both are a little short": ((2, 3, 2, 2), (1, 1, 0.5), 0.01),
    "both are short": ((1, 5, 2, 1), (1, 0.5, 0.5), 0.04),
    "both are short, of two": ((2, 3, 1, 1), (1, 0.25, 0.1), 0.02),
    "both are short, of three": ((3, 2, 1, 2), (1, 1, 0.5), 0.02),
}


@pytest.mark.parametrize(("counts", "times", "bar"), NETWORKS.values(), ids=NETWORKS)
def test_capacity_is_the_closed_networks_throughput(counts, times, bar):
    servers, slots, processors, places = counts
    web = servers_with(
        servers=servers,
        slots=slots,
        processors=processors,
        shared_places=places,
        processing=(Visit(1, times[0], 1.0),),
        shared=(Visit(1, times[1], 1.0),),
        elsewhere=times[2],
    )
    assert web.capacity == pytest.approx(closed_throughput(web), rel=bar)


def test_a_hundred_times_finer_delays_change_nothing(monkeypatch):
    web = servers_with(servers=2, shared=(Visit(1, 0.5, 1.0),), elsewhere=0.3)
    monkeypatch.setattr("queueing.slots._DELAYS", 3300)
    fine = servers_with(servers=2, shared=(Visit(1, 0.5, 1.0),), elsewhere=0.3).capacity
    monkeypatch.undo()
    assert web.capacity == pytest.approx(fine, rel=1e-4)


@pytest.mark.parametrize("processors", [2, 5])
def test_with_every_slot_taken_the_waits_are_what_is_left_of_a_round(processors):
    """A round of one of N requests takes N / X, of which the rest is service."""
    web = servers_with(
        arrival_rate=1e6,
        processors=processors,
        servers=2,
        shared=(Visit(2, 0.25, 1.0),),
        elsewhere=0.3,
    )
    left = 10 / web.capacity - 1 - 2 * 0.25 - 0.3
    waits = web.processor_wait.mean() + 2 * web.shared_wait.mean()
    assert waits == pytest.approx(left, rel=1e-5)


webs = st.fixed_dictionaries(
    {
        "servers": st.integers(1, 5),
        "slots": st.integers(1, 8),
        "processors": st.integers(1, 4),
        "shared_places": st.integers(1, 8),
        "processing": st.builds(lambda t: (Visit(1, t, 1.0),), st.floats(0.01, 10)),
        "shared": st.builds(
            lambda n, t: (Visit(n, t, 1.0),), st.floats(0.1, 3), st.floats(0.01, 10)
        ),
        "elsewhere": st.floats(0.01, 10),
    }
)


@given(webs)
def test_more_of_anything_never_lowers_the_capacity(web):
    """To the few percent that the approximation errs by where two stations are short at once."""
    before = servers_with(**web).capacity
    for name in ("servers", "slots", "processors", "shared_places"):
        assert servers_with(**web | {name: web[name] + 1}).capacity > 0.96 * before


@given(webs, st.floats(0.01, 100))
def test_time_has_no_unit(web, k):
    def slower(visits):
        return tuple(Visit(visit.rate, k * visit.mean, visit.scv) for visit in visits)

    once = servers_with(**web)
    stretched = web | {
        "processing": slower(web["processing"]),
        "shared": slower(web["shared"]),
        "elsewhere": k * web["elsewhere"],
    }
    later = servers_with(**stretched, arrival_rate=1 / k)
    assert later.capacity * k == pytest.approx(once.capacity, rel=1e-9)
    assert later.shed_probability == pytest.approx(once.shed_probability, rel=1e-6, abs=1e-12)
    for wait in ("slot_wait", "processor_wait", "shared_wait"):
        mean = getattr(once, wait).mean()
        assert getattr(later, wait).mean() / k == pytest.approx(mean, rel=1e-6, abs=1e-9)


# The shortest line, exactly: servers with one slot are lines of an M/M/1 each


def shortest_line(servers, arrival_rate, most):
    """Mean wait, P(wait) of those let in, and P(shed): the chain of sorted lines of 0 to `most`."""
    moves = []
    for lines in itertools.combinations_with_replacement(range(most + 1), servers):
        if lines[0] < most:
            moves.append((lines, tuple(sorted((lines[0] + 1, *lines[1:]))), arrival_rate))
        for i, length in enumerate(lines):
            if length:
                after = tuple(sorted((*lines[:i], length - 1, *lines[i + 1 :])))
                moves.append((lines, after, 1.0))
    law = stationary(moves)
    shed = law[(most,) * servers]
    mean = sum(chance * lines[0] for lines, chance in law.items() if lines[0] < most)
    waits = sum(chance for lines, chance in law.items() if 0 < lines[0] < most)
    return mean / (1 - shed), waits / (1 - shed), shed


@pytest.mark.parametrize(("servers", "most"), [(2, 60), (3, 28)])
@pytest.mark.parametrize("ratio", [0.2, 0.5, 0.8, 0.9, 0.95])
def test_the_shortest_line_is_the_exact_chains(servers, most, ratio):
    rate = ratio * servers
    mean, waits, shed = shortest_line(servers, rate, most)
    web = servers_with(
        arrival_rate=rate, servers=servers, slots=1, processors=1, waiting_room=most - 1
    )
    assert web.slot_wait.mean() == pytest.approx(mean, rel=0.02)
    assert web.slot_wait.sf(0) == pytest.approx(waits, rel=0.005)
    assert web.shed_probability == pytest.approx(shed, rel=0.02)
    one_line = MMc(arrival_rate=rate, service_rate=1, servers=servers)
    if ratio < 0.9:  # and told from a common line, which it nears with the load
        assert abs(web.slot_wait.mean() / one_line.mean_wait - 1) > 0.05


# Overload and small rooms


@pytest.mark.parametrize("servers", [1, 2, 3])
@pytest.mark.parametrize(("ratio", "scv"), [(1.2, 1), (2, 4), (2, 0.2), (10, 2), (1e6, 1)])
def test_overload_sheds_what_the_capacity_cannot_take(servers, ratio, scv):
    web = servers_with(
        arrival_rate=2 * servers * ratio,
        servers=servers,
        waiting_room=40,
        processing=(Visit(1, 1.0, scv),),
    )
    assert not web.is_stable
    assert web.shed_probability == pytest.approx(1 - web.capacity / web.arrival_rate, rel=0.01)
    full = (web.slots + web.waiting_room - web.processors) / 2  # seconds ahead of the last let in
    waits = web.slot_wait.mean() + web.processor_wait.mean()
    assert 0.5 * full < waits < 1.05 * full


@pytest.mark.parametrize("rate", [0.3, 1, 4])
@pytest.mark.parametrize("room", [0, 1, 5])
def test_one_server_with_a_small_room_sheds_as_mmck_does(rate, room):
    web = servers_with(arrival_rate=rate, slots=1, processors=1, waiting_room=room)
    weights = float(rate) ** np.arange(room + 2)
    assert web.shed_probability == pytest.approx(weights[-1] / weights.sum(), rel=1e-9)
    found = weights[:-1] / weights[:-1].sum()
    assert web.slot_wait.mean() == pytest.approx(found @ np.arange(room + 1), rel=1e-9)


@settings(max_examples=60)
@given(webs, st.floats(0, 6), st.floats(1e-3, 1e3), st.integers(0, 20))
def test_any_load_and_any_variability_have_an_answer(web, scv, ratio, room):
    varied = web | {
        "processing": (web["processing"][0]._replace(scv=scv),),
        "shared": (web["shared"][0]._replace(scv=scv),),
        "waiting_room": room,
    }
    rate = ratio * servers_with(**web).capacity
    found = servers_with(**varied, arrival_rate=rate)
    assert 0 <= found.shed_probability <= 1
    for wait in (found.slot_wait, found.processor_wait, found.shared_wait):
        assert 0 <= wait.mean() < math.inf
        assert 0 <= wait.sf(0) <= 1 + 1e-12
    assert found.slot_wait.mean() <= 1.01 * (room + 1) * web["servers"] / found.capacity


def test_many_slots_are_followed():
    web = servers_with(arrival_rate=300.0, servers=4, slots=400, processors=400, elsewhere=1.0)
    assert web.capacity == pytest.approx(800)
    assert web.slot_wait.mean() < 1e-9
    crowded = servers_with(arrival_rate=790.0, servers=4, slots=400, processors=400, elsewhere=1.0)
    pool = MMc(arrival_rate=790, service_rate=0.5, servers=1600)  # one line is the better half
    assert 0.3 * pool.mean_wait < crowded.slot_wait.mean() < 4 * pool.mean_wait
