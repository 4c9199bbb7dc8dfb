"""Attempts and dead letters of mails, by chance and by the cut geometric law."""

import pytest

from queueing.scenario import Scenario, ScenarioError
from queueing.scenario.attempts import mail_attempts

FORGE = Scenario.load("mailforge")
ROOMY = FORGE.design(workers=20)


@pytest.mark.parametrize(("p", "accepted"), [(0.5, True), (0.55, False)])
def test_attempts_and_dead_letters_are_those_of_the_law(p, accepted):
    found = mail_attempts(FORGE, ROOMY, failure_probability=p, minutes=30, seed=4)
    assert (1.9375 in found.attempts) == accepted
    assert (0.5**5 in found.dead_letters) == accepted


def test_nothing_fails_where_nothing_can():
    found = mail_attempts(FORGE, ROOMY, failure_probability=0, minutes=30, replications=2, seed=4)
    assert found.attempts.mean == pytest.approx(1, rel=1e-3)
    assert found.dead_letters.mean == 0


@pytest.mark.parametrize(
    ("mistake", "words"),
    [
        ({"failure_probability": 1}, "failure_probability must be"),
        ({"failure_probability": 0.5, "minutes": 0}, "minutes must be"),
    ],
)
def test_mistakes_are_named(mistake, words):
    with pytest.raises(ValueError, match=words):
        mail_attempts(FORGE, ROOMY, **mistake)


def test_a_design_without_a_queue_tries_nothing_again():
    with pytest.raises(ScenarioError, match="without a queue"):
        mail_attempts(FORGE, FORGE.designs["A"], failure_probability=0.5)
