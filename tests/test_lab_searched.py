"""The figure of a search: on a Paper and on matplotlib's Axes, and what its label tells."""

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from queueing.lab.searched import frontier, frontier_picture
from queueing.scenario import Scenario, Search

mpl.use("Agg")
FORGE = Scenario.load("mailforge")


@pytest.fixture(scope="module")
def search() -> Search:
    return FORGE.search(servers=[3, 4, 5], workers=[4, 5], queue=["sqs", "on redis"], shards=[1])


def test_the_label_tells_the_cheapest(search: Search) -> None:
    told = frontier_picture(search).alternative
    assert search.cheapest
    card = FORGE.evaluate(search.cheapest)
    assert f"{card.cost:.2f} USD a month" in told
    assert search.cheapest.describe() in told
    assert str(len(search.designs)) in told


def test_both_kinds_of_paper_take_it(search: Search) -> None:
    ax = Figure().subplots()
    assert frontier(ax, search) is ax
    assert ax.get_label() == frontier_picture(search).alternative
    inside = search.cost_against_p95
    passing = inside[inside["outcome"] == "passes"]
    drawn = {tuple(point) for marks in ax.collections for point in marks.get_offsets().tolist()}
    assert {(row.cost, row.p95_ms) for row in passing.itertuples()} <= drawn


def test_a_search_without_a_pass_has_a_figure_too() -> None:
    nothing = FORGE.search(servers=[2], workers=[3], queue=["sqs"], shards=[1], sinks=[1])
    assert nothing.cheapest is None
    told = frontier_picture(nothing).alternative
    assert "0 keep the contract" in told
    assert "cheapest" not in told
