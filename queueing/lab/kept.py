"""Small files in the cache that git ignores: what a student leaves behind between kernels."""

import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


def cache_file(name: str) -> Path:
    """Return a file of the folder that the notebook is in, or of the kit that it belongs to."""
    here = Path.cwd()
    home = next((folder for folder in (here, *here.parents) if _is_kit(folder)), here)
    return home / ".cache" / name


def read_file(path: Path) -> dict[str, Any]:
    """Return what a file of JSON keeps; nothing where it is out of order."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return kept if isinstance(kept, dict) else {}


def replace_file(path: Path, kept: Mapping[str, Any]) -> None:
    """Keep something as JSON, at one stroke, so that two notebooks never leave half of a file.

    Where it cannot be written, nothing is kept.
    """
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.stem}-", text=True)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(kept, file, ensure_ascii=False, indent=1, sort_keys=True)
        Path(name).replace(path)


def _is_kit(folder: Path) -> bool:
    return (folder / "notebooks").is_dir() and (folder / "queueing").is_dir()
