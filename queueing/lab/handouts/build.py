"""All handouts of a scenario, made where something has changed, each for itself.

A lesson that cannot be made is named with its reason; the others are made all the same.
"""

import hashlib
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm.auto import tqdm

from queueing.lab.handouts import press
from queueing.lab.handouts.course import Course, Job
from queueing.lab.handouts.press import PAPERS, Paper
from queueing.lab.handouts.problems import HandoutError
from queueing.lab.handouts.sheet import lessons_with_a_sheet
from queueing.scenario import Scenario

OUTPUT = Path("build/handouts")
_MEMORY = ".made.json"  # of each file what it was made from, and what came out

Memory = dict[str, list[str]]


@dataclass
class Made:
    """What a run came to: files written, files that were as they should be, what went wrong."""

    written: list[Path] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def build(
    scenario: Scenario,
    output: Path = OUTPUT,
    *,
    lessons: Sequence[str] = (),
    paper: Paper = "a4",
    variant: str = "",
    progress: bool = False,
) -> Made:
    """Write the handouts of a scenario into a folder: of some lessons, or of the whole course.

    A `variant` is a letter on the papers and in the files' names, where the scenario is one of
    several for a class. Raises `HandoutError` for a paper or a lesson that there is not, a folder
    that cannot be written, and where a package is missing.
    """
    numbers = _numbers(lessons)
    if paper not in PAPERS:
        raise HandoutError(f"paper must be one of {', '.join(PAPERS)}, got {paper!r}")
    press.ready()
    _check_folder(output)
    memory, made = _remembered(output), Made()
    course = Course(scenario, numbers, paper, variant, whole=not lessons)
    try:
        with tqdm(total=len(course), unit="paper", file=sys.stderr, disable=not progress) as bar:
            for job in course.jobs():
                bar.set_description(job.stem)
                if failure := _done(job, output, memory, made):
                    course.failures.setdefault(job.subject, failure)
                bar.update()
    finally:  # Ctrl-C keeps what is finished
        for name in [name for name in memory if name[:2] in course.left_out]:
            del memory[name]  # to be told again
        if made.written or course.failures:
            _write(output / _MEMORY, json.dumps(memory, indent=1, sort_keys=True).encode())
    made.failures = [f"{name}: {reason}" for name, reason in course.failures.items()]
    made.failures += [reason for told in course.left_out.values() for reason in told]
    return made


def _done(job: Job, output: Path, memory: Memory, made: Made) -> str:
    """Make a paper unless it is there already; return why it cannot be made, or nothing."""
    paths = [output / f"{job.stem}.pdf", output / f"{job.stem}.html"]
    if all(memory.get(path.name) == [job.key, _fingerprint(path)] for path in paths):
        made.kept += paths
        return ""
    try:
        contents = [press.pdf(job.document()), job.html().encode()]
    except HandoutError as error:
        failure = str(error)
    except Exception as error:  # noqa: BLE001, whatever is wrong with one lesson spares the others
        failure = f"{_place(error)}: {type(error).__name__}: {error}"
    else:
        for path, content in zip(paths, contents, strict=True):
            _write(path, content)
            memory[path.name] = [job.key, _fingerprint(path)]
        made.written += paths
        return ""
    for path in paths:  # an old paper would look like the new one
        path.unlink(missing_ok=True)
        memory.pop(path.name, None)
    return failure


def _numbers(lessons: Sequence[str]) -> list[str]:
    """Return the lessons that are meant, as the sheets number them."""
    known = lessons_with_a_sheet()
    wanted = [lesson.zfill(2) for lesson in lessons] or known
    for lesson in wanted:
        if lesson not in known:
            raise HandoutError(f"no lesson {lesson!r} on paper; there are {', '.join(known)}")
    return [number for number in known if number in wanted]


def _place(error: Exception) -> str:
    """Return the module and line where an error arose, the last that is the kit's own."""
    trace, told = error.__traceback__, "unknown place"
    while trace:
        path = Path(trace.tb_frame.f_code.co_filename)
        if "queueing" in path.parts:
            inside = path.parts[len(path.parts) - path.parts[::-1].index("queueing") - 1 :]
            told = f"{'/'.join(inside)}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return told


def _check_folder(output: Path) -> None:
    """Make the folder, and refuse one that cannot be written: before the work, not after."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=output):
            pass
    except OSError as error:
        raise HandoutError(f"{str(output)!r} cannot be written: {error.strerror}") from None


def _remembered(output: Path) -> Memory:
    """Return what the last runs made here; a memory that cannot be read is none."""
    try:
        told = json.loads((output / _MEMORY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _write(path: Path, content: bytes) -> None:
    """Write a file whole: whoever opens it meanwhile sees the old one."""
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content)
    new.replace(path)
