"""Reading the files of traces: where they are, what stands in them, which row is wrong."""

import io
import os
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from queueing.scenario.errors import ScenarioError, nearest, shown
from queueing.scenario.loading import data_folder, read_text

Floats = NDArray[np.float64]

_MOST_BYTES = 100_000_000


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
            "or give the path of a .csv or .parquet file"
        )
    return Path(text)


def table(path: Path) -> pd.DataFrame:
    """Return the columns of a .csv or .parquet file; in a .csv what follows a # is a note."""
    try:
        if path.suffix.lower() == ".csv":
            read = pd.read_csv(io.StringIO(read_text(path, _MOST_BYTES)), comment="#")
        else:
            read = pd.read_parquet(path)
    except ImportError:
        raise ScenarioError(
            f"{path}: reading Parquet needs pyarrow: pip install pyarrow, or save it as .csv"
        ) from None
    except FileNotFoundError:
        raise ScenarioError(f"{shown(str(path))}: there is no such file") from None
    except (ValueError, OSError) as error:
        if isinstance(error, ScenarioError):
            raise
        raise ScenarioError(f"{path} is no table: {str(error).splitlines()[0]}") from None
    return read.rename(columns=lambda name: str(name).strip())


def numbers(name: str, values: ArrayLike) -> Floats:
    """Return a row of finite numbers, or say which row holds something else."""
    column = pd.Series(np.ravel(np.asarray(values, dtype=object)))
    found = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    if (wrong := np.flatnonzero(~np.isfinite(found))).size:
        row = int(wrong[0])
        got = column.iloc[row]
        dated = not isinstance(got, str) or any(mark in got for mark in ":-/")
        advice = "; a date has to be turned into the time since you began to watch"
        raise ScenarioError(
            f"{name}: row {row + 1} must be a finite number, got {shown(got)}"
            f"{advice if dated and not isinstance(got, float) else ''}"
        )
    return found
