"""Exercises: right, wrong, nearly, empty and nonsense; answers that outlive the kernel."""

import html
import json
import re
from dataclasses import replace

import pytest

from queueing.lab import ask, kept, reveal, sampled_p95_ms
from queueing.lab.answer_book import AnswerBook, own_book
from queueing.lab.exercises import read_number
from queueing.lab.picture import WIDGET
from queueing.lab.register import EXERCISES, exercise, judged
from queueing.scenario import Scenario

ASKED = [EXERCISES[key] for key in judged()]


@pytest.fixture(scope="module")
def forge():
    return Scenario.load("mailforge")


@pytest.fixture
def book(tmp_path):
    return AnswerBook(tmp_path / "cache" / "answers.json")


# The register


@pytest.mark.parametrize("asked", EXERCISES.values(), ids=list(EXERCISES))
def test_entry_is_complete(asked, forge):
    assert asked.question(forge).endswith(("?", "."))
    assert asked.solution(forge).endswith(".")
    assert asked.unit
    assert asked.key[:2].isdigit()


@pytest.mark.parametrize("asked", EXERCISES.values(), ids=list(EXERCISES))
@pytest.mark.parametrize("name", ["mailforge", "guided-queues-and-workers"])
def test_entry_follows_every_scenario(asked, name):
    scenario = Scenario.load(name)
    assert asked.question(scenario)
    assert asked.solution(scenario)
    if not asked.prediction:
        assert asked.hints
        assert asked.judge(scenario, str(asked.answer(scenario))).verdict == "right"
        for miss in asked.near_misses:
            assert asked.judge(scenario, str(miss.value(scenario))).verdict == "near"


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.key)
def test_right_answer_is_right_as_it_is_shown(asked, forge):
    right = asked.answer(forge)
    for typed in (f"{right:.6g}", asked.shown(right), f"  {right:.6g} "):
        assert asked.judge(forge, typed).verdict == "right"


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.key)
def test_likely_wrong_answer_is_met_with_its_own_words(asked, forge):
    assert asked.near_misses
    for value, message in asked.near_misses:
        judged = asked.judge(forge, f"{value(forge):.6g}")
        assert judged == ("near", message)


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.key)
def test_other_wrong_answers_say_which_way_to_go(asked, forge):
    assert "more than" in asked.judge(forge, "0.001").message
    assert "less than" in asked.judge(forge, "1e9").message


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: asked.key)
def test_hints_and_questions_do_not_give_the_answer_away(asked, forge):
    right = asked.shown(asked.answer(forge)).split()[0]
    # these two questions hold the figure of their answer for another thing
    told_of = [] if asked.key in {"03-merge", "03-lines"} else [asked.question(forge)]
    for told in (*told_of, *asked.hints):
        assert right not in told.replace(".", " ").replace(",", " ").split()


@pytest.mark.parametrize("asked", EXERCISES.values(), ids=list(EXERCISES))
@pytest.mark.parametrize(
    "typed", ["", "   ", "ten", "12 apples", "nan", "inf", "1..2", "--", "<b>"]
)
def test_empty_and_nonsense_are_met_kindly(asked, forge, typed):
    judged = asked.judge(forge, typed)
    assert judged.verdict == ("unreadable" if typed.strip() else "empty")
    assert asked.unit in judged.message


def test_prediction_is_noted_and_not_judged(forge):
    judged = exercise("00-predict").judge(forge, "2")
    assert judged.verdict == "noted"
    assert "2 minutes" in judged.message


def test_answers_follow_the_scenario(forge):
    loud = replace(forge, tracking=forge.tracking.model_copy(update={"events_per_mail": 9}))
    asked = exercise("00-events")
    assert asked.answer(loud) == pytest.approx(1.5 * asked.answer(forge))
    assert "9 events" in asked.question(loud)
    assert "9 events" in asked.solution(loud)


def test_large_numbers_are_shown_without_powers_of_ten(forge):
    alarm = exercise("01-alarm")
    assert alarm.shown(14168.3) == f"14,168 {alarm.unit}"
    assert not [
        key for key in judged() if "e+" in EXERCISES[key].shown(EXERCISES[key].answer(forge))
    ]


