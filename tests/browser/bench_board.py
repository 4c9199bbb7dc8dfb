"""From key press to changed picture: `python tests/browser/bench_board.py [NAME ...]`.

For every notebook with a board, or those named: keys on values that nobody has asked for yet, on
known ones, and a burst of thirty. Times in milliseconds, in the page, to the changed picture's
first frame.
"""

import os
import statistics
import sys
from pathlib import Path

import pytest
from classroom import open_notebook

ROOT = Path(__file__).parents[2]
NAMES = os.environ.get("BOARDS", "").split() or sorted(
    path.stem for path in (ROOT / "notebooks").glob("*.ipynb")
)
WATCH = """output => {
    window.seen = [];
    new MutationObserver(changes => {
        if (!changes.some(change => [...change.addedNodes].some(
            node => node.querySelector && node.querySelector('svg[role=img]')))) return;
        requestAnimationFrame(() => {
            const painted = new MessageChannel();
            painted.port1.onmessage = () => window.seen.push(performance.now());
            painted.port2.postMessage(0);
        });
    }).observe(output, {childList: true, subtree: true});
    document.addEventListener('keydown', () => window.pressed = performance.now(), true);
}"""


def press(page, key):
    before = page.evaluate("window.seen.length")
    page.keyboard.press(key)
    page.wait_for_function("n => window.seen.length > n", arg=before, timeout=8000)
    took = page.evaluate("window.seen.at(-1) - window.pressed")
    page.wait_for_timeout(120)
    return took


def told(times):
    late = sorted(times)[max(int(0.95 * len(times)) - 1, 0)]
    return f"{statistics.median(times):4.0f} {late:5.0f}"


@pytest.mark.parametrize("name", NAMES)
def test_latency(chromium, lab, name):
    page = open_notebook(chromium, lab, name)
    if name == "12_design_board":
        page.get_by_role("button", name="Next: Build").click()
        page.get_by_role("checkbox", name="Load balancer").click()
    output = page.locator(".jp-Cell-outputArea", has=page.locator("[role=slider]")).first
    if not output.count():
        pytest.skip("no board")
    output.evaluate(WATCH)
    slider = output.locator("[role=slider]").first
    slider.focus()
    low, high, now = (
        float(slider.get_attribute(f"aria-value{which}")) for which in ("min", "max", "now")
    )
    away, back = (
        ("ArrowRight", "ArrowLeft") if high - now > now - low else ("ArrowLeft", "ArrowRight")
    )
    steps = int(min(12, max(high - now, now - low)))
    new = [press(page, away) for _ in range(steps)]
    known = [press(page, key) for key in [back] * steps + [away, back] * 8]
    for index in range(30):
        page.keyboard.press(back if index % 7 == 6 else away)
    page.wait_for_timeout(1500)
    settled = page.evaluate("window.seen.at(-1) - window.pressed")
    print(  # noqa: T201 - a bench prints
        f"\n{name:26} new {told(new)}   known {told(known)}   burst settled {settled:4.0f} ms"
    )
    page.close()


if __name__ == "__main__":
    os.environ["BOARDS"] = " ".join(sys.argv[1:])
    options = ["-q", "-s", "-p", "no:nbval", "--override-ini=addopts="]
    sys.exit(pytest.main([__file__, *options]))
