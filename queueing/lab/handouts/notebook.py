"""What a handout takes from its notebook: title, minutes, reference, formulas to compare."""

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from IPython.core import inputtransformer2 as _typeless

from queueing.lab.handouts.problems import HandoutError
from queueing.lab.handouts.sheet import Formula

_magic: Any = _typeless  # its functions carry no types

_TITLE = re.compile(r"# (\d\d) (.+)")
_MINUTES = re.compile(r"^\*(\d+) minutes\.", re.MULTILINE)
_REFERENCE = re.compile(r"\*\*Reference\.\*\*\s+(.+?)(?:\n\s*\n|\Z)", re.DOTALL)
_DISPLAYED = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)


class _Cell(NamedTuple):
    kind: str
    source: str
    outputs: list[dict[str, Any]]


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
    every = _cells(path, where)
    for place, cell in enumerate(every):
        if trouble := _trouble(cell):
            raise HandoutError(f"{where}, cell {place}: {trouble}")
    cells = [(place, cell.source) for place, cell in enumerate(every) if cell.kind == "markdown"]
    number, first = cells[0] if cells else (0, "")
    title, minutes = _TITLE.match(first), _MINUTES.search(first)
    if not title or not minutes:
        raise HandoutError(
            f"{where}, cell {number}: a lesson begins with a line such as "
            f'"# {lesson} A title" and one such as "*20 minutes. …*"'
        )
    references = [(place, match[1]) for place, text in cells if (match := _REFERENCE.search(text))]
    if not references:
        raise HandoutError(f'{where}, cell {cells[-1][0]}: the last cell says no "**Reference.**"')
    last, reference = references[-1]
    if re.search(r"[$\\]", reference):
        raise HandoutError(
            f"{where}, cell {last}: the reference holds TeX, which paper would show as it stands; "
            "write letters and signs, as in a + β√a"
        )
    return Notebook(
        name=path.stem,
        title=title[2].strip(),
        minutes=int(minutes[1]),
        reference=" ".join(reference.split()),
        formulas=tuple(
            (number, tex.strip()) for number, text in cells for tex in _DISPLAYED.findall(text)
        ),
    )


def bare(tex: str) -> str:
    """Return TeX without spaces, for comparing."""
    return re.sub(r"\s+", "", tex)


def _cells(path: Path, where: str) -> list[_Cell]:
    """Return the cells of a notebook."""
    try:
        return [
            _Cell(str(cell["cell_type"]), "".join(cell["source"]), cell.get("outputs", []))
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise HandoutError(f"{where} is not a notebook: {error}") from None


def _trouble(cell: _Cell) -> str:
    """Return why a cell of code cannot be taught, or nothing; no cell is run."""
    if cell.kind != "code":
        return ""
    try:
        ast.parse(_magic.TransformerManager().transform_cell(cell.source))
    except SyntaxError as error:
        return f"the code cannot be read, line {error.lineno}: {error.msg}"
    failed = [output for output in cell.outputs if output.get("output_type") == "error"]
    return f"it ended in {failed[0].get('ename')}: {failed[0].get('evalue')}" if failed else ""
