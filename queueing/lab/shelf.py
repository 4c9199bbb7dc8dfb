"""The shelf: designs by name, and where a player has got to, kept in a file beside the answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from queueing.lab.kept import cache_file, read_file, replace_file
from queueing.scenario import Design, Scenario, ScenarioError

LONGEST_NAME = 40


class Shelf:
    """The scenario's named designs, which stay, and a player's own.

    What is kept outlives the kernel. A file that is spoilt or cannot be written does no harm: then
    the shelf lasts as long as the kernel does.
    """

    def __init__(self, scenario: Scenario, path: Path | None = None) -> None:
        self.scenario = scenario
        self.path = path or cache_file("designs.json")
        kept = self._kept()
        self._own = self._designs(kept.get("own"))
        stage, design = kept.get("stage"), self._design(kept.get("design"))
        self.left_at = (stage, design) if isinstance(stage, str) and design else None

    @property
    def own(self) -> Mapping[str, Design]:
        """The player's own designs."""
        return self._own

    @property
    def designs(self) -> dict[str, Design]:
        """All designs by name, the scenario's first."""
        return {**self.scenario.designs, **self._own}

    def save(self, name: str, design: Design) -> None:
        """Keep a design under a name; raises `ScenarioError` for a name that will not do."""
        name = " ".join(name.split())
        if not name:
            raise ScenarioError("a design needs a name: write one first")
        if len(name) > LONGEST_NAME:
            raise ScenarioError(f"a name has at most {LONGEST_NAME} letters, this has {len(name)}")
        if name in self.scenario.designs:
            raise ScenarioError(f"{name!r} is the scenario's own: choose another name")
        self._own = self._designs(self._kept().get("own")) | self._own | {name: design}
        self._write(own=self._own)

    def delete(self, name: str) -> None:
        """Forget an own design; raises `ScenarioError` for any other."""
        if name not in self._own:
            raise ScenarioError(f"{name!r} is not one of your own designs: it stays")
        del self._own[name]
        self._write(own=self._own)

    def leave(self, stage: str, design: Design) -> None:
        """Keep where the player has got to."""
        if (stage, design) != self.left_at:
            self.left_at = (stage, design)
            self._write(stage=stage, design=design.to_toml())

    def _kept(self) -> dict[str, Any]:
        kept = read_file(self.path).get(self.scenario.title)
        return kept if isinstance(kept, dict) else {}

    def _write(self, *, own: Mapping[str, Design] | None = None, **place: str) -> None:
        kept: dict[str, Any] = self._kept() | place
        if own is not None:
            kept["own"] = {name: design.to_toml() for name, design in own.items()}
        replace_file(self.path, read_file(self.path) | {self.scenario.title: kept})

    def _designs(self, kept: object) -> dict[str, Design]:
        """Return the designs that a file keeps, without those that cannot be read."""
        if not isinstance(kept, dict):
            return {}
        read = {str(name): self._design(told) for name, told in kept.items()}
        return {name: design for name, design in read.items() if design}

    def _design(self, told: object) -> Design | None:
        if not isinstance(told, str) or "=" not in told:
            return None
        try:
            return self.scenario.design_from_toml(told)
        except ScenarioError:
            return None
