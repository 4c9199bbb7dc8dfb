"""Files that cannot be used end in one kind of error: where, what came, what is allowed."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from queueing.scenario import Scenario, ScenarioError
from queueing.scenario.availability import availability
from queueing.scenario.cost import usd_month
from queueing.scenario.loading import MOST_BYTES, data_folder, merged, read_toml
from queueing.scenario.plan import plan

FORGE_TEXT = (data_folder() / "mailforge.toml").read_text(encoding="utf-8")
CATALOGUE_TEXT = (data_folder() / "catalogue.csv").read_text(encoding="utf-8")
EXTENDS = 'extends = "mailforge"\n'

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes a file and returns its path."""

    def write(text: str | bytes, name: str = "mine.toml") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def refused(path: object) -> str:
    with pytest.raises(ScenarioError) as caught:
        Scenario.load(path)  # type: ignore[arg-type]
    return str(caught.value)


# What loads


def test_a_file_may_stand_alone(write: Write) -> None:
    assert Scenario.load(write(FORGE_TEXT)) == Scenario.load("mailforge")
    assert Scenario.load(str(write(FORGE_TEXT))) == Scenario.load("mailforge")


def test_windows_files_load(write: Write) -> None:
    assert Scenario.load(write(b"\xef\xbb\xbf" + FORGE_TEXT.replace("\n", "\r\n").encode())).designs


def test_a_file_changes_only_what_it_says(write: Write) -> None:
    write(EXTENDS + "[traffic]\nthink_time_s = 13\n", "base.toml")
    mine = Scenario.load(write('extends = "base.toml"\n[job.smtp]\nmean_ms = 400\n'))
    forge = Scenario.load("mailforge")
    assert (mine.traffic.think_time_s, mine.traffic.peak_users) == (13, 2600)
    assert (mine.job.smtp.mean_ms, mine.job.smtp.scv, mine.job.smtp.law) == (400, 2, "lognormal")
    assert mine.contract == forge.contract
    assert plan(mine, mine.base).load(mine.traffic.peak_rate)["workers"] == pytest.approx(
        46.2 * 14.06 / 13.06 * 1.0526 * 0.447 / 50, rel=1e-3
    )


def test_a_file_brings_its_own_parts(write: Write) -> None:
    write(CATALOGUE_TEXT.replace("30.37", "40"), "mine.csv")
    mine = Scenario.load(write(EXTENDS + 'catalogue = "mine.csv"\n'))
    forge = Scenario.load("mailforge")
    assert usd_month(mine, mine.base) - usd_month(forge, forge.base) == pytest.approx(10 * 9.63)


def test_a_new_class_of_requests(write: Write) -> None:
    text = EXTENDS + "[classes.list]\nshare = 0.3\n[classes.login]\nshare = 0.1\n"
    mine = Scenario.load(write(text + "cpu = { mean_ms = 5, scv = 1 }\n"))
    assert [kind.name for kind in plan(mine, mine.base).classes][-1] == "login"


# Slips in a scenario: what stands in the file, and what the message must say

