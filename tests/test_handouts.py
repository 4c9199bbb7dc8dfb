"""The making of the handouts: sheets that are complete, builds that go on, words for what fails."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from paper_reading import Sheets, squashed

from queueing.command_line import BAD_INPUT, FAILS, PASSES, main
from queueing.lab.handouts import notebook, press
from queueing.lab.handouts.build import build
from queueing.lab.handouts.lesson import prepared
from queueing.lab.handouts.mathematics import converted
from queueing.lab.handouts.problems import HandoutError
from queueing.lab.handouts.sheet import LESSONS as COURSE
from queueing.lab.handouts.sheet import lessons_with_a_sheet, sheet
from queueing.lab.handouts.sheets import lesson_03
from queueing.lab.pooling import pooling_board
from queueing.lab.register import exercise
from queueing.scenario import Scenario

FORGE = Scenario.load("mailforge")
LESSONS = lessons_with_a_sheet()


# --- Sheets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", LESSONS)
def test_every_displayed_formula_of_the_notebook_is_on_the_sheet(number):
    notebook.read(press.NOTEBOOKS, number).check(sheet(number).formulas)


@pytest.mark.parametrize("number", [each for each in LESSONS if sheet(each).formulas])
def test_a_formula_that_the_sheet_lacks_is_named_with_its_cell(number):
    read = notebook.read(press.NOTEBOOKS, number)
    cell, tex = read.formulas[-1]
    fewer = [
        each for each in sheet(number).formulas if notebook.bare(each.tex) != notebook.bare(tex)
    ]
    with pytest.raises(HandoutError, match=rf"{read.name}\.ipynb, cell {cell}: the formula"):
        read.check(fewer)


def test_spoken_formulas_differ_and_hold_no_tex():
    spoken = [formula.spoken for number in LESSONS for formula in sheet(number).formulas]
    assert len(set(spoken)) == len(spoken)
    for words in spoken:
        assert len(words.split()) >= 4, words
        assert not set(r"\$^_{}=") & set(words), words


@pytest.mark.parametrize("number", LESSONS)
def test_texts_of_a_sheet_are_plain(number):
    one = sheet(number)
    texts = [one.able, one.question(FORGE), one.rule(FORGE), *one.screen, *one.captions]
    texts += [what for _, what in one.minutes]
    for formula in one.formulas:
        texts += [formula.name, formula.valid, *(meaning for _, meaning in formula.symbols)]
    assert [text for text in texts if set(r"\$*`") & set(text)] == []
    assert len(one.captions) in {0, len(one.figures)}


@pytest.mark.parametrize("number", LESSONS)
def test_the_teachers_minutes_are_the_notebooks(number):
    planned = sum(minutes for minutes, _ in sheet(number).minutes)
    assert planned == notebook.read(press.NOTEBOOKS, number).minutes


def test_a_formula_that_pandoc_cannot_read_is_named():
    with pytest.raises(HandoutError, match=r"\\nonsense\{a\} cannot be set: .*unexpected"):
        converted([r"a^2", r"\nonsense{a}"], "typst")


def test_a_formula_or_figure_without_words_is_named():
    one = sheet("03")
    mute = (replace(one.formulas[0], spoken=" "), *one.formulas[1:])
    with pytest.raises(HandoutError, match=r"formula 3\.1 \(Offered load\) has no words"):
        prepared(replace(one, formulas=mute), FORGE, press.NOTEBOOKS)
    twice = replace(one.formulas[1], spoken=one.formulas[0].spoken)
    with pytest.raises(HandoutError, match=r"formula 3\.2 .* same words as formula 3\.1"):
        prepared(
            replace(one, formulas=(one.formulas[0], twice, *one.formulas[2:])),
            FORGE,
            press.NOTEBOOKS,
        )
    with pytest.raises(HandoutError, match=r"figure 3\.2 has the same words as figure 3\.1"):
        prepared(replace(one, figures=(one.figures[0],) * 2), FORGE, press.NOTEBOOKS)


# --- Builds --------------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path, monkeypatch):
    """The notebooks of two lessons in a folder of their own, to be broken."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for lesson in ("00", "03"):
        (path,) = press.NOTEBOOKS.glob(f"{lesson}_*.ipynb")
        shutil.copy(path, folder)
    monkeypatch.setattr(press, "NOTEBOOKS", folder)
    monkeypatch.setattr("queueing.lab.handouts.build.lessons_with_a_sheet", lambda: ["00", "03"])
    return folder


