"""What goes wrong behind the reply: mails that wait, retries that hurt, mails that are lost."""

import math
from collections.abc import Iterator
from dataclasses import replace

from queueing.scenario.design import MOST_ATTEMPTS
from queueing.scenario.latency import distribution
from queueing.scenario.mistakes.case import OLDEST, P95, UPTIME, Case, Finding
from queueing.scenario.plan import PRIORITIES, WORKERS, Job, expected_attempts
from queueing.scenario.wording import count, does, duration, many

_STORM = 1.1  # attempts a mail from which retries are a load of their own
_LOST = 1e-3  # share of mails that end as dead letters from which somebody asks for them
_OUTLASTED = 1e-2  # share of attempts delivered twice: beyond the job's 99th percentile
_WATCH = "Watch backpressure, so that delayed work does not become invisible failure."
_SCALE = "Scale workers when the queue grows."
_RETRIES = (
    "Retries need backoff, priority and enough capacity, or they are load of one's own making."
)
_DEAD = "Queues need retry limits, and somebody who looks after the dead letters."


def invisible_failure(case: Case) -> Iterator[Finding]:
    """Find late mails behind an API whose every number is green."""
    if OLDEST not in case.broken or case.broken & {P95, UPTIME} or not case.plan.job:
        return
    most = duration(case.promised[OLDEST])
    since = case.late_from_hour
    remedy = f"Watch the age of the oldest mail, and raise the alarm below {most}."
    if since is not None:
        remedy = f"Watch the age of the oldest mail: it passed {most} at hour {since:.1f} already."
    full = (
        "yet the workers follow too late"
        if case.design.maximum_workers
        else f"yet the workers run at {case.loads[WORKERS]:.2f}"
    )
    yield Finding(
        rule="invisible failure",
        lesson=_WATCH,
        sentence=(
            f"Every API number is green, {full}: {count(case.worst_backlog)} mails wait "
            f"at hour {case.backlog_hour:.0f}, and the oldest is "
            f"{duration(case.kept[OLDEST])} old. Acknowledged within "
            f"{case.acknowledged_p95_ms:,.0f} ms is not delivered: that takes "
            f"{duration(case.delivery_p95_s)} (95 % each)."
        ),
        evidence={
            "worker_load": case.loads[WORKERS],
            "worst_backlog": case.worst_backlog,
            "oldest_mail_s": case.kept[OLDEST],
            "acknowledged_p95_ms": case.acknowledged_p95_ms,
            "delivery_p95_s": case.delivery_p95_s,
            "p95_ms": case.kept[P95],
            "late_from_hour": math.nan if since is None else since,
        },
        remedy=remedy,
        broken=True,
        hour=case.backlog_hour,
    )


def workers_short(case: Case) -> Iterator[Finding]:
    """Find workers, all that the design may have, who are fewer than the work."""
    erlangs, most = case.erlangs, case.most_workers
    if not case.plan.job or erlangs < case.threads:
        return
    threads, instead = case.threads, case.with_workers_enough()
    yield Finding(
        rule="workers short",
        lesson=_SCALE,
        sentence=(
            f"The mails ask for {erlangs:.1f} threads at once (Erlang), and "
            f"{many(most, 'worker')} {does(most, 'have')} {threads}: the line grows for as long as "
            f"the peak lasts, to {count(case.worst_backlog)} mails at hour "
            f"{case.backlog_hour:.0f}."
        ),
        evidence={
            "erlangs": erlangs,
            "threads": threads,
            "worker_load": erlangs / threads,
            "worst_backlog": case.worst_backlog,
            "workers_needed": instead.workers,
        },
        remedy=(
            f"{many(instead.workers, 'worker')} would run at "
            f"{erlangs / threads * most / instead.workers:.2f} ({case.price(instead)})."
        ),
        broken=OLDEST in case.broken,
        hour=case.backlog_hour,
        instead=instead,
    )


