"""The exercises of 09_streams_and_telemetry: what events fill, and where a backlog moves to."""

from dataclasses import replace

from queueing.lab import words
from queueing.lab.exercises import Exercise, NearMiss
from queueing.lab.streamed import (
    events_per_second,
    fewest,
    noisier,
    shard_rate,
    sink_rate,
    stream_rate,
    tandem,
)
from queueing.scenario import Design, Scenario
from queueing.scenario.plan import DATABASE, WORKERS, expected_attempts, plan

_HIDDEN, _CAMPAIGN, _LOUD = 9, 40, 22  # events of a mail, in each exercise
_MORE_WORKERS = 2


def _shared(scenario: Scenario) -> Design:
    return scenario.design(shards=0, sinks=0)


def _database(scenario: Scenario, design: Design) -> float:
    return plan(scenario, design).load(scenario.traffic.peak_rate)[DATABASE]


def _record_ms(scenario: Scenario) -> float:
    return scenario.tracking.record.mean_ms


def _mails(scenario: Scenario) -> float:
    return scenario.traffic.peak_rate * scenario.mails_per_request


def _threads(scenario: Scenario) -> int:
    return scenario.base.workers * scenario.catalogue.the("worker").slots


def _load(scenario: Scenario, events_per_mail: float) -> float:
    """Load of workers that read the stream besides their mails, to three digits as in a log."""
    design = scenario.design(shards=1, sinks=0)
    made = plan(noisier(scenario, events_per_mail), design)
    return round(made.load(scenario.traffic.peak_rate)[WORKERS], 3)


def _records(scenario: Scenario) -> float:
    """Records a second that the workers of the log read."""
    more = _load(scenario, _HIDDEN) - _load(scenario, 0)
    return more * _threads(scenario) / _record_ms(scenario) * 1000


def _hidden(scenario: Scenario) -> float:
    return _records(scenario) / _mails(scenario)


def _tries(scenario: Scenario) -> float:
    job = plan(scenario, scenario.base).job
    return expected_attempts(job) if job else 1.0


def _campaign(scenario: Scenario) -> Scenario:
    return noisier(scenario, _CAMPAIGN)


def _too_many(scenario: Scenario) -> float:
    """Events a second that come beyond what stream and sinks of the scenario take."""
    base = scenario.base
    took = stream_rate(scenario, max(base.shards, 1), max(base.sinks, 1))
    return max(events_per_second(noisier(scenario, _LOUD)) - took, 0.0)


def _held_back(scenario: Scenario) -> float:
    """Events a second with too few workers."""
    return _LOUD * float(tandem(noisier(scenario, _LOUD), workers=_before(scenario)).throughput[1])


def _before(scenario: Scenario) -> int:
    return max(scenario.base.workers - _MORE_WORKERS, 1)


def _predict_question(scenario: Scenario) -> str:
    card, busy = scenario.evaluate(scenario.base), _database(scenario, scenario.base)
    return (
        f"{scenario.traffic.peak_rate:.0f} requests a second come at the peak, the database is "
        f"busy {100 * busy:.0f} % of the time, and 95 % of the users have their answer within "
        f"{card.p95_ms:.0f} ms. Now each mail brings back "
        f"{scenario.tracking.events_per_mail:g} events, as web-hooks at the same servers: "
        f"{events_per_second(scenario):.0f} a second, and each keeps the database busy for "
        f"{scenario.tracking.hook_write.mean_ms:g} ms. Not one user more comes. Within which time "
        "do 95 % of the users have their answer?"
    )


def _predict_solution(scenario: Scenario) -> str:
    card, shared = scenario.evaluate(scenario.base), scenario.evaluate(_shared(scenario))
    return (
        f"The web-hooks raise the load of the database from "
        f"{_database(scenario, scenario.base):.2f} to {_database(scenario, _shared(scenario)):.2f}."
        f" A user's own work is as short as ever. What grows is the wait before it, and the wait "
        f"for a slot of the server, which is held meanwhile: {shared.p95_ms:.0f} ms instead of "
        f"{card.p95_ms:.0f}."
    )


def _log_solution(scenario: Scenario) -> str:
    more = _load(scenario, _HIDDEN) - _load(scenario, 0)
    return (
        f"{_load(scenario, _HIDDEN):.3f} − {_load(scenario, 0):.3f} = {more:.3f} of "
        f"{_threads(scenario)} threads, {more * _threads(scenario):.1f} of them, read records. At "
        f"{_record_ms(scenario):g} ms each that is {_records(scenario):.0f} records a second; "
        f"divided by {_mails(scenario):.1f} mails, {_hidden(scenario):.1f} each."
    )


def _parts_solution(scenario: Scenario) -> str:
    loud = _campaign(scenario)
    rate, (shards, sinks) = events_per_second(loud), fewest(loud)
    cost = loud.evaluate(replace(loud.base, shards=shards, sinks=sinks)).cost
    return (
        f"{rate:.0f} events a second. A shard takes {shard_rate(loud, 1):,.0f}, so there are "
        f"{words.many(shards, 'shard')}; a sink digests {sink_rate(loud, 1):.0f}, so there are "
        f"{words.many(sinks, 'sink')}. The bill: {cost:.0f} USD a month, of which the budget has "
        f"{scenario.contract.budget_usd_month:g}."
    )


