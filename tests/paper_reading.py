"""What is in a PDF, read back: words, words that stand for pictures, metadata, attachments."""

import html
import io
import re
from collections import Counter
from functools import cached_property
from pathlib import Path

from pypdf import PdfReader


class Sheets:
    """A PDF, opened; `whole` is everything in it that can be read."""

    def __init__(self, source):
        self.reader = PdfReader(io.BytesIO(source) if isinstance(source, bytes) else Path(source))
        self.pages = [page.extract_text() for page in self.reader.pages]
        self.text = "\n".join(self.pages)
        self.tags = list(_tags(self.reader.trailer["/Root"]["/StructTreeRoot"]))
        self.alternatives = {
            kind: [str(tag.get("/Alt", "")) for tag in self.tags if tag.get("/S") == kind]
            for kind in ("/Figure", "/Formula")
        }

    @cached_property
    def squashed(self):
        """All that can be read, as `squashed` leaves it."""
        return squashed(self.whole)

    @property
    def sizes(self):
        """How many letters there are of each size, in points."""
        found = Counter()

        def see(text, above, matrix, _font, size):
            scale = abs(matrix[3] * above[3])
            found[round(size * scale, 2)] += len(text.strip())

        for page in self.reader.pages:
            page.extract_text(visitor_text=see)
        return found

    @property
    def metadata(self):
        """The document's information and its XMP, as one text."""
        xmp = self.reader.trailer["/Root"]["/Metadata"].get_data().decode()
        return f"{dict(self.reader.metadata)} {xmp}"

    @property
    def whole(self):
        """Words, alternatives, metadata and attachments."""
        attached = [f"{name} {data}" for name, data in self.reader.attachments.items()]
        said = [words for each in self.alternatives.values() for words in each]
        return "\n".join([self.text, *said, self.metadata, *attached])


def squashed(text):
    """Return text without spaces and with plain quotation marks: how lines break is no matter."""
    plain = text.translate(str.maketrans("“”‘’", "\"\"''"))
    return re.sub(r"\s+", "", html.unescape(re.sub(r"<[^<>]*>", " ", plain))).lower()


def holds(text, words):
    """Tell whether words stand in a squashed text, and not at the end of a longer number."""
    sought = squashed(words)
    apart = r"(?<!\d)(?<!\d[.,])" if sought[:1].isdigit() else ""
    return re.search(apart + re.escape(sought), text) is not None


def _tags(node):
    node = node.get_object()
    if not isinstance(node, dict):
        return
    if "/S" in node:
        yield node
    children = node.get("/K", [])
    for child in children if isinstance(children, list) else [children]:
        yield from _tags(child)
