"""Run notebooks and draw pictures, and store what they show.

`python -m queueing.lab.outputs notebooks/*.ipynb notebooks/images/surge.svg`

Stored is what anybody's run gives again: no times, no machine's names, and of a living board its
static twin, which strict nbval compares and GitHub shows.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat as _typeless
from nbclient import NotebookClient

from queueing.lab.picture import WIDGET
from queueing.lab.surge import readme_picture
from queueing.scenario import Scenario

nbformat: Any = _typeless  # its functions carry no types

PICTURES = {"surge.svg": lambda: readme_picture(Scenario.load("mailforge"))}  # the README's
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def run(path: Path) -> None:
    """Run a notebook where it lies and write it back with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    nbformat.write(clean(notebook), path)


def clean(notebook: Any) -> Any:
    """Take out of a notebook what another run, or another machine, would write differently."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
        if "outputs" in cell:
            cell.outputs = _joined(cell.outputs)
    return notebook


def _joined(outputs: list[Any]) -> list[Any]:
    """Return outputs with what was printed in one piece: how it was cut depends on the machine."""
    joined: list[Any] = []
    for output in outputs:
        if output.output_type == "stream" and joined and joined[-1].get("name") == output.name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def main(arguments: Sequence[str]) -> None:
    """Run the notebooks and draw the pictures that are named."""
    for path in map(Path, arguments):
        if path.suffix == ".svg":
            path.write_text(PICTURES[path.name]().svg, encoding="utf-8")
        else:
            run(path)


if __name__ == "__main__":
    main(sys.argv[1:])
