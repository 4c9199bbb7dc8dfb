"""Every notebook as a student meets it: run, turned by keyboard and mouse, answered, read aloud."""

import json
import re
from pathlib import Path

import pytest
from classroom import open_notebook

from queueing.lab.register import exercise
from queueing.scenario import Scenario

ROOT = Path(__file__).parents[2]
NAMES = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
CONTROL = re.compile(r"- (slider|spinbutton|checkbox|button|textbox|combobox)( \"[^\"]+\")?")
PICTURE = ".jp-Cell-outputArea svg[role=img]"
SHOWS = 20_000  # milliseconds at most until a page shows what was asked for


@pytest.fixture(scope="module", params=NAMES)
def page(request, chromium, lab):
    """A notebook that has been run, with its name."""
    opened = open_notebook(chromium, lab, request.param)
    opened.name = request.param
    yield opened
    opened.close()


def asked(name):
    """The exercises of a notebook, by the cells that ask them."""
    cells = json.loads((ROOT / f"notebooks/{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    source = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return re.findall(r'\bask\("([^"]+)"', source)


def output_of(page, source):
    return page.locator(".jp-CodeCell", has_text=source).last.locator(".jp-Cell-outputArea")


def boards(page):
    """The outputs that have sliders."""
    return page.locator(".jp-Cell-outputArea", has=page.locator("[role=slider]")).all()


def drawn(output):
    return output.locator("svg[role=img]").evaluate_all("all => all.map(p => p.outerHTML).join()")


def changed(page, output, before):
    """Wait until an output's pictures are others than before; return them."""
    for _ in range(SHOWS // 50):
        now = drawn(output)
        if now and now != before:
            return now
        page.wait_for_timeout(50)
    pytest.fail("the picture did not change")


def test_all_cells_run_without_error_or_stray_output(page):
    assert page.locator(".jp-OutputArea-output[data-mime-type*=error]").count() == 0
    assert page.locator(".jp-OutputArea-output[data-mime-type*=stderr]").count() == 0
    assert page.get_by_text("Error displaying widget").count() == 0


def test_every_control_has_a_name_and_every_picture_has_words(page):
    page.wait_for_function(
        "() => [...document.querySelectorAll('[role=slider]')].every(s => s.ariaLabel)"
    )
    found = []
    for output in page.locator(".jp-Cell-outputArea").all():
        found += CONTROL.findall(output.aria_snapshot())
    assert found
    assert [kind for kind, name in found if not name] == []
    told = page.locator(PICTURE).evaluate_all("all => all.map(p => p.getAttribute('aria-label'))")
    assert told
    assert min(map(len, told)) > 20


def test_no_name_is_cut_off_and_no_board_has_to_be_scrolled(page):
    cut, scrolled = page.evaluate(
        """() => {
            const wide = selector => [...document.querySelectorAll(selector)]
                .filter(e => e.clientWidth && e.scrollWidth > e.clientWidth + 1)
                .map(e => e.innerText.slice(0, 40));
            return [wide('.jp-Cell-outputArea .widget-label'),
                    wide('.jp-Cell-outputArea .widget-box')];
        }"""
    )
    assert cut == []
    assert scrolled == []


def test_every_exercise_is_a_group_with_a_name(page):
    for key in asked(page.name):
        title = exercise(key).title
        group = output_of(page, f'ask("{key}"').get_by_role("group", name=title, exact=True)
        group.get_by_role("button", name="Check").wait_for(timeout=SHOWS)


def test_keyboard_and_mouse_turn_the_board_and_its_picture_follows(page):
    for output in boards(page):
        slider = output.locator("[role=slider]").first
        start = drawn(output)
        slider.focus()
        low, now = (slider.get_attribute(f"aria-value{which}") for which in ("min", "now"))
        page.keyboard.press("ArrowRight" if float(now) == float(low) else "ArrowLeft")
        by_key = changed(page, output, start)
        track = output.locator(".noUi-base").first
        track.scroll_into_view_if_needed()
        box = track.bounding_box()
        page.mouse.click(box["x"] + box["width"] - 1, box["y"] + box["height"] / 2)
        by_mouse = changed(page, output, by_key)
        output.get_by_role("button", name="Reset").first.click()
        changed(page, output, by_mouse)


def test_exercises_are_answered_wrong_and_right(page):
    forge = Scenario.load("mailforge")
    for key in asked(page.name):
        posed, output = exercise(key), output_of(page, f'ask("{key}"')
        field, status = output.get_by_role("textbox"), output.get_by_role("status")
        typed = [("many", "not a number")]
        if posed.prediction:
            typed += [("7", "Noted: 7")]
        else:
            value, told = posed.near_misses[0]
            typed += [(f"{value(forge):.6g}", told), (f"{posed.answer(forge):.6g}", "Right")]
        for answer, told in typed:
            field.fill(answer)
            field.press("Enter")
            status.filter(has_text=told).wait_for(timeout=SHOWS)


def test_another_theme_and_a_narrow_page_show_the_same(page, chromium, lab):
    opened = open_notebook(chromium, lab, page.name, theme="dark", width=800)
    pictures, ink, ground = opened.evaluate(
        """selector => {
            const sum = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number)
                .reduce((a, b) => a + b);
            const all = [...document.querySelectorAll(selector)];
            const paper = getComputedStyle(document.querySelector('.jp-Notebook')).backgroundColor;
            return [all.map(p => [p.getBoundingClientRect().right,
                                  p.closest('.jp-Cell').getBoundingClientRect().right]),
                    all.map(p => sum(getComputedStyle(p).color)), sum(paper)];
        }""",
        PICTURE,
    )
    assert ground < 384
    assert all(each - ground > 384 for each in ink)
    assert all(right <= cell for right, cell in pictures)
    for key in asked(page.name):  # what was answered is still there, in a new kernel
        field = output_of(opened, f'ask("{key}"').get_by_role("textbox")
        assert field.input_value() not in {"", "many"}
    opened.close()
