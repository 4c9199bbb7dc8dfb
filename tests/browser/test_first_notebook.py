"""Notebook 00 as a student meets it: run, turned by keyboard and mouse, answered, read aloud."""

import re

import pytest
from classroom import open_notebook

NAME = "00_start_here"
CONTROLS = re.compile(r"- (slider|spinbutton|checkbox|button|textbox)( \"[^\"]+\")?")
PICTURE = ".widget-html-content svg[role=img]"


@pytest.fixture(scope="module")
def page(chromium, lab):
    opened = open_notebook(chromium, lab, NAME)
    yield opened
    opened.close()


def board(page):
    return page.locator(".jp-CodeCell", has_text="sizing_board(forge)").locator(
        ".jp-Cell-outputArea"
    )


def verdict(page):
    return board(page).locator(PICTURE).first


def told(page, words):
    """Wait until the board's picture says something."""
    page.wait_for_function(
        """([selector, words]) => [...document.querySelectorAll(selector)]
            .some(picture => picture.getAttribute('aria-label').includes(words))""",
        arg=[PICTURE, words],
        timeout=20_000,
    )


def test_all_cells_run_without_error_or_stray_output(page):
    assert page.locator(".jp-OutputArea-output[data-mime-type*=error]").count() == 0
    assert page.locator(".jp-OutputArea-output[data-mime-type*=stderr]").count() == 0
    assert page.get_by_text("Error displaying widget").count() == 0


def test_nobody_is_asked_about_news(page):
    assert page.get_by_text("notified about official").count() == 0


def test_glossary_opens_to_be_read(page):
    page.get_by_role("link", name="glossary").first.click()
    page.get_by_role("heading", name="Symbols").wait_for(timeout=20_000)
    page.get_by_role("tab", name="00_start_here.ipynb").first.click()


def test_every_control_of_an_output_has_a_name(page):
    page.wait_for_function(
        "() => [...document.querySelectorAll('[role=slider]')].every(s => s.ariaLabel)"
    )
    found = []
    for output in page.locator(".jp-Cell-outputArea").all():
        found += CONTROLS.findall(output.aria_snapshot())
    assert [kind for kind, name in found if not name] == []
    assert ("slider", ' "Workers"') in found
    assert ("spinbutton", ' "Servers"') in found
    assert ("textbox", ' "Answer in minutes"') in found


def test_every_picture_has_words(page):
    pictures = page.locator(".jp-Cell-outputArea svg[role=img]").all()
    assert len(pictures) >= 4
    assert all(len(picture.get_attribute("aria-label")) > 20 for picture in pictures)


def test_keyboard_turns_a_slider_and_the_picture_follows(page):
    workers = page.get_by_role("slider", name="Workers")
    workers.focus()
    page.keyboard.press("ArrowLeft")
    told(page, "Breaks the contract: oldest mail")
    assert page.get_by_role("spinbutton", name="Workers").input_value() == "4"
    page.keyboard.press("ArrowRight")
    told(page, "Keeps the contract")


def test_mouse_turns_a_slider(page):
    track = page.locator(".widget-hbox", has=page.get_by_role("slider", name="Servers"))
    box = track.last.locator(".noUi-base").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 1, box["y"] + box["height"] / 2)
    told(page, "Breaks the contract: budget")
    assert page.get_by_role("spinbutton", name="Servers").input_value() == "12"
    page.get_by_role("button", name="Reset").click()
    told(page, "Keeps the contract")


def test_impossible_and_overloaded_designs_keep_the_board_alive(page):
    workers = page.get_by_role("spinbutton", name="Workers")
    workers.fill("0")
    workers.press("Enter")
    board(page).get_by_role("alert").wait_for(timeout=20_000)
    assert "a queue needs workers" in board(page).get_by_role("alert").inner_text()
    workers.fill("")
    workers.press("Enter")
    for name in ("Cache (Redis)", "Stream and sink"):
        page.get_by_role("checkbox", name=name).uncheck()
    page.get_by_role("slider", name="Servers").focus()
    page.keyboard.press("Home")
    workers.fill("1")
    workers.press("Enter")
    told(page, "Breaks 3 of the contract's 4 clauses")
    page.get_by_role("button", name="Reset").click()
    told(page, "Keeps the contract")


def test_exercise_answers_at_once_and_gives_hints(page):
    field = page.get_by_role("textbox", name="Answer in events per second")
    cell = page.locator(".jp-CodeCell", has=field)
    cell.get_by_role("button", name="Check").click()
    for typed, answer in (
        (None, "Write a number first"),
        ("many", "not a number"),
        ("1109.5", "not every request sends a mail"),
        ("277", "Right"),
    ):
        if typed:
            field.fill(typed)
            field.press("Enter")
        cell.get_by_role("status").filter(has_text=answer).wait_for(timeout=20_000)
    cell.get_by_role("button", name="Hint (2 left)").click()
    cell.get_by_role("button", name="Hint (1 left)").wait_for(timeout=20_000)


def test_prediction_comes_back_at_the_end_and_survives_a_restart(page, chromium, lab):
    field = page.get_by_role("textbox", name="Answer in minutes")
    field.fill("2 min")
    field.press("Enter")
    page.get_by_text("You predicted 2 min.").wait_for(timeout=20_000)
    again = open_notebook(chromium, lab, NAME, theme="dark", width=800)
    assert again.get_by_role("textbox", name="Answer in minutes").input_value() == "2 min"
    assert again.get_by_text("You predicted 2 min.").is_visible()
    again.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_are_legible_in_either_theme(chromium, lab, theme):
    opened = open_notebook(chromium, lab, NAME, theme=theme, width=800)
    ink, ground = opened.evaluate(
        """selector => {
            const rgb = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
            const cell = document.querySelector('.jp-Notebook');
            return [rgb(getComputedStyle(document.querySelector(selector)).color),
                    rgb(getComputedStyle(cell).backgroundColor)];
        }""",
        PICTURE,
    )
    assert (sum(ground) > 384) == (theme == "light")
    assert abs(sum(ink) - sum(ground)) > 384
    widths = opened.evaluate(
        """selector => [...document.querySelectorAll(selector)].map(
            picture => [picture.getBoundingClientRect().right,
                        picture.closest('.jp-Cell').getBoundingClientRect().right])""",
        PICTURE,
    )
    assert all(picture <= cell for picture, cell in widths)
    opened.close()
