"""The decorators of compiled code, and a fingerprint that keeps its cache honest.

Numba compiles the whole loop into its entry points and caches those, but looks for changes only in
the file where an entry point is written. The entry points therefore close over the fingerprint of
all files of this folder and of the rule that it borrows: Numba keeps code under the values that a
function closes over.
"""

import hashlib
from pathlib import Path

from queueing import compiling
from queueing.backpressure import scaling_rule
from queueing.compiling import compiled, entry_point, inlined

__all__ = ["compiled", "entry_point", "fingerprint", "inlined"]


def fingerprint() -> int:
    """Return 62 bits of a hash of the sources in this folder, and of those it borrows."""
    sources = hashlib.sha256()
    borrowed = Path(scaling_rule.__file__), Path(compiling.__file__)
    for path in [*sorted(Path(__file__).parent.glob("*.py")), *borrowed]:
        sources.update(path.read_bytes())
    return int.from_bytes(sources.digest()[:8], "big") >> 2
