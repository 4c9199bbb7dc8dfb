"""Retries and hit ratios of a design, its way through TOML, and the engine beside the theory."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from queueing.scenario import Design, Scenario, ScenarioError, report
from queueing.scenario.loading import MOST_BYTES
from queueing.scenario.plan import DATABASE, WORKERS, plan
from queueing.scenario.translate import engine_plan
from queueing.simulation.engine import Outcome, replicate

FORGE = Scenario.load("mailforge")
NO_QUEUE = {"queue": None, "workers": 0, "shards": 0, "sinks": 0}
BRIEF = replace(  # a quarter of an hour at the peak, where a third of the attempts fails
    FORGE,
    traffic=FORGE.traffic.model_copy(
        update={"baseline_users": 2600.0, "horizon_h": 0.25, "plateau_end_h": 1e3}
    ),
    job=FORGE.job.model_copy(update={"failure_probability": 0.3, "backoff_base_s": 1.0}),
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"max_attempts": 0}, "max_attempts must be a whole number of at least 1, got 0"),
        ({"max_attempts": 1.5}, "whole number"),
        ({"max_attempts": True}, "whole number"),
        ({"max_attempts": 101}, "max_attempts must be a whole number from 1 to 100, got 101"),
        ({"max_attempts": "few"}, "max_attempts must be a whole number"),
        ({"max_attempts": 3, **NO_QUEUE}, "max_attempts need a queue: sent inside the request"),
        ({"hit_ratio": 85}, "hit_ratio must be a number from 0 to 1, got 85"),
        ({"hit_ratio": -0.1}, "hit_ratio must be a number from 0 to 1, got -0.1"),
        ({"hit_ratio": float("nan")}, "hit_ratio must be a number from 0 to 1, got nan"),
        ({"hit_ratio": True}, "hit_ratio must be a number from 0 to 1, got True"),
        ({"hit_ratio": np.True_}, "hit_ratio must be a number from 0 to 1"),
        ({"hit_ratio": "warm"}, "hit_ratio must be a number from 0 to 1, got 'warm'"),
        ({"hit_ratio": {"stats": 0.9}}, "hit_ratio must be a number from 0 to 1"),
        ({"hit_ratio": 0.9, "cache": None}, "a hit_ratio needs a cache"),
    ],
)
def test_what_cannot_be_built_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        FORGE.design(**changes)
    assert said in str(caught.value)


def test_the_scenario_decides_unless_the_design_does() -> None:
    few = FORGE.design(max_attempts=2, hit_ratio=1)
    assert (FORGE.base.max_attempts, FORGE.base.hit_ratio) == (None, None)
    assert few.describe().endswith("1 sink, 2 attempts a mail, hit ratio 1")
    assert FORGE.design(max_attempts=1).describe().endswith("1 sink, 1 attempt a mail")
    named = replace(FORGE, base=few)
    assert named.design(max_attempts="none", hit_ratio="none") == FORGE.base
    assert FORGE.design(max_attempts=5) != FORGE.base  # though it does the same
    assert plan(FORGE, FORGE.design(max_attempts=5)) == plan(FORGE, FORGE.base)


def test_what_hangs_on_a_part_goes_with_it() -> None:
    """So a base with a hit ratio may have named designs without a cache."""
    rich = replace(FORGE, base=FORGE.design(hit_ratio=0.7, max_attempts=2, priority=True))
    assert rich.design(cache=None) == FORGE.design(cache=None, max_attempts=2, priority=True)
    assert rich.design(**NO_QUEUE) == FORGE.design(hit_ratio=0.7, **NO_QUEUE)
    with pytest.raises(ScenarioError, match="a hit_ratio needs a cache"):
        rich.design(cache=None, hit_ratio=0.7)


def test_every_class_that_asks_the_cache_has_the_hit_ratio() -> None:
    half = {kind.name: kind.hit_probability for kind in plan(FORGE, half_warm()).classes}
    assert half == {"send": 0, "preview": 0, "stats": 0.5, "list": 0.5}
    own = {kind.name: kind.hit_probability for kind in plan(FORGE, FORGE.base).classes}
    assert own == {"send": 0, "preview": 0, "stats": 0.85, "list": 0.8}


def half_warm() -> Design:
    return FORGE.design(hit_ratio=0.5)


def test_a_cold_cache_loads_the_database_as_if_there_were_none() -> None:
    cold, none = (
        plan(FORGE, FORGE.design(**changes)).work[DATABASE]
        for changes in ({"hit_ratio": 0}, {"cache": None})
    )
    assert cold == none


def test_a_warm_cache_needs_no_redis_for_uptime_only_if_the_database_is_large() -> None:
    """Whether Redis is in series depends on a cold cache, whatever the design says of a warm one.

    With one node its 0.5 % of downtime counts, but not before a database that can do without it.
    """
    small = FORGE.evaluate(FORGE.design(cache="one node", hit_ratio=0.99))
    large = FORGE.evaluate(FORGE.design(cache="one node", hit_ratio=0.99, database="m6i.large"))
    assert small.availability == pytest.approx(0.99326, abs=1e-5)
    assert large.availability == pytest.approx(0.99825, abs=1e-5)


@pytest.mark.parametrize("most", [1, 2, 5])
def test_theory_counts_the_attempts_that_there_are(most: int) -> None:
    made = plan(FORGE, FORGE.design(max_attempts=most))
    attempts = (1 - 0.05**most) / 0.95
    assert made.delivered_share == pytest.approx(1 - 0.05**most)
    assert made.work[WORKERS] == pytest.approx(0.25 * attempts * 0.847)
    card = FORGE.evaluate(FORGE.design(max_attempts=most))
    assert card.worker_load == pytest.approx(2600 / 14.06 / 4 * attempts * 0.847 / 50)


def test_fewer_attempts_are_faster_and_lose_more() -> None:
    """One attempt: 95 % of those that are delivered take what an attempt takes."""
    times = [
        FORGE.evaluate(FORGE.design(workers=12, max_attempts=most)).delivery_p95_s
        for most in (1, 2, 5)
    ]
    assert times == sorted(times)
    sigma = np.sqrt(np.log(3))
    smtp = 0.8 * np.exp(1.645 * sigma - sigma**2 / 2)  # the lognormal's 95th percentile
    assert times[0] == pytest.approx(0.035 + smtp, abs=0.03)
    puts = [
        FORGE.evaluate(FORGE.design(max_attempts=most)).cost_lines["usd_month"].sum()
        for most in (1, 5)
    ]
    assert puts[0] < puts[1]  # what is not delivered brings no events


# Against the engine


def simulated(scenario: Scenario, **changes: Any) -> Outcome:
    made = engine_plan(scenario, scenario.design(**changes))
    return replicate(made, np.random.SeedSequence(2), failures=False)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_the_engine_gives_up_as_often_as_theory_says(most: int) -> None:
    """Dead letters of all mails that came to an end, 0.3^m of them, and not 0.3^(m+1)."""
    totals = simulated(BRIEF, workers=12, max_attempts=most).totals
    share = totals["dead"] / (totals["dead"] + totals["delivered"])
    error = np.sqrt(0.3**most / (totals["dead"] + totals["delivered"]))
    assert abs(share - 0.3**most) < 4.5 * error
    assert abs(share - 0.3 ** (most + 1)) > 4.5 * error


def test_the_engine_works_for_as_many_attempts_as_theory() -> None:
    busy = simulated(BRIEF, workers=12, max_attempts=2).busy("workers")
    work = plan(BRIEF, BRIEF.design(workers=12, max_attempts=2)).work[WORKERS]
    more = plan(BRIEF, BRIEF.design(workers=12)).work[WORKERS]
    rate = BRIEF.traffic.peak_rate
    assert busy == pytest.approx(work * rate, rel=0.03) != pytest.approx(more * rate, rel=0.03)


def test_the_engine_s_cache_hits_as_often_as_theory_s() -> None:
    """Statistics that miss half of the time; with the scenario's own 0.85 they are told apart."""
    outcome = simulated(BRIEF, hit_ratio=0.5)
    found = 1000 * outcome.response(0.95, kind="stats", window="peak")
    half, own = (BRIEF.evaluate(BRIEF.design(**changes)) for changes in ({"hit_ratio": 0.5}, {}))
    assert half.class_p95_ms["stats"] == pytest.approx(found, rel=0.05)
    assert own.class_p95_ms["stats"] != pytest.approx(found, rel=0.2)


