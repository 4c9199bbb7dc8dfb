"""The run hour by hour: what theory says of each minute as if its rate had always been so.

Pointwise stationary: L. Green and P. Kolesar, "The pointwise stationary approximation for queues
with nonstationary arrivals" (Management Science 37, 1991). Good where a station settles much faster
than its rate moves, as it does for requests of a tenth of a second under users who come in hours.
"""

import numpy as np
import pandas as pd
from scipy.interpolate import PchipInterpolator

from queueing.scenario.latency import latency
from queueing.scenario.scorecard import Scorecard

_SHARES = (0.0, 0.5, 0.82)  # of the way from the least rate to the most


def p95_by_hour_ms(card: Scorecard) -> "pd.Series[float]":
    """Return the P95 latency of the requests at each minute of the run, milliseconds, by hour.

    All parts up. The request path is solved at four rates, the peak's among them; between them the
    curve is smooth: half a per cent off at most, as long as the slots keep up.
    """
    rates = card.timeline["requests_per_s"]
    low, high = float(rates.min()), card.peak.request_rate
    if low >= high:
        return pd.Series(card.p95_ms, index=rates.index, name="p95_ms")
    below = [low + share * (high - low) for share in _SHARES]
    solved = [1000 * latency(card.plan, rate).p95_s for rate in below]
    curve = PchipInterpolator([*below, high], [*solved, card.p95_ms])
    values = curve(np.minimum(rates.to_numpy(), high))
    return pd.Series(values, index=rates.index, name="p95_ms")
