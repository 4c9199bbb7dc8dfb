"""Pictures made of several figures: the board's, and the one that greets in the README."""

from collections.abc import Sequence

from queueing.lab import figures, words
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture
from queueing.scenario import Scenario, Scorecard

_ASIDE = 92  # pixels at the right for the labels of a timeline
_INSIDE = 8  # pixels below a panel whose hours are written under another


def design_picture(card: Scorecard, advice: str = "") -> Picture:
    """Return a design's scorecard beside its hours: users, mails waiting, their age, the loads."""
    width, height = figures.scorecard_size(card, advice)
    bare = Paper(width, height, left=0, right=0, top=0, bottom=0)
    hours = [
        figures.users(_panel(86), card),
        figures.backlog(_panel(94), card),
        figures.oldest(_panel(94), card),
        figures.loads(_panel(142, last=True), card),
    ]
    return Picture([[figures.scorecard(bare, card, advice)], hours])


def designs_picture(cards: Sequence[Scorecard]) -> Picture:
    """Return some designs side by side: scorecard, mails waiting, their age."""
    columns = []
    for card in cards:
        told = card.design.describe()
        width, height = figures.scorecard_size(card, told)
        bare = Paper(width, height, left=0, right=0, top=0, bottom=0)
        hours = [figures.backlog(_panel(94), card), figures.oldest(_panel(120, last=True), card)]
        columns.append([figures.scorecard(bare, card, told), *hours])
    return Picture(columns)


def worker_missing(scenario: Scenario) -> Picture:
    """Return the hours of the scenario's own design beside those with one worker less."""
    enough = scenario.evaluate(scenario.base)
    short = scenario.evaluate(scenario.design(workers=scenario.base.workers - 1))
    title = f"{_NUMBERS.get(short.design.workers, short.design.workers)} workers are not enough"
    text = (
        f"The API keeps every promise: P95 {short.p95_ms:.0f} ms, uptime "
        f"{100 * short.uptime:.2f} %, {short.cost:.0f} USD a month. {words.mails(short)} "
        f"With {enough.design.workers} workers no mail waits longer than "
        f"{words.duration(enough.oldest_mail_s)}."
    )
    head = figures.headline(Paper(800, 92, left=0, right=0, top=0, bottom=0), title, text, 108)
    return Picture(
        words=f"{title}. {text}",
        columns=[
            [
                head,
                figures.users(_panel(96, 800, aside=140), short),
                figures.backlog(_panel(120, 800, aside=140), short, enough),
                figures.oldest(_panel(138, 800, aside=140, last=True), short, enough),
            ]
        ],
    )


_NUMBERS = {1: "One", 2: "Two", 3: "Three", 4: "Four", 5: "Five", 6: "Six"}


def _panel(
    height: float, width: float = 430, *, aside: float = _ASIDE, last: bool = False
) -> Paper:
    return Paper(width, height, right=aside, bottom=22 if last else _INSIDE)