SLIPS = [
    ("[contract]\nuptime = 1.5", ["contract.uptime", "from 0 to 1", "1.5"]),
    ("[contract]\nuptime = true", ["contract.uptime", "a number", "True"]),
    ('[contract]\nuptime = "0.99"', ["contract.uptime", "a number", "'0.99'"]),
    ("[contract]\nuptime = nan", ["contract.uptime", "nan"]),
    ("[contract]\np95_ms = inf", ["contract.p95_ms", "inf"]),
    ("[contract]\nbudget_usd_month = -1", ["contract.budget_usd_month", "-1"]),
    ("[contract]\nfreshness_s = []", ["contract.freshness_s", "[]"]),
    ("[contract]\nuptme = 0.9", ["contract.uptme", "did you mean 'uptime'?"]),
    ("contract = 5", ["contract must be a table of uptime", "5"]),
    ("[kontract]\nuptime = 0.9", ["kontract", "did you mean 'contract'?"]),
    ("[traffic]\npeak_users = 100", ["traffic.peak_users", "baseline_users (150)", "100"]),
    ("[traffic]\nthink_time_s = 0", ["traffic.think_time_s", "0.001", "got 0"]),
    ("[traffic]\ndecay_h = -5", ["traffic.decay_h", "-5"]),
    ("[traffic]\nhorizon_h = 1e400", ["traffic.horizon_h", "inf"]),
    ("[traffic]\npeak_users = 1979-05-27", ["traffic.peak_users", "1979"]),
    ("[traffic]\npeak_users = 0x" + "f" * 5000, ["traffic.peak_users", "very large"]),
    ("[classes.send]\nshare = 0.3", ["sum to 1", "1.05", "classes.send.share = 0.3"]),
    ("[classes.send]\nshare = -0.25", ["classes.send.share", "-0.25"]),
    ("[classes.send]\nsends_mail = false", ["sends_mail"]),
    ("[classes.send]\nsends_mail = 1", ["classes.send.sends_mail", "true or false", "1"]),
    ("[classes.sent]\nshare = 0", ["classes.sent.cpu is missing", "mean_ms"]),
    ("[classes.send.cpu]\nmean_ms = 0", ["classes.send.cpu.mean_ms", "got 0"]),
    ("[classes.send.cpu]\nmean = 3", ["classes.send.cpu.mean", "did you mean 'mean_ms'?"]),
    ("[classes.send.cpu]\nscv = -1", ["classes.send.cpu.scv", "-1"]),
    ("[classes.send.database.write]\nvisits = 1.5", ["classes.send.database.write.visits", "1.5"]),
    ("[classes.send.database.write]\nonly_on_miss = true", ["only_on_miss", "cache_hit_ratio"]),
    ("[classes.stats]\ncache_hit_ratio = 85", ["classes.stats.cache_hit_ratio", "85"]),
    ('[classes."' + "x" * 99 + '"]\nshare = 0', ["is not a name", "60 characters"]),
    ("classes = 5", ["classes must be a table", "5"]),
    ('[job.smtp]\nlaw = "weibull"', ["job.smtp.law", "'gamma' or 'lognormal'", "weibull"]),
    ("[job]\nfailure_probability = 5", ["job.failure_probability", "5"]),
    ("[job]\nmax_attempts = 0", ["job.max_attempts", "whole number from 1", "0"]),
    ("[job]\nmax_attempts = 5.0", ["job.max_attempts", "whole number", "5.0"]),
    ("[job]\nmax_attempts = 0x" + "f" * 5000, ["job.max_attempts", "very large"]),
    ("[tracking]\nevents_per_mail = -6", ["tracking.events_per_mail", "-6"]),
    ("[rules]\nstation_limit = 0", ["rules.station_limit", "0"]),
    ("[rules.autoscaling]\nboot = 3", ["rules.autoscaling.boot", "did you mean 'boot_s'?"]),
    ("[cost]\nhours_per_month = 0", ["cost.hours_per_month", "0"]),
    ("title = 5", ["title", "a text", "5"]),
    ("[design]\nservers = 0", ["design.servers", "whole number of at least 1", "0"]),
    ("[design]\nservers = 2.5", ["design.servers", "2.5"]),
    ("[design]\nservers = true", ["design.servers", "True"]),
    ("[design]\nservers = nan", ["design.servers", "nan"]),
    ("[design]\nservers = 1001", ["design.servers", "from 1 to 1000", "1001"]),
    ("[design]\nservers = 0x" + "f" * 5000, ["design.servers", "very large"]),
    ("[design]\nload_balancer = 1", ["design.load_balancer", "true or false", "1"]),
    ("[design]\ndatabase = 5", ["design.database", "5"]),
    ('[design]\nquue = "sqs"', ["design", "'quue'", "did you mean 'queue'?"]),
    ('[designs."My one"]\nqueue = "sq"', ['designs."My one".queue', "did you mean 'sqs'?"]),
    ('[designs.F]\ndatabase = "multi-AZ"', ["designs.F.database", "several", "m6i.large"]),
    ('[designs.F]\ndatabase = "none"', ["designs.F.database", "None"]),
    ("[designs.F]\nload_balancer = false", ["designs.F", "4 servers need a load balancer"]),
    ("[designs.F]\nworkers = 0", ["designs.F", "a queue needs workers"]),
    ('[designs.F]\nqueue = "none"', ["designs.F.workers need a queue", "5"]),
    ('[designs.F]\ncache = "none"\nqueue = "on redis"', ["designs.F.queue", "lives on Redis"]),
    ('[designs.F]\nqueue = "none"\nworkers = 0\nsinks = 0', ["designs.F", "needs a reader"]),
    ("[designs]\nF = 5", ["designs.F", "a table", "5"]),
    ("designs = []", ["designs", "a table", "[]"]),
    ('catalogue = "nowhere.csv"', ["catalogue", "nowhere.csv", "no such file"]),
    ('catalogue = "."', ["catalogue", "folder"]),
    ('catalogue = "a\\u0000b"', ["catalogue", "not a path"]),
    ("catalogue = 5", ["catalogue", "a text", "5"]),
]


