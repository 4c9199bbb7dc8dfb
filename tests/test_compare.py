"""A model asked four ways: what each answers, where they part, and what stands side by side."""

import math

import numpy as np
import pytest

from queueing import (
    MG1,
    MM1,
    ErlangA,
    FiniteSource,
    GGc,
    MMc,
    MMcK,
    MMInf,
    PriorityMMc,
    exponential,
    lognormal,
)
from queueing.nonstationary import MtMc, PiecewiseConstant, Sinusoid
from queueing.simulation import StationPlan, compare, simulate
from queueing.simulation.equations import chain_of
from queueing.simulation.fluid import fluid
from queueing.simulation.station import plan_of

BANK = MMc(arrival_rate=9, service_rate=1, servers=10)
CHAINS = [
    MM1(arrival_rate=0.7, service_rate=1),
    MM1(arrival_rate=0.999, service_rate=1),
    BANK,
    MMc(arrival_rate=1e-9, service_rate=1, servers=3),
    MMcK(arrival_rate=12, service_rate=1, servers=10, capacity=30),
    MMcK(arrival_rate=3, service_rate=1, servers=4, capacity=4),
    ErlangA(arrival_rate=12, service_rate=1, servers=10, patience_rate=0.2),
    ErlangA(arrival_rate=40, service_rate=1, servers=5, patience_rate=3),
    FiniteSource(population=20, think_time=5, service_rate=1, servers=3),
    MMInf(arrival_rate=300, service_rate=1),
]
QUICK = {"customers": 20_000, "replications": 12, "seed": 4}


@pytest.mark.parametrize("model", CHAINS, ids=repr)
def test_the_equations_give_the_closed_forms_by_another_way(model):
    for name, value in chain_of(model).quantities().items():
        exact = float(model.wait.ppf(0.95)) if name == "P95 wait" else getattr(model, name)
        assert value == pytest.approx(exact, rel=1e-9, abs=1e-14), name


@pytest.mark.parametrize("model", CHAINS[2::4], ids=repr)
def test_the_chain_is_in_balance(model):
    chain = chain_of(model)
    n = np.arange(chain.p.size)
    flow = chain.p[:-1] * chain._up(n[:-1]) - chain.p[1:] * chain._down(n[1:])
    np.testing.assert_allclose(flow, 0, atol=1e-12 * model.arrival_rate)


@pytest.mark.parametrize("model", [*CHAINS[2:3], *CHAINS[4:5], *CHAINS[6:7], *CHAINS[8:9]])
def test_the_exact_answers_lie_in_the_intervals(model):
    table = compare(model, **QUICK)
    judged = table["inside"].dropna()
    assert len(judged) >= 8
    assert judged.astype(bool).mean() > 0.7
    assert table.loc["mean_wait", "outside"] in {"fluid", "closed_form, exact_equations, fluid"}
    assert table.attrs["units"]["mean_wait"] == "s"
    assert table.attrs["ending"] == "12 replications"


def test_a_model_ten_per_cent_busier_is_outside():
    """The simulation of one station under the closed form of another."""

    class Mistaken(MMc):
        mean_number_in_system = MMc(
            arrival_rate=8, service_rate=1, servers=10
        ).mean_number_in_system

    wrong = Mistaken(arrival_rate=8.8, service_rate=1, servers=10)
    table = compare(wrong, **QUICK)
    assert table.loc["mean_number_in_system", "outside"] == "closed_form, fluid"
    assert not table.loc["mean_number_in_system", "inside"]


def test_what_has_no_answer_says_why():
    table = compare(MG1(arrival_rate=0.5, service=lognormal(mean=1, scv=2)), **QUICK)
    assert table["exact_equations"].isna().all()
    assert "no Markov chain in MG1" in table.attrs["why"]["exact_equations"]
    assert "not give it" in table.attrs["why"]["fluid", "P95 time in system"]
    rough = compare(
        GGc(arrival_rate=4, service_rate=1, servers=5, interarrival_scv=0.5, service_scv=1.5),
        **QUICK,
    )
    assert "an approximation" in rough.attrs["why"]["closed_form"]
    assert rough.loc["wait_probability", "outside"] == "closed_form, fluid"
    plan = StationPlan(
        name="own", gaps=exponential(mean=2), services=(exponential(mean=1),), servers=1, load=0.5
    )
    own = compare(plan, **QUICK)
    assert own.attrs["why"]["closed_form"] == "StationPlan has no formulas"
    assert own.loc["mean_wait", "inside"] is None


def test_an_overloaded_station_is_infinite_in_theory_and_not_simulated():
    table = compare(MM1(arrival_rate=2, service_rate=1), **QUICK)
    assert table.loc["mean_wait", "closed_form"] == table.loc["mean_wait", "fluid"] == math.inf
    assert table["simulation"].isna().all()
    assert "cannot keep up (rho = 2)" in table.attrs["why"]["simulation"]
    assert "no stationary law" in table.attrs["why"]["exact_equations"]


