"""The questions that peers get wrong without a word are questions that the kit answers right.

The exact values are those of `make bench`: sums of positive terms at 60 digits. The wrong ones were
given by programs named in `bench.theory_peers`, and must be told apart.
"""

import mpmath as mp
import pytest

from bench.theory import BAR, QUESTIONS, table

WRONG = {  # a peer's answer
    "M/M/10, mean time in system": 10.0,
    "M/M/100, mean time in system": 20.0,
    "M/M/10, P95 of the time in system": 4.99907,
    "M/M/10 at load 1.2, wait probability": 1.86017,
    "500 users who think, mean time at four servers": 0.0143127,
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_kit_is_right(question: str) -> None:
    exact, ours = QUESTIONS[question]
    with mp.workdps(60):
        truth = exact()
        assert abs(ours() / truth - 1) < BAR
        if question in WRONG:
            assert abs(WRONG[question] / truth - 1) > 0.1


def test_the_table_sets_each_beside_the_exact_value(monkeypatch: pytest.MonkeyPatch) -> None:
    question = "M/M/10, mean time in system"
    monkeypatch.setattr("bench.theory.QUESTIONS", {question: QUESTIONS[question]})
    rows = table([(question, "a peer", 10.0, 0.5), ("another question", "a peer", 1.0, 0.5)])
    assert rows["program"].tolist() == ["this kit", "a peer"]
    assert rows["relative error"].iloc[1] == pytest.approx(10 / 1.66873152411 - 1)
    assert rows["times our time"].iloc[1] == pytest.approx(0.5 / rows["seconds"].iloc[0])
