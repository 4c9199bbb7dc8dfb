"""A rush by chance, against Little's arithmetic and the theory of lines with a last place."""

import pytest

from queueing import MMc
from queueing.backpressure import BoundedQueue
from queueing.simulation.rushes import Rush, draw_rush

STATION = MMc(arrival_rate=14, service_rate=10, servers=2)


def rush(**changes) -> Rush:
    given = {"arrival_rate": 30, "start": 50, "end": 450, "horizon": 900, "deadline": 5.0}
    return Rush(station=STATION, **(given | changes))


def test_a_bounded_line_serves_what_can_be_served_and_refuses_the_rest():
    queue = BoundedQueue(capacity=22)
    run = draw_rush(rush(), queue, replications=10, seed=3)
    theory = queue.evaluate(arrival_rate=30, service_rate=10, servers=2)
    assert run.refused_share.mean == pytest.approx(theory.shed, abs=0.01)
    assert run.goodput(60, 450).mean == pytest.approx(theory.throughput, rel=0.02)
    assert run.again_at == 450


def test_without_a_last_place_nobody_is_refused_and_nobody_in_time():
    run = draw_rush(rush(), replications=10, seed=3)
    assert run.refused_share.mean == 0
    assert run.goodput(100, 450).mean == 0
    # (30 - 20) 400 wait at the end; in time again when 5 s of work are left: (4000 - 100) / 6
    assert run.again_at == 900  # later than the horizon
    longer = draw_rush(rush(horizon=1400), replications=10, seed=3)
    assert longer.again_at == pytest.approx(450 + 3900 / 6, rel=0.1)


def test_a_rush_that_can_be_served_is_no_rush():
    run = draw_rush(rush(arrival_rate=14), replications=4, seed=3)
    assert run.goodput(50, 450).mean == pytest.approx(14, rel=0.05)
    assert run.again_at == 450


def test_answers_and_refusals_add_up_to_who_came():
    run = draw_rush(rush(end=300), BoundedQueue(capacity=10), replications=2, seed=3)
    over = run.came.sum() - run.refused.sum() - run.in_time.sum() - run.late.sum()
    assert 0 <= over <= 2 * 10  # still inside at the end


def test_runs_that_share_a_seed_meet_the_same_requests():
    free, bounded = (draw_rush(rush(), each, seed=9) for each in (None, BoundedQueue(capacity=9)))
    assert (free.came == bounded.came).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"arrival_rate": 0}, "arrival_rate must be"),
        ({"deadline": -1}, "deadline must be"),
        ({"end": 20}, "0 <= start < end <= horizon"),
    ],
)
def test_a_rush_that_makes_no_sense_is_refused(change, words):
    with pytest.raises(ValueError, match=words):
        rush(**change)


def test_other_ways_than_rejecting_are_refused():
    with pytest.raises(ValueError, match="a queue that rejects, got 'block'"):
        draw_rush(rush(), BoundedQueue(capacity=9, when_full="block"))
