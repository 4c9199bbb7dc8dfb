"""The sheets of the handouts say what the notebooks say, with the numbers of any scenario."""

import json
import pkgutil
import re
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from queueing.lab.handouts import sheets
from queueing.lab.handouts.sheet import Formula, Sheet
from queueing.lab.journey import crowded
from queueing.lab.picture import Picture
from queueing.lab.register import EXERCISES
from queueing.scenario import Scenario

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
MODULES = sorted(found.name for found in pkgutil.iter_modules(sheets.__path__))
SHEETS: dict[str, Sheet] = {
    name.removeprefix("lesson_"): import_module(f"{sheets.__name__}.{name}").SHEET
    for name in MODULES
}
FORGE = Scenario.load("mailforge")
GUIDED = Scenario.load("guided-queues-and-workers")
QUIETER = crowded(GUIDED, 1500)  # as many users as make every number of users another
OF_ITS_OWN = {"14"}  # lessons whose question is about a scenario of their own

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
DISPLAYED = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
SAID = re.compile(r"[A-Za-z0-9 ,]+")
# What is no symbol: commands that set or relate, words, the bound letter of a sum, e, P( and E[.
NO_SYMBOLS = (
    r"\\(?:text|mathrm|operatorname)\{[^}]*\}",
    r"\\(?:frac|binom|sqrt|sum|min|bar|cdots?|dots|q?quad|left|right|Big)(?![A-Za-z])",
    r"\\(?:approx|leftarrow|pm|le|ge)(?![A-Za-z])",
    r"_(?:\{[^}]*\}|\\text\{[^}]*\}|\\?[A-Za-z]+)",
    r"\be(?=\^)|P(?=\()|E(?=\[)",
)
SYMBOL = re.compile(r"\\[A-Za-z]+|[A-Za-z]")

each_lesson = pytest.mark.parametrize("lesson", SHEETS)


@cache
def prose(lesson: str) -> list[str]:
    (path,) = NOTEBOOKS.glob(f"{lesson}_*.ipynb")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]


@cache
def pictures(lesson: str, *, guided: bool = False) -> list[Picture]:
    return [figure(GUIDED if guided else FORGE) for figure in SHEETS[lesson].figures]


def numbers(text: str) -> set[str]:
    return set(NUMBER.findall(text))


def bare(tex: str) -> str:
    return re.sub(r"\s+", "", tex)


def facts(scenario: Scenario) -> set[str]:
    """The numbers of a scenario that a text is likely to name."""
    contract, traffic = scenario.contract, scenario.traffic
    mails = traffic.peak_rate * scenario.mails_per_request
    users = float(traffic.users(traffic.peak_h))
    return {
        f"{contract.p95_ms:g}",
        f"{100 * contract.uptime:g}",
        f"{contract.budget_usd_month:g}",
        f"{traffic.horizon_h:g}",
        f"{users:,.0f}",
        f"{traffic.peak_rate:.0f}",
        f"{mails:.1f}",
        f"{mails * scenario.tracking.events_per_mail:.0f}",
    }


STALE = facts(FORGE) - facts(GUIDED)


def symbols(tex: str) -> set[str]:
    """The letters that a formula uses, without what stands below them."""
    bound = re.findall(r"\\sum_\{?([A-Za-z])", tex)
    for pattern in NO_SYMBOLS:
        tex = re.sub(pattern, " ", tex)
    return set(SYMBOL.findall(tex)) - set(bound)


def unexplained(formulas: tuple[Formula, ...]) -> set[str]:
    known = {letter for each in formulas for tex, _ in each.symbols for letter in symbols(tex)}
    return {letter for each in formulas for letter in symbols(each.tex)} - known


def fixed_words(sheet: Sheet) -> str:
    """What a sheet says whatever the scenario."""
    formulas = [f"{each.valid} {dict(each.symbols).values()}" for each in sheet.formulas]
    timing = [told for _, told in sheet.minutes]
    return "\n".join([sheet.able, *formulas, *sheet.captions, *timing, *sheet.screen])


def test_there_are_sheets_to_look_at():
    assert len(SHEETS) >= 10


@each_lesson
def test_sheet_is_of_its_lesson(lesson):
    assert SHEETS[lesson].lesson == lesson
    assert prose(lesson)[0].startswith(f"# {lesson} ")


@each_lesson
def test_formulas_are_those_of_the_notebook(lesson):
    displayed = {bare(tex) for text in prose(lesson) for tex in DISPLAYED.findall(text)}
    assert {bare(each.tex) for each in SHEETS[lesson].formulas} == displayed


def test_no_formula_is_read_aloud_like_another():
    spoken = [each.spoken for sheet in SHEETS.values() for each in sheet.formulas]
    assert len(spoken) == len(set(spoken))


