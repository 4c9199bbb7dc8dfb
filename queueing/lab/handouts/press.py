"""The press: typst source in, a PDF for everybody out, the same bytes every time."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from queueing.lab.handouts.problems import HandoutError

Paper = Literal["a4", "letter"]
PAPERS: tuple[Paper, ...] = ("a4", "letter")

ROOT = Path(__file__).resolve().parents[3]
TEMPLATE = ROOT / "handouts" / "template.typ"
NOTEBOOKS = ROOT / "notebooks"


def pdf(source: str) -> bytes:
    """Return the PDF (PDF/UA-1) of a document; raises `HandoutError` with typst's own words."""
    module = _typst()
    try:
        return module.compile(
            source.encode(), font_paths=_fonts(), pdf_standards=["ua-1"], timestamp=0
        )
    except module.TypstError as error:
        raise HandoutError(f"typst refuses it: {' '.join([error.message, *error.hints])}") from None


def pages(source: str) -> int:
    """Return the number of pages of a document whose template tells it."""
    module = _typst()
    told = module.query(source.encode(), "<pages>", field="value", one=True, font_paths=_fonts())
    return int(told)


def pictures(source: str, *, dots_per_inch: float = 100) -> list[bytes]:
    """Return the pages of a document as PNG."""
    pages = _typst().compile(
        source.encode(), font_paths=_fonts(), format="png", ppi=dots_per_inch, timestamp=0
    )
    return pages if isinstance(pages, list) else [pages]


def template() -> str:
    """Return the template; raises `HandoutError` where the kit came without its course."""
    if not TEMPLATE.is_file() or not NOTEBOOKS.is_dir():
        raise HandoutError(
            f"handouts are made from the course's own folder, with handouts/template.typ and "
            f"notebooks/ in it; {ROOT} has none"
        )
    return TEMPLATE.read_text(encoding="utf-8")


def ready() -> None:
    """Raise `HandoutError` where a package of the extra is missing."""
    template()
    for package, module in (("pypandoc_binary", "pypandoc"), ("typst", "typst")):
        if not find_spec(module):
            raise HandoutError(
                f"handouts need {package}, which is not installed: "
                "pip install 'mailforge-lab[handouts]'"
            )


def _typst() -> Any:
    ready()
    return import_module("typst")  # an extra, and slow to load


@cache
def _fonts() -> Any:
    """Only the faces that typst brings along: a machine's own would change the pages."""
    return _typst().Fonts(include_system_fonts=False)
