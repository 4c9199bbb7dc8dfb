"""Variants A, B and C: numbers of their own, the same story, every exercise still an exercise."""

from dataclasses import replace

import pytest

from queueing.lab.exercises import Exercise, NearMiss
from queueing.lab.handouts import variants as module
from queueing.lab.handouts.problems import HandoutError
from queueing.lab.handouts.soundness import faults
from queueing.lab.handouts.variants import variants
from queueing.lab.register import EXERCISES
from queueing.scenario import Scenario

QUICK = ("00", "01", "02", "03")  # lessons whose answers take no time


@pytest.fixture(scope="module")
def forge():
    return Scenario.load("mailforge")


@pytest.fixture(scope="module")
def whole(forge):
    """Variants under all exercises: this takes its time, once."""
    return variants(forge, 1)


@pytest.fixture
def quick(monkeypatch):
    few = {key: each for key, each in EXERCISES.items() if key.startswith(QUICK)}
    monkeypatch.setattr(module, "EXERCISES", few)
    return few


def pairs(made, forge):
    every = [forge, *made.values()]
    return [(a, b) for place, a in enumerate(every) for b in every[:place]]


def test_every_exercise_makes_sense_in_every_variant(whole, forge):
    assert [*whole] == ["A", "B", "C"]
    for key, each in EXERCISES.items():
        known = faults(each, forge)
        assert known <= {"gives its answer away"}, key
        for letter, variant in whole.items():
            assert faults(each, variant) <= known, (key, letter)


def test_most_questions_and_answers_differ(whole, forge):
    for a, b in pairs(whole, forge):
        questions = [each.question(a) != each.question(b) for each in EXERCISES.values()]
        changed = [
            each.question(a) != each.question(b) or each.answer(a) != each.answer(b)
            for each in EXERCISES.values()
        ]
        assert sum(questions) >= 0.6 * len(EXERCISES)
        assert sum(changed) >= 0.8 * len(EXERCISES)


def test_designs_are_judged_as_in_the_original(whole, forge):
    for variant in whole.values():
        assert variant.evaluate(variant.base).passes
        fewer = variant.evaluate(variant.design(workers=variant.base.workers - 1))
        assert [check.clause for check in fewer.checks if not check.passes] == ["oldest mail"]
        for name, design in forge.designs.items():
            passes = forge.evaluate(design).passes
            assert variant.evaluate(variant.designs[name]).passes == passes, name


@pytest.mark.usefixtures("quick")
def test_seed_decides(forge):
    first, again, other = (variants(forge, seed) for seed in (7, 7, 8))
    assert first == again
    assert all(first[letter] != other[letter] for letter in first)


@pytest.mark.parametrize("seed", [0, 3, 2026])
def test_exercises_are_sound_whatever_the_seed(forge, quick, seed):
    made = variants(forge, seed)
    users = [each.traffic.peak_users for each in (forge, *made.values())]
    assert len(set(users)) == len(users)
    for variant in made.values():
        assert variant.evaluate(variant.base).passes
        assert all(faults(each, variant) <= faults(each, forge) for each in quick.values())


@pytest.mark.usefixtures("quick")
def test_users_as_in_a_trace_are_varied_too():
    reports = Scenario.load("reports")
    for variant in variants(reports, 1).values():
        ratio = variant.traffic.levels / reports.traffic.levels
        assert ratio == pytest.approx(ratio[0])
        assert ratio[0] != 1
        assert variant.tracking.events_per_mail == 0


@pytest.mark.parametrize("seed", [-1, 2.5, True, "7", None, float("nan")])
def test_bad_seed_is_refused_in_words(forge, seed):
    with pytest.raises(ValueError, match="seed must be a whole number of at least 0, got"):
        variants(forge, seed)


@pytest.mark.usefixtures("quick")
def test_scenario_without_room_is_refused_in_words(forge, monkeypatch):
    monkeypatch.setattr(module, "_TRIALS", 2)
    monkeypatch.setattr(module, "_alike", lambda *_: "its questions stay as they are")
    monkeypatch.setattr(module, "faults", lambda *_: set())
    told = "no variant A of MailForge was found: its questions stay as they are; try another seed"
    with pytest.raises(HandoutError, match=told):
        variants(forge, 1)


# What makes an exercise unsound


def asked(**changes):
    sound = Exercise(
        key="99-test",
        title="A test",
        question=lambda _: "How many are 4 and 4?",
        unit="mails",
        answer=lambda _: 8.0,
        solution=lambda _: "Eight.",
        near_misses=(NearMiss(lambda _: 16.0, "That is the product."),),
        hints=("Add.",),
    )
    return replace(sound, **changes)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"answer": lambda _: 1 / 0}, "cannot be asked"),
        ({"answer": lambda _: float("inf")}, "has no finite answer"),
        (
            {"near_misses": (NearMiss(lambda _: float("nan"), "No."),)},
            "has no finite near miss",
        ),
        ({"near_misses": (NearMiss(lambda _: 8.01, "No."),)}, "takes a near miss for the answer"),
        ({"solution": lambda _: "It is nan mails."}, "tells of numbers that are none"),
        ({"question": lambda _: "It is -5 % more?"}, "asks with a negative number"),
        ({"question": lambda _: "It is 0 % more?"}, "asks with a number that is 0"),
        ({"answer": lambda _: 8.12345678, "tolerance": 1e-6}, "judges its answer wrong"),
        ({"hints": ("Eight, or 8.",)}, "gives its answer away"),
    ],
)
def test_unsound_exercise_is_found(forge, changes, fault):
    assert faults(asked(), forge) == set()
    assert faults(asked(**changes), forge) == {fault}
