"""Reading the files of traces: where they are, what stands in them, which row is wrong."""

import io
import os
import re
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from queueing.scenario.errors import ScenarioError, nearest, shown
from queueing.scenario.loading import data_folder, read_text
from queueing.scenario.wording import listed

Floats = NDArray[np.float64]

_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_COLUMNS = tuple(f"{name}_{unit}" for name in ("time", "start") for unit in _UNITS)
_DATES = ("timestamp", "datetime", "date", "time")  # of columns with dates, in any case

_MOST_BYTES = 100_000_000
_UNIX = {1e8: 1.0, 1e11: 1e3, 1e14: 1e6, 1e17: 1e9}  # from so much on: s, ms, us, ns since 1970
_ZONE = r":.*(?:[Zz]|[+-]\d\d:?(?:\d\d)?)$"
_CLOCK = "where clocks change, dates need their zone, such as 2026-10-25T02:30+01:00"
_DOTTED = re.compile(r"(?:^|;)\s*(\d+\.\d+)\s*(?=;|$)", re.MULTILINE)  # a number with a point
_MONTHS = "; months are not of one length, and where clocks change, dates need their zone"


class Columns(NamedTuple):
    """What a file holds: arrivals, with services perhaps, or begins of windows with counts."""

    times: Floats  # seconds
    counts: "pd.Series[Any] | None"
    services: "pd.Series[Any] | None"


def located(source: str | os.PathLike[str]) -> Path:
    """Return the file of a trace that comes with the kit, or the path that was given."""
    if not isinstance(source, str | os.PathLike):
        raise ScenarioError(f"a trace is a name or the path of a file, got {shown(source)}")
    text = os.fspath(source)
    known = {path.stem: path for path in sorted((data_folder() / "traces").glob("*.csv"))}
    if text in known:
        return known[text]
    if not text.lower().endswith((".csv", ".parquet")):
        raise ScenarioError(
            f"no trace {shown(text)} comes with the kit; {nearest(text, known)}; "
            "or give the path of a .csv or .parquet file, unpacked"
        )
    return Path(text)


def columns(path: Path) -> Columns:
    """Return what a trace's file holds; raises `ScenarioError` that says what should be there."""
    read = table(path)
    kinds = [name for name in read.columns if name in _COLUMNS or name.lower() in _DATES]
    if len(kinds) != 1:
        raise ScenarioError(
            f"{path}: needs one column of times, {', '.join(_COLUMNS[:4])}, or of windows, "
            f"{', '.join(_COLUMNS[4:])} with count, or of dates, timestamp, commas between them; "
            f"got {', '.join(map(str, read.columns[:20]))}"
        )
    name = kinds[0]
    what, _, unit = name.partition("_")
    times = _seconds(f"{path}: {name}", read[name], unit)
    counted = "count" in read
    if what == "start" and not counted:
        raise ScenarioError(f"{path}: windows need a column count beside {name}")
    if what == "time" and unit and counted:
        raise ScenarioError(
            f"{path}: a count stands beside begins of windows: call {name} start_{unit}"
        )
    if counted:
        _refuse_uneven(f"{path}: {name}", times, dated=not unit)
        return Columns(times, read["count"], None)
    others = [other for other in read.columns if other != name]
    odd = [other for other in others if other.startswith("service")]
    if odd not in ([], ["service_s"]):
        raise ScenarioError(f"{path}: services are seconds in service_s, got {odd[0]}")
    if others and not odd and times.size > 2 and _is_even(times):
        begins = f", and {name} start_{unit}" if unit else ""
        raise ScenarioError(
            f"{path}: one row every {times[1] - times[0]:g} s, as of windows: call the column of "
            f"how many came count{begins}, or leave out {listed(others)}"
        )
    return Columns(times, None, read.get("service_s"))


def _seconds(name: str, column: "pd.Series[Any]", unit: str) -> Floats:
    return numbers(name, column) * _UNITS[unit] if unit else _since_first(name, column)


def _is_even(times: Floats) -> bool:
    """Tell whether times rise by one and the same step."""
    steps = np.diff(times)
    return bool(steps[0] > 0 and np.isclose(steps, steps[0], rtol=1e-6).all())


def _refuse_uneven(name: str, begins: Floats, *, dated: bool) -> None:
    """Refuse windows that are not of one length."""
    if begins.size < 2:
        raise ScenarioError(f"{name}: a trace needs at least 2 windows, got {begins.size}")
    if not _is_even(begins):
        steps = np.diff(begins)
        row = int(np.isclose(steps, steps[0], rtol=1e-6).argmin()) if steps[0] > 0 else 0
        raise ScenarioError(
            f"{name} must rise by one and the same length of window, a count of 0 included; "
            f"look at row {row + 2}{_MONTHS if dated else ''}"
        )


