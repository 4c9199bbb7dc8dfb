"""The state of a run: a header of scalars and addresses, and tables of rows.

A row holds what belongs to one thing, so that what is used together lies in one cache line. Every
integer has 64 bits: a function then compiles once, whatever row its arguments come from.
"""

from queueing.simulation.engine.agenda import ENTRY
from queueing.simulation.engine.law_table import LAW
from queueing.simulation.engine.memory import record, rows_of

NONE = -1  # no row, no part

# What a step does; the first two take a place of a station
PROCESSOR, POOL, DELAY, SUBMIT, ATTEMPT, REPLY = range(6)
# How a request finds its server
FEWEST, TURNS, RANDOM = range(3)
# Who takes the events
NOBODY, SINKS, WORKERS, HOOKS = range(4)
# What a part is
MANAGED, SERVER, WORKER, SINK = range(4)
# What a timer means; its mark is the kind << 32 | a number
ATTEMPT_END, EXPIRY, RETURN, PART, TOKEN, SCALE, BOOTED, USERS, AT_ROUTER = range(9)
# Marks of the list of events: a sink's number, PUT, or a worker's thread as FIRST_THREAD - number
PUT, FIRST_THREAD = -1, -2
# How a job ended
OPEN, DELIVERED, DEAD = range(3)
# Rows of the table of visits; the pools follow
SLOTS, PROCESSORS, THREADS, SINK_THREADS, DELAYS, FIRST_POOL = range(6)

STRIP = record(width="f8", sure="i8", height="f8", unused="f8")  # of a ziggurat; 32 bytes
NUMBER = record(value="i8")
LIMIT = record(value="f8")
KNOT = record(time="f8", users="f8", slope="f8", factor="f8")
STEP = record(
    action="i8",
    law="i8",
    station="i8",  # the pool; of other steps NONE
    visits="i8",  # row of the table of visits
    part="i8",  # without which the step cannot be taken
    optional="i8",  # ... and 1 if it is then left out
    skip_probability="f8",
    skip_steps="i8",
)
REQUEST = record(
    arrived="f8",
    seated="f8",  # got its slot
    queued="f8",  # joined the line it stands in
    next="i8",  # the one behind in that line, or the next free row
    step="i8",
    server="i8",
    kind="i8",  # its class
    peak="i8",  # 1 if it arrived at the peak
    present="i8",
)
SERVER_ROW = record(present="i8", waiting="i8", free="i8", first="i8", last="i8", up="i8")
STATION = record(free="i8", first="i8", last="i8")
PART_ROW = record(
    mean_up="f8",
    mean_down="f8",
    since="f8",
    down_time="f8",
    up="i8",
    kind="i8",
    unit="i8",
    key="u8",  # of its own stream of random numbers
    drawn="u8",  # from it, so far
)
JOB = record(
    submitted="f8",
    queued="f8",
    next="i8",
    attempts="i8",
    line="i8",  # 0: urgent, 1: the others
    running="i8",  # attempts under way, those that outlasted their time included
    owed="i8",  # 1 while the queue owes it an attempt, or an attempt in time its outcome
    outcome="i8",
    peak="i8",
)
LINE = record(first="i8", last="i8", length="i8")
RUNNER = record(
    started="f8",
    ends="f8",
    job="i8",  # NONE: an event
    succeeds="i8",
    outlasted="i8",  # 1 once the visibility timeout has passed
    busy="i8",
)
UNIT = record(
    free="i8",  # threads, of a sink
    up="i8",
    wanted="i8",  # by the autoscaling
    booted="i8",
)
# What is measured
VISITS = record(visits="i8", waited="i8", wait="f8", busy="f8")
CLASS_COUNT = record(arrived="i8", served="i8", late="i8", shed="i8", failed="i8", time="f8")
COUNT = record(value="i8")

TABLES = {
    "exponential_strips": STRIP,
    "normal_strips": STRIP,
    "laws": LAW,
    "attempt_laws": NUMBER,
    "failed_attempt_laws": NUMBER,
    "class_limits": LIMIT,  # cumulated shares
    "first_steps": NUMBER,  # of each class
    "steps": STEP,
    "knots": KNOT,  # of the users' curve
    "servers": SERVER_ROW,
    "stations": STATION,  # the pools, then each server's processors
    "parts": PART_ROW,
    "requests": REQUEST,
    "jobs": JOB,
    "lines": LINE,
    "runners": RUNNER,  # the workers' threads
    "free_runners": NUMBER,  # a stack
    "workers": UNIT,
    "sinks": UNIT,
    "agenda": ENTRY,  # ends of requests' steps; mark: the request
    "events": ENTRY,  # ends of events' puts and consumptions
    "timers": ENTRY,
    "visits": VISITS,
    "class_counts": CLASS_COUNT,  # window (0: off the peak, 1: at it), class
    "latency": COUNT,  # window, class, bin
    "delivery": COUNT,  # window, line, bin
}
MEASURED = ("visits", "class_counts", "latency", "delivery")

