"""The design board in a real browser: from failing to passing, by keyboard, and after a reload."""

import pytest
from classroom import open_notebook

NAME = "12_design_board"
SLOWLY = 40_000  # milliseconds: a search of the whole grid, on a busy machine


@pytest.fixture(scope="module")
def page(chromium, lab):
    opened = open_notebook(chromium, lab, NAME)
    yield opened
    opened.close()


def board(page):
    cell = page.locator(".jp-CodeCell", has_text="design_board(forge)")
    return cell.locator(".jp-Cell-outputArea")


def press(page, name):
    """Press a button by the keyboard."""
    board(page).get_by_role("button", name=name).focus()
    page.keyboard.press("Enter")


def turn(page, name, keys):
    """Turn a slider by the keyboard."""
    board(page).get_by_role("slider", name=name).focus()
    for key in keys:
        page.keyboard.press(key)


def told(page, words):
    """Wait until the board says something, in a picture or in words."""
    page.wait_for_function(
        """words => [...document.querySelectorAll('svg[role=img], [role=status], h3, li, p')].some(
            e => (e.getAttribute('aria-label') || e.textContent).includes(words))""",
        arg=words,
        timeout=SLOWLY,
    )


def focused(page, name):
    """Wait until a button has the keyboard: the one that was pressed is gone or disabled."""
    page.wait_for_function(
        "name => document.activeElement.innerText === name", arg=name, timeout=SLOWLY
    )


def stage(page, name):
    page.locator("li[aria-current=step]", has_text=name).wait_for(timeout=SLOWLY)


def by_theory(page):
    told(page, "Predict, then run.")
    press(page, "Take theory's word")
    told(page, "By theory:")


def test_a_player_goes_from_failing_to_passing(page):
    stage(page, "Briefing")
    press(page, "Next: Build")
    stage(page, "Build")
    press(page, "Next: Run")
    told(page, "Not yet: first: change the least of all designs.")
    turn(page, "Servers", ["ArrowRight"] * 3)
    board(page).get_by_role("alert").filter(has_text="need a load balancer").wait_for(
        timeout=SLOWLY
    )
    board(page).get_by_role("checkbox", name="Load balancer").press("Space")
    for part, variant in (
        ("Postgres", "t3.medium multi-AZ 50 GB: 116.62 USD"),
        ("Redis", "t4g.micro two nodes: 23.36 USD"),
        ("Queue", "sqs: by use"),
    ):
        board(page).get_by_role("combobox", name=part, exact=True).select_option(variant)
    told(page, "Workers: 1 × t3.medium")  # they wait for the queue
    turn(page, "Workers", ["ArrowRight"] * 3)
    told(page, "Workers: 4 × t3.medium")
    turn(page, "Shards", ["ArrowRight"])
    turn(page, "Sinks", ["ArrowRight"])
    told(page, "Stream: 1 shard, load 0.28; Analytics: 1 × t3.medium")
    told(page, "Bottleneck: the workers at 1.03")
    told(page, "Breaks the contract: oldest mail")
    press(page, "Next: Run")
    stage(page, "Run")
    by_theory(page)
    press(page, "Next: Post-mortem")
    told(page, "Invisible failure")
    press(page, "Build with one more worker: +30.37 USD a month")
    stage(page, "Build")
    focused(page, "Next: Run")
    told(page, "Keeps the contract")
    press(page, "Next: Run")
    stage(page, "Run")
    by_theory(page)
    press(page, "Next: Post-mortem")
    told(page, "Least margin")


def test_a_run_can_be_started_and_cancelled_while_the_page_stays_alive(page):
    press(page, "Back: Run")
    press(page, "Run the 54 hours")
    told(page, "Running 4 servers, 5 workers")
    focused(page, "Cancel")
    press(page, "Back: Build")
    turn(page, "Workers", ["ArrowRight"])
    told(page, "Workers: 6 × t3.medium")
    press(page, "Next: Run")
    press(page, "Cancel")
    board(page).get_by_role("status").filter(has_text="Stopped").wait_for(timeout=SLOWLY)


def test_files_can_be_downloaded(page):
    press(page, "Files")
    with page.expect_download(timeout=SLOWLY) as waiting:
        board(page).get_by_role("link", name="scorecard.csv").click(timeout=SLOWLY)
    assert waiting.value.suggested_filename == "scorecard.csv"
    with page.expect_download(timeout=SLOWLY) as waiting:
        board(page).get_by_role("link", name="picture.png").click(timeout=SLOWLY)
    assert waiting.value.path().read_bytes().startswith(b"\x89PNG")


def test_the_board_is_where_it_was_left_and_fits_a_narrow_page(chromium, lab):
    again = open_notebook(chromium, lab, NAME, theme="dark", width=800)
    stage(again, "Run")
    press(again, "Back: Build")
    told(again, "Workers: 6 × t3.medium")
    widths = again.evaluate(
        """() => [...document.querySelectorAll('.jp-OutputArea-output svg[role=img]')].map(
            picture => [picture.getBoundingClientRect().right,
                        picture.closest('.jp-Cell').getBoundingClientRect().right])"""
    )
    assert all(picture <= cell for picture, cell in widths)
    again.close()
