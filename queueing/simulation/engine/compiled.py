"""Numba's decorators with their types, and a fingerprint that keeps its cache honest.

Numba compiles the whole loop into its entry points and caches those, but looks for changes only in
the file where an entry point is written. The entry points therefore close over the fingerprint of
all files of this folder and of the rule that it borrows: Numba keeps code under the values that a
function closes over.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

from queueing.backpressure import scaling_rule

Function = TypeVar("Function", bound=Callable[..., Any])


njit: Any = numba.njit  # its stubs do not know every option
UNWRAPPED = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # saves a quarter of compiling


def compiled(function: Function) -> Function:
    """Return a function that compiled functions may call."""
    return cast(Function, njit(**UNWRAPPED)(function))


def inlined(function: Function) -> Function:
    """Return a function that is copied into whatever compiled function calls it."""
    return cast(Function, njit(forceinline=True, **UNWRAPPED)(function))


def entry_point(function: Function) -> Function:
    """Return a function that Python may call: it lets other threads run, and is compiled once."""
    try:
        return cast(Function, njit(cache=True, nogil=True)(function))
    except RuntimeError:  # no folder to cache in
        return cast(Function, njit(nogil=True)(function))


def fingerprint() -> int:
    """Return 62 bits of a hash of the sources in this folder, and of the borrowed rule."""
    sources = hashlib.sha256()
    for path in [*sorted(Path(__file__).parent.glob("*.py")), Path(scaling_rule.__file__)]:
        sources.update(path.read_bytes())
    return int.from_bytes(sources.digest()[:8], "big") >> 2
