"""The assignment for nbgrader: what a student gets, what is graded, and what is refused."""

import importlib.util
import json
import math
import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from queueing.lab.handouts.nbgrader import export
from queueing.lab.handouts.problems import HandoutError
from queueing.lab.outputs import METADATA
from queueing.lab.register import EXERCISES, judged
from queueing.scenario import Scenario

LESSONS = ("01", "02", "03", "10")  # quick ones, with answers of every kind
KEYS = [key for lesson in LESSONS for key in judged(lesson)]
STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
needs_nbgrader = pytest.mark.skipif(
    importlib.util.find_spec("nbgrader") is None, reason="nbgrader is an optional extra"
)


@pytest.fixture(scope="module")
def forge():
    return Scenario.load("mailforge")


@pytest.fixture(scope="module")
def exported(forge, tmp_path_factory):
    return export(forge, tmp_path_factory.mktemp("course"), lessons=LESSONS)


def cells(path):
    return nbformat.read(path, as_version=4).cells


def name_of(key):
    return f"answer_{key.replace('-', '_')}"


def cut(source, what, stub):
    """Leave out what stands between two marks, as nbgrader does."""
    before, _, rest = source.partition(f"### BEGIN {what}\n")
    return before + stub + rest.partition(f"### END {what}")[2] if rest else source


def released(cell):
    return cut(cut(cell.source, "SOLUTION", STUB), "HIDDEN TESTS", "")


def graded_by(exported):
    """Each exercise's test cell by the exercise's key."""
    found = [cell for path in exported.notebooks for cell in cells(path)]
    return {cell.id.removesuffix("-test"): cell for cell in found if cell.id.endswith("-test")}


# The notebooks


def test_notebook_is_valid_and_runs_on_the_kernel_of_the_course(exported):
    assert [path.name for path in exported.notebooks] == [f"{n}_exercises.ipynb" for n in LESSONS]
    for path in exported.notebooks:
        made = nbformat.read(path, as_version=4)
        nbformat.validate(made)
        assert made.metadata == METADATA


def test_every_cell_says_what_it_is(exported):
    for path in exported.notebooks:
        names = []
        for cell in cells(path):
            told = cell.metadata["nbgrader"]
            names.append(told["grade_id"])
            assert told["schema_version"] == 3
            assert told["cell_type"] == cell.cell_type
            assert told["grade"] == ("points" in told)
            assert told["locked"] != told["solution"]
            assert not told["task"]
            if cell.cell_type == "markdown":  # a text that is written is graded by hand
                assert told["grade"] == told["solution"]
        assert len(set(names)) == len(names)


def test_every_judged_exercise_has_a_test_and_designs_have_a_reason(exported, forge):
    assert [*graded_by(exported)] == KEYS
    names = [cell.id for path in exported.notebooks for cell in cells(path)]
    for key in KEYS:
        reasoned = EXERCISES[key].question(forge).startswith(("A design", "A diagnosis"))
        assert (f"{key}-reason" in names) == reasoned


def test_released_text_holds_no_answer(exported, forge):
    for path in exported.notebooks:
        made = cells(path)
        texts = "\n".join(map(released, made))
        assert "BEGIN" not in texts
        assert "END" not in texts
        for key in judged(path.name[:2]):
            asked = EXERCISES[key]
            assert asked.solution(forge) not in texts
            assert not any(message in texts for _, message in asked.near_misses)
            own = [cell for cell in made if cell.id in {key, f"{key}-test"}]
            right = asked.shown(asked.answer(forge)).split()[0]
            assert not any(right in released(cell).split() for cell in own)
            assert any(repr(asked.answer(forge)).removesuffix(".0") in cell.source for cell in own)


def test_right_answers_pass_and_others_are_told_why(exported, forge):
    for key, cell in graded_by(exported).items():
        asked, name = EXERCISES[key], name_of(key)
        right = asked.answer(forge)
        rounded = float(asked.shown(right).split()[0].replace(",", ""))
        for answer in (right, rounded):
            exec(cell.source, {name: answer})  # noqa: S102
        for value, message in asked.near_misses:
            with pytest.raises(AssertionError) as told:
                exec(cell.source, {name: value(forge)})  # noqa: S102
            assert str(told.value) == message
        for wrong in (math.nan, math.inf, -right, right * 1.5 + 1, str(right), None):
            with pytest.raises(AssertionError):
                exec(cell.source, {name: wrong})  # noqa: S102
        with pytest.raises(NameError):
            exec(cell.source, {})  # noqa: S102


def test_answer_needs_no_kit(exported):
    for path in exported.notebooks:
        code = [cell.source for cell in cells(path) if cell.cell_type == "code"]
        run = [sys.executable, "-I", "-S", "-c", "\n".join(code)]  # without any package
        subprocess.run(run, check=True, timeout=60)