def test_slow_receivers_are_worked_out_by_the_whole_model(forge):
    asked = exercise("00-slow-receivers")
    assert asked.answer(forge) == 7
    smtp = forge.job.smtp.model_copy(update={"mean_ms": 1200})
    slow = replace(forge, job=forge.job.model_copy(update={"smtp": smtp}))
    limit = forge.contract.freshness_s
    assert slow.evaluate(slow.design(workers=7)).oldest_mail_s <= limit
    assert slow.evaluate(slow.design(workers=6)).oldest_mail_s > limit


@pytest.mark.parametrize("name", ["mailforge", "guided-queues-and-workers"])
def test_unseen_backlog_needs_an_overload(name):
    asked, scenario = exercise("00-predict"), Scenario.load(name)
    surplus = re.search(r"(-?\d+) % more work", asked.question(scenario))
    assert surplus
    assert float(surplus[1]) > 0
    assert asked.answer(scenario) > scenario.contract.freshness_s / 60


def test_large_number_is_shown_in_digits(forge):
    asked = exercise("01-alarm")
    assert asked.judge(forge, "14168").message == "Right: 14,168 attempts."


def test_unknown_exercise_is_refused_by_name():
    with pytest.raises(ValueError, match="no exercise '00-nothing'; there are 00-predict"):
        exercise("00-nothing")


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("37", 37),
        ("37 min", 37),
        ("37 minutes.", 37),
        ("1,234.5", 1234.5),
        ("1 234", 1234),
        ("1'234", 1234),
        ("1\u202f234,5", 1234.5),
        ("0,5", 0.5),
        (".5", 0.5),
        ("2e3", 2000),
        ("\u22123", -3),
        ("37 s", None),
        ("3 4", None),
        ("1e999", None),
        ("1,2,3", None),
    ],
)
def test_numbers_are_read_as_people_write_them(typed, number):
    assert read_number(typed, "minutes") == number


# The box


def test_box_judges_at_once_and_keeps_the_answer(forge, book):
    box = ask("00-events", forge, book)
    box.field.value = "277"
    assert "Right" in box.feedback.value
    assert 'role="status"' in box.feedback.value
    stored = json.loads(book.path.read_text(encoding="utf-8"))
    assert stored == {"00-events": {"answer": "277", "right": True}}


def test_box_shows_wrong_near_empty_and_nonsense(forge, book):
    box = ask("00-events", forge, book)
    box.check_button.click()
    assert "Write a number first" in box.feedback.value
    for typed, told in (("1109", "every request"), ("5", "Not yet"), ("<b>", "not a number")):
        box.field.value = typed
        assert told in box.feedback.value
        assert "<b>" not in box.feedback.value


def test_answer_survives_the_kernel(forge, book):
    ask("00-events", forge, book).field.value = "277"
    again = ask("00-events", forge, AnswerBook(book.path))
    assert again.field.value == "277"
    assert "Right" in again.feedback.value


def test_last_box_of_a_lesson_tells_what_is_right_so_far(forge, book):
    course = len(judged())
    last = ask("00-slow-receivers", forge, book)
    assert f"○○</span> Right so far: 0 of 2 in this lesson, 0 of {course}" in last.progress.value
    ask("00-events", forge, book).field.value = "277"
    ask("00-predict", forge, book).field.value = "5"
    assert f"●○</span> Right so far: 1 of 2 in this lesson, 1 of {course}" in last.progress.value
    again = ask("00-slow-receivers", forge, AnswerBook(book.path))
    assert again.progress.value == last.progress.value
    ask("00-events", forge, book).field.value = "276000"
    assert "0 of 2 in this lesson" in last.progress.value


def test_answers_kept_by_an_older_kit_are_still_there(forge, book):
    book.path.parent.mkdir()
    book.path.write_text('{"00-events": "277", "00-predict": {"answer": 5}}', encoding="utf-8")
    assert ask("00-events", forge, book).field.value == "277"
    assert book["00-predict"] == ""
    assert book.right == set()


