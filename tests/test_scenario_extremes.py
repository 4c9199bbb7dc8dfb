"""Scenarios at the ends of what a file may say: an answer or a refusal, never a slip of ours."""

import math
import warnings
from pathlib import Path

import pytest

from queueing.scenario import Scenario, ScenarioError, Trace

MINUTES = "horizon_h = 0.001\nramp_center_h = 0\nramp_width_h = 0.001\nplateau_end_h = 0.0005\n"
NEEDLE = "ramp_center_h = 8.005\nramp_width_h = 0.001\nplateau_end_h = 8.005\n"


def made(folder: Path, tables: str) -> Scenario:
    path = folder / "mine.toml"
    path.write_text(f'extends = "mailforge"\n{tables}\n', encoding="utf-8")
    return Scenario.load(path)


@pytest.mark.parametrize("shape", [MINUTES, NEEDLE], ids=["seconds of a run", "a needle of a peak"])
def test_a_peak_shorter_than_a_minute_is_judged(tmp_path: Path, shape: str) -> None:
    scenario = made(tmp_path, f"[traffic]\n{shape}decay_h = 0.001")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        card = scenario.evaluate(scenario.base)
        assert 50 < card.p95_ms < 200
        assert 0 < card.peak.request_rate <= scenario.traffic.peak_rate
        assert scenario.postmortem(card)[0].sentence
        assert math.isfinite(scenario.search(servers=4, workers=5).designs["p95_ms"].iloc[0])


def test_a_run_of_three_minutes_is_followed_closely(tmp_path: Path) -> None:
    """Its mails, counted on the grid of the theory, are those of the curve."""
    scenario = made(
        tmp_path, "[traffic]\nhorizon_h = 0.05\nramp_center_h = 0.02\nramp_width_h = 0.004"
    )
    rates = scenario.evaluate(scenario.base).timeline["requests_per_s"]
    assert rates.size > 100
    assert rates.mean() == pytest.approx(scenario.traffic.mean_rate, rel=0.005)


@pytest.mark.parametrize("share", [0.99999, 1.0])
@pytest.mark.parametrize("priority", [False, True])
def test_mails_that_hardly_ever_or_never_arrive(
    tmp_path: Path, share: float, *, priority: bool
) -> None:
    scenario = made(tmp_path, f"[job]\nfailure_probability = {share}")
    card = scenario.evaluate(scenario.design(workers=50, priority=priority))
    assert math.isinf(card.delivery_p95_s) is (share == 1)
    assert ("delivered never" in str(card)) is (share == 1)
    assert scenario.postmortem(card).text()


def test_a_line_that_is_never_served_is_told_so(tmp_path: Path) -> None:
    """The urgent mails alone are too many for the one worker: the others never have a turn."""
    scenario = made(tmp_path, "[job]\ntransactional_share = 0.9\n[traffic]\nplateau_end_h = 54")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        card = scenario.evaluate(scenario.design(workers=1, priority=True))
        assert math.isinf(card.delivery_by_priority_p95_s["bulk"])
        assert math.isfinite(card.delivery_by_priority_p95_s["transactional"])
        assert "bulk never" in str(card)
        assert scenario.postmortem(card).text()


def test_a_remedy_stays_within_what_a_design_may_have(tmp_path: Path) -> None:
    """Two hundred million users ask for 331,516 workers; a design has a thousand at most."""
    scenario = made(tmp_path, "[traffic]\npeak_users = 2e8")
    told = scenario.postmortem(scenario.evaluate(scenario.base))
    short = next(finding for finding in told if finding.rule == "workers short")
    assert short.instead
    assert short.instead.workers == 1000
    assert "as many as a design may have" in short.remedy
    forge = Scenario.load("mailforge")
    usual = forge.postmortem(forge.evaluate(forge.design(workers=4)))
    assert "as many as" not in usual.text()


def test_what_is_kept_only_just_is_not_called_well(tmp_path: Path) -> None:
    """Three workers at 1.00 of what they can do, for few enough hours that every mail is fresh."""
    traffic = (
        "ramp_center_h = 2\nramp_width_h = 0.3\nplateau_end_h = 9\ndecay_h = 2\nhorizon_h = 16"
    )
    quick = "peak_users = 900\nthink_time_s = 8"
    scenario = made(
        tmp_path,
        f"classes.send.share = 0.3\nclasses.preview.share = 0.05\n[traffic]\n{traffic}\n{quick}",
    )
    told = {}
    for workers in (3, 5):
        card = scenario.evaluate(scenario.design(workers=workers))
        assert card.passes
        (told[workers],) = (
            finding for finding in scenario.postmortem(card) if finding.rule == "least margin"
        )
    assert told[3].evidence["growth_to_full"] < 0.05
    assert "add to the workers before more come" in told[3].remedy
    assert "Nothing has to be done" in told[5].remedy


def test_a_few_users_are_not_told_in_per_cent(tmp_path: Path) -> None:
    scenario = made(tmp_path, "[traffic]\nbaseline_users = 0\npeak_users = 1")
    (finding,) = (
        each
        for each in scenario.postmortem(scenario.evaluate(scenario.base))
        if each.rule == "least margin"
    )
    assert "times the users would fill it" in finding.sentence


def test_a_waiting_room_without_end_is_refused(tmp_path: Path) -> None:
    """Theory keeps a number for each place in it."""
    with pytest.raises(ScenarioError, match=r"rules.waiting_room must be .* to 10000, got 1000000"):
        made(tmp_path, "[rules]\nwaiting_room = 1_000_000")


def test_a_long_value_is_told_in_short(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        made(tmp_path, f'[design]\nservers = "{"9" * 10_000}"')
    assert len(str(caught.value)) < 300


def test_a_handful_of_users_who_think_and_wait_are_judged() -> None:
    """There are fewer of them than servers, so that not every server can be busy."""
    forge = Scenario.load("mailforge")
    trace = Trace.of_counts([50, 60, 40, 80, 50, 60], step_s=3600, name="a quiet day")
    for users in (0.5, 1, 2, 3, 4, 9):
        quiet = forge.with_trace(trace, step_s=3600, peak_users=users)
        card = quiet.evaluate(quiet.base)
        assert card.closed.p95_ms == pytest.approx(card.p95_ms, rel=0.01)
        assert card.closed.users <= users


def test_a_rush_that_is_over_before_a_backlog_is_seen(tmp_path: Path) -> None:
    """At one minute of the grid the mails' load is beyond 1, and no line is to be seen yet."""
    shape = "ramp_center_h = 7.9995\nramp_width_h = 0.001\nplateau_end_h = 8.0\ndecay_h = 0.001"
    rush = made(tmp_path, f"[traffic]\npeak_users = 6000\n{shape}")
    card = rush.evaluate(rush.base)
    assert card.mails
    assert card.mails.load.max() > 1
    assert not card.mails.lines[0].waiting.any()
    assert 0 < card.delivery_p95_s < math.inf


def test_a_rate_that_is_cut_too_finely_is_refused() -> None:
    times = [60.0 * k for k in range(1000)]
    trace = Trace.of_instants(times, name="mine")
    forge = Scenario.load("mailforge")
    with pytest.raises(ScenarioError, match=r"makes 59,940 windows.*so take at least 5\.994"):
        forge.with_trace(trace, step_s=1)
    fine = forge.with_trace(trace, step_s=10)  # finer than theory's usual grid
    rates = fine.evaluate(fine.base).timeline["requests_per_s"]
    assert rates.mean() == pytest.approx(fine.traffic.mean_rate, rel=0.02)
