"""The commands' answers in every form, and whatever may be typed: a status, never a traceback."""

import csv
import io
import json
import os
import random
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queueing.command_line import BAD_INPUT, FAILS, PASSES, STOPPED, main
from queueing.scenario import Scenario
from queueing.scenario.loading import data_folder

FORGE = Scenario.load("mailforge")
SHORT = 'extends = "mailforge"\n[traffic]\nhorizon_h = 0.05\nplateau_end_h = 0\nramp_center_h = 0\n'


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a scenario of three minutes."""
    path = tmp_path_factory.mktemp("short") / "short.toml"
    path.write_text(SHORT, encoding="utf-8")
    return str(path)


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_search_is_told_three_ways(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A grid of twelve designs; the cheapest that passes is found by evaluating all of them."""
    grid = ["--servers", "3-5", "--workers", "4,5", "--sinks", "0,1", "--shards", "1"]
    grid += ["--database", "t3.medium multi-AZ", "--cache", "two nodes", "--queue", "sqs"]
    grid += ["--load-balancer", "yes"]
    figure = tmp_path / "frontier.svg"
    assert main(["search", "mailforge", *grid, "--json", "--figure", str(figure)]) == PASSES
    told = json.loads(capsys.readouterr().out)
    designs = [
        FORGE.design(servers=servers, workers=workers, sinks=sinks)
        for servers in (3, 4, 5)
        for workers in (4, 5)
        for sinks in (0, 1)
    ]
    passing = [card for card in map(FORGE.evaluate, designs) if card.passes]
    cheapest = min(passing, key=lambda card: card.cost).design
    assert (told["designs"], told["pass"]) == (len(designs), len(passing))
    assert {name: told["cheapest"][name] for name in ("servers", "workers", "sinks")} == {
        "servers": cheapest.servers,
        "workers": cheapest.workers,
        "sinks": cheapest.sinks,
    }
    drawn = ET.parse(figure).getroot()  # noqa: S314, our own file
    assert "cheapest costs" in drawn.get("aria-label", "")
    assert main(["search", "mailforge", *grid, "--csv"]) == PASSES
    rows = table(capsys.readouterr().out)
    assert len(rows) == 12
    assert sum(row["passes"] == "True" for row in rows) == len(passing)
    assert main(["search", "mailforge", *grid]) == PASSES
    assert "What binds" in capsys.readouterr().out


def test_a_grid_where_nothing_passes(capsys: pytest.CaptureFixture[str]) -> None:
    grid = ["--servers", "2", "--workers", "3", "--sinks", "1", "--shards", "1", "--queue", "sqs"]
    assert main(["search", "mailforge", *grid, "--json"]) == FAILS
    assert json.loads(capsys.readouterr().out)["cheapest"] is None


def test_designs_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure = tmp_path / "two.svg"
    both = ["E", "E with 4 workers"]
    assert main(["compare", "mailforge", *both, "--csv", "--figure", str(figure)]) == FAILS
    rows = {row["design"]: row for row in table(capsys.readouterr().out)}
    for name in both:
        card = FORGE.evaluate(FORGE.designs[name])
        assert float(rows[name]["oldest mail, s"]) == pytest.approx(card.oldest_mail_s)
        assert rows[name]["passes"] == str(card.passes)
    assert figure.read_text(encoding="utf-8").count("Mails waiting") >= 2
    assert main(["compare", "mailforge", "E", "--json"]) == PASSES
    assert json.loads(capsys.readouterr().out)["theory"][0]["design"] == "E"
    assert main(["compare", "mailforge", "F"]) == BAD_INPUT
    assert "known: A, B" in capsys.readouterr().err