@pytest.mark.parametrize(("text", "told"), SLIPS, ids=[text[:40] for text, _ in SLIPS])
def test_a_slip_is_named(write: Write, text: str, told: list[str]) -> None:
    message = refused(write(EXTENDS + text + "\n"))
    for part in ["mine.toml", *told]:
        assert part in message
    assert len(message) < 1000


def test_several_slips_are_told_together(write: Write) -> None:
    message = refused(write(EXTENDS + "[contract]\nuptime = 2\np95_ms = 0\n[job]\nack = 5\n"))
    assert all(key in message for key in ("contract.uptime", "contract.p95_ms", "job.ack"))


@pytest.mark.parametrize("key", ["title", "[contract]", "uptime", "[job]", "[rules.autoscaling]"])
def test_a_missing_key_is_named(write: Write, key: str) -> None:
    lines = FORGE_TEXT.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(key))
    end = start + 1
    while key.startswith("[") and lines[end] and not lines[end].startswith("["):
        end += 1
    assert f"{key.strip('[]')} is missing" in refused(write("\n".join(lines[:start] + lines[end:])))


def test_the_base_design_is_whole(write: Write) -> None:
    message = refused(write(FORGE_TEXT.replace("servers = 4\n", "")))
    assert "design.servers is missing; a design has servers, load_balancer" in message


# Files that are no scenario at all


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", ["title is missing"]),
        (b"x =", ["not TOML", "end of document"]),
        (b"a = 1\nb = = 2\n", ["not TOML", "line 2, column 5"]),
        (b"a = 1\na = 2\n", ["not TOML", "line 2"]),
        (b"{}", ["not TOML", "line 1"]),
        (b"\xff\xfe\x00", ["not UTF-8", "byte 0"]),
        (b"\x00" * 100, ["not TOML", "line 1"]),
        (b"#" * (MOST_BYTES + 1), [f"{MOST_BYTES + 1} bytes", f"at most {MOST_BYTES}"]),
        (b"a = " + b"[" * 100_000, ["nested too deeply"]),
        (b"a = " + b"{b=" * 100_000, ["nested too deeply"]),
        (b"a." * 400_000 + b"b = 1", ["nested too deeply"]),
        (b'extends = "mailforge"\n' + b"a." * 200 + b"b = 1", ["a is not a key here"]),
        (b"a = " + b"9" * 5000, ["too many digits"]),
        (b"a = 9999-99-99", ["not TOML", "line 1"]),
        (b"extends = 5", ["extends", "5"]),
        (b'extends = "malforge"', ["extends", "did you mean 'mailforge'?"]),
        (b'extends = "nowhere.toml"', ["nowhere.toml", "no such file"]),
        (b'extends = "mine.toml"', ["mine.toml -> mine.toml"]),
        (b'extends = "mailforge"\n[traffic]\nx = "\xc3\xa9', ["not TOML", "end of document"]),
    ],
    ids=lambda value: repr(value[:20]) if isinstance(value, bytes) else "",
)
def test_not_a_scenario(write: Write, content: bytes, told: list[str]) -> None:
    path = write(content)
    started = time.perf_counter()
    message = refused(path)
    assert time.perf_counter() - started < 2
    for part in ["mine.toml", *told]:
        assert part in message