SETTINGS = {
    "sources": "i8",  # fingerprint of the files that compiled code must be made of
    "reserve": "i8",  # rows kept free, so that no change of state runs out of them half-way
    "deadline": "f8",
    "entry_delay": "f8",
    "arrival_shift": "f8",
    "think_time": "f8",
    "peak_users": "f8",
    "cycle": "f8",  # think time and nominal response
    "users_every": "f8",
    "failure_probability": "f8",
    "inline_failure_probability": "f8",
    "backoff": "f8",
    "backoff_factor": "f8",
    "visibility_timeout": "f8",
    "urgent_share": "f8",
    "rate_limit": "f8",
    "hook_delay": "f8",
    "scale_target": "f8",
    "scale_interval": "f8",
    "boot_time": "f8",
    "scale_in_after": "f8",
    "minimum_workers": "i8",
    "maximum_workers": "i8",
    "max_attempts": "i8",
    "threads": "i8",
    "sink_threads": "i8",
    "classes": "i8",  # of the users
    "closed": "i8",
    "routing": "i8",
    "entry_part": "i8",
    "waiting_room": "i8",
    "first_processors": "i8",  # station of server 0
    "queue_part": "i8",
    "consumer": "i8",
    "per_delivery": "i8",
    "streamed": "i8",
    "stream_part": "i8",
    "put_law": "i8",
    "consume_law": "i8",
    "buffer": "i8",
    "hook_class": "i8",
}
CLOCK = {
    "key": "u8",  # of the arrivals' own stream of random numbers
    "drawn": "u8",
    "random_a": "u8",
    "random_b": "u8",
    "random_c": "u8",
    "random_counter": "u8",
    "started": "i8",
    "now": "f8",
    "next_arrival": "f8",
    "next_hook": "f8",
    "users": "f8",  # at the next arrival
    "tokens": "f8",
    "tokens_at": "f8",
    "fewer_since": "f8",  # the autoscaling wants fewer workers since
    "segment": "i8",  # of the users' curve
    "thinking": "i8",
    "population": "i8",
    "agenda_size": "i8",
    "events_size": "i8",
    "timers_size": "i8",
    "free_request": "i8",
    "free_job": "i8",
    "spare_jobs": "i8",
    "turn": "i8",
    "free_threads": "i8",
    "free_sinks": "i8",
    "events_waiting": "i8",
    "token_awaited": "i8",
    "hooks_pending": "i8",
    "backing_off": "i8",
    "crowded": "i8",  # a table is nearly full
}
TOTALS = {
    "changes": "i8",
    "arrived": "i8",
    "served": "i8",
    "shed": "i8",
    "failed": "i8",
    "submitted": "i8",
    "delivered": "i8",
    "dead": "i8",
    "attempts": "i8",
    "retries": "i8",
    "redelivered": "i8",  # given out again while an attempt still ran
    "returned": "i8",  # given out again because their worker had failed
    "duplicates": "i8",  # deliveries beyond the first
    "told": "i8",
    "consumed": "i8",
    "events_lost": "i8",
    "events_failed": "i8",  # hooks that were shed or failed
    "most_queued": "i8",
    "most_queued_at": "f8",
    "oldest": "f8",  # seconds that the first in line had waited when it was taken
    "oldest_at": "f8",
}
ADDRESSES = {prefix + name: "i8" for prefix in ("", "n_") for name in TABLES}
HEADER = record(**SETTINGS, **CLOCK, **TOTALS, **ADDRESSES)

exponential_strip = rows_of(HEADER, "exponential_strips", STRIP)
normal_strip = rows_of(HEADER, "normal_strips", STRIP)
law_at = rows_of(HEADER, "laws", LAW)
attempt_law = rows_of(HEADER, "attempt_laws", NUMBER)
failed_attempt_law = rows_of(HEADER, "failed_attempt_laws", NUMBER)
class_limit = rows_of(HEADER, "class_limits", LIMIT)
first_step = rows_of(HEADER, "first_steps", NUMBER)
step_at = rows_of(HEADER, "steps", STEP)
knot_at = rows_of(HEADER, "knots", KNOT)
server_at = rows_of(HEADER, "servers", SERVER_ROW)
station_at = rows_of(HEADER, "stations", STATION)
part_at = rows_of(HEADER, "parts", PART_ROW)
request_at = rows_of(HEADER, "requests", REQUEST)
job_at = rows_of(HEADER, "jobs", JOB)
line_at = rows_of(HEADER, "lines", LINE)
runner_at = rows_of(HEADER, "runners", RUNNER)
free_runner = rows_of(HEADER, "free_runners", NUMBER)
worker_at = rows_of(HEADER, "workers", UNIT)
sink_at = rows_of(HEADER, "sinks", UNIT)
visits_at = rows_of(HEADER, "visits", VISITS)
class_count = rows_of(HEADER, "class_counts", CLASS_COUNT)
latency_count = rows_of(HEADER, "latency", COUNT)
delivery_count = rows_of(HEADER, "delivery", COUNT)