@pytest.mark.parametrize("seed", [[], ["--seed", "1"]])
def test_designs_by_chance_share_their_customers(
    seed: list[str],
    short: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Three minutes: with a seed or without, all run on one; the first differs from itself by 0."""
    run, seeds = Scenario.simulate, []

    def noted(scenario, design, **options):
        surge = run(scenario, design, **options)
        seeds.append(surge.seed)
        return surge

    monkeypatch.setattr(Scenario, "simulate", noted)
    both = ["E", "E with Single-AZ"]
    assert main(["compare", short, *both, "--replications", "3", *seed, "--json"]) in {
        PASSES,
        FAILS,
    }
    assert len(seeds) == 2
    assert len(set(seeds)) == 1
    told = json.loads(capsys.readouterr().out)["chance"]
    assert {row["difference"] for row in told if row["design"] == "E"} == {0.0}
    other = {row["number"]: row for row in told if row["design"] == both[1]}
    price = [FORGE.evaluate(FORGE.designs[name]).cost for name in both]
    cost = other["cost, USD a month"]["difference"]
    assert cost == pytest.approx(price[1] - price[0], abs=0.5)


@pytest.mark.parametrize("moment", ["before its first run ends", "after some"])
def test_ctrl_c_in_a_comparison_keeps_the_designs_before(
    moment: str,
    short: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run, asked = Scenario.simulate, []

    def stopped(scenario, design, **options):
        asked.append(design)
        surge = run(scenario, design, **options)
        if len(asked) < 2:
            return surge
        if moment == "after some":
            return replace(surge, runs=surge.runs[:1], stopped_early=True)
        raise KeyboardInterrupt

    monkeypatch.setattr(Scenario, "simulate", stopped)
    designs = ["E", "E with Single-AZ", "C"]
    chance = ["--replications", "2", "--seed", "1"]
    assert main(["compare", short, *designs, *chance, "--json"]) in {PASSES, FAILS}
    told = json.loads(capsys.readouterr().out)
    assert told["stopped_early"]
    assert {row["design"] for row in told["chance"]} == {"E"}
    assert len(asked) == 2
    asked.clear()
    main(["compare", short, *designs, *chance])
    assert "By chance, stopped early" in capsys.readouterr().out


def test_a_post_mortem_by_theory_and_by_chance(
    short: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["postmortem", "mailforge", "--workers", "4", "--json"]) == FAILS
    told = json.loads(capsys.readouterr().out)
    assert "invisible failure" in json.dumps(told)
    assert main(["postmortem", "mailforge", "--workers", "4"]) == FAILS
    assert "Every API number is green" in capsys.readouterr().out
    main(["postmortem", short, "--replications", "2", "--seed", "1", "--csv"])
    assert table(capsys.readouterr().out)[0]["sentence"]


def test_a_simulation_as_a_table_and_a_figure(
    short: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = tmp_path / "surge.svg"
    options = ["--replications", "2", "--seed", "1", "--csv", "--figure", str(figure)]
    assert main(["simulate", short, *options]) in {PASSES, FAILS}
    rows = {row["number"]: row for row in table(capsys.readouterr().out)}
    assert float(rows["P95 latency, ms"]["mean"]) > 0
    assert ET.parse(figure).getroot().tag.endswith("svg")  # noqa: S314


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing/out.svg", "cannot be written"),
        ("out.png", "must end in .svg"),
        ("", "must end in .svg"),
        ("a\0.svg", "cannot be written"),
    ],
)
def test_a_figure_that_cannot_be_stored_is_refused_before_the_work(
    name: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / name) if name else ""
    forever = ["--replications", "1000000", "--figure", path]
    assert main(["simulate", "mailforge", *forever]) == BAD_INPUT
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("command", ["evaluate", "simulate", "search", "compare", "postmortem"])
def test_help_reads_like_a_page(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main([command, "--help"])
    assert done.value.code == 0
    page = capsys.readouterr().out
    assert f"queueing {command} mailforge" in page
    assert "exit status:" in page
    assert all(len(line) <= 100 for line in page.splitlines())


def test_who_stops_reading_breaks_nothing() -> None:
    """As with `| head -1`: no traceback, and the verdict is still the status."""
    with subprocess.Popen(
        [sys.executable, "-m", "queueing", "compare", "mailforge", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout
        running.stdout.close()
        assert running.wait(timeout=60) == FAILS
        assert running.stderr
        assert b"Traceback" not in running.stderr.read()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent differently")
def test_ctrl_c_ends_in_a_line_or_in_what_is_finished(short: str) -> None:
    """A hundred thousand short runs, stopped after a while: the finished ones are told."""
    with subprocess.Popen(
        [sys.executable, "-m", "queueing", "simulate", short, "--replications", "100000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            running.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert "Traceback" not in err
    if running.returncode == STOPPED:
        assert "stopped" in err
    else:
        assert running.returncode in {PASSES, FAILS}
        assert "stopped early" in out


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent differently")
@pytest.mark.parametrize("moment", ["numpy", "scipy.stats", "queueing.simulation"])
def test_ctrl_c_while_it_loads_ends_in_a_line(moment: str, tmp_path: Path) -> None:
    """The signal comes when a module is looked for."""
    early = "import os, signal, sys\nclass Finder:\n    def find_spec(self, name, *_):\n"
    early += f"        if name == {moment!r}: os.kill(os.getpid(), signal.SIGINT)\n"
    early += "sys.meta_path.insert(0, Finder())\n"
    (tmp_path / "sitecustomize.py").write_text(early, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "queueing", "evaluate", "mailforge"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {STOPPED, -signal.SIGINT}
    assert done.stderr == "queueing: stopped before it began\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_terminal_without_the_signs_gets_others(encoding: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "queueing", "postmortem", "mailforge", "--workers", "4"],
        env={"PYTHONIOENCODING": encoding, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == FAILS
    assert b"Traceback" not in done.stderr


# Whatever is typed


TYPED = """evaluate postmortem compare mailforge A E --servers --workers --design --cache none
--json --csv --priority --no-priority --queue sqs --maximum-workers --hit-ratio --max-attempts
--database --shards --sinks --load-balancer -1 0 1 2.5 nan 1e400 1000 --figure --seed"""
WORDS = st.one_of(
    st.sampled_from(TYPED.split()),
    st.text(max_size=12),
    st.integers(-(10**30), 10**30).map(str),
    st.floats().map(str),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(WORDS, max_size=8))
def test_no_command_ends_in_a_traceback(words: list[str]) -> None:
    if "--replications" in words:
        words = [word for word in words if word != "--replications"]
    try:
        status = main(["evaluate", "mailforge", *words] if len(words) % 2 else words)
    except SystemExit as done:
        status = done.code  # type: ignore[assignment]
    assert status in {PASSES, FAILS, BAD_INPUT}


VALUES = [
    "0",
    "-1",
    "1e308",
    "nan",
    "inf",
    "true",
    '"x"',
    "[]",
    "{}",
    "[[1]]",
    "1e-300",
    '""',
    "9" * 400,
]
LINES = (data_folder() / "mailforge.toml").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("seed", range(40))
def test_no_file_ends_in_a_traceback(
    seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The shipped scenario with one to four lines dropped, doubled, cut or given another value."""
    dice, lines = random.Random(seed), list(LINES)  # noqa: S311
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(lines))
        key, equals, _ = lines[place].partition("=")
        change = dice.randrange(4)
        if change == 0:
            del lines[place]
        elif change == 1:
            lines.insert(place, lines[place])
        elif change == 2:
            lines[place] = lines[place][: dice.randrange(len(lines[place]) + 1)]
        elif equals:
            lines[place] = f"{key}= {dice.choice(VALUES)}"
    path = tmp_path / "mine.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    status = main(["evaluate", str(path), "--json"])
    told = capsys.readouterr()
    assert status in {PASSES, FAILS, BAD_INPUT}
    assert ("mine.toml" in told.err) is (status == BAD_INPUT)
    if status != BAD_INPUT:
        json.loads(told.out, parse_constant=pytest.fail)


def test_nothing_is_left_of_a_figure_that_came_to_nothing(tmp_path: Path) -> None:
    figure, kept = tmp_path / "out.svg", tmp_path / "kept.svg"
    kept.write_text("mine", encoding="utf-8")
    for path in (figure, kept):
        assert main(["evaluate", "nowhere.toml", "--figure", str(path)]) == BAD_INPUT
    assert not figure.exists()
    assert kept.read_text(encoding="utf-8") == "mine"


def test_next_to_nothing_is_told_as_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert FORGE.evaluate(FORGE.designs["C"]).worst_backlog < 1e-9
    main(["compare", "mailforge", "C"])
    *_, row = capsys.readouterr().out.splitlines()
    name, _p95, _uptime, _cost, _oldest, waiting, *_ = row.split()
    assert (name, waiting) == ("C", "0")


def test_a_comparison_fits_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A design a row: sixteen of them would be columns for nobody's screen."""
    main(["compare", "mailforge"])
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) >= len(FORGE.designs)
    assert max(map(len, rows)) <= 160
