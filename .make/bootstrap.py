"""Make .venv hold the tested packages of requirements.lock, with the standard library alone.

    python .make/bootstrap.py          makes .venv, or leaves it alone where it still fits
    python .make/bootstrap.py 8888     the same, when this port is free for JupyterLab

An old Python must be able to read this file, if only to be told that it is too old.
"""

import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
CACHE = ROOT / ".cache"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "tested-set"  # what was installed, and where; "unfinished" in between
LOG = CACHE / "install.log"
UNREACHABLE = r"NewConnectionError|NameResolution|Max retries|ConnectTimeout|ReadTimeout|ProxyError"


def stop(message: str) -> NoReturn:
    """End with one clear line."""
    sys.exit("MailForge Lab: " + message)


def say(message: str) -> None:
    """Tell what is being done, one line a step."""
    print("MailForge Lab: " + message, flush=True)


def check_python() -> None:
    """Refuse a Python that is too old, or that Debian has split in two."""
    here = "Python {}.{} ({})".format(*sys.version_info[:2], sys.executable)
    if sys.version_info < (3, 11):  # noqa: UP036 - pyproject.toml cannot hold an old Python off
        stop(f"needs Python 3.11 or newer, found {here}; try `make lab PYTHON=/path/to/python3.11`")
    try:
        import ensurepip  # noqa: F401, PLC0415 - only to see whether it is there
        import venv  # noqa: F401, PLC0415
    except ImportError:
        stop(f"{here} lacks its venv module; on Debian and Ubuntu: apt install python3-venv")


def check_port(text: str) -> None:
    """Refuse a port that is no port, or that somebody else serves on; name a free one."""
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        stop(f"PORT is a number from 1 to 65535, got {text!r}")
    for port in range(int(text), 65536):
        with socket.socket() as server:
            if os.name != "nt":
                server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                server.bind(("127.0.0.1", port))
            except PermissionError:
                stop(f"port {port} needs rights that you do not have; try `make lab PORT=8888`")
            except OSError:
                continue
        if port != int(text):
            stop(f"port {text} is taken by another program; try `make lab PORT={port}`")
        return
    stop(f"port {text} is taken by another program; try `make lab PORT=8888`")


def wanted() -> str:
    """Describe what .venv should hold, and where: a moved folder breaks the link to the package."""
    files = [ROOT / "requirements.lock", ROOT / "pyproject.toml"]
    return "\n".join([hashlib.sha256(f.read_bytes()).hexdigest() for f in files] + [str(ROOT)])


def version_inside() -> "tuple[int, ...] | None":
    """Ask .venv for its Python's version: None where it does not run."""
    question = "import sys; print(*sys.version_info[:2])"
    with suppress(OSError):
        answer = subprocess.run([PYTHON, "-c", question], stdout=subprocess.PIPE, check=False)
        if answer.returncode == 0:
            return tuple(map(int, answer.stdout.split()))
    return None


def make_venv(state: str) -> None:
    """Make .venv where there is none that can be used; never remove one that was not made here."""
    version, found = version_inside(), state.startswith("found")
    other = os.environ.get("PYTHON") and version != sys.version_info[:2]
    same_lock = found or state.partition("\n")[0] == wanted().partition("\n")[0]
    if version and version >= (3, 11) and same_lock and not other:
        return
    shutil.rmtree(CACHE / "old-venv", ignore_errors=True)
    if found:
        stop("the folder .venv was not made by make and does not fit: move it away, then try again")
    if VENV.exists():
        say("removing a .venv that is unfinished or no longer fits")
        VENV.rename(CACHE / "old-venv")  # at one stroke, lest an interruption leave half of it
    shutil.rmtree(CACHE / "old-venv", ignore_errors=True)
    say("making .venv with Python {}.{}.{}".format(*sys.version_info[:3]))
    VENV.mkdir()
    STAMP.write_text("unfinished", encoding="utf-8")
    base = getattr(sys, "_base_executable", sys.executable)  # not the .venv that was just removed
    run([base, "-m", "venv", VENV], "venv failed")


def run(command: list, failure: str, total: int = 0) -> None:
    """Run a step with its output in the log, counting packages on a terminal; explain a failure."""
    nowhere = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PYTHONPATH", "PYTHONHOME")
    env = {key: value for key, value in os.environ.items() if key not in nowhere}
    env.update(PIP_CACHE_DIR=str(CACHE / "pip"), PIP_USER="0", TMPDIR=str(CACHE / "tmp"))
    done, terminal = 0, sys.stdout.isatty()
    with LOG.open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for line in process.stdout:
            log.write(line)
            done += line.startswith("Collecting ")
            if terminal and total:
                print(f"\r  {done} of about {total}", end="", flush=True)
    if terminal and total:
        print("\r" + " " * 40, end="\r")
    if process.wait():
        text = LOG.read_text(encoding="utf-8")
        errors = re.findall(r"^(?:ERROR|Error): (.+)", text, flags=re.MULTILINE)
        if re.search(UNREACHABLE, text):
            failure, errors = "no network: pip cannot reach the packages", []
        stop("; ".join([failure, *errors[:1], f"log: {LOG}"]))


def install() -> None:
    """Bring .venv to the tested set and the package itself, unless it is there already."""
    state = "found" if VENV.exists() and any(VENV.iterdir()) else ""
    if STAMP.exists():
        state = STAMP.read_text(encoding="utf-8")
    make_venv(state)
    whose = "found " if state.startswith("found") else ""
    if state == whose + wanted():
        return
    if not whose:
        STAMP.write_text("unfinished", encoding="utf-8")
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    count = len(re.findall(r"^\w.*==", lock, flags=re.MULTILINE))
    say(f"installing the tested set, about {count} packages: a few minutes the first time")
    pip = [PYTHON, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    tested = ["--require-hashes", "--only-binary=:all:", "--retries=2", "-r", "requirements.lock"]
    run(pip + tested, "pip could not install the tested set", count)
    own = ["--no-deps", "--no-build-isolation", "--no-index", "-e", "."]
    run(pip + own, "pip could not install the folder itself")
    STAMP.write_text(whose + wanted(), encoding="utf-8")
    shutil.rmtree(CACHE / "pip", ignore_errors=True)  # it served its turn


def warm_up() -> None:
    """Let the simulation be compiled now, once for these sources, and not in the first lesson."""
    sources = hashlib.sha256(wanted().encode())
    for file in sorted((ROOT / "queueing").glob("simulation/**/*.py")):
        sources.update(file.read_bytes())
    stamp = CACHE / "numba" / "warm"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == sources.hexdigest():
        return
    say("compiling the simulation: a minute the first time")
    run([PYTHON, "-m", "queueing.lab.warm"], "the simulation could not be compiled")
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(sources.hexdigest(), encoding="utf-8")


def main(arguments: "list[str]") -> None:
    """Check, then install; of two calls at once the second waits for the first."""
    check_python()
    for argument in arguments:
        check_port(argument)
    (CACHE / "tmp").mkdir(parents=True, exist_ok=True)
    with (CACHE / "install.lock").open("w") as turn:
        with suppress(ImportError):
            import fcntl  # noqa: PLC0415 - not on Windows

            fcntl.flock(turn, fcntl.LOCK_EX)
        LOG.write_text("", encoding="utf-8")
        install()
        if arguments:  # for the lab; tests and benchmarks compile what they use
            warm_up()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        stop("interrupted; the next call takes it up again")
    except OSError as error:
        stop(f"cannot work in this folder: {error}")