def table(path: Path) -> pd.DataFrame:
    """Return the columns of a .csv or .parquet file; in a .csv what follows a # is a note.

    Columns that semicolons part, as spreadsheets write them where a comma begins the decimals, are
    read as well.
    """
    try:
        if path.suffix.lower() == ".csv":
            read = _csv(path, read_text(path, _MOST_BYTES))
        else:
            read = pd.read_parquet(path)
            if read.index.name is not None:
                read = read.reset_index()
    except FileNotFoundError:
        raise ScenarioError(f"{shown(str(path))}: there is no such file") from None
    except pd.errors.ParserWarning:
        raise ScenarioError(f"{path}: a row has more cells than there are columns") from None
    except (ValueError, OSError) as error:
        if isinstance(error, ScenarioError):
            raise
        raise ScenarioError(f"{path} is no table: {str(error).splitlines()[0]}") from None
    return read.rename(columns=lambda name: str(name).strip())


def _csv(path: Path, text: str) -> pd.DataFrame:
    head = re.search(r"^[^#\n]+", text, re.MULTILINE)
    semicolons = bool(head and ";" in head[0] and "," not in head[0])
    if semicolons and (dotted := _DOTTED.search(text)):
        raise ScenarioError(
            f"{path}: where semicolons part the columns a comma begins the decimals: "
            f"does {dotted[1]} mean {dotted[1].replace('.', '')} or {dotted[1].replace('.', ',')}?"
        )
    parted, decimal = (";", ",") if semicolons else (",", ".")
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(
            io.StringIO(text), comment="#", sep=parted, decimal=decimal, index_col=False
        )


def _since_first(name: str, column: "pd.Series[Any]") -> Floats:
    """Return dates, ISO 8601 or Unix time, as seconds since the first; they must be in order."""
    if column.empty:
        return np.empty(0)
    if pd.api.types.is_numeric_dtype(column):
        return _unix(name, column)
    text = column.astype(str).str.strip()
    zoned = text.str.contains(_ZONE)
    if zoned.any() and not zoned.all():
        raise ScenarioError(
            f"{name}: row {int((zoned != zoned.iloc[0]).argmax()) + 1}: some dates have a zone and "
            f"others have none: {_CLOCK}"
        )
    dates = pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce")
    if dates.isna().any():
        row = int(dates.isna().argmax())
        raise ScenarioError(
            f"{name}: row {row + 1} must be a date such as 2026-11-28T09:00:05, "
            f"got {shown(text.iloc[row])}"
        )
    times = np.asarray((dates - dates.iloc[0]).dt.total_seconds(), dtype=np.float64)
    if (late := np.flatnonzero(np.diff(times) < 0)).size:
        row = int(late[0]) + 1
        raise ScenarioError(
            f"{name}: row {row + 1} is out of order: {text.iloc[row]} follows "
            f"{text.iloc[row - 1]}; sort the rows; {_CLOCK}"
        )
    return times


def _unix(name: str, column: "pd.Series[Any]") -> Floats:
    """Return times since 1970, whose size tells their unit, as seconds since the first."""
    least = numbers(name, column).min()
    scale = next((each for size, each in reversed(_UNIX.items()) if least >= size), None)
    if scale is None:
        raise ScenarioError(
            f"{name}: dates such as 2026-11-28T09:00:05 or times since 1970 stand here, got "
            f"{least:g}; times since you began to watch are time_s, time_min, time_h or time_d"
        )
    return np.asarray(numbers(name, column - column.iloc[0]) / scale)


def numbers(name: str, values: ArrayLike) -> Floats:
    """Return a row of finite numbers, or say which row holds something else."""
    given = np.ravel(np.asarray(values))
    if given.dtype.kind in "iuf" and np.isfinite(given).all():
        return given.astype(np.float64)
    column = pd.Series(np.ravel(np.asarray(values, dtype=object)))
    found = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    if (wrong := np.flatnonzero(~np.isfinite(found))).size:
        row = int(wrong[0])
        got = column.iloc[row]
        dated = not isinstance(got, str) or any(mark in got for mark in ":-/")
        advice = "; a column of dates is called timestamp"
        raise ScenarioError(
            f"{name}: row {row + 1} must be a finite number, got {shown(got)}"
            f"{advice if dated and not isinstance(got, float) else ''}"
        )
    return found