def test_a_cycle_of_files(write: Write) -> None:
    write('extends = "mine.toml"', "other.toml")
    assert "mine.toml -> other.toml -> mine.toml" in refused(write('extends = "other.toml"'))


def test_a_long_chain_of_files(write: Write) -> None:
    for n in range(12):
        write(f'extends = "{n + 1}.toml"', f"{n}.toml")
    assert "more than 10 files" in refused(write('extends = "0.toml"'))


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("mailforg", "did you mean 'mailforge'?"),
        ("", "give the path of a .toml file"),
        (".toml", "no such file"),
        ("nowhere/mine.toml", "no such file"),
        ("a\0.toml", "not a path"),
        ("x" * 5000 + ".toml", "cannot be read"),
        ("\udcff.toml", "no such file"),
        (5, "got 5"),
        (b"mailforge", "got b'mailforge'"),
        (None, "got None"),
        (["mailforge"], "got ['mailforge']"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_not_a_file(source: object, told: str) -> None:
    assert told in refused(source)


def test_a_folder_and_a_pipe_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    assert "is a folder" in refused(tmp_path / "folder.toml")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.toml")
        assert "not a regular file" in refused(tmp_path / "pipe.toml")


# Slips in a catalogue: line and column are named


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("30.37", "-30.37", ["line 2", "price_usd_month", "-30.37"]),
        ("30.37", "cheap", ["line 2", "price_usd_month", "a number", "'cheap'"]),
        ("30.37", "nan", ["line 2", "price_usd_month", "'nan'"]),
        ("30.37", "1e999", ["line 2", "price_usd_month", "inf"]),
        ("30.37", "1_000", ["line 2", "price_usd_month", "'1_000'"]),
        ("30.37", "", ["line 2", "price_usd_month is missing"]),
        ("30.37", '"30,37"', ["line 2", "price_usd_month", "'30,37'"]),
        ("0.9999,", "1.2,", ["line 3", "availability", "from 0.5 to 1", "1.2"]),
        ("0.9999,", ",", ["line 3", "availability is empty", "a lb needs"]),
        (",5,2,", ",2.5,2,", ["line 2", "slots", "whole number", "2.5"]),
        (",5,2,", ",0,2,", ["line 2", "slots", "0"]),
        (",5,2,", ",5,,", ["line 2", "vcpus is empty"]),
        ("0.8,0.5", "0.8,-1", ["line 7", "service_scv", "-1"]),
        ("\nworker,", "\nworkr,", ["line 11", "component", "did you mean 'worker'?"]),
        ("\nworker,", "\n,", ["line 11", "component"]),
        ("\nanalytics,", "\nworker,", ["line 13", "variant", "twice"]),
        ("analytics,t3.medium", "worker,big", ["line 13", "variant", "one variant only"]),
        ("t4g.micro two nodes", "t4g.micro one node", ["line 8", "twice"]),
        (",redis,", ",memcached,", ["line 10", "hosted_by", "'redis'", "memcached"]),
        (",1000,,", ",1000,redis,", ["line 12", "hosted_by", "not for a stream"]),
        ("price_usd_month", "price", ["line 1", "'price'", "did you mean"]),
        ("vcpus", "slots", ["line 1", "slots stands there twice"]),
        ("role,", "", ["line 1", "column role is missing"]),
        (",5,2,", ",5,2,,", ["line 2", "18 cells under 17 columns"]),
        ("EC2 on-demand", '"EC2', ["not CSV"]),
        ("Hands", "H" * 200_000, ["line 3", "not CSV"]),
        ("Hands", "H" * 500, ["line 3", "role", "400 characters"]),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_a_slip_in_a_catalogue_is_named(write: Write, old: str, new: str, told: list[str]) -> None:
    assert old in CATALOGUE_TEXT
    write(CATALOGUE_TEXT.replace(old, new, 1), "mine.csv")
    message = refused(write(EXTENDS + 'catalogue = "mine.csv"\n'))
    for part in ["mine.csv", *told]:
        assert part in message
    assert len(message) < 1000


def test_every_component_needs_a_row(write: Write) -> None:
    rows = [row for row in CATALOGUE_TEXT.splitlines() if not row.startswith("stream")]
    write("\n".join(rows), "mine.csv")
    assert "no row for stream" in refused(write(EXTENDS + 'catalogue = "mine.csv"\n'))
    write("", "mine.csv")
    assert "line 1, column component is missing" in refused(
        write(EXTENDS + 'catalogue = "mine.csv"\n')
    )


# Anything at all

KEYS = [
    "contract",
    "traffic",
    "classes",
    "send",
    "cpu",
    "mean_ms",
    "design",
    "servers",
    "designs",
    "x",
    "",
]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)
FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def loads_or_refuses(path: Path) -> None:
    try:
        mine = Scenario.load(path)
    except ScenarioError as error:
        assert str(error)  # noqa: PT017
    else:
        assert 0 <= availability(mine, mine.base) <= 1


