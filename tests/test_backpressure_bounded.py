"""Bounded queues against chains of whole lines, solved by linear algebra, and against chance."""

import math
from bisect import bisect_right
from heapq import heappop, heappush
from itertools import combinations_with_replacement, pairwise

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_backpressure import agreeing

from queueing import MMc
from queueing.backpressure import BoundedQueue, ConcurrencyLimit

SHARES = ("accepted", "delayed", "shed", "lost")


def joined(line, kind, places):
    """The line, in order of service, after one of class `kind` came: (line, his place, a loss?)."""
    at = bisect_right(line, kind)
    if len(line) < places:
        return (*line[:at], kind, *line[at:]), at, False
    if line and line[-1] > kind:
        return (*line[:at], kind, *line[at:-1]), at, True
    return line, None, False


class Chain:
    """All that may stand in line, literally; shares and waits for each class."""

    def __init__(self, rates, service_rate, servers, places):
        self.rates, self.places, self.down = rates, places, servers * service_rate
        kinds = range(len(rates))
        self.lines = [
            line
            for size in range(places + 1)
            for line in combinations_with_replacement(kinds, size)
        ]
        states = [*range(servers), *self.lines]  # some servers idle, or a line
        number = {state: place for place, state in enumerate(states)}
        flows = np.zeros((len(states), len(states)))
        for busy in range(servers):
            flows[number[busy], number[busy + 1 if busy + 1 < servers else ()]] += sum(rates)
            if busy:
                flows[number[busy], number[busy - 1]] += busy * service_rate
        for line in self.lines:
            flows[number[line], number[line[1:] if line else servers - 1]] += self.down
            for kind in kinds:
                flows[number[line], number[joined(line, kind, places)[0]]] += rates[kind]
        balance = (flows - np.diag(flows.sum(axis=1))).T
        balance[0] = 1.0
        found = np.linalg.solve(balance, np.eye(len(states))[0])
        self.idle, self.found = found[:servers].sum(), found[servers:]

    def fate(self, kind):
        """Shares of class `kind`, and its mean wait, by following one of them to his end."""
        ends = self.followed()
        entries = [joined(line, kind, self.places) for line in self.lines]
        come = [(p, line, at) for p, (line, at, _) in zip(self.found, entries, strict=True)]
        inside = [(p, *ends[line, at]) for p, line, at in come if at is not None]
        served = sum(p * chance for p, chance, _ in inside)
        return {
            "accepted": self.idle + served,
            "delayed": served,
            "shed": sum(p for p, _, at in come if at is None),
            "lost": sum(p * (1 - chance) for p, chance, _ in inside),
            "mean_wait": sum(p * wait for p, _, wait in inside) / (self.idle + served),
        }

    def followed(self):
        """For each line and place in it: the chance of service, and E[wait; served]."""
        places = [(line, at) for line in self.lines for at in range(len(line))]
        number = {place: n for n, place in enumerate(places)}
        matrix, ends = np.zeros((len(places),) * 2), np.zeros(len(places))
        for (line, at), row in number.items():
            matrix[row, row] = self.down + sum(self.rates)
            if at:
                matrix[row, number[line[1:], at - 1]] -= self.down
            else:
                ends[row] = self.down
            for kind, rate in enumerate(self.rates):
                after, where, loss = joined(line, kind, self.places)
                moved = at + (where is not None and where <= at)
                if not (loss and at == len(line) - 1):
                    matrix[row, number[after, moved]] -= rate
        chance = np.linalg.solve(matrix, ends)
        waits = np.linalg.solve(matrix, chance)
        return dict(zip(places, zip(chance, waits, strict=True), strict=True))


@pytest.mark.parametrize(
    ("rates", "service_rate", "servers", "places"),
    [
        ((6, 9), 6, 2, 2),
        ((3, 2, 4), 1, 5, 4),
        ((0.5, 0.1, 0.2), 1, 1, 5),
        ((20, 1), 3, 3, 3),
        ((4, 0, 3), 2, 2, 3),
        ((1, 1), 1, 2, 0),
        ((2, 3, 1, 4), 4, 1, 3),
    ],
    ids=str,
)
def test_shedding_the_lowest_is_the_chain_of_whole_lines(rates, service_rate, servers, places):
    queue = BoundedQueue(capacity=servers + places, when_full="shed-lowest")
    view = queue.evaluate(arrival_rate=rates, service_rate=service_rate, servers=servers)
    chain = Chain(rates, service_rate, servers, places)
    fates = [chain.fate(kind) for kind in range(len(rates))]
    for kind, fate in enumerate(fates):
        for name, value in fate.items():
            assert getattr(view.classes[kind], name) == pytest.approx(value, rel=1e-9, abs=1e-15)
    weights = np.array(rates) / sum(rates)
    for name in SHARES:
        assert getattr(view, name) == pytest.approx(weights @ [f[name] for f in fates], rel=1e-9)
    waited = weights @ [fate["accepted"] * fate["mean_wait"] for fate in fates]
    assert view.mean_wait == pytest.approx(waited / view.accepted, rel=1e-9)
    assert view.throughput == pytest.approx(sum(rates) * view.accepted, rel=1e-9)


