"""The design board without a browser: play it, spoil its file, run and cancel, load and compare."""

import base64
import csv
import dataclasses
import io
import json
import re
import threading

import pytest

from queueing.lab import running
from queueing.lab.controls import Choice, Number
from queueing.lab.design_board import DesignBoard
from queueing.lab.picture import WIDGET
from queueing.scenario import Scenario
from queueing.scenario.guided import smallest

FORGE = Scenario.load("mailforge")
BRIEF = {
    "peak_users": 400,
    "ramp_center_h": 0.4,
    "ramp_width_h": 0.05,
    "plateau_end_h": 1.4,
    "decay_h": 0.2,
    "horizon_h": 2.0,
}
SHORT = dataclasses.replace(FORGE, traffic=FORGE.traffic.model_copy(update=BRIEF))


SMALL_GRID = FORGE.search(servers=4, workers=range(3, 7), shards=1, sinks=1)


@pytest.fixture(autouse=True)
def small_grid(monkeypatch):
    """The whole grid takes seconds; here a small one has the same answers."""
    monkeypatch.setattr("queueing.lab.cheapest.whole_grid", lambda _: SMALL_GRID)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache" / "designs.json"


@pytest.fixture
def board(path):
    return DesignBoard(FORGE, path=path)


@pytest.fixture
def brief(path):
    """A board whose runs take a moment, at the stage of running."""
    made = DesignBoard(SHORT, replications=2, path=path)
    made.take(SHORT.base)
    made.next()
    return made


def turn(board, **values):
    for name, value in values.items():
        control = board.panel.controls[name]
        (control.slider if isinstance(control, Number) else control.box).value = value


def offers(board):
    return [offer.description for offer in board.remedies.children]


# A game from the briefing to a contract that is kept


def test_whoever_has_never_seen_it_can_finish_it(board):
    assert board.game.at == "briefing"
    for told in ("at least 99.7 %", "2,600", "Holds the jobs"):
        assert told in board.text.value
    board.next()
    turn(board, load_balancer=True, servers=4, cache=2, database=1, queue=1)
    turn(board, workers=4, shards=1, sinks=1)
    assert board.panel.design == FORGE.designs["E with 4 workers"]
    board.next()
    board.by_theory()
    board.next()
    assert "Invisible failure" in board.result.value
    board.wait()
    assert "one more worker: +30.37 USD a month" in board.news.value
    assert offers(board) == ["Build with one more worker: +30.37 USD a month"]
    board.remedies.children[0].click()
    assert board.game.at == "build"
    assert board.panel.controls["workers"].value == 5
    for _ in range(2):
        board.next()
        if board.game.at == "run":
            board.by_theory()
    assert board.game.finished
    assert "Keeps the contract" in board.result.value
    assert "Rounds before" in board.result.value


def test_the_stages_say_where_one_is_and_what_is_missing(board):
    assert '<li aria-current="step"' in board.line.value
    board.next()
    board.next()
    assert "first: change the least of all designs" in board.news.value
    board.take(FORGE.base)
    board.next()
    board.next()
    assert "first: run the design" in board.news.value
    assert board.game.at == "run"
    board.back()
    assert (board.game.at, board.panel.design) == ("build", FORGE.base)


def test_the_same_design_is_not_run_twice_in_a_row(board):
    board.take(FORGE.base)
    board.next()
    board.by_theory()
    board.next()
    board.next()
    board.next()
    assert "first: change the design after the last run" in board.news.value


# Building


def test_a_turn_that_next_has_overtaken_is_not_lost(board):
    board.take(FORGE.base)
    board.next()
    turn(board, workers=6)
    assert (board.game.at, board.game.design.workers) == ("run", 6)
    turn(board, load_balancer=False)  # cannot be built, so it is not run
    assert board.game.design.load_balancer
    board.panel.show(smallest(FORGE))
    assert (board.game.at, board.body.children[1]) == ("build", board.panel.box)
    assert "change the least of all designs" in board.news.value


def test_what_cannot_be_built_is_said_in_words_and_the_last_picture_stays(board):
    board.next()
    before = board.panel.plan.value
    turn(board, servers=3)
    assert "3 servers need a load balancer" in board.panel.view.value
    assert 'role="alert"' in board.panel.view.value
    assert board.panel.design == smallest(FORGE)
    assert board.panel.plan.value == before
    board.next()
    assert "build something that can be built" in board.news.value
    turn(board, load_balancer=True)
    assert "role=" in board.panel.view.value
    assert 'role="alert"' not in board.panel.view.value


def test_a_turn_changes_drawing_scorecard_and_hours(board):
    board.take(FORGE.base)
    panel = board.panel
    before = panel.plan.value, panel.view.value, panel.hours.value
    turn(board, workers=4)
    after = panel.plan.value, panel.view.value, panel.hours.value
    assert all(old != new for old, new in zip(before, after, strict=True))
    assert "Bottleneck: the workers at 1.03 ✗" in panel.plan.value
    assert "Breaks the contract: oldest mail" in panel.view.value
    assert "Oldest mail: 37 minutes by theory" in panel.hours.value