# Through TOML

DESIGNS = st.fixed_dictionaries(
    {
        "servers": st.integers(1, 1000),
        "database": st.sampled_from(sorted(FORGE.catalogue["postgres"])),
        "cache": st.sampled_from(sorted(FORGE.catalogue["redis"])),
        "workers": st.integers(1, 20),
        "shards": st.integers(0, 3),
        "sinks": st.integers(0, 3),
        "priority": st.booleans(),
        "maximum_workers": st.none() | st.integers(20, 30),
        "max_attempts": st.none() | st.integers(1, 100),
        "hit_ratio": st.none() | st.floats(0, 1),
    }
)


@given(DESIGNS, st.sampled_from(sorted(FORGE.designs)))
def test_a_design_goes_through_toml_and_repr(changes: dict[str, Any], base: str) -> None:
    design = FORGE.design(**changes)
    elsewhere = replace(FORGE, base=FORGE.designs[base])
    assert elsewhere.design_from_toml(design.to_toml()) == design
    assert eval(repr(design), {"Design": Design}) == design  # noqa: S307
    assert hash(elsewhere.design_from_toml(design.to_toml())) == hash(design)


@pytest.mark.parametrize("name", FORGE.designs)
def test_named_designs_go_through_toml(name: str, tmp_path: Path) -> None:
    design = FORGE.designs[name]
    file = tmp_path / "mine.toml"
    file.write_text(design.to_toml(), encoding="utf-8")
    for source in (design.to_toml(), file, str(file)):
        assert FORGE.design_from_toml(source) == design
    lines = "".join(f"    {line}\n" for line in design.to_toml().splitlines())
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(f'extends = "mailforge"\n[designs.mine]\n{lines}', encoding="utf-8")
    assert Scenario.load(scenario).designs["mine"] == design


