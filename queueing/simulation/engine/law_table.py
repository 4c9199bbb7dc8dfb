"""The laws that the engine draws from, as rows of a table."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from queueing.distributions import Distribution, Gamma, Lognormal
from queueing.laws import Constant
from queueing.simulation.engine.memory import record

CONSTANT, EXPONENTIAL, ERLANG, GAMMA, LOGNORMAL = range(5)
MOST_PHASES = 4  # a gamma law of more is drawn faster by rejection than as a sum of exponentials

LAW = record(
    kind="i8",
    mean="f8",  # seconds; of one phase where the law is Erlang's
    phases="i8",
    scale="f8",  # the gamma law by Marsaglia and Tsang: scale (1 + spread Z)^3
    offset="f8",  # their d; of a lognormal law the mean of the logarithm
    spread="f8",  # their c; of a lognormal law the deviation of the logarithm
    boost="f8",  # 1 / shape where the shape is below 1, else 0
)


def law_row(law: Distribution) -> NDArray[np.void]:
    """Return the row of a law. Raises `ValueError` for one that the engine cannot draw from."""
    row = np.zeros(1, LAW)
    match law:
        case Constant():
            row["kind"], row["mean"] = CONSTANT, law.mean()
        case Gamma():
            _write_gamma(row, law.shape, law.mean())
        case Lognormal():
            row["kind"], row["mean"] = LOGNORMAL, law.mean()
            row["offset"], row["spread"] = law.mu, law.sigma
        case _:
            raise ValueError(
                "the engine draws constant, exponential, Erlang, gamma and lognormal times, "
                f"got {law!r}"
            )
    return row


def _write_gamma(row: Any, shape: float, mean: float) -> None:
    row["mean"] = mean
    if shape == 1:
        row["kind"] = EXPONENTIAL
    elif shape.is_integer() and shape <= MOST_PHASES:
        row["kind"], row["phases"], row["mean"] = ERLANG, shape, mean / shape
    else:
        offset = shape - 1 / 3 if shape >= 1 else shape + 2 / 3
        row["kind"], row["offset"] = GAMMA, offset
        row["spread"] = 1 / math.sqrt(9 * offset)
        row["scale"] = mean / shape * offset
        row["boost"] = 1 / shape if shape < 1 else 0.0