def test_export_gives_the_same_bytes_again(exported, forge, tmp_path):
    again = export(forge, tmp_path, lessons=["3", "01", "10", "02"])
    for first, second in zip(exported.notebooks, again.notebooks, strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_variant_has_a_folder_and_answers_of_its_own(forge, tmp_path):
    more = forge.traffic.model_copy(update={"peak_users": 3000})
    plain = export(forge, tmp_path, lessons=["01"])
    other = export(replace(forge, traffic=more), tmp_path, lessons=["01"], variant="B")
    assert [plain.folder.name, other.folder.name] == ["mailforge", "mailforge-B"]
    assert plain.notebooks[0].read_bytes() != other.notebooks[0].read_bytes()


def test_exercise_that_makes_no_sense_is_left_out_and_named(tmp_path):
    made = export(Scenario.load("reports"), tmp_path, lessons=["01", "03"])
    assert "exercise 01-users cannot be asked with Reports's numbers" in made.left_out
    assert "answer_01_users" not in made.notebooks[0].read_text(encoding="utf-8")


# What is refused


def test_edited_file_is_not_overwritten(forge, tmp_path):
    made = export(forge, tmp_path, lessons=["03"])
    path = made.notebooks[0]
    assert export(forge, tmp_path, lessons=["03"]) == made  # nothing to change
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(HandoutError, match=r"03_exercises\.ipynb.* would be overwritten"):
        export(forge, tmp_path, lessons=["01", "03"])
    assert path.read_text(encoding="utf-8") == "mine"
    assert not path.with_name("01_exercises.ipynb").exists()


def test_edited_file_is_overwritten_where_that_is_asked_for(forge, tmp_path):
    made = export(forge, tmp_path, lessons=["01", "03"])
    first, second = made.notebooks
    kept, fresh = first.stat().st_mtime_ns, second.read_bytes()
    second.write_text("mine", encoding="utf-8")
    assert export(forge, tmp_path, lessons=["01", "03"], overwrite=True) == made
    assert second.read_bytes() == fresh
    assert first.stat().st_mtime_ns == kept  # what is right is left alone


def test_folder_that_cannot_be_written_is_named(forge, tmp_path):
    (tmp_path / "source").write_text("a file", encoding="utf-8")
    with pytest.raises(HandoutError, match=r"source/mailforge' cannot be written: "):
        export(forge, tmp_path, lessons=["03"])


def test_unknown_lesson_is_refused_by_name(forge, tmp_path):
    with pytest.raises(HandoutError, match="no exercises of a lesson '99'; there are 00, 01"):
        export(forge, tmp_path, lessons=["99"])
    assert not any(tmp_path.iterdir())


# nbgrader itself


@pytest.fixture
def nbgrader(tmp_path):
    paths = [str(Path(sys.executable).parent), os.environ["PATH"]]  # it calls alembic by name
    homes = {name: str(tmp_path / "home") for name in ("HOME", "JUPYTER_CONFIG_DIR", "IPYTHONDIR")}
    homes |= {"PATH": os.pathsep.join(paths), "PYTHONWARNINGS": "ignore"}

    def run(*arguments):
        command = [sys.executable, "-m", "nbgrader", *arguments]
        options = {"cwd": tmp_path, "env": os.environ | homes, "timeout": 300}
        done = subprocess.run(command, **options, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    return run


def hand_in(folder, student, answers):
    """Put a released notebook into a student's folder, with answers in place of the stubs."""
    source = folder / "release" / "mailforge" / "03_exercises.ipynb"
    made = json.loads(source.read_text(encoding="utf-8"))
    for cell in made["cells"]:
        if cell["id"] in answers:
            text = "".join(cell["source"])
            assert STUB in text
            answer = f"{name_of(cell['id'])} = {answers[cell['id']]!r}"
            cell["source"] = text.replace(STUB, answer)
    target = folder / "submitted" / student / "mailforge" / source.name
    target.parent.mkdir(parents=True)
    target.write_text(json.dumps(made), encoding="utf-8")


@needs_nbgrader
def test_nbgrader_releases_and_grades(forge, tmp_path, nbgrader):
    export(forge, tmp_path, lessons=["03"])
    nbgrader("generate_assignment", "mailforge")
    keys = judged("03")
    right = {key: EXERCISES[key].answer(forge) for key in keys}
    texts = (tmp_path / "release/mailforge/03_exercises.ipynb").read_text(encoding="utf-8")
    assert texts.count("NotImplementedError") == len(keys)
    assert not any(EXERCISES[key].solution(forge)[:40] in texts for key in keys)
    hand_in(tmp_path, "right", right)
    hand_in(tmp_path, "wrong", {key: 1.5 * answer + 1 for key, answer in right.items()})
    hand_in(tmp_path, "empty", {})
    nbgrader("autograde", "mailforge")
    with sqlite3.connect(tmp_path / "gradebook.db") as book:
        scores = book.execute(
            "select submitted_assignment.student_id, sum(grade.auto_score) from grade "
            "join submitted_notebook on grade.notebook_id = submitted_notebook.id "
            "join submitted_assignment on submitted_notebook.assignment_id = "
            "submitted_assignment.id group by submitted_assignment.student_id"
        ).fetchall()
    assert dict(scores) == {"right": len(keys), "wrong": 0, "empty": 0}