def workers_without_a_spare(case: Case) -> Iterator[Finding]:
    """Find late mails where the workers are enough, but only just."""
    if OLDEST not in case.broken or not case.plan.job or case.erlangs >= case.threads:
        return
    if case.design.maximum_workers:
        return
    instead, workers = case.changed(workers=case.design.workers + 1), case.design.workers
    fewer = case.erlangs / case.threads * workers / (workers - 1) if workers > 1 else math.inf
    yield Finding(
        rule="workers without a spare",
        lesson=_SCALE,
        sentence=(
            f"The oldest mail waits {duration(case.kept[OLDEST])}, though "
            f"{many(workers, 'worker')} {does(workers, 'run')} at "
            f"{case.loads[WORKERS]:.2f}: nothing is left to spare for chance or for an outage."
            + (f" With one down they run at {fewer:.2f}." if workers > 1 else "")
        ),
        evidence={
            "oldest_mail_s": case.kept[OLDEST],
            "worker_load": case.loads[WORKERS],
            "worker_load_with_one_less": fewer,
        },
        remedy=f"{many(instead.workers, 'worker')} ({case.price(instead)}).",
        broken=True,
        hour=case.backlog_hour,
        instead=instead,
    )


def workers_too_late(case: Case) -> Iterator[Finding]:
    """Find a backlog that grows old before the workers that it asks for are there."""
    most = case.design.maximum_workers
    if OLDEST not in case.broken or most is None or not case.plan.job:
        return
    fewest, boot = case.design.workers, case.scenario.rules.autoscaling.boot_s
    if case.erlangs >= case.threads:
        return
    instead = None
    if fewest < most:
        instead = case.fewest("workers", fewest + 1, most, lambda card: card.margins[OLDEST] >= 0)
    remedy = "A lower target or a quicker boot, or workers that are there before the ramp."
    if instead:
        remedy = (
            f"Start from {many(instead.workers, 'worker')}: the oldest mail is then "
            f"{duration(case.what_if(instead).oldest_mail_s)} old ({case.price(instead)})."
        )
    yield Finding(
        rule="workers too late",
        lesson=_SCALE,
        sentence=(
            f"{many(most, 'worker')} would do, but the backlog has to grow before they are asked "
            f"for, and then they need {duration(boot)} to boot: from {fewest} the oldest mail "
            f"waits {duration(case.kept[OLDEST])}."
        ),
        evidence={
            "workers": fewest,
            "maximum_workers": most,
            "boot_s": boot,
            "oldest_mail_s": case.kept[OLDEST],
        },
        remedy=remedy,
        broken=True,
        hour=case.backlog_hour,
        instead=instead,
    )


def one_line_for_all_mails(case: Case) -> Iterator[Finding]:
    """Find urgent mails that wait in the line of the others."""
    job = case.scenario.job
    if OLDEST not in case.broken or case.design.priority or not case.plan.job:
        return
    if not 0 < job.transactional_share < 1:
        return
    instead = case.changed(priority=True)
    first, then = (case.what_if(instead).delivery_by_priority_p95_s[name] for name in PRIORITIES)
    if first >= case.delivery_p95_s:
        return
    yield Finding(
        rule="one line for all mails",
        lesson=_RETRIES,
        sentence=(
            f"Receipts and passwords, {100 * job.transactional_share:.0f} % of the mails, wait in "
            f"the line of the newsletters: 95 % are delivered within "
            f"{duration(case.delivery_p95_s)}. First in line they would need {duration(first)}."
        ),
        evidence={
            "transactional_share": job.transactional_share,
            "delivery_p95_s": case.delivery_p95_s,
            "transactional_p95_s": first,
            "bulk_p95_s": then,
        },
        remedy=(
            f"Priority for them; the others then take {duration(then)}, so it does not replace "
            f"workers."
        ),
        broken=False,
        hour=case.backlog_hour,
        instead=instead,
    )


def retry_storm(case: Case) -> Iterator[Finding]:
    """Find workers who could make all first attempts, but not the retries."""
    job = case.plan.job
    if job is None:
        return
    attempts = expected_attempts(job)
    first, load = (_load_of(case, job, most) for most in (1, job.max_attempts))
    if attempts < _STORM or load < 1 or first >= 1:
        return
    fits = [m for m in range(1, job.max_attempts) if _load_of(case, job, m) < 1]
    instead = case.with_workers_enough()
    dead = job.failure_probability ** fits[-1]
    yield Finding(
        rule="retry storm",
        lesson=_RETRIES,
        sentence=(
            f"{100 * job.failure_probability:.0f} % of the attempts fail, so that a mail needs "
            f"{attempts:.2f} of them: (1 - p^{job.max_attempts}) / (1 - p). First attempts alone "
            f"load the workers to {first:.2f}; with the retries it is {load:.2f}."
        ),
        evidence={
            "failure_probability": job.failure_probability,
            "max_attempts": job.max_attempts,
            "expected_attempts": attempts,
            "load_of_first_attempts": first,
            "worker_load": load,
            "attempts_that_fit": fits[-1],
        },
        remedy=(
            f"Size workers for attempts: {many(instead.workers, 'worker')} "
            f"({case.price(instead)}). Or at most {many(fits[-1], 'attempt')}, which leaves "
            f"{100 * dead:.2g} % as dead letters."
        ),
        broken=OLDEST in case.broken,
        hour=case.backlog_hour,
        instead=instead,
    )


