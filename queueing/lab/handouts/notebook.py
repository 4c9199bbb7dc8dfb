"""What a handout takes from its notebook: title, minutes, reference, formulas to compare."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from queueing.lab.handouts.problems import HandoutError
from queueing.lab.handouts.sheet import Formula

_TITLE = re.compile(r"# (\d\d) (.+)")
_MINUTES = re.compile(r"^\*(\d+) minutes\.", re.MULTILINE)
_REFERENCE = re.compile(r"\*\*Reference\.\*\*\s+(.+?)(?:\n\s*\n|\Z)", re.DOTALL)
_DISPLAYED = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Notebook:
    """A lesson as it is taught: `reference` may hold the stars of Markdown."""

    name: str  # "03_many_servers"
    title: str
    minutes: int
    reference: str
    formulas: tuple[tuple[int, str], ...]  # each with the number of its cell

    def check(self, formulas: Sequence[Formula]) -> None:
        """Raise `HandoutError` that names the first cell with a formula that is not among these."""
        known = {bare(formula.tex) for formula in formulas}
        for cell, tex in self.formulas:
            if bare(tex) not in known:
                raise HandoutError(
                    f"notebooks/{self.name}.ipynb, cell {cell}: the formula {tex} is not on the "
                    f"lesson's sheet"
                )


def read(folder: Path, lesson: str) -> Notebook:
    """Return the notebook of a lesson; raises `HandoutError` that names file, cell and reason."""
    found = sorted(folder.glob(f"{lesson}_*.ipynb"))
    if not found:
        raise HandoutError(f"notebooks/{lesson}_*.ipynb: there is no such notebook")
    path = found[0]
    where = f"notebooks/{path.name}"
    cells = list(_prose(path, where))
    number, first = cells[0] if cells else (0, "")
    title, minutes = _TITLE.match(first), _MINUTES.search(first)
    if not title or not minutes:
        raise HandoutError(
            f"{where}, cell {number}: a lesson begins with a line such as "
            f'"# {lesson} A title" and one such as "*20 minutes. …*"'
        )
    references = [match[1] for _, text in cells if (match := _REFERENCE.search(text))]
    if not references:
        raise HandoutError(f'{where}, cell {cells[-1][0]}: the last cell says no "**Reference.**"')
    return Notebook(
        name=path.stem,
        title=title[2].strip(),
        minutes=int(minutes[1]),
        reference=" ".join(references[-1].split()),
        formulas=tuple(
            (number, tex.strip()) for number, text in cells for tex in _DISPLAYED.findall(text)
        ),
    )


def bare(tex: str) -> str:
    """Return TeX without spaces, for comparing."""
    return re.sub(r"\s+", "", tex)


def _prose(path: Path, where: str) -> Iterator[tuple[int, str]]:
    """Give the cells of prose with their numbers."""
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        told = [(_kind(cell), "".join(cell["source"])) for cell in cells]
    except (ValueError, KeyError, TypeError) as error:
        raise HandoutError(f"{where} is not a notebook: {error}") from None
    return ((number, text) for number, (kind, text) in enumerate(told) if kind == "markdown")


def _kind(cell: dict[str, Any]) -> str:
    return str(cell["cell_type"])