def test_workers_and_their_settings_wait_for_a_queue(board):
    board.next()
    controls = board.panel.controls
    for name in ("workers", "most", "attempts"):
        assert controls[name].slider.disabled
    assert controls["priority"].box.disabled
    assert controls["hits"].box.disabled
    turn(board, queue=1, cache=1)
    assert not controls["workers"].slider.disabled
    assert not controls["hits"].box.disabled
    assert board.panel.design.workers == 1


@pytest.mark.parametrize("name", FORGE.designs)
def test_every_named_design_comes_back_from_the_controls(board, name):
    board.take(FORGE.designs[name])
    assert board.panel.design == FORGE.designs[name]


def test_designs_beyond_the_controls_come_back_as_well(board):
    wild = FORGE.design(servers=40, workers=7, maximum_workers=90, hit_ratio=0.33, max_attempts=12)
    board.take(wild)
    assert board.panel.design == wild
    assert board.panel.controls["servers"].slider.max == 40


def test_every_control_has_a_name(board):
    for control in board.panel.controls.values():
        assert (control.number if isinstance(control, Number) else control.box).description
    names = [board.shelf_panel.names, board.shelf_panel.name, board.shelf_panel.chosen]
    assert all(widget.description for widget in names)
    told = [heading.value for heading in board.panel.headings.values()]
    assert len(told) == 8
    assert all("USD" in heading for heading in told)


def test_lists_tell_the_price_of_each_variant(board):
    database = board.panel.controls["database"]
    assert isinstance(database, Choice)
    assert ("t3.medium multi-AZ 50 GB: 116.62 USD", 1) in database.box.options


# Running


def test_a_run_by_chance_leads_to_its_post_mortem(brief):
    brief.runner.start()
    brief.wait()
    assert brief.runner.progress.value == brief.runner.progress.max
    assert "Theory beside chance (2 runs" in brief.result.value
    assert "±" in brief.result.value
    brief.next()
    assert brief.game.at == "post-mortem"
    assert "Measured in the mean of 2 runs" in brief.result.value


def test_turning_during_a_run_never_mixes_two_designs(brief, monkeypatch):
    hold = threading.Event()
    real = running.run

    def slow(plan, seed, stop):
        assert hold.wait(60)
        return real(plan, seed, stop)

    monkeypatch.setattr(running, "run", slow)
    brief.runner.start()
    brief.back()
    turn(brief, workers=4)
    hold.set()
    brief.wait()
    assert set(brief.runner.surges) == {SHORT.base}
    assert "kept with its design" in brief.news.value
    brief.next()
    assert brief.game.result is None
    brief.back()
    turn(brief, workers=SHORT.base.workers)
    brief.next()
    assert brief.game.result is brief.runner.surges[SHORT.base]


def test_a_cancelled_run_keeps_what_is_finished(brief, monkeypatch):
    real, made = running.run, []

    def counted(plan, seed, stop):
        made.append(real(plan, seed, stop))
        if len(made) == 2:
            brief.runner.cancel()
        return made[-1]

    monkeypatch.setattr(running, "run", counted)
    monkeypatch.setattr(running.os, "cpu_count", lambda: 1)
    brief.runner.runs.slider.value = 5
    brief.runner.start()
    brief.wait()
    surge = brief.runner.surges[SHORT.base]
    assert 2 <= len(surge.runs) < 5
    assert surge.stopped_early
    assert "It was stopped early" in brief.result.value
    assert not brief.runner.run_button.disabled


def test_a_run_cancelled_at_once_says_that_nothing_is_kept(brief):
    brief.runner.cancel()  # nothing runs: no harm
    brief.runner.start()
    brief.runner.cancel()
    brief.wait()
    if not brief.runner.surges:  # it may have been quicker
        assert "nothing is kept" in brief.runner.status.value
        assert brief.game.result is None


# The shelf, and the file behind it


def test_save_load_compare_and_delete(board):
    shelf = board.shelf_panel
    board.take(FORGE.design(workers=7))
    shelf.name.value = "  seven   workers "
    shelf.save_button.click()
    assert "Saved seven workers" in shelf.news.value
    board.take(FORGE.base)
    shelf.names.value = "seven workers"
    shelf.load_button.click()
    assert board.panel.design.workers == 7
    shelf.chosen.value = ("A", "seven workers")
    shelf.compare_button.click()
    assert shelf.table.value.count("<tr>") == 4
    assert "1,217\u00a0ms" in shelf.table.value
    assert "Loaded" in shelf.news.value
    turn(board, workers=6)
    assert not shelf.table.value
    assert "Loaded" not in shelf.news.value
    shelf.delete_button.click()
    assert "Deleted seven workers" in shelf.news.value
    assert "seven workers" not in shelf.names.options