def retries_without_backoff(case: Case) -> Iterator[Finding]:
    """Find retries that come back at once."""
    job = case.plan.job
    if job is None or job.backoff_base_s or job.max_attempts == 1 or not job.failure_probability:
        return
    span = job.max_attempts * case.plan.attempt_s
    base = job.visibility_timeout_s
    spread = sum(base * 2**n for n in range(job.max_attempts - 1))
    yield Finding(
        rule="retries without backoff",
        lesson=_RETRIES,
        sentence=(
            f"A failed attempt comes back at once: without a line all {job.max_attempts} are over "
            f"in {duration(span)}, so a receiver that is busy for longer loses the mail, and is "
            f"asked {job.max_attempts} times as often meanwhile."
        ),
        evidence={"max_attempts": job.max_attempts, "attempts_over_s": span, "backoff_base_s": 0.0},
        remedy=(
            f"Wait between retries, doubled and with jitter: from {duration(base)} on they reach "
            f"up to {duration(spread)} (backoff_base_s in the scenario)."
        ),
        broken=False,
    )


def dead_letters(case: Case) -> Iterator[Finding]:
    """Find mails that are given up in numbers."""
    share = 1 - case.plan.delivered_share
    mails = case.traffic.requests * case.plan.mails_per_request
    if share <= _LOST:
        return
    p = case.scenario.job.failure_probability
    tries = case.plan.job.max_attempts if case.plan.job else 1
    dead = case.surge.count("dead").mean if case.surge else share * mails
    instead, remedy = None, "No number of attempts mends receivers that always fail."
    enough = math.ceil(math.log(_LOST) / math.log(p)) if p < 1 else tries
    if not case.plan.job:
        remedy = "A queue can try again later; a request cannot."
    elif tries < enough <= MOST_ATTEMPTS:
        instead = case.changed(max_attempts=enough)
        remedy = (
            f"{enough} attempts leave {count(mails * p**enough)} of them; look after those in a "
            f"dead-letter queue."
        )
    yield Finding(
        rule="dead letters",
        lesson=_DEAD,
        sentence=(
            f"{count(dead)} of {count(mails)} mails are never delivered: {100 * p:.2g} % of the "
            f"attempts fail, and after {many(tries, 'attempt')} a mail is given up."
        ),
        evidence={
            "dead_letters": dead,
            "mails": mails,
            "dead_share": share,
            "max_attempts": tries,
            "failure_probability": p,
        },
        remedy=remedy,
        broken=False,
        instead=instead,
    )


def visibility_timeout(case: Case) -> Iterator[Finding]:
    """Find attempts that outlast the time in which the queue keeps them from others."""
    job = case.plan.job
    if job is None:
        return
    first, *others = [distribution(law) for law in job.attempt]
    time = sum(others, first)
    twice = float(time.sf(job.visibility_timeout_s))
    if twice <= _OUTLASTED:
        return
    p99 = float(time.ppf(99 / 100))
    yield Finding(
        rule="visibility timeout",
        lesson="A job must be done before the queue hands it to somebody else.",
        sentence=(
            f"{100 * twice:.1f} % of the attempts outlast the visibility timeout of "
            f"{duration(job.visibility_timeout_s)}: another worker takes the mail too, and it is "
            f"sent twice."
        ),
        evidence={
            "outlasting_share": twice,
            "visibility_timeout_s": job.visibility_timeout_s,
            "attempt_p99_s": p99,
        },
        remedy=(
            f"A timeout above the 99th percentile of an attempt, {duration(p99)}, and sends that "
            f"may be repeated without harm (visibility_timeout_s in the scenario)."
        ),
        broken=False,
    )


def _load_of(case: Case, job: Job, attempts: int) -> float:
    """Return the workers' load at the peak if a mail had at most this many attempts."""
    made = replace(
        case.plan,
        job=replace(job, max_attempts=attempts),
        delivered_share=1 - job.failure_probability**attempts,
    )
    return made.work[WORKERS] * case.traffic.peak_rate / case.threads
