"""Every board's words as a browser sets them: none over another, none beyond the picture's edge."""

import pytest
from every_board import BOARDS, board_of, ends, turn

from queueing.scenario import Scenario

CLASHES = """() => [...document.querySelectorAll('svg')].map(svg => {
    const edge = svg.getBoundingClientRect();
    const words = [...svg.querySelectorAll('text')]
        .map(text => [text.textContent.trim(), text.getBoundingClientRect()])
        .filter(([told, box]) => told.length > 1 && box.width);
    const beyond = words
        .filter(([, box]) => box.left < edge.left - 1 || box.right > edge.right + 1
            || box.top < edge.top - 1 || box.bottom > edge.bottom + 1)
        .map(([told]) => `${told}, beyond the edge`);
    const over = words.flatMap(([told, a], index) => words.slice(index + 1)
        .filter(([, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 4
            && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4)
        .map(([other]) => `${told}, over ${other}`));
    return [...beyond, ...over];
})"""


@pytest.fixture(scope="module")
def page(chromium):
    opened = chromium.new_page(viewport={"width": 1100, "height": 900})
    yield opened
    opened.close()


def clashes(page, pictures):
    page.set_content("".join(pictures.values()))
    found = page.evaluate(CLASHES)
    assert len(found) == len(pictures)
    return {name: told for name, told in zip(pictures, found, strict=True) if told}


def pictures(board):
    """The picture at the start, with each slider at its ends, and with all of them there."""
    drawn = {"start": board.picture.svg}
    turned = {name: each for name, each in board.controls.items() if len(ends(each)) > 1}
    for name, control in turned.items():
        for end in ends(control):
            turn(control, end)
            drawn[f"{name} at {end}"] = board.picture.svg
        control.reset()
    for which, told in ((0, "least"), (-1, "most")):
        for control in turned.values():
            turn(control, ends(control)[which])
        drawn[f"all at their {told}"] = board.picture.svg
        board.reset()
    return drawn


@pytest.mark.parametrize("name", BOARDS)
def test_no_word_lies_over_another_or_beyond_the_edge(page, name):
    assert clashes(page, pictures(board_of(name, Scenario.load("mailforge")))) == {}


def test_the_check_can_fail(page):
    def words(*places):
        texts = "".join(f'<text x="{x}" y="40">a long label</text>' for x in places)
        return f'<svg width="200" height="80" viewBox="0 0 200 80">{texts}</svg>'

    drawn = {"fine": words(5, 120), "over": words(5, 40), "beyond": words(180)}
    assert sorted(clashes(page, drawn)) == ["beyond", "over"]