@pytest.mark.parametrize(
    ("name", "told"), [("", "needs a name"), ("E", "own: choose"), ("x" * 41, "at most 40")]
)
def test_names_that_will_not_do_are_refused_in_words(board, name, told):
    board.shelf_panel.name.value = name
    board.shelf_panel.save()
    assert told in board.shelf_panel.news.value
    assert not board.shelf.own


def test_the_scenario_s_designs_cannot_be_deleted(board):
    board.shelf_panel.names.value = "E"
    board.shelf_panel.delete()
    assert "Not deleted" in board.shelf_panel.news.value
    assert "E" in board.shelf_panel.names.options


def test_the_game_outlives_the_kernel(board, path):
    board.take(FORGE.design(workers=7))
    board.shelf_panel.name.value = "mine"
    board.shelf_panel.save()
    again = DesignBoard(FORGE, path=path)
    assert (again.game.at, again.panel.design.workers) == ("build", 7)
    assert again.shelf.own == {"mine": FORGE.design(workers=7)}
    board.next()
    board.by_theory()
    board.next()
    later = DesignBoard(FORGE, path=path)
    assert later.game.at == "post-mortem"
    assert "by theory: runs by chance are not kept" in later.news.value
    assert "By theory" in later.result.value
    assert DesignBoard(SHORT, path=path).panel.design.workers == 7  # the same title, the same file


def test_two_boards_do_not_lose_each_other_s_designs(board, path):
    other = DesignBoard(FORGE, path=path)
    for each, name in ((board, "one"), (other, "two")):
        each.shelf_panel.name.value = name
        each.shelf_panel.save()
    assert set(DesignBoard(FORGE, path=path).shelf.own) == {"one", "two"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not json",
        "[1]",
        '{"MailForge": 3}',
        '{"MailForge": {"stage": "run", "design": "servers = 0", "own": {"x": "y = "}}}',
        '{"MailForge": {"stage": "party", "design": 7, "own": [1]}}',
        '{"MailForge": {"stage": "run", "design": "/etc/hosts.toml", "own": {"x": 1}}}',
        "[" * 100_000,
    ],
)
def test_a_spoilt_file_does_no_harm(path, content):
    path.parent.mkdir()
    path.write_text(content, encoding="utf-8")
    board = DesignBoard(FORGE, path=path)
    assert board.game.at == "briefing"
    assert not board.shelf.own
    board.take(FORGE.base)
    assert json.loads(path.read_text(encoding="utf-8"))["MailForge"]["stage"] == "build"


def test_a_file_that_cannot_be_written_does_no_harm(tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be", encoding="utf-8")
    board = DesignBoard(FORGE, path=tmp_path / "cache" / "designs.json")
    board.take(FORGE.base)
    board.shelf_panel.name.value = "mine"
    board.shelf_panel.save()
    assert "mine" in board.shelf_panel.names.options


def test_files_hold_the_numbers_and_the_picture(board):
    board.take(FORGE.designs["E with 4 workers"])
    board.shelf_panel.chosen.value = ("A",)
    board.shelf_panel.files_button.click()
    links = re.findall(
        r'download="([^"]+)" href="data:([^;]+);base64,([^"]+)"', board.shelf_panel.files.value
    )
    files = {name: base64.b64decode(data) for name, _, data in links}
    rows = {
        row["clause"]: row for row in csv.DictReader(io.StringIO(files["scorecard.csv"].decode()))
    }
    card = board.panel.card
    assert float(rows["oldest mail"]["kept"]) == pytest.approx(card.oldest_mail_s)
    assert rows["oldest mail"]["passes"] == "False"
    hours = list(csv.DictReader(io.StringIO(files["hours.csv"].decode())))
    assert max(float(row["backlog"]) for row in hours) == pytest.approx(
        card.worst_backlog, rel=1e-5
    )
    assert files["picture.png"].startswith(b"\x89PNG\r\n")
    assert FORGE.design_from_toml(files["design.toml"].decode()) == card.design
    assert files["compared.csv"].decode().count("\n") == 3


# What is stored with a notebook


def test_the_static_twin_is_the_same_whatever_was_played(board, path):
    fresh = board._repr_mimebundle_()
    board.take(FORGE.designs["C"])
    later = DesignBoard(FORGE, path=path)._repr_mimebundle_()
    assert fresh.pop(WIDGET) != later.pop(WIDGET)
    assert fresh == later
    assert (
        "Breaks 2 of" in fresh["image/svg+xml"] or "Breaks the contract" in fresh["image/svg+xml"]
    )


def test_the_board_follows_another_scenario(path):
    sister = Scenario.load("guided-queues-and-workers")
    board = DesignBoard(sister, path=path)
    assert "at least 95 %" in board.text.value
    board.take(sister.base)
    board.next()
    assert board.runner.run_button.description == "Run the 30 hours"