def change(path, edit):
    cells = json.loads(path.read_text(encoding="utf-8"))
    edit(cells["cells"])
    path.write_text(json.dumps(cells), encoding="utf-8")


def prose(text):
    return {"cell_type": "markdown", "metadata": {}, "source": text}


FAILED = {"output_type": "error", "ename": "NameError", "evalue": "name 'forge' is not defined"}


def names(paths):
    return {path.name for path in paths}


def test_nothing_is_done_where_nothing_has_changed(course, tmp_path, capsys):
    first = build(FORGE, tmp_path / "out")
    assert first.failures == []
    assert len(first.written) == 16
    assert capsys.readouterr().err == ""
    again = build(FORGE, tmp_path / "out", progress=True)
    assert "worksheet: 100%" in capsys.readouterr().err
    assert (again.written, names(again.kept)) == ([], names(first.written))
    (tmp_path / "out/00_student.pdf").write_bytes(b"spoiled")
    (tmp_path / "out/03_teacher.html").unlink()
    mended = build(FORGE, tmp_path / "out")
    assert names(mended.written) == {
        f"{stem}.{form}" for stem in ("00_student", "03_teacher") for form in ("pdf", "html")
    }
    change(course / "03_many_servers.ipynb", lambda cells: cells[3]["source"].append("\nMore."))
    changed = {path.name.split(".")[0] for path in build(FORGE, tmp_path / "out").written}
    assert changed == {
        "03_student",
        "03_teacher",
        "booklet_student",
        "booklet_teacher",
        "formulas",
    }


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (lambda path: path.write_text("{"), "notebooks/03_many_servers.ipynb is not a notebook"),
        (lambda path: path.unlink(), "there is no such notebook"),
        (
            lambda path: change(path, lambda cells: cells[6]["source"].append("\n$$x = y + 1$$")),
            "03_many_servers.ipynb, cell 6: the formula x = y + 1 is not on the lesson's sheet",
        ),
        (
            lambda path: change(path, lambda cells: cells[0].update(source="Welcome")),
            "03_many_servers.ipynb, cell 0: a lesson begins with",
        ),
        (lambda path: change(path, lambda cells: cells.pop()), "**Reference.**"),
        (
            lambda path: change(path, lambda cells: cells.append(prose("**Reference.** On $a$."))),
            "the reference holds TeX",
        ),
        (
            lambda path: change(path, lambda cells: cells[2].update(source="1 +")),
            "03_many_servers.ipynb, cell 2: the code cannot be read, line 1: invalid syntax",
        ),
        (
            lambda path: change(path, lambda cells: cells[2].update(outputs=[FAILED])),
            "03_many_servers.ipynb, cell 2: it ended in NameError: name 'forge' is not defined",
        ),
    ],
)
def test_a_broken_notebook_names_itself_and_leaves_the_others(course, tmp_path, edit, told):
    edit(course / "03_many_servers.ipynb")
    made = build(FORGE, tmp_path / "out")
    (failure,) = made.failures
    assert failure.startswith("03: ")
    assert told in failure
    assert {"00_student.pdf", "booklet_teacher.pdf", "worksheet.html"} <= names(made.written)
    assert not list((tmp_path / "out").glob("03_*"))


@pytest.mark.usefixtures("course")
def test_a_sheet_that_raises_names_its_line(tmp_path, monkeypatch):
    def broken(_):
        return 1 / 0

    monkeypatch.setattr(lesson_03, "SHEET", replace(lesson_03.SHEET, rule=broken))
    (failure,) = build(FORGE, tmp_path / "out").failures
    assert failure.startswith("03: queueing/lab/handouts/lesson.py, line ")
    assert failure.endswith("ZeroDivisionError: division by zero")


def test_a_lesson_that_fails_leaves_no_old_paper_behind(course, tmp_path):
    build(FORGE, tmp_path / "out", lessons=["03"])
    assert (tmp_path / "out/03_student.pdf").exists()
    (course / "03_many_servers.ipynb").write_text("{")
    assert build(FORGE, tmp_path / "out", lessons=["03"]).failures
    assert not (tmp_path / "out/03_student.pdf").exists()