def test_toml_may_say_only_what_differs() -> None:
    assert FORGE.design_from_toml("workers = 4") == FORGE.designs["E with 4 workers"]
    assert FORGE.design_from_toml("") == FORGE.base
    assert FORGE.design_from_toml('cache = "none" # off') == FORGE.designs["E without Redis"]


def test_odd_names_of_variants_are_written_so_that_they_can_be_read() -> None:
    odd = 'a "b" \\ \n\t\x7f\x01 é \U0001f600'
    (part, *_others) = FORGE.catalogue["postgres"].values()
    parts = dict(FORGE.catalogue.parts) | {
        "postgres": {odd: part.model_copy(update={"variant": odd})}
    }
    strange = replace(
        FORGE,
        catalogue=replace(FORGE.catalogue, parts=parts),
        base=replace(FORGE.base, database=odd),
    )
    assert strange.design_from_toml(strange.base.to_toml()) == strange.base


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("workers = 4.5", ["the text: workers must be a whole number", "4.5"]),
        ("wrkers = 4", ["the text: no part 'wrkers'", "did you mean 'workers'?"]),
        ("workers = 1979-05-27", ["workers must be a whole number"]),
        ("hit_ratio = nan", ["hit_ratio must be a number from 0 to 1"]),
        ("hit_ratio = [0.5]", ["hit_ratio must be a number from 0 to 1", "[0.5]"]),
        ('[hit_ratio]\nstats = "x"', ["hit_ratio must be a number from 0 to 1"]),
        ("workers = 0x" + "f" * 5000, ["workers must be a whole number", "very large"]),
        ("workers = " + "9" * 5000, ["is not TOML", "too many digits"]),
        ("workers 4", ["the text is not TOML"]),
        ('database = "AZ"', ["the text: database: no postgres 'AZ'"]),
        ('queue = "none"', ["the text: workers need a queue"]),
        ("a = " + "[" * 100_000, ["nested too deeply"]),
        ("a = 1\n" + ".".join("b" * 1000) + " = 1", ["nested too deeply"]),
        ("#" * (MOST_BYTES + 1), ["at most"]),
        ("absent.toml", ["'absent.toml'", "there is no such file"]),
        (Path("absent"), ["there is no such file"]),
        (5, ["a TOML text or the path of a file", "5"]),
        (None, ["a TOML text or the path of a file", "None"]),
    ],
)
def test_what_is_no_design_is_refused(source: Any, words: list[str]) -> None:
    with pytest.raises(ScenarioError) as caught:
        FORGE.design_from_toml(source)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_programs_are_told_both(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('extends = "mailforge"\n[design]\nmax_attempts = 1\nhit_ratio = 0.7\n')
    mine = Scenario.load(file)
    told = json.loads(json.dumps(report.data(mine.evaluate(mine.base))))
    assert (told["design"]["max_attempts"], told["design"]["hit_ratio"]) == (1, 0.7)
    file.write_text('extends = "mailforge"\n[design]\nhit_ratio = 70\n')
    with pytest.raises(ScenarioError, match=r"design\.hit_ratio must be a number from 0 to 1"):
        Scenario.load(file)
