"""Words for typst: what is written plainly in the course, as a typographer would set it."""

import re

_UNITS = r"(?:%|ms\b|s\b|h\b|min\b|USD\b|MB\b|GB\b|Erlang\b)"
_STARRED = re.compile(r"\*\*(.+?)\*\*|\*(.+?)\*")


def polished(text: str) -> str:
    """Return text with quotation marks that open and close, and numbers kept with their units.

    >>> polished('say "ten" or more')
    'say “ten” or more'
    """
    told = re.sub(r'(?<![^\s(\[\u2014\u2013])"', "\u201c", text).replace('"', "\u201d")
    told = re.sub(r"(?<![^\s(\[\u2014\u2013\u201c])'(?=\w)", "\u2018", told).replace("'", "\u2019")
    told = re.sub(r"\b([A-Z]\.) (?=[A-Z])", "\\1\u00a0", told)  # initials stay with their name
    told = told.replace("± ", "±\u00a0")
    return re.sub(rf"(?<=\d) (?={_UNITS})", "\u00a0", told)


def literal(text: str) -> str:
    r"""Return any text as a string of typst's.

    >>> print(literal('a "b"'))
    "a \"b\""
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def words(text: str) -> str:
    """Return plain text as a polished string of typst's."""
    return literal(polished(text))


def rich(text: str) -> str:
    """Return text with Markdown's stars as typst's content.

    >>> rich("see *Operations Research* 29")
    '[#"see "#emph("Operations Research")#" 29"]'
    """
    told, parts, end = polished(text), [], 0
    for found in _STARRED.finditer(told):
        parts.append(f"#{literal(told[end : found.start()])}")
        strong, slanted = found.groups()
        parts.append(f"#strong({literal(strong)})" if strong else f"#emph({literal(slanted)})")
        end = found.end()
    parts.append(f"#{literal(told[end:])}")
    return "[" + "".join(part for part in parts if part != '#""') + "]"


def array(items: list[str]) -> str:
    """Return expressions as an array of typst's."""
    return "(" + "".join(f"{item}, " for item in items) + ")"
