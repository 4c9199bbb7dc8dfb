"""What the stages of the design board say, as HTML: line of stages, briefing, result, findings."""

import html
from collections.abc import Iterable, Sequence

from queueing.lab import figures, words
from queueing.lab.paper import Paper
from queueing.lab.picture import Picture
from queueing.lab.surge import beside_table, surge_picture
from queueing.lab.tables import Table
from queueing.scenario import Scorecard
from queueing.scenario.guided import STAGES, GuidedRun, Stage, StageName
from queueing.scenario.postmortem import Postmortem
from queueing.scenario.scorecard import Check
from queueing.scenario.surge import Surge

TITLES: dict[StageName, str] = {
    "briefing": "Briefing",
    "build": "Build",
    "run": "Run",
    "post-mortem": "Post-mortem",
}
_CURRENT = "font-weight:700;border-bottom:3px solid #0072B2"
_OTHER = "border-bottom:3px solid transparent;opacity:0.72"


def line_of_stages(at: StageName) -> str:
    """Return the four stages in a line, the one that is played marked."""
    items = []
    for number, (name, title) in enumerate(TITLES.items(), start=1):
        done = STAGES.index(name) < STAGES.index(at)
        here = ' aria-current="step"' if name == at else ""
        style = _CURRENT if name == at else _OTHER
        told = f"{number} {title}{' ✓' if done else ''}"
        items.append(f'<li{here} style="list-style:none;padding:2px 0;{style}">{told}</li>')
    return (
        '<nav aria-label="Stages"><ol style="display:flex;flex-wrap:wrap;gap:4px 28px;margin:0;'
        f'padding:0;font-size:1.05em">{"".join(items)}</ol></nav>'
    )


def prose(*paragraphs: str) -> str:
    """Return paragraphs set to be read; each is plain text."""
    told = "".join(f'<p style="margin:0 0 6px">{html.escape(text)}</p>' for text in paragraphs)
    return f'<div style="line-height:1.5;max-width:760px">{told}</div>'


def told(stage: Stage, *texts: str) -> str:
    """Return a stage's title, some texts, and what the player does."""
    task = f'<p style="margin:0 0 6px"><strong>{html.escape(stage.task)}</strong></p>'
    head = f'<h3 style="margin:4px 0 6px">{html.escape(stage.title)}</h3>'
    return f'<section style="line-height:1.5">{head}{prose(*texts)}{task}</section>'


def briefing(game: GuidedRun) -> str:
    """Return the briefing: the story, the contract, the traffic, what can be bought."""
    contract = Table("The contract", ("clause", "promise", "meaning"), game.contract)
    parts = [(part.name, part.role, _prices(part.variants.values())) for part in game.components]
    shop = Table("What can be bought", ("component", "what it does", "USD a month each"), parts)
    traffic = Paper(780, 250, right=110)
    figures.surge(traffic, game.scenario)
    tables = "".join(
        f'<div style="flex:1 1 520px">{table.spaced}</div>' for table in (contract, shop)
    )
    return (
        told(game.stage, *game.stage.text)
        + Picture([[traffic]]).inline
        + f'<div style="display:flex;flex-wrap:wrap;gap:12px 32px;line-height:1.4">{tables}</div>'
    )


def result(card: Scorecard, judged: Scorecard | Surge | None) -> str:
    """Return what a run has found: the verdict, theory beside chance, the hours."""
    if judged is None:
        return prose("There is no result yet: run it, or take what theory says.")
    if isinstance(judged, Scorecard):
        line = f"By theory: {words.verdict(card)}. {words.finding(card)}"
        return prose(line) + surge_picture(card, width=760).inline
    kept = round(len(judged.runs) * judged.passes.mean)
    mean = "keep" if judged.keeps_contract else "break"
    early = " It was stopped early." if judged.stopped_early else ""
    line = (
        f"The means of {words.many(len(judged.runs), 'run')} {mean} the contract; {kept} of them "
        f"kept the whole of it.{early}"
    )
    table = f'<div style="line-height:1.4">{beside_table(card, judged).spaced}</div>'
    return prose(line) + surge_picture(card, judged, width=760).inline + table


def findings(told_of: Postmortem, rounds: Sequence[Postmortem]) -> str:
    """Return a post-mortem: verdict, findings with their evidence, and the rounds before."""
    style = "margin:0 0 10px"
    items = "".join(
        f'<li style="{style}"><strong>{"✗" if found.broken else "▸"} '
        f"{html.escape(found.rule.capitalize())}{_when(found.hour)}.</strong> "
        f"{html.escape(found.sentence)}<br>{html.escape(found.remedy)}<br>"
        f"<em>{html.escape(found.lesson)}</em></li>"
        for found in told_of
    )
    before = "".join(
        f"<li>{html.escape(one.design.describe())}: {html.escape(one.verdict)}</li>"
        for one in rounds
    )
    earlier = f"<p style='margin:0'>Rounds before:</p><ol>{before}</ol>" if before else ""
    return (
        f'<div style="line-height:1.5;max-width:760px"><p style="margin:0 0 6px"><strong>'
        f"{html.escape(told_of.verdict)}</strong> {html.escape(told_of.basis)}</p>"
        f'<ol style="padding-left:1.4em;margin:0">{items}</ol>{earlier}</div>'
    )


def compared(cards: dict[str, Scorecard]) -> Table:
    """Return designs side by side, a row a design, in words."""
    rows = [
        (name, *(_kept(check) for check in card.checks), words.verdict(card))
        for name, card in cards.items()
    ]
    columns = ("design", "uptime", "P95 latency", "cost a month", "oldest mail", "verdict")
    return Table("Designs side by side, by theory", columns, rows)


def _kept(check: Check) -> str:
    return f"{'✓' if check.passes else '✗'} {words.kept(check)}".replace(" ", "\u00a0")


def _when(hour: float | None) -> str:
    return "" if hour is None else f", hour {hour:.0f}"


def _prices(prices: Iterable[float]) -> str:
    return " or ".join(f"{price:,.2f}" if price else "by use" for price in dict.fromkeys(prices))
