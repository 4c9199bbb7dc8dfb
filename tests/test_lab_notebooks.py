"""Notebooks as they are stored: nothing of a machine in them, and no number in prose unproved."""

import json
import re
from pathlib import Path

import nbformat
import pytest

from queueing.lab.outputs import METADATA, clean
from queueing.lab.picture import WIDGET
from queueing.scenario import Scenario

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
HOW = "store it with: python -m queueing.lab.outputs notebooks/*.ipynb"

NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w])")
SPOKEN = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8}
PARTS = ["Predict", "The idea", "Tweak, then size", "Check it by chance", "Exercises"]
PARTS += ["The common mistake", "Take away"]


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def prose(notebook):
    """The text of the markdown cells, without formulas, code, links and the reference's numbers."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["id"] != "reference")
    text = re.sub(r"^#.*$|^\d+\. |\*\d+ minutes\..*\*", "", text, flags=re.MULTILINE)
    return re.sub(r"\$\$.*?\$\$|\$.*?\$|`.*?`|\]\(.*?\)|\bnotebook \d+", "", text, flags=re.DOTALL)


def shown(notebook):
    """Everything that code cells say: what they are, and what they gave."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            yield "".join(cell["source"])
            for output in cell["outputs"]:
                yield "".join(output.get("text", ""))
                for kind, data in output.get("data", {}).items():
                    yield re.sub(r"<[^>]*>", " ", "".join(data)) if kind != "image/svg+xml" else ""


def numbers(text):
    return {float(number.replace(",", "")) for number in NUMBER.findall(text)}


def values(table):
    """Every number in a scenario's table."""
    return {value for value in table.model_dump().values() if isinstance(value, int | float)}


@pytest.fixture(params=NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def notebook(request):
    return read(request.param)


def test_numbers_in_prose_are_computed_by_a_cell_or_stand_in_the_scenario(notebook):
    forge = Scenario.load("mailforge")
    proved = set().union(*map(numbers, shown(notebook)), values(forge.traffic))
    assert numbers(prose(notebook)) - proved == set()


def test_the_check_of_numbers_can_fail(notebook):
    lie = {"cell_type": "markdown", "id": "lie", "source": "P95 is 4711.5 ms, as we have seen."}
    assert 4711.5 in numbers(prose({"cells": [*notebook["cells"], lie]}))


def test_notebook_has_the_shape_of_the_course(notebook):
    cells = ["".join(cell["source"]) for cell in notebook["cells"]]
    headings = [line[3:] for cell in cells for line in cell.splitlines() if line.startswith("## ")]
    assert len(headings) == len(PARTS)
    assert all(head.startswith(part) for head, part in zip(headings, PARTS, strict=True))
    assert re.search(
        r"^\*\d+ minutes\. You need .*Next: .*glossary.md\)\.\*$", cells[0], re.MULTILINE
    )
    for word in ("**Rule of thumb.**", "**Reference.**", "**Next.**"):
        assert any(word in cell for cell in cells)


def test_notebook_is_stored_with_outputs_and_nothing_of_a_machine(notebook):
    assert notebook["metadata"] == METADATA, HOW
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in notebook["cells"]:
        assert cell["metadata"] == {}, HOW
    silent = [c["id"] for c in notebook["cells"] if c["cell_type"] == "code" and not c["outputs"]]
    assert len(silent) <= 1, f"{silent} show nothing; {HOW}"  # one may prepare the next
    text = json.dumps(notebook)
    assert WIDGET not in text, HOW
    assert not re.search(r"/(home|root|tmp|Users|work)/|[A-Z]:\\\\", text)


def test_every_picture_says_what_it_shows(notebook):
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            svg = "".join(output.get("data", {}).get("image/svg+xml", ""))
            if svg:
                (told,) = re.findall(r'<svg [^>]*aria-label="([^"]*)"', svg)
                assert len(told) > 20
                assert "".join(output["data"]["text/plain"])


def test_links_lead_somewhere(notebook):
    text = "".join("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (ROOT / "notebooks" / target).is_file(), target


def test_glossary_has_every_symbol(notebook):
    """A symbol is a letter, Latin or Greek, with its index; a formula is made of them."""
    glossary = (ROOT / "notebooks/glossary.md").read_text(encoding="utf-8")
    known = set(re.findall(r"\$([^$]+)\$", glossary.split("## Terms")[0]))
    known |= {"k", "n", "i", "j", "t", "j + 1"}  # numbers that count, and a time
    text = "".join("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown")
    used = set(re.findall(r"(?<!\$)\$(\\?[A-Za-z]+(?:_\{?\w+\}?)?(?:\^2)?)\$(?!\$)", text))
    assert used - known == set()


def test_glossary_and_references_lead_to_lessons_that_say_so():
    for name in ("glossary.md", "references.md"):
        text = (ROOT / "notebooks" / name).read_text(encoding="utf-8")
        targets = set(re.findall(r"\]\(([^)]+)\)", text))
        assert len(targets) == len(NOTEBOOKS)
        assert all((ROOT / "notebooks" / target).is_file() for target in targets)


def test_references_are_those_of_the_lesson(notebook):
    references = (ROOT / "notebooks/references.md").read_text(encoding="utf-8")
    text = "\n".join("".join(c["source"]) for c in notebook["cells"])
    (told,) = re.findall(r"\*\*Reference\.\*\* (.*)", text)
    assert told in references


def test_cells_show_no_errors_and_no_warnings(notebook):
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            assert output["output_type"] != "error"
            assert output.get("name") != "stderr"


def test_words_for_numbers_in_the_first_notebook_are_true():
    forge, text = Scenario.load("mailforge"), prose(read(ROOT / "notebooks/00_start_here.ipynb"))
    assert "A contract is four numbers" in "".join(shown_headings())
    assert len(forge.evaluate(forge.base).checks) == SPOKEN["four"]
    assert "Eight components." in text
    assert len(list(forge.catalogue)) == SPOKEN["eight"]
    assert "one request in four sends a mail" in text
    assert forge.mails_per_request == 1 / SPOKEN["four"]
    assert "Five workers have room to breathe. Four are asked for 3 % more" in text
    loads = [forge.evaluate(forge.design(workers=n)).worker_load for n in (5, 4)]
    assert loads[0] < 0.85
    assert round(loads[1], 2) == 1.03


def shown_headings():
    cells = read(ROOT / "notebooks/00_start_here.ipynb")["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]


def test_cleaning_takes_out_what_another_run_would_write_differently():
    output = nbformat.v4.new_output("display_data", {WIDGET: {"model_id": "1"}, "text/plain": "x"})
    cell = nbformat.v4.new_code_cell(
        "1", metadata={"execution": {"iopub.status.busy": "now"}}, outputs=[output]
    )
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": {}})
    cleaned = clean(notebook)
    assert cleaned.metadata == METADATA
    assert cleaned.cells[0].metadata == {}
    assert cleaned.cells[0].outputs[0].data == {"text/plain": "x"}


def test_cleaning_joins_what_was_printed_in_pieces():
    pieces = [nbformat.v4.new_output("stream", name="stdout", text=text) for text in "ab"]
    error = nbformat.v4.new_output("stream", name="stderr", text="c")
    cell = nbformat.v4.new_code_cell("1", outputs=[*pieces, error])
    outputs = clean(nbformat.v4.new_notebook(cells=[cell])).cells[0].outputs
    assert [output.text for output in outputs] == ["ab", "c"]
