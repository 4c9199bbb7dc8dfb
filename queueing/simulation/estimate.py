"""A number found by chance, with the interval that says how far it may be off."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import special

from queueing import checks


@dataclass(frozen=True, kw_only=True, repr=False)
class Estimate:
    """A mean over independent replications, with Student's interval around it.

    `values` holds one value a replication, where there are such. Two estimates that name the same
    `seed` come from the same random numbers, replication by replication: their difference is
    paired, and narrower for it.

    >>> wait = Estimate.of([4.2, 4.6, 4.5, 4.4])
    >>> wait
    4.43 ± 0.27 (95 %, n=4)
    >>> 4.44 in wait, 5 in wait
    (True, False)
    """

    mean: float
    half_width: float
    confidence: float
    replications: int
    values: tuple[float, ...] = field(default=(), compare=False)
    seed: int | None = field(default=None, compare=False)

    @classmethod
    def of(
        cls, values: Sequence[float], *, confidence: float = 0.95, seed: int | None = None
    ) -> "Estimate":
        """Return the estimate of replications' values; with one there is no interval (nan).

        The half width is t s / sqrt(n), t of Student's law with n - 1 degrees of freedom.
        Raises `ValueError` without values, or for a confidence that is no fraction.
        """
        sample = np.asarray(values, dtype=np.float64)
        if sample.size == 0:
            raise ValueError("an estimate needs the value of at least one replication, got none")
        checks.real("confidence", confidence, above=0, below=1)
        half_width = math.nan
        if sample.size > 1:
            quantile = special.stdtrit(sample.size - 1, (1 + confidence) / 2)
            with np.errstate(invalid="ignore"):  # infinite values have no interval
                half_width = float(quantile * sample.std(ddof=1) / math.sqrt(sample.size))
        return cls(
            mean=float(sample.mean()),
            half_width=half_width,
            confidence=confidence,
            replications=sample.size,
            values=tuple(sample.tolist()),
            seed=seed,
        )

    @property
    def low(self) -> float:
        """The lower end of the interval."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """The upper end of the interval."""
        return self.mean + self.half_width

    def __contains__(self, exact: float) -> bool:
        """Tell whether the interval holds a number; raises `ValueError` without an interval."""
        if math.isnan(self.half_width) and math.isfinite(self.mean):
            raise ValueError("one replication has no interval: ask for two or more")
        return self.low <= exact <= self.high

    def __sub__(self, other: "Estimate") -> "Estimate":
        """Return the difference: paired where both share their random numbers, else by Welch.

        B. L. Welch, "The generalization of Student's problem when several different population
        variances are involved" (Biometrika 34, 1947).
        """
        shared = self.seed is not None and self.seed == other.seed
        if shared and self.replications == other.replications:
            pairs = zip(self.values, other.values, strict=True)
            return Estimate.of(
                [a - b for a, b in pairs], confidence=self.confidence, seed=self.seed
            )
        squares = [np.var(e.values, ddof=1) / e.replications for e in (self, other)]
        weights = [s**2 / (e.replications - 1) for s, e in zip(squares, (self, other), strict=True)]
        degrees = sum(squares) ** 2 / sum(weights) if sum(weights) else math.inf
        quantile = special.stdtrit(min(degrees, 1e9), (1 + self.confidence) / 2)
        return Estimate(
            mean=self.mean - other.mean,
            half_width=float(quantile * math.sqrt(sum(squares))),
            confidence=self.confidence,
            replications=min(self.replications, other.replications),
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the estimate as a table of one row."""
        names = ("mean", "half_width", "low", "high", "confidence", "replications")
        return pd.DataFrame([{name: getattr(self, name) for name in names}])

    def __repr__(self) -> str:
        """Write mean and half width, to two digits of the half width."""
        if math.isnan(self.half_width):
            return f"{self.mean:.4g} (n={self.replications}, no interval)"
        digits = 1 - math.floor(math.log10(self.half_width)) if self.half_width > 0 else 6
        places = min(max(digits, 0), 12)
        rounded = round(self.mean, digits), round(self.half_width, digits)
        mean, half_width = (f"{number:,.{places}f}" for number in rounded)
        return f"{mean} ± {half_width} ({100 * self.confidence:.3g} %, n={self.replications})"
