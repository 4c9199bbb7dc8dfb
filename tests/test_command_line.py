"""The command line as a shell sees it: what it prints, and its exit status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from queueing.command_line import BAD_INPUT, FAILS, PASSES, main


def test_a_design_that_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "mailforge", "--servers", "4", "--workers", "5"]) == PASSES
    assert "PASSES the contract" in capsys.readouterr().out


def test_a_design_that_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "mailforge", "--workers", "4", "--json"]) == FAILS
    told = json.loads(capsys.readouterr().out)
    assert [check["clause"] for check in told["checks"] if not check["passes"]] == ["oldest mail"]


def test_options_change_a_named_design(capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["evaluate", "mailforge", "--design", "E with 4 workers", "--workers", "6", "--json"])
        == PASSES
    )
    assert json.loads(capsys.readouterr().out)["design"]["workers"] == 6
    assert (
        main(["evaluate", "mailforge", "--servers", "1", "--no-load-balancer", "--json"]) == FAILS
    )
    assert json.loads(capsys.readouterr().out)["design"]["load_balancer"] is False


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mailforg"], ["mailforg", "mailforge"]),
        (["nowhere/forge.toml"], ["nowhere/forge.toml"]),
        (["mailforge", "--servers", "0"], ["servers", "at least 1", "0"]),
        (["mailforge", "--servers", "2.5"], ["servers", "whole number", "2.5"]),
        (["mailforge", "--servers", "nan"], ["servers", "whole number", "nan"]),
        (["mailforge", "--servers", "True"], ["servers", "whole number", "True"]),
        (["mailforge", "--workers", "0"], ["queue needs workers"]),
        (["mailforge", "--cache", "t4g.micro 2 nodes"], ["cache", "t4g.micro two nodes"]),
        (["mailforge", "--design", "F"], ["--design", "'F'", "known: A, B"]),
    ],
)
def test_bad_input_is_named_in_one_line(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *arguments]) == BAD_INPUT
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert all(word in told.err for word in words), told.err


def test_a_file_that_is_no_scenario(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('extends = "mailforge"\n[contract]\np95_ms = -140\n', encoding="utf-8")
    assert main(["evaluate", str(file)]) == BAD_INPUT
    told = capsys.readouterr().err
    assert all(word in told for word in ("mine.toml", "contract.p95_ms", "-140"))


@pytest.mark.parametrize(
    "arguments", [[], ["evaluate"], ["evaluate", "mailforge", "--servrs", "4"]]
)
def test_a_slip_in_the_command_is_bad_input_as_well(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "queueing", *arguments], capture_output=True, check=False
    )
    assert done.returncode == BAD_INPUT
    assert b"Traceback" not in done.stderr
