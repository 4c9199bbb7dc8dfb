"""How long those wait who get past a full queue."""

import numpy as np
import pytest

from queueing import MMc, MMcK, PriorityMMc
from queueing.backpressure import BoundedQueue
from queueing.backpressure.waiting import waits_longer, waits_within
from queueing.simulation.station.gates import SERVED
from queueing.simulation.station.pressure import Pressed, work
from queueing.simulation.station.translate import plan_of

STATION = {"service_rate": 6.0, "servers": 3}


@pytest.mark.parametrize("arrival_rate", [4, 17, 18, 21, 90])
@pytest.mark.parametrize("places", [0, 1, 4, 60, 800])
def test_a_queue_that_rejects_waits_as_in_mmck(arrival_rate, places):
    station = MMcK(arrival_rate=arrival_rate, capacity=3 + places, **STATION)
    queue = BoundedQueue(capacity=3 + places)
    times = np.linspace(0, 2 * station.mean_wait + 0.01, 9)
    (longer,) = waits_longer(queue, times, arrival_rate=arrival_rate, **STATION)
    assert longer == pytest.approx(station.wait.sf(times), abs=1e-8)
    ((within,),) = waits_within([queue], 0.95, arrival_rate=arrival_rate, **STATION)
    assert within == pytest.approx(station.wait.ppf(0.95), rel=1e-3)


@pytest.mark.parametrize("rates", [(5, 16), (18, 2), (25, 6), (4, 4), (3, 0), (0, 9)])
@pytest.mark.parametrize("places", [1, 20, 300])
def test_the_mean_of_the_law_is_that_of_the_linear_system(rates, places):
    queue = BoundedQueue(capacity=3 + places, when_full="shed-lowest")
    view = queue.evaluate(arrival_rate=rates, **STATION)
    for number, each in enumerate(view.classes):
        delayed = each.mean_wait * each.accepted / each.delayed
        times = np.linspace(0, 30 * delayed, 6001)
        tail = waits_longer(queue, times, arrival_rate=rates, **STATION)[number]
        assert np.trapezoid(tail, times) == pytest.approx(each.mean_wait, rel=1e-3)
        assert (np.diff(tail) < 1e-8).all()


def test_the_first_class_hardly_sees_the_second():
    queue = BoundedQueue(capacity=43, when_full="shed-lowest")
    alone = BoundedQueue(capacity=43).evaluate(arrival_rate=5, **STATION)
    view = queue.evaluate(arrival_rate=[5, 40], **STATION)
    times = [0.05, 0.2]
    first, _ = waits_longer(queue, times, arrival_rate=[5, 40], **STATION)
    (single,) = waits_longer(BoundedQueue(capacity=43), times, arrival_rate=5, **STATION)
    assert first / view.classes[0].delayed == pytest.approx(single / alone.delayed, rel=1e-6)


@pytest.mark.parametrize(("arrival_rate", "end"), [(12, "finite"), (18, "none"), (40, "none")])
def test_who_is_held_outside_waits_as_in_mmc(arrival_rate, end):
    queue = BoundedQueue(capacity=5, when_full="block")
    ((within,),) = waits_within([queue], 0.95, arrival_rate=arrival_rate, **STATION)
    (longer,) = waits_longer(queue, [0.1], arrival_rate=arrival_rate, **STATION)
    if end == "none":
        assert within == np.inf
        assert longer == 1
    else:
        wait = MMc(arrival_rate=arrival_rate, **STATION).wait
        assert within == pytest.approx(wait.ppf(0.95))
        assert longer == pytest.approx(wait.sf(0.1))


def drawn_within(rates, places, *, seed=7, customers=200_000):
    """Per class, the 95th percentile of the drawn waits of those who were served."""
    rng = np.random.default_rng(seed)
    total = sum(rates)
    came = np.cumsum(rng.exponential(1 / total, customers))
    kinds = (rng.random(customers) * total >= rates[0]).astype(np.int64)
    plan = plan_of(PriorityMMc(arrival_rates=rates, **STATION))
    policy = BoundedQueue(capacity=3 + places, when_full="shed-lowest")
    pressed = Pressed(plan=plan, policy=policy, customers=customers, horizon=np.inf, warmup=0)
    fates = work(pressed, came, rng.exponential(1 / STATION["service_rate"], customers), kinds)
    late = np.arange(customers) > customers / 10
    served = late & (fates.fates == SERVED)
    return [np.quantile(fates.waited[served & (kinds == kind)], 0.95) for kind in (0, 1)]


def test_the_percentiles_of_both_classes_are_those_of_a_simulation():
    rates, places = (6.0, 15.0), 12
    queue = BoundedQueue(capacity=3 + places, when_full="shed-lowest")
    (theory,) = waits_within([queue], 0.95, arrival_rate=rates, **STATION)
    assert drawn_within(rates, places) == pytest.approx(theory, rel=0.03)


def test_the_comparison_can_fail():
    (theory,) = waits_within(
        [BoundedQueue(capacity=15, when_full="shed-lowest")],
        0.95,
        arrival_rate=(6.0, 15.0),
        **STATION,
    )
    busier = drawn_within((6.6, 16.5), 12)
    assert busier[1] != pytest.approx(theory[1], rel=0.03)


def test_more_room_never_shortens_a_wait():
    queues = [BoundedQueue(capacity=3 + room) for room in (0, 1, 5, 30, 200)]
    for rate in (10, 18, 40):
        column = waits_within(queues, 0.95, arrival_rate=rate, **STATION)[:, 0]
        assert (np.diff(column) > -1e-4 * column[1:]).all()


@pytest.mark.parametrize("share", [0.5, 95, 0.99])
def test_shares_beyond_what_is_bracketed_are_refused(share):
    with pytest.raises(ValueError, match=r"share is a fraction in \(0.5, 0.96\]"):
        waits_within([BoundedQueue(capacity=5)], share, arrival_rate=12, **STATION)