def forty_digits(arrival_rate, service_rate, servers, capacity):
    """M/M/c/K by its product form: P(N = K), P(N < K), P(c <= N < K), mean wait of the accepted."""
    with mpmath.workdps(40):
        weights = [mpmath.mpf(1)]
        for n in range(1, capacity + 1):
            weights.append(weights[-1] * arrival_rate / (service_rate * min(n, servers)))
        total = mpmath.fsum(weights)
        line = mpmath.fsum(w * (n - servers) for n, w in enumerate(weights) if n > servers)
        full, waits = weights[-1], mpmath.fsum(weights[servers:-1])
        wait = line / arrival_rate / (total - full)
        return [float(x) for x in (full / total, 1 - full / total, waits / total, wait)]


@pytest.mark.parametrize(
    "station",
    [
        (12, 6, 3, 5),
        (12, 6, 3, 3),
        (1, 1, 1, 1),
        (0.001, 1, 2, 9),
        (30, 1, 20, 400),
        (1e9, 1e-9, 3, 7),
        (1e9, 1e-9, 3, 3),
        (0.1, 1, 40, 50),
        (10, 1, 10, 2000),
        (9.999, 1, 10, 500),
        (11, 1, 10, 5000),
    ],
    ids=str,
)
def test_rejection_is_the_product_form_in_forty_digits(station):
    arrival_rate, service_rate, servers, capacity = station
    view = BoundedQueue(capacity=capacity).evaluate(
        arrival_rate=arrival_rate, service_rate=service_rate, servers=servers
    )
    full, goes_in, waits, wait = forty_digits(*station)
    assert view.shed == pytest.approx(full, rel=1e-9, abs=0)
    assert view.delayed == pytest.approx(waits, rel=1e-9, abs=0)
    assert view.accepted == pytest.approx(goes_in, rel=1e-9, abs=0)
    assert view.mean_wait == pytest.approx(wait, rel=1e-9, abs=0)
    assert view.lost == 0
    limit = ConcurrencyLimit(limit=capacity)
    assert view == limit.evaluate(
        arrival_rate=arrival_rate, service_rate=service_rate, servers=servers
    )


def test_a_limit_below_the_servers_leaves_some_idle():
    limit = ConcurrencyLimit(limit=2)
    view = limit.evaluate(arrival_rate=12, service_rate=6, servers=300)
    assert view.shed == pytest.approx(0.4)  # Erlang's B(2, 2)
    assert view.mean_wait == view.delayed == 0


def test_blocking_only_moves_the_line_outside():
    station = {"arrival_rate": 12, "service_rate": 6, "servers": 3}
    bank = MMc(**station)
    for capacity in (3, 5, 50):
        view = BoundedQueue(capacity=capacity, when_full="block").evaluate(**station)
        assert (view.accepted, view.shed, view.lost) == (1, 0, 0)
        assert view.delayed == bank.wait_probability
        assert view.mean_wait == bank.mean_wait
        assert view.held == pytest.approx(bank.number_in_system.sf(capacity - 1), rel=1e-12)
    full = BoundedQueue(capacity=5, when_full="block").evaluate(**(station | {"servers": 2}))
    assert (full.delayed, full.held, full.mean_wait, full.throughput) == (1, 1, math.inf, 12)


# Against chance


