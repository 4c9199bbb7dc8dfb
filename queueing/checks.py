"""What a parameter may be, checked once and refused in words.

Every public call passes its parameters through here, so that a slip is named where it was made: the
argument, the value that came and what would be right.
"""

import math
import reprlib
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST = 10**15  # of anything that is counted: beyond, floats skip whole numbers


def real(
    name: str,
    value: float,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
) -> float:
    """Return `value` as a float if it is a finite real number in the allowed range.

    Raises `ValueError` otherwise.

    >>> real("service_rate", 6, above=0)
    6.0
    >>> real("service_rate", -6, above=0)
    Traceback (most recent call last):
    ...
    ValueError: service_rate must be a finite number above 0, got -6
    """
    good = (
        isinstance(value, Real)
        and not isinstance(value, bool | np.bool_)
        and math.isfinite(value)
        and (above is None or value > above)
        and (at_least is None or value >= at_least)
        and (below is None or value < below)
    )
    if not good:
        raise ValueError(
            f"{name} must be {_range('a finite number', above, at_least, below)}, got {value!r}"
        )
    return float(value)


def whole(name: str, value: int, *, at_least: int = 1, at_most: float = MOST) -> int:
    """Return `value` as an int if it is a whole number from `at_least` to `at_most`.

    A float such as 4.0 counts as the whole number that it is; `True` does not count as 1.
    Raises `ValueError` otherwise.

    >>> whole("servers", 2.5)
    Traceback (most recent call last):
    ...
    ValueError: servers must be a whole number of at least 1, got 2.5
    """
    number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    if (
        not number
        or not (isinstance(value, Integral) or float(value).is_integer())
        or value < at_least
    ):
        got = repr(value) if number else reprlib.repr(value)
        raise ValueError(f"{name} must be a whole number of at least {at_least}, got {got}")
    if value > at_most:
        raise ValueError(f"{name} must be at most {at_most:,}, got {value!r}")
    return int(value)


def switch(name: str, value: bool) -> bool:  # noqa: FBT001, it is what is checked
    """Return `value` if it is True or False. Raises `ValueError` otherwise.

    >>> switch("closed", "no")
    Traceback (most recent call last):
    ...
    ValueError: closed must be True or False, got 'no'
    """
    known = isinstance(value, bool | np.bool_)
    if not known:
        raise ValueError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def array(
    name: str,
    value: ArrayLike,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
) -> NDArray[np.float64]:
    """Return `value` as an array of floats if every entry is finite and in the allowed range.

    Raises `ValueError` that names the first entry that is not.

    >>> array("offered_load", [1.0, float("nan")], at_least=0)
    Traceback (most recent call last):
    ...
    ValueError: offered_load must hold finite numbers of at least 0, got nan
    """
    raw = np.asarray(value)
    listed = value if isinstance(value, list | tuple) else ()
    if raw.dtype.kind not in "iuf" or any(isinstance(one, bool | np.bool_) for one in listed):
        raise ValueError(
            f"{name} must hold {_range('finite numbers', above, at_least, below)}, got {value!r}"
        )
    floats = raw.astype(np.float64)
    good = np.isfinite(floats)
    if above is not None:
        good &= floats > above
    if at_least is not None:
        good &= floats >= at_least
    if below is not None:
        good &= floats < below
    if not good.all():
        first = floats[~good].flat[0]
        raise ValueError(
            f"{name} must hold {_range('finite numbers', above, at_least, below)}, got {first:g}"
        )
    return floats


def fractions(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return `value` as an array of fractions in [0, 1), or raise `ValueError`.

    >>> fractions("p", 95)
    Traceback (most recent call last):
    ...
    ValueError: p is a fraction in [0, 1), got 95
    """
    raw = np.asarray(value)
    good = raw.dtype.kind in "iuf" and bool(np.all((raw >= 0) & (raw < 1)))
    if not good:
        raise ValueError(f"{name} is a fraction in [0, 1), got {value!s}")
    return raw.astype(np.float64)


def _range(kind: str, above: float | None, at_least: float | None, below: float | None) -> str:
    """Say in words which numbers are allowed."""
    limits = [
        *([f"above {above:g}"] if above is not None else []),
        *([f"of at least {at_least:g}"] if at_least is not None else []),
        *([f"below {below:g}"] if below is not None else []),
    ]
    return " ".join([kind, " and ".join(limits)]).strip()
