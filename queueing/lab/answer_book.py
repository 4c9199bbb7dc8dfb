"""The book of answers: what was typed, and what came out right, in a file that git ignores."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from queueing.lab.kept import cache_file, read_file, replace_file


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
        entries = self._read() | {key: Entry(answer, right)}
        replace_file(self.path, {key: entry._asdict() for key, entry in entries.items()})
        for react in list(self._listeners.values()):
            react()

    def listen(self, name: str, react: Callable[[], None]) -> None:
        """Call back when something is answered; of one name the latest caller counts."""
        self._listeners[name] = react

    def _read(self) -> dict[str, Entry]:
        kept = read_file(self.path)
        return {key: entry for key, value in kept.items() if (entry := _entry(value))}


def own_book() -> AnswerBook:
    """Return the book of the folder that the notebook is in, or of the kit that it belongs to."""
    path = cache_file("answers.json")
    return _BOOKS.setdefault(path, AnswerBook(path))


_BOOKS: dict[Path, AnswerBook] = {}  # one a folder: a box and what waits for its answer share it


def _entry(value: object) -> Entry | None:
    """Return what a file holds of one exercise: None if that is nothing to rely on."""
    if isinstance(value, str):  # as an older kit kept it
        return Entry(value, right=False)
    if isinstance(value, dict) and isinstance(value.get("answer"), str):
        return Entry(value["answer"], right=value.get("right") is True)
    return None