def simulated(rates, rng, service_rate=6, servers=2, places=4):
    """One run from empty: what becomes of all but the first tenth, as shares and a mean wait."""
    arrivals = 4000
    kinds = rng.choice(len(rates), arrivals, p=np.array(rates) / sum(rates)).tolist()
    times = np.cumsum(rng.exponential(1 / sum(rates), arrivals)).tolist()
    ends, line, fates = [], [], [None] * arrivals
    for number, (now, kind) in enumerate([*zip(times, kinds, strict=True), (math.inf, 0)]):
        while ends and ends[0] <= now:
            end = heappop(ends)
            if line:
                first = line.pop(0)[1]
                fates[first] = end - times[first]
                heappush(ends, end + rng.exponential(1 / service_rate))
        if now == math.inf:
            break
        if len(ends) < servers:
            fates[number] = 0.0
            heappush(ends, now + rng.exponential(1 / service_rate))
            continue
        if len(line) >= places and line and line[-1][0] > kind:
            fates[line.pop()[1]] = "lost"
        if len(line) < places:
            line.insert(bisect_right([each for each, _ in line], kind), (kind, number))
        else:
            fates[number] = "shed"
    late = fates[arrivals // 10 :]
    waits = [fate for fate in late if isinstance(fate, float)]
    return late.count("shed") / len(late), late.count("lost") / len(late), np.mean(waits)


@pytest.mark.parametrize("rates", [(6, 5, 4), (15,)], ids=str)
def test_simulated_lines_are_the_views_and_not_those_of_a_busier_one(rates):
    queue = BoundedQueue(capacity=6, when_full="shed-lowest")
    view = queue.evaluate(arrival_rate=rates, service_rate=6, servers=2)
    rng = np.random.default_rng(2026)
    runs = [simulated(rates, rng) for _ in range(200)]
    busier = [simulated([1.1 * rate for rate in rates], rng) for _ in range(200)]
    for place, name in enumerate(("shed", "lost", "mean_wait")):
        exact = getattr(view, name)
        if exact > 0:
            assert agreeing(np.array(runs)[:, place].reshape(20, 10), exact).mean() >= 0.9
            assert agreeing(np.array(busier)[:, place].reshape(20, 10), exact).mean() <= 0.1


# Laws

rates = st.floats(1e-6, 1e6)


@given(st.lists(rates, min_size=1, max_size=4), rates, st.integers(1, 40), st.integers(0, 60))
def test_higher_classes_fare_better_and_nobody_is_made_or_lost(arrival, service, servers, places):
    queue = BoundedQueue(capacity=servers + places, when_full="shed-lowest")
    view = queue.evaluate(arrival_rate=arrival, service_rate=service, servers=servers)
    accepted = [each.accepted for each in view.classes]
    assert all(high >= low - 1e-12 for high, low in pairwise(accepted))
    assert view.classes[0].lost == 0
    for each in (view, *view.classes):
        assert each.accepted + each.shed + each.lost == pytest.approx(1, abs=1e-9)
        assert 0 <= each.delayed <= each.accepted
    plain = BoundedQueue(capacity=servers + places).evaluate(
        arrival_rate=sum(arrival), service_rate=service, servers=servers
    )
    assert view.throughput == pytest.approx(plain.throughput, rel=1e-9)  # who goes in is all one


@given(rates, rates, st.integers(1, 30), st.integers(0, 50))
def test_a_larger_queue_sheds_less_and_waits_longer(arrival, service, servers, places):
    views = [
        BoundedQueue(capacity=servers + size).evaluate(
            arrival_rate=arrival, service_rate=service, servers=servers
        )
        for size in (places, places + 1)
    ]
    assert views[1].shed <= views[0].shed * (1 + 1e-9)
    assert views[1].mean_wait >= views[0].mean_wait * (1 - 1e-9)


def test_a_queue_without_end_is_the_queue_that_never_rejects():
    station = {"arrival_rate": 19, "service_rate": 1, "servers": 20}
    view = BoundedQueue(capacity=100_000).evaluate(**station)
    assert view.shed == 0
    assert view.delayed == pytest.approx(MMc(**station).wait_probability, rel=1e-9)
    assert view.mean_wait == pytest.approx(MMc(**station).mean_wait, rel=1e-9)


def test_nobody_who_comes_waits_for_nothing():
    view = BoundedQueue(capacity=4, when_full="shed-lowest").evaluate(
        arrival_rate=[0, 0], service_rate=1, servers=2
    )
    assert (view.accepted, view.delayed, view.mean_wait, view.throughput) == (1, 0, 0, 0)


def test_a_million_servers_and_a_flood_are_no_matter():
    queue = BoundedQueue(capacity=1_000_100)
    view = queue.evaluate(arrival_rate=999_000, service_rate=1, servers=1_000_000)
    assert 0 < view.shed < view.delayed < 1
    flood = BoundedQueue(capacity=9, when_full="shed-lowest").evaluate(
        arrival_rate=[1e9, 1e9], service_rate=1e-9, servers=2
    )
    assert flood.throughput == pytest.approx(2e-9)
    assert flood.classes[1].accepted < 1e-12


# Mistakes


@pytest.mark.parametrize("bad", [0, -1, 2.5, True, math.nan, math.inf, "3", None])
def test_a_capacity_that_cannot_be_is_refused(bad):
    with pytest.raises(ValueError, match=r"^capacity must be a whole number of at least 1, got"):
        BoundedQueue(capacity=bad)
    with pytest.raises(ValueError, match=r"^limit must be a whole number of at least 1, got"):
        ConcurrencyLimit(limit=bad)


def test_other_mistakes_are_told():
    with pytest.raises(
        ValueError, match="when_full must be one of reject, block, shed-lowest, got"
    ):
        BoundedQueue(capacity=3, when_full="drop")
    with pytest.raises(ValueError, match="must be at least the 4 servers, got 3"):
        BoundedQueue(capacity=3).evaluate(arrival_rate=1, service_rate=1, servers=4)
    for rates in ([1, 2], [[1, 2]], []):
        with pytest.raises(ValueError, match="arrival_rate must be one rate, or for 'shed-lowest'"):
            BoundedQueue(capacity=3).evaluate(arrival_rate=rates, service_rate=1, servers=2)
    with pytest.raises(ValueError, match="at most 10000000 places to wait, got 99999998"):
        BoundedQueue(capacity=10**8).evaluate(arrival_rate=1, service_rate=1, servers=2)