def _moved_solution(scenario: Scenario) -> str:
    loud, base = noisier(scenario, _LOUD), scenario.base
    took = stream_rate(scenario, max(base.shards, 1), max(base.sinks, 1))
    return (
        f"The old workers let {_held_back(scenario):.0f} events a second through, less than the "
        f"{took:.0f} that {words.many(max(base.sinks, 1), 'sink')} can digest. The new ones let "
        f"all {events_per_second(loud):.0f} through: {_too_many(scenario):.0f} a second are left "
        "over. The bottleneck was not removed; it moved one house down."
    )


EXERCISES = (
    Exercise(
        key="09-predict",
        title="Predict",
        prediction=True,
        question=_predict_question,
        unit="ms",
        answer=lambda scenario: scenario.evaluate(_shared(scenario)).p95_ms,
        solution=_predict_solution,
        near_misses=(
            NearMiss(
                lambda scenario: scenario.evaluate(scenario.base).p95_ms,
                "Nobody of the users asks for more, but all wait in the lines that have grown.",
            ),
            NearMiss(
                lambda scenario: (
                    scenario.evaluate(scenario.base).p95_ms
                    * _database(scenario, _shared(scenario))
                    / _database(scenario, scenario.base)
                ),
                "The whole answer does not grow in step with the database's load: only the waiting "
                "for it does, and most of an answer is other work.",
            ),
        ),
    ),
    Exercise(
        key="09-log",
        title="Exercise 1: busier without more mails",
        question=lambda scenario: (
            "A diagnosis. A stream was bought and no sinks, so the workers read its records "
            f"besides their mails, {_record_ms(scenario):g} ms each. At the peak, with "
            f"{_mails(scenario):.1f} mails a second as ever, the {_threads(scenario)} threads are "
            f"now busy {_load(scenario, _HIDDEN):.3f} of the time instead of "
            f"{_load(scenario, 0):.3f}. How many events does a mail bring?"
        ),
        unit="events a mail",
        tolerance=0.03,
        answer=_hidden,
        solution=_log_solution,
        near_misses=(
            NearMiss(_records, "So many records are read in a second. How many mails bring them?"),
            NearMiss(
                lambda scenario: _hidden(scenario) / _tries(scenario),
                "You divided by attempts. One that fails delivers nothing and brings no event.",
            ),
        ),
        hints=(
            "By how much has the load grown, and how many threads is that?",
            "A thread reads a record in so many milliseconds: how many do they read in a second?",
        ),
    ),
    Exercise(
        key="09-parts",
        title="Exercise 2: a loud campaign",
        question=lambda _scenario: (
            f"A design. The next campaign wants every click and scroll: {_CAMPAIGN} events a mail. "
            "Nothing may be left behind at the peak. How many shards and sinks does that take, "
            "both counted together?"
        ),
        unit="shards and sinks",
        tolerance=0.0,
        answer=lambda scenario: sum(fewest(_campaign(scenario))),
        solution=_parts_solution,
        near_misses=(
            NearMiss(
                lambda scenario: max(fewest(_campaign(scenario))),
                "That is one of the two. Both stand in the way of every event.",
            ),
            NearMiss(
                lambda scenario: 2 * max(fewest(_campaign(scenario))),
                "They need not be equal in number: a shard and a sink do not take the same.",
            ),
            NearMiss(
                lambda scenario: 2 * min(fewest(_campaign(scenario))),
                "With as many sinks as shards one of the two still falls behind.",
            ),
        ),
        hints=(
            "How many events a second are that at the peak?",
            "Divide by what a shard takes, and by what a sink digests; round each up.",
        ),
    ),
    Exercise(
        key="09-moved",
        title="Exercise 3: mails fresh, numbers old",
        question=lambda scenario: (
            f"A diagnosis. Mails bring {_LOUD} events each. "
            f"{words.many(_before(scenario), 'worker')} could not keep up, so the mails grew old; "
            f"the events, {_held_back(scenario):.0f} a second, were no trouble for "
            f"{words.many(max(scenario.base.shards, 1), 'shard')} and "
            f"{words.many(max(scenario.base.sinks, 1), 'sink')}. Since there are "
            f"{words.many(scenario.base.workers, 'worker')} every mail is fresh, and the "
            "statistics get older and older. By how many events does their backlog grow in a "
            "second of the peak?"
        ),
        unit="events a second",
        tolerance=0.03,
        answer=_too_many,
        solution=_moved_solution,
        near_misses=(
            NearMiss(
                lambda scenario: events_per_second(noisier(scenario, _LOUD)) - _held_back(scenario),
                "So many more come than before. But the sinks had some room left.",
            ),
            NearMiss(
                lambda scenario: events_per_second(noisier(scenario, _LOUD)),
                "So many come now. How many of them are digested?",
            ),
        ),
        hints=(
            "How many mails a second are delivered now, and how many events is that?",
            "What is narrower, the stream or the sinks?",
        ),
    ),
)
