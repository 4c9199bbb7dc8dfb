"""The house rules, read off the sources: imports go down only, rooms stay small, notebooks tell.

Nothing is imported here; the files are parsed. Each rule is also shown a tree that breaks it.
"""

import ast
import json
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# A room is a module or a subpackage of queueing. Put a new one on the lowest floor that holds it.
FLOORS = {
    0: "checks compiling interrupts transforms laws distributions erlang formulas paths",
    1: "retries availability stations",
    2: "networks nonstationary backpressure staffing shortest_line slots",
    3: "simulation",
    4: "scenario",
    4.5: "__init__",  # the names that a student types: for the classroom, not for the floors
    5: "lab",
    6: "__main__ command_line",
}
FLOOR = {room: floor for floor, rooms in FLOORS.items() for room in rooms.split()}
INNER = {
    "checks",
    "compiling",
    "interrupts",
    "transforms",
    "laws",
    "shortest_line",
    "slots",
}  # rooms that no notebook opens
LONGEST_FILE = 420  # about 400 lines are read in one sitting
LONGEST_CELL = 6


def room_of(path: Path, package: Path) -> str:
    return path.relative_to(package).parts[0].removesuffix(".py")


def imported_names(tree: ast.AST, package: list[str]) -> Iterator[str]:
    """Every imported module or name in full, such as "queueing.erlang.erlang_c"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            module = [*above, node.module] if node.module else above
            yield from (".".join([*module, alias.name]) for alias in node.names)


def imported_rooms(path: Path, package: Path) -> set[str]:
    """The rooms of the house that a file imports; a bare name from the top is `__init__`'s."""
    folders = [package.name, *path.relative_to(package).parts[:-1]]
    names = imported_names(ast.parse(path.read_text(encoding="utf-8")), folders)
    parts = [name.split(".") for name in names if name.split(".")[0] == package.name]
    rooms = {room_of(file, package) for file in package.rglob("*.py")} | FLOOR.keys()
    return {part[1] if len(part) > 1 and part[1] in rooms else "__init__" for part in parts}


def misplaced_imports(root: Path) -> Iterator[str]:
    package, neighbours = root / "queueing", {}
    for path in sorted(package.rglob("*.py")):
        room, name = room_of(path, package), path.relative_to(root).as_posix()
        if room not in FLOOR:
            yield f"{name}: no floor is known for {room}"
            continue
        others = imported_rooms(path, package) - {room}
        for other in sorted(others):
            if FLOOR.get(other, 0) > FLOOR[room]:
                yield f"{name} (floor {FLOOR[room]}) imports {other} (floor {FLOOR[other]})"
        neighbours.setdefault(room, set()).update(others)
    try:
        TopologicalSorter(neighbours).prepare()
    except CycleError as error:
        yield f"rooms import each other: {' <- '.join(error.args[1])}"


def long_files(root: Path) -> Iterator[str]:
    for path in sorted(
        path for folder in ("queueing", "tests") for path in root.glob(f"{folder}/**/*.py")
    ):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > LONGEST_FILE:
            yield f"{path.relative_to(root).as_posix()} has {lines} lines: it has become two rooms"


