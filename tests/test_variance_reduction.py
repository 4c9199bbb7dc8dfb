"""Antithetic pairs and exact controls: narrower where they promise it, honest always."""

import numpy as np
import pytest
from scipy import stats

from queueing import (
    MG1,
    MM1,
    ErlangA,
    FiniteSource,
    GGc,
    MMc,
    MMcK,
    MPHc,
    PhaseType,
    PriorityMMc,
    gamma,
    lognormal,
)
from queueing.nonstationary import MtMc, Sinusoid
from queueing.simulation import simulate
from queueing.simulation.station import StationPlan
from queueing.simulation.station.reduction import ByInversion, controlled

LINE = MM1(arrival_rate=0.7, service_rate=1)
ROOM = MMcK(arrival_rate=9, service_rate=1, servers=10, capacity=30)
IMPATIENT = ErlangA(arrival_rate=9, service_rate=1, servers=10, patience_rate=0.2)
GENERAL = MG1(arrival_rate=0.7, service=gamma(mean=1, scv=0.5))
SOURCES = FiniteSource(population=12, think_time=5, service_rate=1, servers=3)
PHASES = MPHc(
    arrival_rate=2.4,
    service=PhaseType(initial=[0.5, 0.5], generator=[[-1, 0], [0, -2]]),
    servers=3,
)
CLASSES = PriorityMMc(arrival_rates=[1, 1.4], service_rate=1, servers=3)
SIZE = {"customers": 4000, "replications": 40, "seed": 8}


def shares_within(model, quantity, exact, **reduction):
    """How many of 100 intervals hold the exact value."""
    run = {"customers": 2000, "warmup": 200, "replications": 24} | reduction
    return sum(exact in getattr(simulate(model, seed=seed, **run), quantity) for seed in range(100))


def is_honest(hits):
    return stats.binomtest(hits, 100, 0.95, alternative="less").pvalue > 1e-3


@pytest.mark.parametrize(
    ("model", "quantity", "reduction"),
    [
        (LINE, "mean_wait", {"antithetic": True}),
        (ROOM, "mean_number_in_system", {"control": "exact"}),
        (IMPATIENT, "abandonment_probability", {"control": "exact", "antithetic": True}),
        (GENERAL, "mean_wait", {"control": "exact"}),
    ],
)
def test_narrowed_intervals_keep_their_word(model, quantity, reduction):
    assert is_honest(shares_within(model, quantity, getattr(model, quantity), **reduction))


def test_a_wrong_value_is_found_out():
    wrong = 1.1 * ROOM.mean_number_in_system
    assert not is_honest(shares_within(ROOM, "mean_number_in_system", wrong, control="exact"))


@pytest.mark.parametrize(
    ("model", "quantity", "at_least"),
    [
        (LINE, "wait_probability", 3),
        (ROOM, "mean_wait", 2),
        (IMPATIENT, "mean_wait", 2),
        (GENERAL, "mean_wait", 4),
        (SOURCES, "mean_wait", 1.2),
        (PHASES, "mean_number_in_system", 1.2),
    ],
)
def test_a_control_narrows_and_says_by_how_much(model, quantity, at_least):
    result = simulate(model, control="exact", **SIZE)
    gain = result.variance_reduction
    assert gain[quantity] > at_least
    assert gain["P95 wait"] == 1
    assert gain.index.tolist() == result.to_frame().index.tolist()
    estimate = getattr(result, quantity)
    assert abs(estimate.mean - getattr(model, quantity)) < 2 * estimate.half_width


def test_the_gain_is_that_of_repeated_simulations():
    """The spread of estimates from many seeds, against what each says of itself."""
    run = {"customers": 1000, "warmup": 200, "replications": 24}
    plain, narrow = (
        np.array(
            [simulate(ROOM, seed=s, **run, **extra).mean_number_in_system.mean for s in range(120)]
        )
        for extra in ({}, {"control": "exact"})
    )
    told = [
        simulate(ROOM, seed=s, **run, control="exact").variance_reduction["mean_number_in_system"]
        for s in range(20)
    ]
    seen = plain.var() / narrow.var()
    assert seen > 2
    assert np.median(told) == pytest.approx(seen, rel=0.6)


def test_antithetic_pairs_count_as_one_and_help_where_the_run_is_monotone():
    result = simulate(SOURCES, antithetic=True, **(SIZE | {"replications": 100}))
    assert result.mean_wait.replications == 50
    assert result.replications == 100
    assert result.variance_reduction["mean_wait"] > 1.2


def test_the_halves_of_a_pair_draw_u_and_one_minus_u():
    law = gamma(mean=2, scv=0.7)
    one, other = (
        ByInversion(law=law, mirrored=m).rvs(1000, np.random.default_rng(4)) for m in (False, True)
    )
    np.testing.assert_allclose(law.cdf(one) + law.cdf(other), 1, atol=1e-12)
    assert stats.kstest(one, law.cdf).pvalue > 0.01
    plain = simulate(LINE, antithetic=True, customers=50, replications=2, seed=1, warmup=0)
    first, second = (run.sums[0, 5] - run.sums[0, 4] for run in plain.runs)
    assert (first - 50) * (second - 50) < 0