@pytest.mark.usefixtures("course")
def test_what_was_finished_before_a_stop_is_not_made_again(tmp_path, monkeypatch):
    pdf = press.pdf

    def stopped(source):
        if "formulas are of 1917" in source:
            raise KeyboardInterrupt
        return pdf(source)

    monkeypatch.setattr(press, "pdf", stopped)
    with pytest.raises(KeyboardInterrupt):
        build(FORGE, tmp_path / "out")
    monkeypatch.setattr(press, "pdf", pdf)
    kept = names(build(FORGE, tmp_path / "out").kept)
    assert kept == {
        f"00_{kind}.{form}" for kind in ("student", "teacher") for form in ("pdf", "html")
    }


@pytest.mark.usefixtures("course")
def test_a_variant_stands_on_the_papers_and_in_their_names(tmp_path):
    made = build(FORGE, tmp_path / "out", lessons=["03"], variant="B")
    assert "03_teacher_B.pdf" in names(made.written)
    for kind in ("student", "teacher"):
        assert "variantb" in squashed(Sheets(tmp_path / f"out/03_{kind}_B.pdf").text)


@pytest.mark.usefixtures("course")
def test_an_exercise_that_a_scenario_leaves_no_sense_in_is_left_out_and_named(tmp_path):
    users = FORGE.traffic.model_copy(update={"baseline_users": 5.0, "peak_users": 20.0})
    quiet = replace(FORGE, title='Quiet #1 [x] "$5"', traffic=users)
    for _ in range(2):  # and told again
        (failure,) = build(quiet, tmp_path / "out", lessons=["03"]).failures
        told = '03-promise is left out, it cannot be asked with the numbers of Quiet #1 [x] "$5": '
        assert failure.startswith(told)
    text = squashed(Sheets(tmp_path / "out/03_student.pdf").text)
    assert squashed('Before Quiet #1 [x] "$5"\'s servers') in text
    assert squashed(exercise("03-lines").title) in text
    assert squashed(exercise("03-promise").title) not in text


def test_a_scenario_that_needs_fewer_workers_is_asked_of_a_backlog_that_there_is(tmp_path):
    guided = Scenario.load("guided-queues-and-workers")
    assert guided.evaluate(replace(guided.base, workers=guided.base.workers - 1)).worker_load < 1
    build(guided, tmp_path, lessons=["00", "05", "11"])
    first, surge = (Sheets(tmp_path / f"{number}_student.pdf") for number in ("00", "11"))
    (surplus,) = re.findall(r"handed (-?\d+)\s*% more", first.text)
    assert int(surplus) > 0
    (hour,) = re.findall(r"is largest at\s+hour ([\d.]+), when", surge.text)
    assert float(hour) == pytest.approx(guided.traffic.peak_h, abs=1)
    for sheets, told in ((surge, "survive 30 hours"), (first, "For about 12 hours")):
        assert squashed(told) in sheets.squashed
    assert "260 ms?" in Sheets(tmp_path / "05_student.pdf").metadata.replace("\u00a0", " ")


# --- The command ---------------------------------------------------------------------------------


def test_a_scenario_of_ones_own_changes_the_numbers(tmp_path, capsys):
    file = tmp_path / "mine.toml"
    file.write_text('extends = "mailforge"\n[traffic]\npeak_users = 3900\n', encoding="utf-8")
    wanted = ["--lesson", "03", "--paper", "letter", "--output", str(tmp_path / "out")]
    assert main(["handouts", "--scenario", str(file), *wanted]) == PASSES
    assert "4 files written" in capsys.readouterr().out
    mine, merge = Scenario.load(file), exercise("03-merge")
    assert merge.answer(mine) != merge.answer(FORGE)
    text = squashed(Sheets(tmp_path / "out/03_teacher.pdf").text)
    assert squashed(merge.solution(mine)) in text
    assert squashed(merge.solution(FORGE)) not in text
    student = Sheets(tmp_path / "out/03_student.pdf")
    assert squashed(merge.question(mine)) in squashed(student.text)
    assert round(student.reader.pages[0].mediabox.width) == 612
    assert main(["handouts", str(file), *wanted]) == PASSES
    assert "nothing has changed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mailforg"], ["mailforg", "mailforge"]),
        (["--scenario", "nowhere/forge.toml"], ["nowhere/forge.toml"]),
        (["--lesson", "99"], ["'99'", "00, "]),
    ],
)
def test_bad_input_is_told_in_one_line(arguments, words, tmp_path, capsys):
    assert main(["handouts", *arguments, "--output", str(tmp_path / "out")]) == BAD_INPUT
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert all(word in told for word in words), told