def talkative_notebooks(root: Path) -> Iterator[str]:
    for path in sorted(root.glob("notebooks/*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        if notebook["metadata"].get("kernelspec", {}).get("name") != "python3":
            yield f"{path.name} does not ask for the kernel python3"
        for number, cell in enumerate(notebook["cells"]):
            if cell["cell_type"] == "code":
                complaints = talkative_cell("".join(cell["source"]))
                yield from (f"{path.name}, cell {number} {complaint}" for complaint in complaints)


def talkative_cell(source: str) -> Iterator[str]:
    lines = [line for line in source.splitlines() if line.strip()]
    if len(lines) > LONGEST_CELL:
        yield f"has {len(lines)} lines, over {LONGEST_CELL}"
    tree = ast.parse("\n".join(line for line in lines if line.lstrip()[0] not in "%!"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield f"defines {node.name}: it belongs in queueing/"
    for name in imported_names(tree, []):
        package, *inside = name.split(".")
        if any(part.startswith("_") or part == "*" for part in [package, *inside]):
            yield f"imports {name}, which is not public"
        elif package == "queueing" and inside and inside[0] in INNER:
            yield f"imports {name}, which is not for notebooks"


def complaints(root: Path) -> list[str]:
    return [*misplaced_imports(root), *long_files(root), *talkative_notebooks(root)]


def test_house_is_in_order():
    assert complaints(ROOT) == []


def test_there_is_a_house_to_look_at():
    assert list(ROOT.glob("queueing/*.py"))
    assert list(ROOT.glob("notebooks/*.ipynb"))


ORDERLY = {
    "queueing/__init__.py": "from queueing.erlang import erlang_c\nfrom queueing import scenario",
    "queueing/__main__.py": "def main():\n    from queueing.lab import handouts",
    "queueing/checks.py": "import math",
    "queueing/erlang.py": "from . import checks",
    "queueing/stations/__init__.py": "from .markov import MM1",
    "queueing/stations/markov.py": "from ..erlang import erlang_c\nMM1 = None",
    "queueing/scenario/__init__.py": "import queueing.stations.markov as markov",
    "queueing/lab/boards.py": "from queueing import MM1",
    "notebooks/00.ipynb": "%matplotlib inline\nfrom queueing import MM1\n\nMM1",
}


def build(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".ipynb":
            code = {"cell_type": "code", "source": text}
            cells = [{"cell_type": "markdown", "source": "def"}, code]
            kernel = {"kernelspec": {"name": "python3"}}
            path.write_text(json.dumps({"metadata": kernel, "cells": cells}), encoding="utf-8")
        else:
            path.write_text(text, encoding="utf-8")
    return root


def test_orderly_tree_is_accepted(tmp_path):
    assert complaints(build(tmp_path, ORDERLY)) == []


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("queueing/erlang.py", "import queueing.stations", "erlang.py (floor 0) imports stations"),
        ("queueing/erlang.py", "from queueing import stations as s", "imports stations (floor 1)"),
        ("queueing/erlang.py", "from . import scenario", "imports scenario (floor 4)"),
        ("queueing/erlang.py", "from queueing import MM1", "imports __init__ (floor 4.5)"),
        ("queueing/erlang.py", "def late():\n    from .lab import x", "imports lab (floor 5)"),
        ("queueing/stations/markov.py", "from ..staffing import x", "markov.py (floor 1) imports"),
        ("queueing/stations/markov.py", "from .. import staffing", "imports staffing (floor 2)"),
        (
            "queueing/__init__.py",
            "from queueing.lab import boards",
            "__init__.py (floor 4.5) imports",
        ),
        ("queueing/scenario/surge.py", "from queueing.lab.x import y", "imports lab (floor 5)"),
        (
            "queueing/checks.py",
            "from queueing import erlang",
            "rooms import each other",
        ),
        ("queueing/cellar.py", "", "no floor is known for cellar"),
        ("queueing/cellar/wine.py", "", "no floor is known for cellar"),
        ("queueing/erlang.py", "x = 1\n" * 421, "has 421 lines"),
        ("tests/test_erlang.py", "x = 1\n" * 421, "has 421 lines"),
        ("notebooks/01.ipynb", "x = 1\n" * 7, "cell 1 has 7 lines"),
        ("notebooks/01.ipynb", "if True:\n    def f(): pass", "defines f"),
        ("notebooks/01.ipynb", "class Queue: pass", "defines Queue"),
        ("notebooks/01.ipynb", "from queueing import *", "imports queueing.*, which is not public"),
        ("notebooks/01.ipynb", "from queueing.erlang import _b", "which is not public"),
        ("notebooks/01.ipynb", "from queueing import checks", "which is not for notebooks"),
    ],
)
def test_disorderly_tree_is_rejected(tmp_path, name, text, complaint):
    found = complaints(build(tmp_path, ORDERLY | {name: text}))
    assert any(complaint in each for each in found), found


def test_notebook_for_another_kernel_is_rejected(tmp_path):
    path = build(tmp_path, ORDERLY) / "notebooks/00.ipynb"
    path.write_text(path.read_text().replace("python3", "my-own"))
    assert complaints(tmp_path) == ["00.ipynb does not ask for the kernel python3"]
