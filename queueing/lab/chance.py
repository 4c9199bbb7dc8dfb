"""A first check by chance: requests drawn one by one through the path that theory adds up."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from queueing.scenario import Scorecard

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class SampledPercentile:
    """A percentile of a sample, in milliseconds, and the interval of the true one, with 95 %.

    The interval lies between two of the ordered times, whose ranks the binomial law tells: whatever
    the distribution, the number of times below the true percentile is binomial.
    """

    value: float
    low: float
    high: float
    size: int

    def __contains__(self, exact: float) -> bool:
        """Tell whether a number lies in the interval."""
        return self.low <= exact <= self.high

    def __repr__(self) -> str:
        """Say it as a person would."""
        interval = f"between {self.low:.1f} and {self.high:.1f}"
        return f"{self.value:.1f} ms, {interval} (95 %, n={self.size:,})"


def sampled_p95_ms(card: Scorecard, requests: int, seed: int) -> SampledPercentile:
    """Return the P95 of so many requests at the peak, each drawn stage by stage and added up.

    The waits at the stations are drawn from the theory's own laws: this checks how their percentile
    is found, not the laws. The queues themselves are simulated in a later lesson.
    """
    times = np.sort(1000 * card.peak.response.rvs(requests, random_state=seed))
    low, high = stats.binom.interval(_CONFIDENCE, requests, 0.95)
    middle = math.ceil(0.95 * requests) - 1
    return SampledPercentile(
        float(times[middle]), float(times[int(low) - 1]), float(times[int(high)]), requests
    )