def test_classes_have_rows_of_their_own():
    table = compare(PriorityMMc(arrival_rates=[1, 2], service_rate=1, servers=4), **QUICK)
    rows = table.loc[[("mean_wait", 1), ("mean_wait", 2)]]
    assert rows["closed_form"].notna().all()
    assert rows["simulation"].iloc[0] < rows["simulation"].iloc[1]


def test_models_side_by_side_meet_the_same_customers():
    designs = {"ten": BANK, "eleven": BANK.with_servers(11)}
    table = compare(designs, **QUICK)
    assert table.index.names == ["model", "quantity"]
    row = table.loc[("eleven", "mean_wait")]
    first, second = (simulate(model, **QUICK).mean_wait for model in designs.values())
    assert row["difference"] == (second - first).mean
    assert row["difference_half_width"] == (second - first).half_width
    apart = math.hypot(first.half_width, second.half_width)
    assert row["difference_half_width"] < 0.9 * apart
    assert row["exact_difference"] == pytest.approx(designs["eleven"].mean_wait - BANK.mean_wait)
    assert (table.loc["ten"]["difference"].dropna() == 0).all()
    assert set(table.attrs["why"]) == {"ten", "eleven"}
    assert compare([BANK], **QUICK).index[0] == (repr(BANK), "mean_wait")


def test_over_time_the_law_is_that_of_kolmogorovs_equations():
    lunch = MtMc(
        arrival_rate=Sinusoid(mean=5, amplitude=4, period=40),
        service_rate=1,
        servers=PiecewiseConstant([(0, 6), (20, 4)]),
        capacity=12,
    )
    times = [10, 20, 30]
    table = compare(lunch, times=times, start=5, replications=800, seed=2)
    assert table.index.names == ["time", "quantity"]
    exact = lunch.exact(times, 5)
    got = table.xs("mean_number_in_system", level="quantity")
    np.testing.assert_allclose(got["exact_equations"], exact["mean_number_in_system"])
    np.testing.assert_allclose(got["fluid"], lunch.fluid(times, 5)["mean_number_in_system"])
    assert table["inside"].dropna().astype(bool).mean() >= 0.75
    empty = compare(lunch, times=[0.5, 1], replications=800, seed=2)
    assert (empty.xs("mean_number_in_system", level="quantity")["outside"] != "").sum() <= 1
    assert (
        abs(empty["simulation"].iloc[0] - lunch.exact([0.5], 5)["mean_number_in_system"].iloc[0])
        > 1
    )


def test_stations_that_stay_have_a_transient_too():
    table = compare([BANK, MMInf(arrival_rate=5, service_rate=1)], times=[1, 2], start=3, seed=1)
    endless = table.xs(repr(MMInf(arrival_rate=5, service_rate=1)))
    exact = MMInf(arrival_rate=5, service_rate=1).transient([1, 2], 3)
    closed = endless.xs("mean_number_in_system", level="quantity")["closed_form"]
    np.testing.assert_allclose(closed, exact)
    assert table.xs(repr(BANK))["exact_equations"].notna().all()


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (BANK, {"mean_number_in_system": 9, "mean_wait": 0, "wait_probability": 0}),
        (BANK.replace(arrival_rate=12), {"mean_wait": math.inf, "throughput": 10}),
        (
            MMcK(arrival_rate=12, service_rate=1, servers=10, capacity=30),
            {"blocking_probability": 1 / 6, "mean_queue_length": 20, "mean_wait": 2},
        ),
        (
            ErlangA(arrival_rate=12, service_rate=1, servers=10, patience_rate=0.2),
            {"abandonment_probability": 1 / 6, "mean_queue_length": 10},
        ),
        (
            FiniteSource(population=20, think_time=5, service_rate=1, servers=3),
            {"throughput": 3, "mean_number_in_system": 5},
        ),
    ],
)
def test_the_fluid_balances_what_comes_and_goes(model, expected):
    answers = fluid(plan_of(model))
    assert {name: answers[name] for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (({},), "no model to compare"),
        (([BANK, BANK],), "two of the models are the same"),
        (("bank",), "simulate runs MM1"),
        ((BANK, {"times": []}), "at least one time"),
        ((BANK, {"times": [-1.0]}), "times must hold finite numbers above 0"),
        ((BANK, {"times": [1, math.pi]}), "multiples of one step"),
        ((BANK, {"times": [1], "customers": 100}), "the last of them is the horizon"),
        ((BANK, {"start": 4}), "start= needs times="),
        ((BANK, {"replications": 0}), "replications must be a whole number"),
        ((MtMc(arrival_rate=Sinusoid(mean=1, amplitude=1, period=9), service_rate=1, servers=1),),
         "changes with the clock: say when to look"),
    ],
)  # fmt: skip
def test_bad_questions_are_refused_in_words(arguments, complaint):
    model, *rest = arguments
    with pytest.raises(ValueError, match=complaint):
        compare(model, **(rest[0] if rest else {}))
