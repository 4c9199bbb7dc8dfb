"""What the browser tests and the bench do alike: wait for the server, open a notebook, run it."""

import time
import urllib.request
from contextlib import suppress

import pytest

TOKEN = "classroom"  # noqa: S105 - of a server that lives for these tests, on this machine only
STARTED_WITHIN, RUN_WITHIN = 60, 300  # seconds


def wait_for(address):
    end = time.monotonic() + STARTED_WITHIN
    while time.monotonic() < end:
        with suppress(OSError):
            urllib.request.urlopen(f"{address}/api", timeout=2).close()  # noqa: S310 - our own
            return
        time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start within {STARTED_WITHIN} s")


def open_notebook(chromium, lab, name, theme="light", width=1200):
    """Open a notebook in a fresh page, with a fresh kernel, and run all of its cells."""
    page = chromium.new_page(viewport={"width": width, "height": 1000}, color_scheme=theme)
    for session in page.request.get(f"{lab}/api/sessions?token={TOKEN}").json():
        page.request.delete(f"{lab}/api/sessions/{session['id']}?token={TOKEN}")
    page.goto(f"{lab}/lab/tree/notebooks/{name}.ipynb?token={TOKEN}&reset")
    page.get_by_text("| Idle").wait_for(timeout=1000 * STARTED_WITHIN)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_text("Run All Cells", exact=True).click()
    page.wait_for_function(
        """() => {
            const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')];
            return prompts.length && prompts.every(prompt => /\\[\\d+\\]:/.test(prompt.innerText));
        }""",
        timeout=1000 * RUN_WITHIN,
    )
    page.wait_for_timeout(1500)  # widgets arrive after their cell is done
    return page
