"""The book of answers: what was typed, and what came out right, in a file that git ignores."""

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


class Entry(NamedTuple):
    """An answer as it was typed, and whether it was right."""

    answer: str
    right: bool


class AnswerBook:
    """What was answered, by the exercises' keys. A file out of order does no harm."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listeners: dict[str, Callable[[], None]] = {}

    def __getitem__(self, key: str) -> str:
        """Return the answer to an exercise as it was typed; empty where there is none."""
        return self._read().get(key, Entry("", right=False)).answer

    @property
    def right(self) -> set[str]:
        """The exercises whose latest answer was right."""
        return {key for key, entry in self._read().items() if entry.right}

    def keep(self, key: str, answer: str, *, right: bool = False) -> None:
        """Keep an answer, and tell who waits for one."""
        with suppress(OSError):
            self._write(self._read() | {key: Entry(answer, right)})
        for react in list(self._listeners.values()):
            react()

    def listen(self, name: str, react: Callable[[], None]) -> None:
        """Call back when something is answered; of one name the latest caller counts."""
        self._listeners[name] = react

    def _read(self) -> dict[str, Entry]:
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(kept, dict):
            return {}
        return {key: entry for key, value in kept.items() if (entry := _entry(value))}

    def _write(self, entries: dict[str, Entry]) -> None:
        """Replace the file at one stroke, so that two notebooks never leave half of it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix="answers-", text=True)
        kept = {key: entry._asdict() for key, entry in entries.items()}
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(kept, file, ensure_ascii=False, indent=1, sort_keys=True)
        Path(name).replace(self.path)


def own_book() -> AnswerBook:
    """Return the book of the folder that the notebook is in, or of the kit that it belongs to."""
    here = Path.cwd()
    home = next((folder for folder in (here, *here.parents) if _is_kit(folder)), here)
    path = home / ".cache" / "answers.json"
    return _BOOKS.setdefault(path, AnswerBook(path))


_BOOKS: dict[Path, AnswerBook] = {}  # one a folder: a box and what waits for its answer share it


def _is_kit(folder: Path) -> bool:
    return (folder / "notebooks").is_dir() and (folder / "queueing").is_dir()


def _entry(value: object) -> Entry | None:
    """Return what a file holds of one exercise: None if that is nothing to rely on."""
    if isinstance(value, str):  # as an older kit kept it
        return Entry(value, right=False)
    if isinstance(value, dict) and isinstance(value.get("answer"), str):
        return Entry(value["answer"], right=value.get("right") is True)
    return None