def test_hints_come_one_at_a_time_and_end(forge, book):
    box = ask("00-events", forge, book)
    hints = exercise("00-events").hints
    for number, hint in enumerate(hints, start=1):
        box.hint_button.click()
        assert hint in box.help.value
        assert box.help.value.count("<li>") == number
    assert box.hint_button.disabled
    box.solution_button.click()
    assert "46.2 mails a second" in box.help.value


def test_box_names_its_field_by_the_unit(forge, book):
    assert ask("00-predict", forge, book).field.description == "Answer in minutes"


def test_stored_output_holds_the_question_and_never_the_answer(forge, book):
    fresh = ask("00-events", forge, book)._repr_mimebundle_()
    ask("00-events", forge, book).field.value = "4711"
    answered = ask("00-events", forge, book)._repr_mimebundle_()
    assert fresh.pop(WIDGET) != answered.pop(WIDGET)
    assert fresh == answered
    assert "4711" not in str(answered)


def test_reveal_follows_the_prediction(forge, book):
    shown = reveal("00-predict", forge, book)
    assert "You predicted" not in shown.view.value
    ask("00-predict", forge, book).field.value = "2 min"
    assert "You predicted 2 min." in shown.view.value
    assert "The model says 37 minutes." in shown.view.value
    assert "predicted" not in str(shown._repr_mimebundle_()["text/html"])


@pytest.mark.parametrize(
    "asked", [each for each in EXERCISES.values() if each.prediction], ids=lambda asked: asked.key
)
def test_reveal_answers_the_guesses_that_many_make(asked, forge, book):
    shown = reveal(asked.key, forge, book)
    right = asked.answer(forge)
    assert asked.missed(forge, right) is None
    wrong = [(value, told) for value, told in asked.near_misses if value(forge) != right]
    assert wrong
    for value, message in wrong:
        ask(asked.key, forge, book).field.value = f"{value(forge):.3g}"
        assert html.escape(message) in shown.view.value


def test_reveal_ignores_a_prediction_that_is_no_number(forge, book):
    ask("00-predict", forge, book).field.value = "soon"
    assert "You predicted" not in reveal("00-predict", forge, book).view.value


@pytest.mark.parametrize("content", ["", "not json", "[1, 2]", '{"00-events": 5}', "\xff"])
def test_spoilt_book_does_no_harm(forge, book, content):
    book.path.parent.mkdir()
    book.path.write_text(content, encoding="latin-1")
    box = ask("00-events", forge, book)
    assert box.field.value == ""
    box.field.value = "277"
    assert book["00-events"] == "277"


def test_book_that_cannot_be_written_does_no_harm(forge, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be", encoding="utf-8")
    box = ask("00-events", forge, AnswerBook(tmp_path / "cache" / "answers.json"))
    box.field.value = "277"
    assert "Right" in box.feedback.value


def test_book_lies_in_the_kit_s_cache_wherever_the_notebook_is(tmp_path, monkeypatch):
    for folder in ("notebooks/deeper", "queueing"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "notebooks" / "deeper")
    assert own_book().path == tmp_path / ".cache" / "answers.json"


def test_book_lies_beside_a_notebook_that_left_the_kit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # the tests' folder may lie within the kit
    monkeypatch.setattr(kept, "_is_kit", lambda _folder: False)
    assert own_book().path == tmp_path / ".cache" / "answers.json"


# Chance


def test_sampled_p95_holds_the_computed_one(forge):
    card = forge.evaluate(forge.base)
    sample = sampled_p95_ms(card, requests=50_000, seed=1)
    assert card.p95_ms in sample
    assert sample.low < sample.value < sample.high
    assert repr(sample).endswith("(95 %, n=50,000)")
    assert sample == sampled_p95_ms(card, requests=50_000, seed=1)


def test_sampled_p95_tells_a_busier_design_apart(forge):
    busier = forge.evaluate(forge.design(servers=3))
    assert busier.p95_ms not in sampled_p95_ms(forge.evaluate(forge.base), 50_000, seed=1)


def test_sampled_interval_covers_as_often_as_it_says(forge):
    card = forge.evaluate(forge.base)
    covered = sum(card.p95_ms in sampled_p95_ms(card, 2_000, seed=seed) for seed in range(200))
    assert 180 <= covered <= 199