@FUZZ
@given(tables=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6))
def test_any_tables_load_or_are_refused(tables: dict[str, object]) -> None:
    base = read_toml(data_folder() / "mailforge.toml")
    for whole in (tables, merged(base, tables)):
        try:
            Scenario.from_tables(whole, "fuzz")
        except ScenarioError as error:
            assert str(error).startswith("fuzz")  # noqa: PT017


@FUZZ
@given(noise=st.binary(max_size=30), at=st.floats(0, 1), cut=st.integers(0, 60))
def test_a_damaged_scenario_loads_or_is_refused(
    write: Write, noise: bytes, at: float, cut: int
) -> None:
    whole = FORGE_TEXT.encode()
    place = int(at * len(whole))
    loads_or_refuses(write(whole[:place] + noise + whole[place + cut :]))


@FUZZ
@given(
    noise=st.text('0123456789.,"\n-e\r;x', max_size=9), at=st.floats(0, 1), cut=st.integers(0, 9)
)
def test_a_damaged_catalogue_loads_or_is_refused(
    write: Write, noise: str, at: float, cut: int
) -> None:
    place = int(at * len(CATALOGUE_TEXT))
    write(CATALOGUE_TEXT[:place] + noise + CATALOGUE_TEXT[place + cut :], "mine.csv")
    loads_or_refuses(write(EXTENDS + 'catalogue = "mine.csv"\n'))


def test_inherited_designs_that_cannot_be_built_here_are_left_out(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('extends = "mailforge"\n[design]\nqueue = "on redis"\n', encoding="utf-8")
    mine = Scenario.load(path)
    assert set(Scenario.load("mailforge").designs) - set(mine.designs) == {
        "E without Redis",
        "E without Redis, m6i.large",
    }
    own = '[designs]\n"E without Redis" = { cache = "none" }\n'
    path.write_text(path.read_text(encoding="utf-8") + own, encoding="utf-8")
    with pytest.raises(ScenarioError, match="E without Redis"):
        Scenario.load(path)
