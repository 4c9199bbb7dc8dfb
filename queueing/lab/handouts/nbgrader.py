"""The judged exercises as an assignment for nbgrader: questions, places to answer, points.

A student answers with a number; the test that grades it needs nothing but Python. Right answers
stand where nbgrader takes them out: between the marks of solutions and of hidden tests.
"""

import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import nbformat as _typeless

from queueing.lab.exercises import Exercise
from queueing.lab.handouts.problems import HandoutError
from queueing.lab.handouts.soundness import UNASKABLE, faults
from queueing.lab.outputs import METADATA
from queueing.lab.register import EXERCISES, judged
from queueing.scenario import Scenario

nbformat: Any = _typeless  # its functions carry no types

_SCHEMA = 3  # of nbgrader's metadata
_REASONED = ("A design", "A diagnosis")  # questions that ask for a reason beside the number
_WIDTH = 88
_EXACT = 1e-9  # of an answer: as near as arithmetic comes to a whole number


class Assignment(NamedTuple):
    """What was exported: the folder, its notebooks, and the exercises left out with the reason."""

    folder: Path
    notebooks: list[Path]
    left_out: list[str]


def export(
    scenario: Scenario,
    directory: Path,
    *,
    lessons: Sequence[str] = (),
    variant: str = "",
    overwrite: bool = False,
) -> Assignment:
    """Write the exercises of some lessons, or of all, as an assignment into a course's folder.

    It lies in `source/<scenario>`, with the letter of a `variant` behind. Files that are there and
    differ are left alone unless `overwrite` says otherwise: then, for an unknown lesson and for a
    folder that cannot be written, `HandoutError` is raised and nothing is written.
    """
    name = re.sub(r"\W+", "-", scenario.title.lower()).strip("-") or "assignment"
    folder = directory / "source" / "-".join(filter(None, (name, variant)))
    contents, left_out = {}, []
    for lesson in _numbers(lessons):
        asked = []
        for key in judged(lesson):
            if spoilt := faults(EXERCISES[key], scenario) & UNASKABLE:
                left_out.append(f"exercise {key} {min(spoilt)} with {scenario.title}'s numbers")
            else:
                asked.append(EXERCISES[key])
        if asked:
            contents[folder / f"{lesson}_exercises.ipynb"] = notebook(lesson, asked, scenario)
    try:
        _write(contents, overwrite=overwrite)
    except OSError as error:
        raise HandoutError(f"{str(folder)!r} cannot be written: {error.strerror}") from None
    return Assignment(folder, [*contents], left_out)


def notebook(lesson: str, asked: Sequence[Exercise], scenario: Scenario) -> str:
    """Return the source notebook of a lesson's exercises, answers and all, as text."""
    cells = [_header(lesson, scenario)]
    for exercise in asked:
        cells += _cells(exercise, scenario)
    made = nbformat.v4.new_notebook(cells=cells, metadata=nbformat.from_dict(METADATA))
    nbformat.validate(made)
    return nbformat.writes(made) + "\n"


def _header(lesson: str, scenario: Scenario) -> Any:
    text = (
        f"# {_plain(scenario.title)}, lesson {lesson}: exercises\n\n"
        "Work with the lesson's notebook, on paper, or both. Give each answer as a number, in the "
        "unit that is asked for, under the name that stands in the cell; take the line that raises "
        "an error away."
    )
    return _cell("markdown", f"{lesson}-header", text, locked=True)


def _cells(exercise: Exercise, scenario: Scenario) -> Iterator[Any]:
    """Give the question, the place to answer, the test, and where it is asked for the reason."""
    key, name = exercise.key, f"answer_{exercise.key.replace('-', '_')}"
    question, solution = exercise.question(scenario), exercise.solution(scenario)
    reasoned = question.startswith(_REASONED)
    text = f"## {_plain(exercise.title)}\n\n{_plain(question)}\n\nUnit: {_plain(exercise.unit)}"
    if reasoned:
        text += "\n\nSay in a few sentences below how you came to it."
    yield _cell("markdown", f"{key}-question", text, locked=True)
    right = exercise.answer(scenario)
    worked = textwrap.indent(textwrap.fill(solution, _WIDTH), "# ")
    yield _cell(
        "code",
        key,
        f"# {name} = your number, in {exercise.unit}\n"
        f"### BEGIN SOLUTION\n{worked}\n{name} = {_number(right)}\n### END SOLUTION",
        solution=True,
    )
    yield _cell("code", f"{key}-test", _test(exercise, scenario, name), locked=True, points=1)
    if reasoned:
        yield _cell(
            "markdown",
            f"{key}-reason",
            f"### BEGIN SOLUTION\n{_plain(solution)}\n### END SOLUTION",
            solution=True,
            points=1,
        )


def _test(exercise: Exercise, scenario: Scenario, name: str) -> str:
    """Return the test of an answer: what anybody may see of it, then what is hidden."""
    right = exercise.answer(scenario)
    near = f"rel_tol={max(exercise.tolerance, _EXACT)!r}, abs_tol=1e-12"
    misses = "".join(
        f"    ({_number(value(scenario))}, {message!r}),\n"
        for value, message in exercise.near_misses
        if math.isfinite(value(scenario))
    )
    return (
        "import math\n"
        "import numbers\n\n"
        f'assert isinstance({name}, numbers.Real), "{name} must be a number"\n'
        f'assert math.isfinite({name}), "{name} must be a finite number"\n'
        "### BEGIN HIDDEN TESTS\n"
        f"misses = [\n{misses}]\n"
        f"told = [text for value, text in misses if math.isclose({name}, value, {near})]\n"
        f"right = math.isclose({name}, {_number(right)}, {near})\n"
        'assert right, told[0] if told else "not yet"\n'
        "### END HIDDEN TESTS"
    )


def _cell(
    kind: str,
    name: str,
    source: str,
    *,
    locked: bool = False,
    solution: bool = False,
    points: int | None = None,
) -> Any:
    """Return a cell with nbgrader's metadata; one with points is graded."""
    told = {
        "schema_version": _SCHEMA,
        "grade_id": name,
        "cell_type": kind,
        "grade": points is not None,
        "locked": locked,
        "solution": solution,
        "task": False,
        **({} if points is None else {"points": points}),
    }
    new = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    return new(source, id=name, metadata={"nbgrader": told})


def _number(value: float) -> str:
    """Return a number as Python reads it, a whole one without a point."""
    return repr(int(value)) if float(value).is_integer() else repr(float(value))


def _plain(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return re.sub(r"([\\`*_<$#~\[\]])", r"\\\1", text)


def _numbers(lessons: Sequence[str]) -> list[str]:
    """Return the lessons that are meant, in the course's order."""
    known = list(dict.fromkeys(key[:2] for key in judged()))
    wanted = [lesson.zfill(2) for lesson in lessons] or known
    for lesson in wanted:
        if lesson not in known:
            raise HandoutError(f"no exercises of a lesson {lesson!r}; there are {', '.join(known)}")
    return [lesson for lesson in known if lesson in wanted]


def _write(contents: dict[Path, str], *, overwrite: bool) -> None:
    """Write the files that are not there yet, all or none; with `overwrite` also the others."""
    there = {path: path.read_bytes() for path in contents if path.exists()}
    changed = [path for path, raw in there.items() if raw != contents[path].encode()]
    if changed and not overwrite:
        raise HandoutError(
            f"{', '.join(map(str, changed))} would be overwritten: changed by hand, or made from "
            "other numbers. Move it away, name another folder, or write over it with --overwrite"
        )
    for path, text in contents.items():
        if path not in there or path in changed:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
