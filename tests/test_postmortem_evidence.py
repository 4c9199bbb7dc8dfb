"""The numbers in the sentences of a post-mortem, by hand and by an independent simulation."""

import dataclasses
import math
from typing import Any

import pytest
from scipy import stats

from queueing.scenario import Scenario
from queueing.scenario.mistakes.case import Finding

FORGE = Scenario.load("mailforge")
NO_QUEUE = {"queue": None, "workers": 0, "shards": 0, "sinks": 0}
BARE = {"shards": 0, "sinks": 0}
LARGE = "m6i.large multi-AZ 50 GB"

Changes = dict[str, Any]


def altered(**tables: Changes) -> Scenario:
    """Return MailForge with other keys in its tables."""
    new = {
        name: getattr(FORGE, name).model_copy(update=changes) for name, changes in tables.items()
    }
    return dataclasses.replace(FORGE, **new)


def found(scenario: Scenario, rule: str, **changes: Any) -> Finding:
    findings = scenario.postmortem(scenario.evaluate(scenario.design(**changes)))
    (finding,) = [one for one in findings if one.rule == rule]
    return finding


FAILING = altered(job={"failure_probability": 0.3})
NO_BACKOFF = altered(job={"backoff_base_s": 0.0})
NOISY = altered(tracking={"events_per_mail": 30.0})
STRICT = altered(contract={"uptime": 0.999})

# The numbers, by hand: 2600 users / 14.06 s = 184.9 requests a second, a quarter of them mails

REQUESTS = 2600 / 14.06
MAILS = REQUESTS / 4
ATTEMPTS = (1 - 0.05**5) / 0.95
COLD_MS = 0.25 * 12 + 0.10 * 3 + 0.25 * 80 + 0.40 * 6  # of the database, for a request
WARM_MS = 0.25 * 12 + 0.10 * 3 + 0.25 * 80 * 0.15 + 0.40 * 6 * 0.20
HAND: list[tuple[str, Scenario, Changes, dict[str, float]]] = [
    (
        "workers short",
        FORGE,
        {"workers": 4},
        {"erlangs": MAILS * ATTEMPTS * 0.847, "threads": 40, "workers_needed": 5},
    ),
    (
        "retry storm",
        FAILING,
        {},
        {
            "expected_attempts": (1 - 0.3**5) / 0.7,
            "load_of_first_attempts": MAILS * 0.847 / 50,
            "worker_load": MAILS * 0.847 * (1 - 0.3**5) / 0.7 / 50,
            "attempts_that_fit": 1,  # two are 1.3 attempts in the mean: 1.018
        },
    ),
    (
        "metastable without the cache",
        FORGE,
        {},
        {
            "database_load": REQUESTS * WARM_MS / 4000,
            "database_load_cold": REQUESTS * COLD_MS / 4000,
            "hits_it_can_lose": (4000 / REQUESTS - WARM_MS) / (COLD_MS - WARM_MS),
        },
    ),
    (
        "telemetry in the database",
        FORGE,
        BARE,
        {
            "events_per_s": 6 * MAILS,
            "database_load": REQUESTS * WARM_MS / 4000 + 6 * MAILS * 8 / 4000,
            "database_load_without": REQUESTS * WARM_MS / 4000,
        },
    ),
    (
        "no cache",
        FORGE,
        {"cache": None},
        {"database_load": REQUESTS * COLD_MS / 4000},
    ),
    (
        "stream without readers",
        FORGE,
        {"sinks": 0},
        {
            "threads_of_records": 6 * MAILS * 0.012,
            "worker_load": (MAILS * ATTEMPTS * 0.847 + 6 * MAILS * 0.012) / 50,
            "worker_load_without": MAILS * ATTEMPTS * 0.847 / 50,
        },
    ),
    ("stream full", NOISY, {}, {"events_per_s": 30 * MAILS, "records_per_s": 1000}),
    (
        "sink short",
        NOISY,
        {},
        {"sink_load": 30 * MAILS * 0.012 / 10, "behind_per_s": 30 * MAILS - 10 / 0.012},
    ),
    (
        "sink without a stream",
        FORGE,
        {"shards": 0},
        {"lost_events": 0.005 * 6 * FORGE.traffic.requests / 4, "buffer_s": 10_000 / (6 * MAILS)},
    ),
    ("no spare", FORGE, {"servers": 3}, {"servers_needed": 3, "enough_servers_up": 0.995**3}),
    ("single point", FORGE, {"database": "single-AZ"}, {"part_availability": 0.995}),
    ("parts in series", STRICT, {}, {"parts": 5, "weakest": 0.999}),
    (
        "dead letters",
        FORGE,
        {"max_attempts": 2},
        {"dead_letters": 0.0025 * FORGE.traffic.requests / 4, "dead_share": 0.0025},
    ),
    (
        "retries without backoff",
        NO_BACKOFF,
        {},
        {"attempts_over_s": 5 * 0.847},
    ),
    (
        "sending inside the request",
        FORGE,
        {"servers": 12, **NO_QUEUE},
        {"inside_s": 0.835},
    ),
    (
        "over budget",
        FORGE,
        {"servers": 8, "workers": 12, "database": LARGE, "shards": 2},
        {"budget": 580, "cost_without": FORGE.evaluate(FORGE.base).cost, "dearest_line": 364.44},
    ),
]


