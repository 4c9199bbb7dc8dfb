"""A JupyterLab of its own and a real browser; without playwright or Chromium all is skipped.

pip install playwright && apt install chromium && pytest tests/browser
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from classroom import TOKEN, wait_for

ROOT = Path(__file__).parents[2]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTINGS = {
    "@jupyterlab/apputils-extension/themes": {"adaptive-theme": True},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if not program:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory, chromium):  # noqa: ARG001 - no browser, no server
    """Serve a copy of the notebooks, so that nothing is saved over them; give the address."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", home / "work" / "notebooks")
    (home / "work" / "queueing").mkdir()  # a kit of its own, whose cache keeps the answers
    for name, setting in SETTINGS.items():
        path = home / "config" / "lab" / "user-settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(setting), encoding="utf-8")
    folders = ("CONFIG", "DATA", "RUNTIME")
    env = os.environ | {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in folders}
    env |= {"IPYTHONDIR": str(home / "ipython"), "PYTHONPATH": str(ROOT)}
    env |= {"JUPYTER_CONFIG_PATH": str(ROOT / ".make" / "jupyter")}  # as `make lab` serves
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"--no-browser --allow-root --port={port} --ServerApp.token={TOKEN}".split()
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            cwd=home / "work",
            env=env,
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=20)
