"""The parts of a design, as options: what each one means."""

COUNTS = {
    "servers": "servers",
    "workers": "worker instances",
    "shards": "shards of the stream",
    "sinks": "sinks",
    "maximum_workers": 'the backlog adds workers up to this number, or "none"',
    "max_attempts": 'attempts at a mail, or "none" for the scenario\'s own number',
    "hit_ratio": 'share of the lookups that the cache answers, or "none" for the scenario\'s own',
}
VARIANTS = {
    "database": 'variant of Postgres, such as "single-AZ"',
    "cache": 'variant of Redis, or "none"',
    "queue": '"sqs", "on redis" or "none" (send inside the request)',
}
SWITCHES = {
    "load_balancer": "with or without one",
    "priority": "transactional mails before the others, or all in one line",
}
PARTS = (*COUNTS, *VARIANTS, *SWITCHES)
