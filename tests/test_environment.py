"""The lists of packages agree with each other and read as their tools read them. Nothing is solved.

Whether conda finds a solution of environment.yml only conda with its channels can tell; what can be
told without them is here: its schema, each line as a match spec, and its agreement with
pyproject.toml and with the tested set in requirements.lock.
"""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rattler import MatchSpec, Version, VersionSpec
from rattler.exceptions import InvalidMatchSpecError

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PINS = [
    Requirement(line.removesuffix("\\"))
    for line in LOCK.splitlines()
    if line and not line.startswith((" ", "#"))
]
NEEDED = [Requirement(text) for text in PROJECT["dependencies"]]
WANTED = [*NEEDED, *(Requirement(text) for text in PROJECT["optional-dependencies"]["test"])]
CONDA = [line for line in ENVIRONMENT["dependencies"] if isinstance(line, str)]


def pinned(name: str) -> list[str]:
    """The versions of a package in the lock: one, or one for each range of Pythons."""
    same = [pin for pin in PINS if canonicalize_name(pin.name) == canonicalize_name(name)]
    return [specifier.version for pin in same for specifier in pin.specifier]


# --- environment.yml ---------------------------------------------------------------------------


def test_environment_has_condas_schema_and_ends_with_the_folder_itself():
    assert ENVIRONMENT.keys() == {"name", "channels", "dependencies"}
    assert ENVIRONMENT["name"] == PROJECT["name"]
    assert ENVIRONMENT["channels"] == ["conda-forge", "nodefaults"]
    assert ENVIRONMENT["dependencies"] == [*CONDA, {"pip": ["-e ."]}]
    assert CONDA[-1] == "pip"


@pytest.mark.parametrize("line", CONDA)
def test_line_is_a_conda_match_spec(line):
    assert MatchSpec(line).name.normalized == line.split()[0]


def test_a_line_that_conda_cannot_read_is_noticed():
    with pytest.raises(InvalidMatchSpecError):
        MatchSpec("numpy >=2.2,<<3")


def test_environment_and_pyproject_name_the_same_packages_with_the_same_ranges():
    conda = dict(re.fullmatch(r"(\S+) ?(.*)", line).groups() for line in CONDA)
    assert conda.pop("pip") == ""
    assert conda.pop("python") == PROJECT["requires-python"]
    sorted_ranges = {name: sorted(text.split(",")) for name, text in conda.items()}
    assert sorted_ranges == {each.name: sorted(str(each.specifier).split(",")) for each in NEEDED}


@pytest.mark.parametrize("line", [line for line in CONDA if " " in line and "python" not in line])
def test_conda_range_admits_the_tested_version(line):
    spec = MatchSpec(line)
    versions = pinned(spec.name.normalized)
    assert versions
    assert all(VersionSpec(spec.version).matches(Version(each)) for each in versions)


# --- requirements.lock -------------------------------------------------------------------------


@pytest.mark.parametrize("requirement", WANTED, ids=str)
def test_lock_satisfies_pyproject(requirement):
    versions = pinned(requirement.name)
    assert versions
    assert all(requirement.specifier.contains(each) for each in versions)


def test_every_pin_is_exact_and_has_hashes():
    assert PINS
    assert all([each.operator for each in pin.specifier] == ["=="] for pin in PINS)
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    assert len(entries) == len(PINS)
    unhashed = [entry for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry)]
    assert unhashed == []


# --- the files of the project ------------------------------------------------------------------

ADDRESS = re.compile(r"\w+://")
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:root|home|Users|work|opt|mnt)/\w|\b[A-Z]:\\\\?Users")


def own_files() -> list[Path]:
    """What git tracks or would track; in an unpacked archive, everything."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
        paths = [ROOT / name for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        hidden = {".venv", ".cache", ".git", "dist", "__pycache__"}
        paths = [path for path in ROOT.rglob("*") if not hidden & set(path.relative_to(ROOT).parts)]
    return [path for path in paths if path.is_file()]


@pytest.mark.parametrize(
    "name", ["requirements.lock", "environment.yml", "pyproject.toml", "Makefile", ".ci/run"]
)
def test_packages_come_from_wherever_the_machine_gets_them(name):
    assert ADDRESS.findall((ROOT / name).read_text(encoding="utf-8")) == []


def test_no_file_names_a_folder_of_somebodys_machine():
    found = {}
    for path in own_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        if matches := MACHINE_PATH.findall(text):
            found[path.relative_to(ROOT).as_posix()] = matches
    assert found == {}


@pytest.mark.parametrize("text", ["in /" + "home/ann/lab", '"/' + 'root/x"', "C:\\" + "Users"])
def test_a_folder_of_somebodys_machine_is_noticed(text):
    assert MACHINE_PATH.search(text)


def test_wheel_carries_the_data(tmp_path):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("queueing/")}
    sources = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("queueing/**/*.py")}
    files = [path for path in ROOT.glob("data/**/*") if path.is_file()]
    data = {f"queueing/{path.relative_to(ROOT).as_posix()}" for path in files}
    assert data
    assert packed == sources | data
