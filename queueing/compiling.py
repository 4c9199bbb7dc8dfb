"""Numba's decorators with their types: functions compiled for one another, and entry points."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

njit: Any = numba.njit  # its stubs do not know every option
UNWRAPPED = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # saves a quarter of compiling


def compiled(function: Function) -> Function:
    """Return a function that compiled functions may call."""
    return cast(Function, njit(**UNWRAPPED)(function))


def inlined(function: Function) -> Function:
    """Return a function that is copied into whatever compiled function calls it."""
    return cast(Function, njit(forceinline=True, **UNWRAPPED)(function))


def entry_point(function: Function, **options: str) -> Function:
    """Return a function that Python may call: it lets other threads run, and is compiled once."""
    try:
        return cast(Function, njit(cache=True, nogil=True, **options)(function))
    except RuntimeError:  # no folder to cache in
        return cast(Function, njit(nogil=True, **options)(function))