def test_without_a_wish_nothing_changes():
    plain = simulate(ROOM, **SIZE)
    assert (plain.variance_reduction.dropna() == 1).all()
    narrowed = simulate(ROOM, control="exact", **SIZE)
    assert narrowed.runs[3].sums.tobytes() == plain.runs[3].sums.tobytes()


def test_regression_is_the_textbooks():
    """Mean and half width against ordinary least squares, written out with the normal equations."""
    rng = np.random.default_rng(2)
    controls = rng.normal(size=(25, 2))
    values = 3 + controls @ [1.5, -0.7] + rng.normal(size=25)
    design = np.column_stack([np.ones(25), controls])
    inverse = np.linalg.inv(design.T @ design)
    slopes = inverse @ design.T @ values
    rest = values - design @ slopes
    error = np.sqrt(rest @ rest / 22 * inverse[0, 0])
    adjusted = controlled(values, controls)
    assert adjusted.mean() == pytest.approx(slopes[0], rel=1e-12)
    student = stats.t.ppf(0.975, 24) * adjusted.std(ddof=1) / 5
    assert student == pytest.approx(stats.t.ppf(0.975, 22) * error, rel=1e-9)


def test_differences_of_controlled_estimates_are_the_regression_of_the_difference():
    rng = np.random.default_rng(5)
    controls = rng.normal(size=(25, 2))
    one, two = (controls @ rng.normal(size=2) + rng.normal(size=25) for _ in range(2))
    apart = controlled(one, controls) - controlled(two, controls)
    np.testing.assert_allclose(apart, controlled(one - two, controls), atol=1e-12)


def test_a_control_that_never_varies_is_none():
    values = np.random.default_rng(1).normal(size=20)
    np.testing.assert_array_equal(controlled(values, np.zeros((20, 2))), values)
    np.testing.assert_array_equal(controlled(values[:3], np.ones((3, 1))), values[:3])


def test_classes_and_general_gaps_have_controls_too():
    classes = simulate(CLASSES, control="exact", **SIZE)
    assert classes.variance_reduction.shape[0] == len(classes.to_frame())
    gain = classes.variance_reduction[[("mean_number_in_system", 2)]].iloc[0]
    assert gain > 1
    regular = GGc(arrival_rate=4, service_rate=1, servers=5, interarrival_scv=0.5, service_scv=1.5)
    assert simulate(regular, control="exact", **SIZE).variance_reduction["mean_wait"] > 2


def test_until_stops_by_the_narrowed_interval():
    run = {"customers": 4000, "replications": 400, "seed": 3, "until": {"mean_wait": "4 %"}}
    plain, narrowed = simulate(ROOM, **run), simulate(ROOM, control="exact", **run)
    assert narrowed.is_narrow
    assert narrowed.replications < plain.replications


@pytest.mark.parametrize(
    ("model", "wish", "complaint"),
    [
        (LINE, {"control": "M/M/1"}, 'control is "exact" or None'),
        (LINE, {"antithetic": 2}, "antithetic must be True or False"),
        (LINE, {"antithetic": True, "replications": 21}, "come in pairs: replications=21 is odd"),
        (LINE, {"control": "exact", "replications": 9}, "from at least 10 replications"),
        (LINE, {"control": "exact", "antithetic": True, "replications": 18}, "or 10 pairs"),
        (PHASES, {"antithetic": True}, 'does not give quickly.*control="exact" needs none'),
        (
            MtMc(arrival_rate=Sinusoid(mean=3, amplitude=1, period=10), service_rate=1, servers=5),
            {"control": "exact", "customers": None, "horizon": 20.0},
            "changes with the clock: control= and antithetic=",
        ),
        (
            StationPlan(name="own", gaps=object(), services=(lognormal(mean=1, scv=1),), servers=1),
            {"antithetic": True},
            "does not give quickly",
        ),
    ],
)
def test_what_cannot_be_narrowed_is_refused_in_words(model, wish, complaint):
    with pytest.raises(ValueError, match=complaint):
        simulate(model, **({"customers": 200, "replications": 20} | wish))


def test_the_exact_model_is_in_equilibrium_from_the_first():
    """Runs of ten customers, no warm-up: the control's mean is what it is known to be."""
    for run in ({"customers": 10}, {"customers": 10, "antithetic": True}, {"horizon": 10.0}):
        result = simulate(GENERAL, control="exact", warmup=0, replications=1200, seed=2, **run)
        twins = np.array([one.exact.sums[0] for one in result.runs])
        assert (twins[:, 0] == 10).all() or "horizon" in run
        seconds = np.array([one.seconds for one in result.runs])
        waits = (twins[:, 4] - twins[:, 0] * 0.7 / 0.3) / 10  # mean 0, as is the next
        numbers = (twins[:, 6] - seconds * 0.7 / 0.3) / 10
        for off in (waits, numbers):
            assert abs(off.mean()) < 4 * off.std() / np.sqrt(off.size)
            assert off.std() < 10


def test_a_station_that_is_m_m_c_itself_has_its_inputs_as_controls_only():
    bank = simulate(MMc(arrival_rate=8, service_rate=1, servers=10), control="exact", **SIZE)
    assert bank.runs[0].exact is None
    assert bank.mean_wait.half_width > 0
    assert bank.variance_reduction["wait_probability"] > 2
