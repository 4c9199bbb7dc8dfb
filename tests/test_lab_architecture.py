"""The drawing of a design: what is bought, what is full, what flows where."""

import re

import pytest
from matplotlib.figure import Figure

from queueing.lab.architecture import SIZE, architecture, boxes, fullest, loads, paper
from queueing.scenario import Scenario

FORGE = Scenario.load("mailforge")


def card(name):
    return FORGE.evaluate(FORGE.designs[name])


@pytest.mark.parametrize(
    ("name", "part", "load"),
    [
        ("E", "workers", 0.82),
        ("E with 4 workers", "workers", 1.03),
        ("E without Redis", "database", 1.19),
        ("E without stream and sink", "database", 0.87),
        ("B", "cpu", 2.09),
    ],
)
def test_the_bottleneck_is_the_part_that_the_others_wait_for(name, part, load):
    assert fullest(card(name)) == (part, pytest.approx(load, abs=0.01))
    drawn = paper(card(name)).markup()
    assert drawn.count("▾ bottleneck") == 1
    assert ("✗" in drawn) == (load > FORGE.rules.station_limit)


def test_a_shard_takes_a_thousand_events_a_second():
    """Six events come back for every delivered mail, one request in four sends one."""
    events = 6 * FORGE.traffic.peak_rate / 4
    assert loads(card("E"))["stream"] == pytest.approx(events / 1000, rel=1e-3)
    assert loads(card("C"))["stream"] == pytest.approx(events / 2000, rel=1e-3)


def test_what_is_not_there_is_dotted_and_said():
    told = paper(card("A"))
    assert not boxes(card("A"))["queue"].bought
    assert told.markup().count('stroke-dasharray="1.5 3"') == 4  # queue, workers, stream, sink
    for words in ("mails are sent while the user waits", "events come back to the servers"):
        assert words in told.get_label()
    assert 'stroke-dasharray="1.5 3"' not in paper(card("E")).markup()


@pytest.mark.parametrize("name", FORGE.designs)
def test_nothing_is_drawn_outside_the_paper(name):
    drawn = paper(card(name)).markup()
    width, height = SIZE
    for points in re.findall(r'points="([^"]+)"', drawn):
        for point in points.split():
            x, y = map(float, point.split(","))
            assert 0 < x < width
            assert 0 < y < height - 1  # a line on the edge would be cut in half


def test_matplotlib_draws_the_same_words():
    ax = Figure().add_subplot()
    architecture(ax, card("E with 4 workers"))
    on_paper = re.findall(r"<text[^>]*>([^<]+)</text>", paper(card("E with 4 workers")).markup())
    assert [text.get_text() for text in ax.texts] == on_paper