@pytest.mark.parametrize(("rule", "scenario", "changes", "numbers"), HAND)
def test_the_evidence_by_hand(
    rule: str, scenario: Scenario, changes: Changes, numbers: dict[str, float]
) -> None:
    evidence = found(scenario, rule, **changes).evidence
    assert {name: evidence[name] for name in numbers} == pytest.approx(numbers, rel=2e-4)


def test_the_seed_s_failure_behind_green_numbers() -> None:
    """Simulated independently: 101 000 mails at hour 32, the oldest 36 minutes, P95 112 ms."""
    finding = found(FORGE, "invisible failure", workers=4)
    assert finding.hour == pytest.approx(32, abs=0.5)
    assert finding.broken
    assert finding.evidence["worst_backlog"] == pytest.approx(101_000, rel=0.05)
    assert finding.evidence["oldest_mail_s"] == pytest.approx(36 * 60, rel=0.05)
    assert finding.evidence["p95_ms"] == pytest.approx(112, rel=0.03)
    assert finding.evidence["acknowledged_p95_ms"] == pytest.approx(101, rel=0.03)
    assert finding.evidence["delivery_p95_s"] > 30 * 60
    assert "Every API number is green" in finding.sentence
    oldest = FORGE.evaluate(FORGE.design(workers=4)).timeline["oldest_mail_s"]
    since = finding.evidence["late_from_hour"]
    assert oldest[since] > 300 >= oldest[oldest.index < since].max()


def test_a_lone_server_is_up_as_often_as_it_is() -> None:
    evidence = found(FORGE, "no load balancer", servers=1, load_balancer=False).evidence
    assert evidence["server_availability"] == 0.995
    assert evidence["availability"] == pytest.approx(0.995 * 0.9995 * 0.999 * 0.9999)


def test_what_the_cold_cache_would_do_is_what_no_cache_does() -> None:
    cold = found(FORGE, "metastable without the cache").evidence
    without = FORGE.evaluate(FORGE.design(hit_ratio=0.0))
    assert cold["database_load_cold"] == pytest.approx(without.stations["database"].max())
    assert 1 - cold["unanswered_cold"] == pytest.approx(
        without.timeline["answered"].min(), abs=0.01
    )


def test_scaled_everything_is_trimmed_to_the_balanced_design() -> None:
    assert found(FORGE, "over budget", servers=8, workers=12, database=LARGE, shards=2).instead == (
        FORGE.base
    )


def test_the_sentence_says_what_the_evidence_says() -> None:
    """Its numbers move with the scenario: nothing in it is a fixed text."""
    finding = found(altered(traffic={"peak_users": 2700.0}), "invisible failure", workers=4)
    for name, shown in (
        ("worker_load", "{:.2f}"),
        ("worst_backlog", "{:,.0f}"),
        ("acknowledged_p95_ms", "{:.0f} ms"),
    ):
        assert shown.format(finding.evidence[name]) in finding.sentence
    assert finding.evidence["worker_load"] == pytest.approx(1.03 * 2700 / 2600, rel=0.002)


def test_a_slot_less_than_needed_is_overload() -> None:
    """Three servers run at 0.70; two would be asked for more than they have."""
    evidence = found(FORGE, "no spare", servers=3).evidence
    assert evidence["slots_load_with_one_less"] > FORGE.rules.station_limit
    assert evidence["slots_load_with_one_less"] == pytest.approx(
        FORGE.evaluate(FORGE.design(servers=2)).stations["slots"].max()
    )


def test_attempts_that_outlast_the_timeout() -> None:
    """SMTP is lognormal, mean 0.8 s, SCV 2: by hand with the render's and the receipt's mean."""
    evidence = found(altered(job={"visibility_timeout_s": 2.0}), "visibility timeout").evidence
    sigma = math.sqrt(math.log(3))
    score = (math.log((2 - 0.047) / 0.8) + sigma**2 / 2) / sigma
    assert evidence["outlasting_share"] == pytest.approx(stats.norm.sf(score), rel=0.01)
    p99 = 0.8 * math.exp(stats.norm.ppf(0.99) * sigma - sigma**2 / 2) + 0.047
    assert evidence["attempt_p99_s"] == pytest.approx(p99, rel=0.01)


def test_latency_without_waiting() -> None:
    """P95 of the bottleneck without anybody else: 107.1 ms by independent arithmetic of steps."""
    evidence = found(altered(contract={"p95_ms": 110.0}), "bottleneck").evidence
    assert evidence["p95_alone_ms"] == pytest.approx(107.1, abs=0.1)
    assert evidence["cpu_load"] == pytest.approx(
        REQUESTS * (0.25 * 18 + 0.1 * 85 + 0.25 * 16 + 0.4 * 14) / 8000, rel=1e-3
    )
