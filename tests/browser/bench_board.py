"""How long from a key press to the changed picture: `python tests/browser/bench_board.py`.

Three patterns: keys on designs that nobody has asked for yet, on known ones, a burst of thirty.
Times in milliseconds, in the page: to the changed picture's first frame, and to its arrival.
"""

import statistics
import sys

import pytest
from classroom import open_notebook

WATCH = """() => {
    const picture = [...document.querySelectorAll('.widget-html-content')]
        .find(view => view.querySelector('svg[aria-label*="contract"]'));
    window.seen = []; window.arrived = [];
    new MutationObserver(() => {
        window.arrived.push(performance.now());
        requestAnimationFrame(() => {
            const painted = new MessageChannel();
            painted.port1.onmessage = () => window.seen.push(performance.now());
            painted.port2.postMessage(0);
        });
    }).observe(picture, {childList: true});
    document.addEventListener('keydown', () => window.pressed = performance.now(), true);
}"""
LATEST = "[window.seen.at(-1) - window.pressed, window.arrived.at(-1) - window.pressed]"


def press(page, slider, key):
    before = page.evaluate("window.seen.length")
    slider.focus()
    page.keyboard.press(key)
    page.wait_for_function("n => window.seen.length > n", arg=before)
    times = page.evaluate(LATEST)
    page.wait_for_timeout(120)
    return times


def summary(name, pairs):
    for what, times in zip(("seen", "arrived"), zip(*pairs, strict=True), strict=True):
        late = sorted(times)[int(0.95 * len(times)) - 1]
        print(  # noqa: T201 - a bench prints
            f"{name:8} {what:8} n={len(times)}  median {statistics.median(times):4.0f} ms"
            f"  95 % {late:4.0f} ms"
        )


def test_latency(chromium, lab):
    page = open_notebook(chromium, lab, "00_start_here")
    page.wait_for_function("() => document.querySelector('[role=slider][aria-label=Workers]')")
    servers, workers = (page.get_by_role("slider", name=name) for name in ("Servers", "Workers"))
    page.evaluate(WATCH)
    new = [press(page, workers, key) for key in ["ArrowRight"] * 7 + ["ArrowLeft"] * 11]
    new += [press(page, servers, key) for key in ["ArrowRight"] * 8]
    summary("new", new)
    summary("known", [press(page, servers, key) for key in ["ArrowLeft", "ArrowRight"] * 20])
    workers.focus()
    for index in range(30):
        page.keyboard.press("ArrowLeft" if index % 7 == 6 else "ArrowRight")
    page.wait_for_timeout(1500)
    seen, _ = page.evaluate(LATEST)
    print(f"burst    settled {seen:4.0f} ms after the last of 30 keys")  # noqa: T201
    page.close()


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-q", "-s", "-p", "no:nbval", "--override-ini=addopts="]))