@each_lesson
def test_formulas_are_read_aloud_in_words(lesson):
    for formula in SHEETS[lesson].formulas:
        assert SAID.fullmatch(formula.spoken), formula.spoken


@pytest.mark.parametrize("wrong", [r"\lambda", "a = b", "x_q", "S^2", "λ", "1/μ", "$a$", ""])
def test_signs_are_no_words(wrong):
    assert not SAID.fullmatch(wrong)


def test_symbols_of_a_formula_are_its_letters():
    found = symbols(r"W_q = \sum_{k=1}^n \frac{C(k, a)}{c\mu - \lambda}\, e^{-t / \text{mean}}")
    assert found == {"W", "C", "a", "c", "n", "t", r"\mu", r"\lambda"}


@each_lesson
def test_every_symbol_is_explained(lesson):
    assert unexplained(SHEETS[lesson].formulas) == set()


def test_symbol_without_its_meaning_is_found():
    formulas = SHEETS["01"].formulas
    forgotten = replace(formulas[0], symbols=formulas[0].symbols[1:])
    assert unexplained((forgotten, *formulas[1:])) == {"L"}


@each_lesson
def test_every_formula_says_when_it_holds(lesson):
    for formula in SHEETS[lesson].formulas:
        assert formula.name
        assert formula.valid.endswith(".")


@each_lesson
def test_minutes_are_those_of_the_notebook(lesson):
    told = re.search(r"^\*(\d+) minutes\.", prose(lesson)[0], re.MULTILINE)
    assert told
    assert sum(minutes for minutes, _ in SHEETS[lesson].minutes) == int(told[1])


@each_lesson
def test_question_takes_its_numbers_from_the_scenario(lesson):
    question = SHEETS[lesson].question
    here, there, elsewhere = question(FORGE), question(GUIDED), question(QUIETER)
    assert numbers(there).isdisjoint(STALE)
    if numbers(here) and lesson not in OF_ITS_OWN:
        assert len({here, there, elsewhere}) > 1


@each_lesson
def test_no_number_of_mailforge_stands_in_fixed_words(lesson):
    sheet = SHEETS[lesson]
    assert numbers(fixed_words(sheet)).isdisjoint(facts(FORGE))
    assert numbers(sheet.rule(GUIDED)).isdisjoint(STALE)


def test_number_that_was_written_down_is_found():
    assert "140" in STALE
    assert not numbers("95 of 100 within 140 ms").isdisjoint(STALE)


@each_lesson
@pytest.mark.parametrize("guided", [False, True])
def test_figures_draw_and_have_words(lesson, guided):
    drawn = pictures(lesson, guided=guided)
    assert 1 <= len(drawn) <= 2
    assert len(SHEETS[lesson].captions) in {0, len(drawn)}
    told = [picture.alternative for picture in drawn]
    assert all(len(words) > 20 for words in told)
    assert len(told) == len(set(told))


def given(text: str, number: float, unit: str) -> bool:
    """Whether a text says a number in its unit, with fewer digits too where it is no share."""
    told = {f"{number:,.4g}"}
    if unit != "%":  # 5 % and 99.9 % are in every lesson
        told |= {f"{number:,.3g}", f"{number:,.0f}", f"{number:,.1f}"}
    return any(re.search(rf"(?<![\d.,]){re.escape(each)} {re.escape(unit)}", text) for each in told)


@each_lesson
def test_students_read_no_answer(lesson):
    sheet, drawn = SHEETS[lesson], pictures(lesson)
    printed = [part for picture in drawn for part in (picture.alternative, picture.svg)]
    read = "\n".join([sheet.question(FORGE), sheet.rule(FORGE), *sheet.captions, *printed])
    asked = [each for key, each in EXERCISES.items() if key.startswith(f"{lesson}-")]
    assert asked
    assert [each.key for each in asked if given(read, each.answer(FORGE), each.unit)] == []


def test_answer_that_is_given_away_is_found():
    assert given("The drain takes 46.9 minutes.", 46.94, "minutes")
    assert not given("It takes 146.9 minutes, or 46.9 s.", 46.94, "minutes")


@each_lesson
def test_sheet_speaks_in_sentences(lesson):
    sheet = SHEETS[lesson]
    told = [sheet.able, sheet.rule(FORGE), *sheet.captions, *sheet.screen]
    told += [what for _, what in sheet.minutes]
    assert all(words.endswith((".", "?")) for words in told)
    assert sheet.able[0].islower()  # it goes on from "Afterwards you can"
    assert "!" not in fixed_words(sheet) + sheet.question(FORGE)
