"""A scenario: the contract, the traffic, the work, the parts and the rules, from a file."""

import math
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, ValidationError, model_validator

from queueing.scenario import catalogue as catalogues
from queueing.scenario import loading
from queueing.scenario.catalogue import Catalogue
from queueing.scenario.contract import Contract, Cost, Rules
from queueing.scenario.design import FIELDS, Design, build, check
from queueing.scenario.errors import ScenarioError, Table, key_path, refusal
from queueing.scenario.trace import Trace, TraceTable
from queueing.scenario.traffic import Curve, Traffic
from queueing.scenario.work import Job, Name, RequestClass, Tracking

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from queueing.scenario.postmortem import Postmortem
    from queueing.scenario.scorecard import Scorecard
    from queueing.scenario.search import Search
    from queueing.scenario.surge import Surge


class ScenarioFile(Table):
    """The tables of a scenario file."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    description: Annotated[str, Field(max_length=2000)] = ""
    catalogue: Annotated[str, Field(max_length=4000)] = ""  # the kit's own
    contract: Contract
    traffic: Traffic
    classes: dict[Name, RequestClass] = Field(min_length=1, max_length=50)
    job: Job
    tracking: Tracking
    rules: Rules
    cost: Cost
    design: dict[str, Any]
    designs: dict[Name, dict[str, Any]] = Field(default={})
    trace: TraceTable | None = None  # in place of the formula of the traffic

    @model_validator(mode="after")
    def _shares_fill_the_whole(self) -> Self:
        shares = {f"classes.{name}.share": kind.share for name, kind in self.classes.items()}
        if not math.isclose(math.fsum(shares.values()), 1, abs_tol=1e-9):
            total = math.fsum(shares.values())
            told = ", ".join(f"{key} = {share:g}" for key, share in shares.items())
            raise ValueError(f"the shares of the classes must sum to 1, got {total:g} ({told})")
        if not any(kind.sends_mail and kind.share for kind in self.classes.values()):
            raise ValueError(
                "classes: one with a share above 0 must have sends_mail = true, got none"
            )
        return self


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One scenario, ready to be asked: `Scenario.load("mailforge")`."""

    title: str
    description: str
    contract: Contract
    traffic: Curve
    classes: Mapping[str, RequestClass]
    job: Job
    tracking: Tracking
    rules: Rules
    cost: Cost
    catalogue: Catalogue
    base: Design
    designs: Mapping[str, Design]

    @classmethod
    def load(cls, source: str | os.PathLike[str]) -> Self:
        """Return a scenario by its shipped name or from a .toml file.

        Raises `ScenarioError` that names the file, the key, the value and what is allowed.

        >>> Scenario.load("mailforge").contract.p95_ms
        140.0
        """
        path = loading.locate(source)
        try:
            tables = loading.read_toml(path)
            return cls.from_tables(tables, str(path), loading.inherited_designs(path, tables))
        except RecursionError:
            raise ScenarioError(f"{path} is nested too deeply") from None

    @classmethod
    def from_tables(
        cls, tables: dict[str, Any], where: str, inherited: Collection[str] = ()
    ) -> Self:
        """Return the scenario in the tables of a file; `where` it is from begins every message.

        Of the named designs those that are `inherited` are left out where they cannot be built on
        the file's own parts: the file that is extended knew nothing of them.
        """
        try:
            file = ScenarioFile.model_validate(tables)
        except ValidationError as error:
            raise refusal(f"{where}:", error, ScenarioFile) from None
        catalogue = _catalogue(file.catalogue, where)
        base = _design(catalogue, None, file.design, f"{where}: design")
        scenario = cls(
            title=file.title,
            description=file.description,
            contract=file.contract,
            traffic=file.traffic,
            classes=file.classes,
            job=file.job,
            tracking=file.tracking,
            rules=file.rules,
            cost=file.cost,
            catalogue=catalogue,
            base=base,
            designs=dict(_named(catalogue, base, file.designs, where, inherited)),
        )
        if file.trace is None:
            return scenario
        options = file.trace.model_dump(exclude={"file"})
        try:
            return scenario.with_trace(Trace.load(file.trace.file), **options)
        except ValueError as error:
            raise ScenarioError(f"{where}: trace: {error}") from None

    def design(self, **changes: float | bool | str | None) -> Design:
        """Return the scenario's own design with changes.

        A variant may be shortened to words that only it has; `None` or "none" leaves a part out.
        Raises `ScenarioError` for an unknown keyword or variant and for what cannot be built.

        >>> Scenario.load("mailforge").design(workers=4, database="single-AZ").database
        't3.medium single-AZ 50 GB'
        """
        return build(self.catalogue, self.base, changes)

    def with_trace(
        self,
        trace: Trace,
        *,
        step_s: float | None = None,
        horizon_h: float | None = None,
        peak_users: float | None = None,
        random_rate: bool = True,
        factor_s: float | None = None,
    ) -> Self:
        """Return this scenario with requests that come as the arrivals of a trace did.

        See `queueing.scenario.trace.Trace.traffic` for the options and what they raise.

        >>> departures = Trace.load("jfk-departures")
        >>> forge = Scenario.load("mailforge").with_trace(departures, horizon_h=54, peak_users=2600)
        >>> round(float(forge.traffic.users(forge.traffic.peak_h)))
        2600
        """
        traffic = trace.traffic(
            think_time_s=self.traffic.think_time_s,
            nominal_response_s=self.traffic.nominal_response_s,
            step_s=step_s,
            horizon_h=horizon_h,
            peak_users=peak_users,
            random_rate=random_rate,
            factor_s=factor_s,
        )
        return replace(self, traffic=traffic)

    def design_from_toml(self, source: str | os.PathLike[str]) -> Design:
        """Return the design in a TOML text, or in the file at a path, as changes of `design()`.

        What `design.to_toml()` writes comes back whole. Raises `ScenarioError` as a scenario file
        does for its own design.

        >>> forge = Scenario.load("mailforge")
        >>> few = forge.design(workers=4, max_attempts=2)
        >>> forge.design_from_toml(few.to_toml()) == few
        True
        """
        where, text = loading.text_or_file(source)
        changes = loading.parsed(text, where)
        try:
            return build(self.catalogue, self.base, changes)
        except ScenarioError as error:
            raise ScenarioError(f"{where}: {error}") from None

    def evaluate(self, design: Design) -> "Scorecard":
        """Return what theory says of a design under this scenario's surge.

        >>> forge = Scenario.load("mailforge")
        >>> forge.evaluate(forge.design()).passes
        True
        """
        from queueing.scenario.scorecard import Scorecard  # noqa: PLC0415, it is made of scenarios

        check(self.catalogue, design)
        return Scorecard(self, design)

    def simulate(
        self,
        design: Design,
        *,
        replications: int = 10,
        seed: int | None = None,
        until: tuple[str, float] | None = None,
        closed: bool = False,
        executor: "Executor | None" = None,
        progress: bool = False,
    ) -> "Surge":
        """Return what chance says: every request of the surge, `replications` times over.

        See `queueing.scenario.surge.simulate` for the options and what they raise.
        """
        from queueing.scenario.surge import simulate  # noqa: PLC0415, it is made of scenarios

        check(self.catalogue, design)
        return simulate(
            self,
            design,
            replications=replications,
            seed=seed,
            until=until,
            closed=closed,
            executor=executor,
            progress=progress,
        )

    def postmortem(self, judged: "Scorecard | Surge") -> "Postmortem":
        """Return what a scorecard or a run teaches: sentences with evidence and a remedy each.

        >>> forge = Scenario.load("mailforge")
        >>> card = forge.evaluate(forge.design(workers=4))
        >>> forge.postmortem(card)[0].rule
        'invisible failure'
        """
        from queueing.scenario.postmortem import postmortem  # noqa: PLC0415, it is made of scenarios

        return postmortem(self, judged)

    def search(self, *, progress: bool = False, **parts: object) -> "Search":
        """Return every design on a grid, ranked: which pass, the cheapest, what binds.

        `parts` has the values to try of a part, one or several; of the others a default range. See
        `queueing.scenario.grid.axes` for it, and for the `ScenarioError` that a bad value raises.
        `progress` shows a bar on standard error.

        >>> forge = Scenario.load("mailforge")
        >>> forge.search(
        ...     database="t3.medium multi-AZ", queue="sqs", workers=[4, 5]
        ... ).cheapest.workers
        5
        """
        from queueing.scenario.search import search  # noqa: PLC0415, it is made of scenarios

        return search(self, parts, progress=progress)

    def peak_window(self, t_hours: ArrayLike) -> NDArray[np.bool_]:
        """Tell for each of the given hours whether it belongs to the peak."""
        return self.traffic.peak_window(t_hours, self.rules.peak_fraction)

    def peak_on(self, grid_h: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Tell which hours of a grid over the whole run are the peak: at least one.

        A peak that all of them miss, because it is shorter than the steps between them, is the
        hour with the most users.
        """
        inside = self.peak_window(grid_h)
        if not inside.any():
            inside[self.traffic.users(grid_h).argmax()] = True
        return inside

    @property
    def mails_per_request(self) -> float:
        """The mails that a user's request sends in the mean."""
        return math.fsum(kind.share for kind in self.classes.values() if kind.sends_mail)


def _catalogue(path: str, where: str) -> Catalogue:
    """Return the catalogue that the file names, or the kit's own."""
    listed = Path(path) if path else loading.data_folder() / "catalogue.csv"
    try:
        text = loading.read_text(listed)
    except ScenarioError as error:
        raise ScenarioError(f"{where}: catalogue: {error}") from None
    return catalogues.parse(text, str(listed))


def _named(
    catalogue: Catalogue,
    base: Design,
    named: Mapping[str, dict[str, Any]],
    where: str,
    inherited: Collection[str],
) -> Iterator[tuple[str, Design]]:
    """Yield the named designs, without inherited ones that cannot be built here."""
    for name, changes in named.items():
        try:
            yield name, _design(catalogue, base, changes, f"{where}: {key_path(['designs', name])}")
        except ScenarioError:
            if name not in inherited:
                raise


def _design(
    catalogue: Catalogue, base: Design | None, changes: dict[str, Any], where: str
) -> Design:
    try:
        return build(catalogue, base, changes)
    except ScenarioError as error:
        told = str(error)
        joint = "." if told.startswith(FIELDS) else ": "
        raise ScenarioError(f"{where}{joint}{told}") from None
