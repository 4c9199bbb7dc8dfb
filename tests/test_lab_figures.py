"""Figures: what they say in words, the two surfaces they draw on, the one in the README."""

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from queueing.lab import figures, words
from queueing.lab.layouts import design_picture, worker_missing
from queueing.lab.outputs import PICTURES
from queueing.lab.paper import Paper
from queueing.lab.picture import WIDGET, Picture, draw
from queueing.lab.sizing import Sizing, smallest
from queueing.scenario import Scenario

ROOT = Path(__file__).parents[1]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def forge():
    return Scenario.load("mailforge")


@pytest.fixture(scope="module")
def judge(forge):
    sizing = Sizing(forge)
    return lambda **changes: sizing.card(forge.design(**changes))


def numbers_in(text):
    return {float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*(?:\.\d+)?", text)}


def parsed(svg):
    return ET.fromstring(svg)  # noqa: S314 - the kit's own


def texts(picture):
    return [text.text for text in parsed(picture.svg).iter(f"{SVG}text")]


# Words


def test_finding_of_a_good_design_names_all_four_numbers(judge):
    card = judge()
    finding = words.finding(card)
    assert finding.startswith("Every clause is kept")
    assert {round(card.p95_ms), round(100 * card.uptime, 2), round(card.cost)} <= numbers_in(
        finding
    )


def test_finding_of_four_workers_is_the_lesson(judge):
    card = judge(workers=4)
    finding = words.finding(card)
    assert finding.startswith("Every number of the API is kept. The workers run at 1.03")
    assert {round(card.worst_backlog), 32, round(card.oldest_mail_s / 60)} <= numbers_in(finding)


def test_finding_of_a_full_database_names_it(judge):
    assert "the database runs at 1.19" in words.finding(judge(cache=None))
    assert "saturated" in words.finding(judge(cache=None))


def test_finding_of_too_few_servers_tells_spares_from_speed(judge):
    assert "too few of them can be spared" in words.finding(judge(servers=3))
    assert "answered in time" in words.finding(judge(servers=2))


def test_workers_behind_a_wall_are_not_called_overloaded(judge):
    card = judge(servers=1, workers=4)  # the servers turn away what would overload them
    assert card.worker_load > 1
    assert "no backlog builds up" in words.mails(card)


def test_mails_sent_inside_the_request_have_no_backlog(forge):
    assert "inside the request" in words.mails(forge.evaluate(forge.designs["A"]))


@pytest.mark.parametrize(
    ("seconds", "long", "short"),
    [
        (0, "no time", "0 s"),
        (1, "1 second", "1 s"),
        (1.79, "1.8 seconds", "1.8 s"),
        (59.96, "1 minute", "1 min"),
        (2242, "37 minutes", "37 min"),
        (89.4 * 60, "89 minutes", "89 min"),
        (7200, "2 hours", "2 h"),
        (math.inf, "without end", "without end"),
    ],
)
def test_durations_are_said_as_a_person_would(seconds, long, short):
    assert (words.duration(seconds), words.duration(seconds, short=True)) == (long, short)


def test_share_of_the_allowance_is_one_where_the_promise_is_just_kept(judge):
    for check in judge().checks:
        just = check._replace(kept=check.promised)
        assert words.used(just) == pytest.approx(1)
        assert words.used(check) < 1


def test_no_downtime_allowed_and_none_had_is_nothing_used(judge):
    uptime = judge().checks[0]
    assert uptime.clause == "uptime"
    assert words.used(uptime._replace(promised=1.0, kept=1.0)) == 0
    assert words.used(uptime._replace(promised=1.0)) == math.inf


def test_infinite_numbers_are_said_in_words(judge):
    check = next(check for check in judge().checks if check.clause == "P95 latency")
    endless = check._replace(kept=math.inf, margin=-math.inf)
    assert words.kept(endless) == "without end"
    assert words.margin(endless) == "without end over"


# The scorecard


def test_scorecard_says_every_number_promise_margin_and_verdict_in_words(judge):
    told = texts(design_picture(judge(workers=4)))
    for check in judge(workers=4).checks:
        assert {words.kept(check), words.promised(check), words.margin(check)} <= set(told)
    assert "Breaks the contract: oldest mail" in told
    assert (told.count("✓"), told.count("✗")) == (3, 2)  # the clauses and the verdict


def test_scorecard_has_room_for_its_text_whatever_the_design(forge):
    sizing = Sizing(forge)
    worst = forge.design(servers=1, workers=1, cache=None, shards=0, sinks=0)
    card, advice = sizing.card(worst), sizing.advice(worst)
    paper = figures.scorecard(Paper(410, 999, left=0, right=0, top=0, bottom=0), card, advice)
    _, height = figures.scorecard_size(card, advice)
    places = [float(y) for y in re.findall(r'<text[^>]* y="([\d.]+)"', paper.markup())]
    assert max(places) / 999 * height < height


def test_broken_promise_fills_its_bar_and_a_kept_one_does_not(judge):
    def bars(card):
        root = parsed(design_picture(card).svg)
        return [
            float(bar.get("width")) for bar in root.iter(f"{SVG}rect") if bar.get("height") == "8"
        ]

    kept, broken = bars(judge()), bars(judge(workers=4))
    assert broken[:6] == kept[:4] + broken[4:6]  # uptime and P95 are the same
    assert broken[-1] == broken[-2]  # the oldest mail's bar is full
    assert kept[-1] < 0.02 * kept[-2]


# Two surfaces, one figure


@pytest.mark.parametrize("name", ["users", "backlog", "oldest", "loads", "scorecard"])
def test_figure_says_the_same_on_paper_and_on_matplotlib(judge, name):
    figure, card = getattr(figures, name), judge(workers=4)
    ax = Figure().subplots()
    paper = Paper(430, 100)
    assert figure(ax, card) is ax
    assert figure(paper, card) is paper
    assert ax.get_label() == paper.get_label() != ""
    written = {text.get_text() for text in ax.texts}
    root = parsed(f'<svg xmlns="http://www.w3.org/2000/svg">{paper.markup()}</svg>')
    assert written <= {text.text for text in root.iter(f"{SVG}text")}


def test_surge_draws_users_on_matplotlib(forge):
    ax = figures.surge(Figure().subplots(), forge)
    hours, users = ax.lines[0].get_data()
    assert users == pytest.approx(forge.traffic.users(hours))
    assert "184.9 requests a second" in ax.get_label()


def test_ink_is_the_page_s_and_no_picture_paints_a_background_inline(judge):
    inline = design_picture(judge()).inline
    assert "currentColor" in inline
    assert "var(--jp-ui-font-color1" in inline
    assert "background" not in inline


def test_standing_alone_ink_and_paper_change_together(judge):
    svg = design_picture(judge()).svg
    assert re.search(r"prefers-color-scheme:dark\){svg{color:#\w+;background:#\w+}}", svg)


def test_paper_draws_a_line_where_its_limits_say():
    paper = Paper(120, 70, left=10, right=10, top=10, bottom=10)
    paper.set_xlim(0, 10)
    paper.set_ylim(0, 1)
    paper.plot([0, 5, 10], [0, 1, 0], color="#123456")
    assert 'points="10,60 60,10 110,60"' in paper.markup()


def test_paper_leaves_out_points_that_say_nothing_and_no_others():
    x = np.linspace(0, 54, 325)
    y = np.where(x < 30, 0.0, np.exp(-(x - 30) / 5))
    paper = Paper(400, 100, left=0, right=0, top=0, bottom=0)
    paper.set_xlim(0, 54)
    paper.plot(x, y)
    points = re.search(r'points="([^"]+)"', paper.markup())[1].split()
    u, v = np.array([point.split(",") for point in points], dtype=float).T
    assert len(points) < 60
    assert np.interp(x / 54 * 400, u, v) == pytest.approx(100 * (1 - y), abs=0.25)


def test_paper_escapes_what_it_writes():
    paper = Paper(10, 10)
    paper.text(0, 0, "<b>&")
    assert "&lt;b&gt;&amp;" in paper.markup()


def test_picture_of_one_figure_shows_itself_three_ways(forge):
    bundle = draw(figures.surge, forge)._repr_mimebundle_()
    assert set(bundle) == {WIDGET, "image/svg+xml", "text/plain"}
    assert "184.9" in bundle["text/plain"]
    assert 'role="img"' in bundle["image/svg+xml"]


def test_picture_is_the_same_each_time_it_is_drawn(judge):
    assert design_picture(judge()).svg == design_picture(judge()).svg


def test_figures_hold_for_another_scenario():
    guided = Scenario.load("guided-queues-and-workers")
    picture = design_picture(guided.evaluate(guided.design(workers=3)))
    assert "≤ 260 ms" in texts(picture)
    assert "30 h" in texts(picture)


def test_readme_figure_is_what_the_kit_draws():
    stored = ROOT / "notebooks" / "images" / "surge.svg"
    assert stored.read_text(encoding="utf-8") == PICTURES["surge.svg"]().svg, (
        "run: python -m queueing.lab.outputs notebooks/images/surge.svg"
    )


def test_readme_figure_compares_enough_workers_with_one_too_few(forge):
    told = texts(worker_missing(forge))
    assert "Four workers are not enough" in told
    assert any("5 workers" in text for text in told)


# Solving


@pytest.mark.parametrize("answer", range(1, 13))
def test_smallest_finds_every_answer(answer):
    assert smallest(lambda number: number >= answer, 1, 12) == answer


def test_smallest_numbers_keep_the_promise_and_one_less_does_not(forge):
    sizing = Sizing(forge)
    assert sizing.advice(forge.base) == (
        "The smallest numbers that keep the promise: 4 servers and 5 workers, for 522 USD a month."
    )
    assert sizing.card(forge.base).passes
    for fewer in (replace(forge.base, servers=3), replace(forge.base, workers=4)):
        assert not sizing.card(fewer).passes


def test_advice_is_the_same_wherever_the_sliders_are(forge):
    sizing = Sizing(forge)
    told = {sizing.advice(forge.design(servers=s, workers=w)) for s, w in ((1, 1), (2, 9), (12, 3))}
    assert told == {sizing.advice(forge.base)}


def test_advice_gives_up_with_a_reason(forge):
    advice = Sizing(forge).advice(forge.design(cache=None))
    assert (
        advice == "No number of servers up to 12 keeps uptime and P95: the database runs at 1.19."
    )


def test_advice_says_when_no_number_of_workers_will_do(forge):
    assert "No number of workers up to 4" in Sizing(forge, most=4).advice(forge.base)


def test_advice_without_a_queue_asks_for_no_workers(forge):
    assert "workers" not in Sizing(forge).advice(forge.designs["A"]).replace("0 workers", "")


def test_picture_can_say_its_words_once():
    assert Picture([[Paper(1, 1)]], words="once").alternative == "once"


@pytest.mark.parametrize(
    ("x", "y"), [([], []), ([1], [1]), ([0, 1, 1, 0], [0, 0, 1, 1]), ([0, 0.5, 0.5], [0, 1, 0])]
)
def test_a_path_may_be_empty_or_turn_back(x, y):
    paper = Paper(100, 100)
    paper.set_xlim(0, 1)
    paper.set_ylim(0, 1)
    paper.plot(x, y)
    assert paper.markup().count("<polyline") == 1
