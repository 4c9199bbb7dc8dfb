"""Formulas: from TeX, as the notebooks write them, to typst and to MathML by pandoc."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from queueing.lab.handouts.problems import HandoutError

Form = Literal["typst", "html"]

_SAID = {  # where the command's name is not what is read aloud
    "ldots": "and so on",
    "cdot": "times",
    "infty": "infinity",
    "le": "at most",
    "ge": "at least",
}


def converted(formulas: Sequence[str], form: Form) -> list[str]:
    """Return formulas in TeX as typst's mathematics (without dollars) or as MathML.

    Raises `HandoutError` that names the first one that pandoc does not understand.
    """
    try:
        return list(_converted(tuple(formulas), form))
    except RuntimeError:
        for tex in formulas:
            try:
                _converted((tex,), form)
            except RuntimeError as error:
                reason = " ".join(str(error).partition("[WARNING] ")[2].split())
                raise HandoutError(f"the formula {tex} cannot be set: {reason}") from None
        raise


@lru_cache(maxsize=256)
def _converted(formulas: tuple[str, ...], form: Form) -> tuple[str, ...]:
    if not formulas:
        return ()
    import pypandoc  # noqa: PLC0415, an extra; press.ready() has asked for it

    arguments = ["--fail-if-warnings", "--wrap=none", "--mathml"]
    text = "\n\n".join(f"$${' '.join(tex.split())}$$" for tex in formulas)
    told = pypandoc.convert_text(text, form, format="markdown", extra_args=arguments)
    pattern = r"^\$ (.*?) \$$" if form == "typst" else r"<math.*?</math>"
    found = re.findall(pattern, told, re.DOTALL | re.MULTILINE)
    if len(found) != len(formulas):
        raise RuntimeError(f"[WARNING] {len(found)} formulas came back of {len(formulas)}")
    return tuple(each.replace("#h(0em)", "thick") for each in found)


def spoken_symbol(tex: str) -> str:
    r"""Return a symbol read aloud.

    >>> spoken_symbol(r"\lambda"), spoken_symbol("W_q"), spoken_symbol(r"c_a^2")
    ('lambda', 'W sub q', 'c sub a to the power 2')
    """
    words = re.sub(r"\\(?:text|mathrm|operatorname)\b|\\[,;!]", " ", tex)
    words = re.sub(r"\\bar\b\s*\{?(\w)\}?", r"\1 bar", words)
    words = re.sub(r"\\([A-Za-z]+)", lambda name: f" {_SAID.get(name[1], name[1])} ", words)
    words = words.replace("_", " sub ").replace("^", " to the power ")
    return " ".join(re.sub(r"[{}$]", " ", words).split())
