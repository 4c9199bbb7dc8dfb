"""Reading a scenario file and those it extends, so that every slip ends in a `ScenarioError`."""

import os
import stat
import tomllib
from pathlib import Path
from typing import Any

from queueing.scenario.errors import ScenarioError, nearest, shown

MOST_BYTES = 1_000_000
MOST_BASES = 10
MOST_DOTS = 300  # in a line: the parser needs the square of a dotted key's length


def data_folder() -> Path:
    """Return the folder of the shipped files: in the installed package, or beside it."""
    package = Path(__file__).parents[1]
    installed = package / "data"
    return installed if installed.is_dir() else package.parent / "data"


def shipped() -> list[str]:
    """Return the names of the scenarios that come with the kit."""
    return sorted(path.stem for path in data_folder().glob("*.toml"))


def locate(source: str | os.PathLike[str], beside: Path | None = None) -> Path:
    """Return the file that a shipped name or a path to a .toml file means.

    A relative path starts at `beside`, or at the working directory.
    """
    if isinstance(source, os.PathLike):
        source = os.fspath(source)
    if not isinstance(source, str):
        raise ScenarioError(
            f"a scenario is a name or the path of a .toml file, got {shown(source)}"
        )
    if source in shipped():
        return data_folder() / f"{source}.toml"
    if not source.lower().endswith(".toml"):
        raise ScenarioError(
            f"no scenario {shown(source)} comes with the kit; {nearest(source, shipped())}; "
            "or give the path of a .toml file"
        )
    return Path(beside or ".", source)


def read_text(path: Path, most_bytes: int = MOST_BYTES) -> str:
    """Return the text of a regular UTF-8 file of at most so many bytes."""
    try:
        facts = path.stat()
        if stat.S_ISDIR(facts.st_mode):
            raise ScenarioError(f"{path} is a folder, not a file")
        if not stat.S_ISREG(facts.st_mode):
            raise ScenarioError(f"{path} is not a regular file")
        if facts.st_size > most_bytes:
            raise ScenarioError(
                f"{path} has {facts.st_size} bytes; a file here has at most {most_bytes}"
            )
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ScenarioError(f"{shown(str(path))}: there is no such file") from None
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{path} is not UTF-8: byte {error.start} cannot be read") from None
    except OSError as error:
        raise ScenarioError(f"{shown(str(path))} cannot be read: {error.strerror}") from None
    except ValueError as error:
        if isinstance(error, ScenarioError):
            raise
        raise ScenarioError(f"{shown(str(path))} is not a path: {error}") from None


def text_or_file(source: str | os.PathLike[str]) -> tuple[str, str]:
    """Return where a TOML text is from, and the text: given as it is, or by the path of a file.

    A string is a path if it ends in .toml and holds no "=".
    """
    if isinstance(source, os.PathLike):
        source = os.fspath(source)
    elif isinstance(source, str) and ("=" in source or not source.lower().endswith(".toml")):
        if len(source) > MOST_BYTES:
            raise ScenarioError(
                f"the text has {len(source)} characters; a text here has at most {MOST_BYTES}"
            )
        return "the text", source
    if not isinstance(source, str):
        raise ScenarioError(
            f"a design is a TOML text or the path of a file with one, got {shown(source)}"
        )
    return source, read_text(Path(source))


def read_toml(path: Path, seen: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return the tables of a scenario file laid over those of the file it extends.

    `extends` is gone from the result, `catalogue` and a trace's `file` begin at the file.
    """
    chain = (*seen, _resolved(path))
    if chain[-1] in seen:
        raise ScenarioError(f"{path}: extends itself: {' -> '.join(one.name for one in chain)}")
    if len(chain) > MOST_BASES:
        raise ScenarioError(f"{path}: more than {MOST_BASES} files extend one another")
    tables = parsed(read_text(path), str(path))
    trace = tables.get("trace")
    if isinstance(trace, dict) and str(trace.get("file")).lower().endswith((".csv", ".parquet")):
        trace["file"] = str(path.parent / trace["file"])
    if isinstance(tables.get("catalogue"), str):
        tables["catalogue"] = str(path.parent / tables["catalogue"])
    if "extends" not in tables:
        return tables
    base = tables.pop("extends")
    try:
        below = locate(base, beside=path.parent)
        read_text(below)
    except ScenarioError as error:
        raise ScenarioError(f"{path}: extends: {error}") from None
    return merged(read_toml(below, chain), tables)


def inherited_designs(path: Path, tables: dict[str, Any]) -> set[str]:
    """Return the names of the designs in `tables` that the file itself does not give."""
    names = [
        set(designs) if isinstance(designs := given.get("designs"), dict) else set()
        for given in (tables, parsed(read_text(path), str(path)))
    ]
    return names[0] - names[1]


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with `changes` laid over it, table by table."""
    both = dict(base)
    for key, value in changes.items():
        below = both.get(key)
        both[key] = (
            merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
        )
    return both


def parsed(text: str, where: str) -> dict[str, Any]:
    """Return the tables in a TOML text; `where` it is from begins every message."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    if any(line.count(".") > MOST_DOTS for line in lines):
        raise ScenarioError(f"{where} is nested too deeply")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{where} is not TOML: {error}") from None
    except RecursionError:
        raise ScenarioError(f"{where} is nested too deeply") from None
    except ValueError:  # Python's own limit
        raise ScenarioError(f"{where} is not TOML: a whole number has too many digits") from None


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise ScenarioError(f"{shown(str(path))} is not a path: {error}") from None
