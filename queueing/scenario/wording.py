"""Numbers in the words that a person would choose, for sentences that are computed."""

import math


def count(number: float) -> str:
    """Return a number of things: 105,957."""
    return f"{number:,.0f}" if math.isfinite(number) else "without end"


def many(number: int, thing: str) -> str:
    """Return a number of things by name: 1 server, 4 servers."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def does(number: int, verb: str) -> str:
    """Return what a number of things does: 1 shard takes, 2 shards take.

    >>> does(1, "take"), does(2, "take"), does(1, "are"), does(1, "have")
    ('takes', 'take', 'is', 'has')
    """
    return {"are": "is", "have": "has"}.get(verb, f"{verb}s") if number == 1 else verb


def duration(seconds: float, *, short: bool = False) -> str:
    """Return a time in the unit that a person would choose: seconds, minutes, hours or days.

    >>> duration(1.79), duration(2242), duration(31762, short=True), duration(1763395)
    ('1.8 seconds', '37 minutes', '8.8 h', '20 days')
    """
    if not math.isfinite(seconds):
        return "without end"
    if seconds < 0.05:
        return "0 s" if short else "no time"
    if seconds < 59.95:
        value, names = _short(seconds), ("s", "seconds")
    elif seconds < 89.5 * 60:
        value, names = f"{seconds / 60:.0f}", ("min", "minutes")
    elif seconds < 96 * 3600:
        value, names = _short(seconds / 3600), ("h", "hours")
    else:
        value, names = f"{seconds / 86400:.0f}", ("d", "days")
    if not short and value == "1":
        return f"1 {names[1][:-1]}"
    return f"{value} {names[0] if short else names[1]}"


def listed(words: list[str]) -> str:
    """Return words as a list in a sentence: a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
