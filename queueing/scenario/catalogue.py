"""The parts that can be bought: prices, availability, service times, from a CSV file."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self, get_args

import pandas as pd
from pydantic import Field, ValidationError, model_validator

from queueing.scenario.contract import Amount, Millis, Positive, Scv
from queueing.scenario.errors import ScenarioError, Table, nearest, refusal, shown

Component = Literal["server", "lb", "postgres", "redis", "queue", "worker", "stream", "analytics"]
COMPONENTS: tuple[str, ...] = get_args(Component)
IN_VARIANTS = ("postgres", "redis", "queue")  # a design says which one; of the others there is one

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_REPAIRED = ("availability", "mttr_h")
_TIMED = ("service_mean_ms", "service_scv")
_NEEDS = {
    "server": (*_REPAIRED, "slots", "vcpus"),
    "lb": (*_REPAIRED, *_TIMED, "usage_price_usd"),
    "postgres": (*_REPAIRED, "slots"),
    "redis": (*_REPAIRED, *_TIMED),
    "queue": _TIMED,
    "worker": (*_REPAIRED, "slots"),
    "stream": (*_REPAIRED, *_TIMED, "records_per_s", "usage_price_usd"),
    "analytics": (*_REPAIRED, "slots"),
}

Text = Annotated[str, Field(min_length=1, max_length=400)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class Part(Table):
    """A variant of a component: a row of the catalogue. An empty cell means: not this part's."""

    component: Component
    variant: Text
    unit: Text
    price_usd_month: Amount
    usage_price_usd: Amount = 0.0  # for each usage_unit
    usage_unit: Text = "unit"
    availability: Annotated[float, Field(ge=0.5, le=1)] = 1.0
    mttr_h: Annotated[float, Field(ge=0.001, le=8760)] = 1.0
    service_mean_ms: Millis = 1.0
    service_scv: Scv = 0.0
    slots: Count = 1
    vcpus: Count = 1
    records_per_s: Positive = 1.0
    hosted_by: Literal["redis"] | None = None  # the component it lives and dies with
    role: Text
    evidence: Text
    source: Text

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        needs = _NEEDS[self.component]
        if self.component == "queue" and not self.hosted_by:
            needs = (*needs, *_REPAIRED)
        empty = [name for name in needs if name not in self.model_fields_set]
        if empty:
            raise ValueError(f"{empty[0]} is empty; a {self.component} needs {', '.join(needs)}")
        if self.hosted_by and self.component != "queue":
            raise ValueError(f"hosted_by is for a queue, not for a {self.component}")
        return self


@dataclass(frozen=True)
class Catalogue:
    """All parts: `catalogue["redis"]["t4g.micro one node"].price_usd_month`."""

    parts: Mapping[str, Mapping[str, Part]]

    def __getitem__(self, component: str) -> Mapping[str, Part]:
        """Return the variants of a component; raises `ScenarioError` that names the nearest one."""
        if component not in self.parts:
            raise ScenarioError(f"no component {component!r}; {nearest(component, self.parts)}")
        return self.parts[component]

    def __iter__(self) -> Iterator[str]:
        """Go through the names of the components."""
        return iter(self.parts)

    def the(self, component: str) -> Part:
        """Return the only variant of a component that comes in one."""
        (part,) = self[component].values()
        return part

    def find(self, component: str, variant: str) -> Part:
        """Return the variant with this name, or the only one with all its words, as "single-AZ".

        Raises `ScenarioError` that names the nearest one, or those that fit.
        """
        parts = self[component]
        if variant in parts:
            return parts[variant]
        words = variant.lower().split()
        fitting = [
            name for name in parts if words and all(word in name.lower().split() for word in words)
        ]
        if len(fitting) == 1:
            return parts[fitting[0]]
        if fitting:
            raise ScenarioError(f"{variant!r} fits several of {component}: {', '.join(fitting)}")
        raise ScenarioError(f"no {component} {shown(variant)}; {nearest(variant, parts)}")

    def to_frame(self) -> pd.DataFrame:
        """Return the catalogue as a table, a row a variant; what a part has not is missing."""
        rows = [
            part.model_dump(exclude_unset=True)
            for parts in self.parts.values()
            for part in parts.values()
        ]
        return pd.DataFrame(rows, columns=list(Part.model_fields)).set_index(
            ["component", "variant"]
        )


def parse(text: str, where: str) -> Catalogue:
    """Return the catalogue in a CSV text; raises `ScenarioError` with `where`, line and column."""
    lines = csv.reader(io.StringIO(text), strict=True)
    try:
        header = next(lines, [])
        rows = [(lines.line_num, row) for row in lines if row]
    except csv.Error as error:
        raise ScenarioError(f"{where}, line {lines.line_num}: not CSV, {error}") from None
    _check_header(header, f"{where}, line 1")
    parts: dict[str, dict[str, Part]] = {component: {} for component in COMPONENTS}
    for number, row in rows:
        line = f"{where}, line {number}"
        if len(row) != len(header):
            raise ScenarioError(
                f"{line}: {len(row)} cells under {len(header)} columns; quote a cell with a comma"
            )
        part = _part(dict(zip(header, row, strict=True)), line)
        variants = parts[part.component]
        if part.variant in variants:
            raise ScenarioError(
                f"{line}, column variant: {part.component} {part.variant!r} stands there twice"
            )
        if variants and part.component not in IN_VARIANTS:
            raise ScenarioError(
                f"{line}, column variant: a {part.component} comes in one variant only"
            )
        variants[part.variant] = part
    for component, variants in parts.items():
        if not variants:
            raise ScenarioError(f"{where}, column component: no row for {component}")
    return Catalogue(parts)


def _check_header(header: list[str], line: str) -> None:
    known = Part.model_fields
    for column in header:
        if column not in known:
            raise ScenarioError(f"{line}: no column {shown(column)}; {nearest(column, known)}")
        if header.count(column) > 1:
            raise ScenarioError(f"{line}, column {column} stands there twice")
    missing = [name for name, field in known.items() if field.is_required() and name not in header]
    if missing:
        raise ScenarioError(f"{line}, column {missing[0]} is missing")


def _part(cells: dict[str, str], line: str) -> Part:
    given = {column: _value(column, cell.strip()) for column, cell in cells.items() if cell.strip()}
    if given.get("component") not in COMPONENTS:
        name = str(given.get("component", ""))
        raise ScenarioError(
            f"{line}, column component: no {shown(name)}; {nearest(name, COMPONENTS)}"
        )
    try:
        return Part.model_validate(given)
    except ValidationError as error:
        raise refusal(f"{line}, column", error, Part) from None


def _value(column: str, cell: str) -> str | float | int:
    """Return a cell of a numeric column as a number if it reads as one."""
    limits = Part.model_fields[column].annotation
    if limits not in (int, float) or len(cell) > 40 or not _NUMBER.fullmatch(cell):
        return cell
    return int(cell) if limits is int and cell.isdigit() else float(cell)
