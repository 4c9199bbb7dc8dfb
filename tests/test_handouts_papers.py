"""The papers as a reader, a listener and a cheat would open them: the PDFs are read back."""

import html
import re
from functools import cache
from pathlib import Path

import pytest
from paper_reading import Sheets, holds, squashed

from queueing.lab.handouts import press, typeset
from queueing.lab.handouts.build import build
from queueing.lab.handouts.lesson import prepared
from queueing.lab.handouts.problems import HandoutError
from queueing.lab.handouts.sheet import lessons_with_a_sheet, sheet
from queueing.lab.register import EXERCISES
from queueing.scenario import Scenario

ROOT = Path(__file__).parents[1]
FORGE = Scenario.load("mailforge")
LESSONS = lessons_with_a_sheet()
WHOLE = ["booklet_student", "booklet_teacher", "formulas", "worksheet"]
STUDENTS = [*(f"{lesson}_student" for lesson in LESSONS), "booklet_student"]
STUDENTS += ["formulas", "worksheet"]
TEACHERS = [*(f"{lesson}_teacher" for lesson in LESSONS), "booklet_teacher"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = build(FORGE, tmp_path_factory.mktemp("handouts"))
    assert made.failures == []
    return made.written[0].parent


@cache
def lesson_of(number):
    return prepared(sheet(number), FORGE, press.NOTEBOOKS)


@cache
def opened(path):
    return Sheets(path)


def secrets(number):
    """What only the teacher of a lesson is told: answers, solutions, hints, what mistakes tell."""
    lesson = lesson_of(number)
    asked = [*([lesson.prediction] if lesson.prediction else []), *lesson.tasks]
    for task in asked:
        if not holds(squashed(task.question), task.answer):
            yield task.answer
        yield from (s for s in re.split(r"(?<=[.:;?])\s+", task.solution) if len(s) > 25)
        yield from task.hints
        yield from (told for _, told in task.misses)


# --- What a student must not find ----------------------------------------------------------------


@pytest.mark.parametrize("paper", STUDENTS)
def test_no_solution_in_a_students_paper(folder, paper):
    text = opened(folder / f"{paper}.pdf").squashed
    page = squashed((folder / f"{paper}.html").read_text(encoding="utf-8"))
    for number in [paper[:2]] if paper[:2] in LESSONS else LESSONS:
        for secret in secrets(number):
            if paper[:2] not in LESSONS and len(secret) < 25:
                continue  # of fifteen lessons some bare number is another one's answer
            assert not holds(text, secret), secret
            assert not holds(page, secret), secret


@pytest.mark.parametrize("paper", TEACHERS)
def test_the_teachers_paper_has_every_one_of_them(folder, paper):
    text = opened(folder / f"{paper}.pdf").squashed
    page = squashed((folder / f"{paper}.html").read_text(encoding="utf-8"))
    for number in [paper[:2]] if paper[:2] in LESSONS else LESSONS:
        for secret in secrets(number):
            assert holds(text, secret), secret
            assert holds(page, secret), secret


def test_a_longer_number_is_not_the_answer():
    assert holds(squashed("take 7 processors"), "7 processors")
    assert not holds(squashed("take 17 processors"), "7 processors")


# --- What stands on them -------------------------------------------------------------------------


@pytest.mark.parametrize("number", LESSONS)
def test_a_students_paper_has_the_lesson_from_question_to_reference(folder, number):
    lesson, paper = lesson_of(number), opened(folder / f"{number}_student.pdf")
    text = squashed(paper.text)
    wanted = [lesson.title, lesson.question, lesson.able, lesson.rule]
    wanted += [lesson.reference.replace("*", ""), *lesson.captions]
    wanted += [words for task in lesson.tasks for words in (task.title, task.question, task.unit)]
    wanted += [words for formula in lesson.formulas for words in (formula.name, formula.valid)]
    wanted += [meaning for formula in lesson.formulas for _, meaning in formula.symbols]
    wanted += [f"({lesson.mark(place)})" for place in range(len(lesson.formulas))]
    assert [words for words in wanted if squashed(words) not in text] == []


@pytest.mark.parametrize("number", LESSONS)
def test_every_exercise_of_the_register_is_on_paper(number):
    lesson = lesson_of(number)
    there = [task for key, task in EXERCISES.items() if key.startswith(f"{number}-")]
    assert [task.title for task in there if not task.prediction] == [t.title for t in lesson.tasks]
    assert len(lesson.tasks) >= 2
    assert lesson.prediction


@pytest.mark.parametrize("number", LESSONS)
@pytest.mark.parametrize("paper", press.PAPERS)
def test_a_lesson_takes_two_to_four_pages(number, paper):
    lesson = lesson_of(number)
    assert 2 <= press.pages(typeset.paper_of(lesson, "student", paper)) <= 4
    assert press.pages(typeset.paper_of(lesson, "teacher", paper)) <= 4


@pytest.mark.parametrize(("paper", "size"), [("a4", (595, 842)), ("letter", (612, 792))])
def test_paper_has_its_size(paper, size):
    box = Sheets(press.pdf(typeset.paper_of(lesson_of("03"), "teacher", paper))).reader.pages[0]
    assert (round(box.mediabox.width), round(box.mediabox.height)) == size


def test_every_page_names_lesson_and_page(folder):
    for number in LESSONS:
        pages = opened(folder / f"{number}_student.pdf").pages
        for place, text in enumerate(pages):
            assert squashed(lesson_of(number).title) in squashed(text)[:120]
            assert squashed(f"{place + 1} / {len(pages)}") in squashed(text)[:140]


def test_the_formula_sheet_has_every_formula_on_two_pages(folder):
    paper = opened(folder / "formulas.pdf")
    assert len(paper.pages) <= 2
    for number in LESSONS:
        for formula in sheet(number).formulas:
            assert squashed(formula.name) in squashed(paper.text)
            assert formula.spoken in paper.alternatives["/Formula"]


@pytest.mark.parametrize("paper", press.PAPERS)
def test_the_formula_sheet_can_be_read_without_a_lens(paper):
    source = typeset.formula_sheet([lesson_of(number) for number in LESSONS], paper)
    assert press.pages(source) == 2
    sizes = Sheets(press.pdf(source)).sizes
    small = sum(letters for size, letters in sizes.items() if size < 7.5)
    assert small < 0.05 * sum(sizes.values())  # indices and powers


@pytest.mark.parametrize("number", LESSONS)
def test_the_last_page_has_an_exercise_and_the_rule_of_thumb(folder, number):
    last = squashed(opened(folder / f"{number}_student.pdf").pages[-1])
    assert squashed(lesson_of(number).tasks[-1].question) in last
    assert squashed(lesson_of(number).rule) in last


def test_the_booklet_counts_on_from_lesson_to_lesson(folder):
    for kind in typeset.KINDS:
        pages = opened(folder / f"booklet_{kind}.pdf").pages
        singles = [len(opened(folder / f"{number}_{kind}.pdf").pages) for number in LESSONS]
        assert len(pages) == 1 + sum(singles)
        contents = squashed(pages[0])
        for place, number in enumerate(LESSONS):
            first = 2 + sum(singles[:place])
            title = squashed(lesson_of(number).title)
            assert f"{title}{first}" in contents
            assert title in squashed(pages[first - 1])


def test_the_worksheet_has_every_part_with_its_price(folder):
    text = squashed(opened(folder / "worksheet.pdf").text)
    for component in FORGE.catalogue:
        for part in FORGE.catalogue[component].values():
            assert squashed(part.role) in text or len(FORGE.catalogue[component]) > 1
            if part.price_usd_month:
                assert f"{part.price_usd_month:.2f}" in text


# --- For those who listen ------------------------------------------------------------------------


@pytest.mark.parametrize("paper", [*STUDENTS, *TEACHERS])
def test_pdf_is_tagged_named_and_in_a_language(folder, paper):
    read = opened(folder / f"{paper}.pdf")
    root = read.reader.trailer["/Root"]
    assert "pdfuaid:part" in read.metadata
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"].startswith("en")
    assert read.reader.metadata.title
    assert not read.reader.attachments
    assert "/CreationDate" not in read.reader.metadata


@pytest.mark.parametrize("paper", STUDENTS)
def test_every_figure_and_formula_has_words_of_its_own(folder, paper):
    read = opened(folder / f"{paper}.pdf")
    for words in read.alternatives.values():
        assert all(words)
        assert len(set(words)) == len(words)


@pytest.mark.parametrize("number", LESSONS)
def test_figures_and_formulas_are_all_there(folder, number):
    lesson, read = lesson_of(number), opened(folder / f"{number}_student.pdf")
    spoken = {formula.spoken for formula in lesson.formulas}
    assert spoken <= set(read.alternatives["/Formula"])
    assert len(read.alternatives["/Figure"]) == len(lesson.pictures)


def test_typst_refuses_a_picture_without_words():
    source = typeset.document("A picture", "", "a4", ['#image(bytes("<svg/>"), format: "svg")'])
    with pytest.raises(HandoutError, match="alt"):
        press.pdf(source)


@pytest.mark.parametrize("number", LESSONS)
def test_formulas_and_figures_of_a_page_are_told_as_well(folder, number):
    lesson = lesson_of(number)
    page = (folder / f"{number}_student.html").read_text(encoding="utf-8")
    told = [html.unescape(words) for words in re.findall(r'<math alttext="([^"]*)"', page)]
    assert told == [formula.spoken for formula in lesson.formulas]
    told = re.findall(r'<svg [^>]*role="img" aria-label="([^"]*)"', page)
    assert [html.unescape(words) for words in told] == [
        each.alternative for each in lesson.pictures
    ]
    assert "annotation" not in page  # pandoc's copy of the TeX
    assert page.count("<math") == page.count("</math>") >= len(lesson.formulas)


# --- The same every time, and what is committed ---------------------------------------------------


def test_bytes_are_the_same_again(folder):
    made = press.pdf(typeset.paper_of(lesson_of("03"), "student", "a4"))
    assert made == (folder / "03_student.pdf").read_bytes()


@pytest.mark.parametrize("kind", typeset.KINDS)
def test_the_committed_pair_is_what_the_build_makes(folder, kind):
    kept, made = (opened(place / f"03_{kind}.pdf") for place in (ROOT / "handouts", folder))
    assert kept.pages == made.pages, "copy build/handouts/03_*.pdf to handouts/"
    assert kept.alternatives == made.alternatives
