"""How a scenario refuses: one kind of error that says where, what came and what is allowed.

`Table` is the strict, frozen form of every table of a scenario file; `refusal` turns what pydantic
finds wrong with one into words.
"""

import difflib
import reprlib
from collections.abc import Iterable, Sequence
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

SHOWN = 5  # problems told in one message


class ScenarioError(ValueError):
    """A scenario file, a catalogue or a design that cannot be used, with advice."""


class Table(BaseModel):
    """A table of a scenario file: frozen, no unknown keys, numbers that are finite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def nearest(name: str, known: Iterable[str]) -> str:
    """Say what the name may have meant and which names there are.

    >>> nearest("sever", ["server", "worker"])
    "did you mean 'server'? known: server, worker"
    """
    names = list(known)
    lowered = {candidate.lower(): candidate for candidate in reversed(names)}
    close = difflib.get_close_matches(name[:80].lower(), lowered, n=1, cutoff=0.5)
    hint = f"did you mean {lowered[close[0]]!r}? " if close else ""
    return f"{hint}known: {', '.join(names)}" if names else "there are none"


def shown(value: object) -> str:
    """Return a value as it may stand in a message: its repr, shortened."""
    brief = reprlib.Repr()
    brief.maxstring = brief.maxother = brief.maxlong = 60
    try:
        return brief.repr(value)
    except ValueError:  # a whole number with too many digits to print
        return f"a very large {type(value).__name__}"


def refusal(where: str, error: ValidationError, table: type[BaseModel]) -> ScenarioError:
    """Return the error that tells file, key path, value and what is allowed."""
    found = error.errors(include_url=False)
    told = [_problem(detail, table) for detail in found[:SHOWN]]
    if len(found) > SHOWN:
        told.append(f"and {len(found) - SHOWN} more")
    return ScenarioError(f"{where} " + ";\n  ".join(told))


def key_path(keys: Sequence[object]) -> str:
    """Return the path of a key as TOML writes it.

    >>> key_path(["designs", "E with 4 workers", "servers"])
    'designs."E with 4 workers".servers'
    """
    return ".".join(_key(str(key)) for key in keys)


def _key(key: str) -> str:
    plain = key.replace("_", "").replace("-", "")
    brief = key if len(key) <= 60 else key[:57] + "..."
    if plain.isascii() and plain.isalnum():
        return brief
    return f'"{brief.encode("unicode_escape").decode()}"'


def _problem(detail: ErrorDetails, table: type[BaseModel]) -> str:
    keys = [key for key in detail["loc"] if key != "[key]"]
    path = key_path(keys)
    if "[key]" in detail["loc"]:
        return f"{path} is not a name: {detail['msg'].lower()}"
    if detail["type"] == "value_error":
        said = str(detail["ctx"]["error"])
        return f"{path}.{said}" if path else said
    if detail["type"] == "extra_forbidden":
        inside = annotation_at(table, keys[:-1])
        known = list(inside.model_fields) if _is_table(inside) else []
        return f"{path} is not a key here; {nearest(str(keys[-1]), known)}"
    if detail["type"] == "missing":
        return f"{path} is missing; it must be {_allowed(table, keys)}"
    return f"{path} must be {_allowed(table, keys)}, got {shown(detail['input'])}"


def _is_table(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def annotation_at(table: Any, keys: Sequence[object]) -> Any:
    """Return the type that stands at a key path."""
    kind: Any = table
    for key in keys:
        if _is_table(kind):
            field = kind.model_fields.get(str(key))
            kind = _present(field.annotation) if field else None
        else:
            kind = get_args(kind)[-1] if get_origin(kind) is dict else None
    return kind


def _present(kind: Any) -> Any:
    """Return the type without `None`."""
    if get_origin(kind) in (Union, UnionType):
        return next(part for part in get_args(kind) if part is not type(None))
    return kind


def _allowed(table: type[BaseModel], keys: Sequence[object]) -> str:
    """Say in words what may stand at a key path."""
    kind = annotation_at(table, keys)
    holder = annotation_at(table, keys[:-1])
    field = holder.model_fields.get(str(keys[-1])) if keys and _is_table(holder) else None
    return allowed(kind, field.metadata if field else ())


def allowed(kind: Any, limits: Iterable[Any] = ()) -> str:
    """Say in words what a key of this type and these limits may be.

    >>> from annotated_types import Gt, Le
    >>> allowed(float, [Gt(0), Le(10)])
    'a number above 0 and up to 10'
    """
    if _is_table(kind):
        return f"a table of {', '.join(kind.model_fields)}"
    if get_origin(kind) is Literal:
        return " or ".join(repr(choice) for choice in get_args(kind))
    names = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}
    words = {
        "gt": "above {:g} and up",
        "ge": "from {:g}",
        "le": "to {:g}",
        "max_length": "up to {}",
    }
    told = [
        word.format(getattr(limit, name))
        for limit in limits
        for name, word in words.items()
        if getattr(limit, name, None) is not None
    ]
    unit = {str: " characters", dict: " entries"}.get(get_origin(kind) or kind, "") if told else ""
    return f"{' '.join([names.get(kind, 'a table'), *told])}{unit}"