def test_a_folder_that_cannot_be_written_is_told_before_the_work(tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    assert main(["handouts", "--output", str(tmp_path / "file/out")]) == BAD_INPUT
    assert "file/out' cannot be written" in capsys.readouterr().err

    def refused(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", refused)
    assert main(["handouts", "--output", str(tmp_path / "locked")]) == BAD_INPUT
    assert "locked' cannot be written: Permission denied" in capsys.readouterr().err


@pytest.mark.parametrize("module", ["typst", "pypandoc"])
def test_a_missing_package_is_told_with_its_remedy(module, tmp_path, capsys, monkeypatch):
    find = press.find_spec
    monkeypatch.setattr(press, "find_spec", lambda name: None if name == module else find(name))
    assert main(["handouts", "--output", str(tmp_path)]) == BAD_INPUT
    told = capsys.readouterr().err
    assert module in told
    assert "pip install 'mailforge-lab[handouts]'" in told


def test_a_failing_lesson_is_told_and_the_status_says_so(course, tmp_path, capsys):
    (course / "03_many_servers.ipynb").write_text("{")
    assert main(["handouts", "--output", str(tmp_path / "out")]) == FAILS
    told = capsys.readouterr()
    assert "03: notebooks/03_many_servers.ipynb is not a notebook" in told.err
    assert "12 files written" in told.out


def test_outside_the_courses_folder_it_says_what_is_needed(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(press, "TEMPLATE", Path("nowhere/template.typ"))
    assert main(["handouts", "--output", str(tmp_path)]) == BAD_INPUT
    assert "handouts/template.typ" in capsys.readouterr().err


# --- The teacher's page --------------------------------------------------------------------------


def planned_sessions():
    """The lessons and their minutes, session by session, as the teacher's page plans them."""
    page = (press.TEMPLATE.parent / "teaching.md").read_text(encoding="utf-8")
    for row in re.findall(r"^\| \d \| (\d\d .+?) \| ([\d +]+) \|", page, re.MULTILINE):
        lessons, minutes = (part.split(mark) for part, mark in zip(row, (", ", " + "), strict=True))
        yield [(told[:2], int(number)) for told, number in zip(lessons, minutes, strict=True)]


def test_six_sessions_of_ninety_minutes_hold_every_lesson_once():
    sessions = list(planned_sessions())
    assert len(sessions) == 6
    assert [lesson for session in sessions for lesson, _ in session] == [*COURSE]
    assert all(sum(minutes for _, minutes in session) <= 90 - 10 for session in sessions)


def test_the_plans_minutes_are_the_notebooks():
    for lesson, minutes in (each for session in planned_sessions() for each in session):
        if list(press.NOTEBOOKS.glob(f"{lesson}_*.ipynb")):
            assert notebook.read(press.NOTEBOOKS, lesson).minutes == minutes, lesson


def test_marks_of_points_are_drawn_on_paper_and_not_set_as_letters():
    picture = pooling_board(Scenario.load("mailforge")).picture
    marks = re.findall(r'<text [^>]*text-anchor="middle"[^>]*>([●○])</text>', picture.svg)
    assert marks.count("●") > 3
    assert marks.count("○") > 3
    discs = re.findall(r"<circle [^>]*>", picture.printed)
    assert len(discs) == len(marks)
    assert sum('fill="none"' in disc for disc in discs) == marks.count("○")


@pytest.mark.parametrize("seed", ["-1", "2.5", "many", ""])
def test_a_seed_that_is_none_is_refused_before_anything_is_drawn(seed, tmp_path, capsys):
    assert main(["handouts", "--seed", seed, "--output", str(tmp_path)]) == BAD_INPUT
    assert "seed must be a whole number of at least 0" in capsys.readouterr().err


def test_an_assignment_is_written_from_the_command_line(tmp_path, capsys):
    assert main(["handouts", "--nbgrader", str(tmp_path), "--lesson", "03"]) == PASSES
    assert "1 notebook" in capsys.readouterr().out
    (path,) = tmp_path.glob("source/*/03_*.ipynb")
    path.write_text("mine", encoding="utf-8")
    again = ["handouts", "--nbgrader", str(tmp_path), "--lesson", "03"]
    assert main(again) == BAD_INPUT
    assert "write over it with --overwrite" in capsys.readouterr().err
    assert main([*again, "--overwrite"]) == PASSES
    assert path.read_text(encoding="utf-8") != "mine"
    assert main(["handouts", "--overwrite"]) == BAD_INPUT
    assert "--overwrite is for --nbgrader" in capsys.readouterr().err
