"""How many users there are, hour by hour, and how many requests they make."""

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator
from scipy import integrate, special

from queueing.scenario.contract import Amount, Positive, Scv
from queueing.scenario.errors import Table
from queueing.scenario.wording import count

Hours = Annotated[float, Field(ge=0, le=8760)]
Span = Annotated[float, Field(ge=0.001, le=8760)]
_STEPS_PER_HOUR = 60
_FEWEST_STEPS = 200  # of a run of a few hours or minutes


class Curve:
    """Users over a horizon: what follows from how many there are at an hour.

    The rate of open users is random where `rate_scv` is not 0: times a gamma factor of mean 1 and
    that SCV, new in every `rate_window_h`.
    """

    horizon_h: float
    think_time_s: float
    nominal_response_s: float
    rate_scv: float
    rate_window_h: float

    def users(self, t_hours: ArrayLike) -> NDArray[np.float64]:
        """Return the number of users at the given hours, in the shape of `t_hours`."""
        raise NotImplementedError

    @property
    def knots_h(self) -> NDArray[np.float64]:
        """The hours between which the users' number may be taken as linear."""
        return self.grid_h

    @property
    def grid_h(self) -> NDArray[np.float64]:
        """The hours at which theory looks at the run, evenly: every minute, or more often."""
        steps = max(math.ceil(self.horizon_h * _STEPS_PER_HOUR), _FEWEST_STEPS)
        return np.linspace(0, self.horizon_h, steps + 1)

    @property
    def peak_h(self) -> float:
        """The hour with the most users."""
        raise NotImplementedError

    @property
    def mean_rate(self) -> float:
        """Requests per second, in the mean over the horizon."""
        raise NotImplementedError

    @property
    def course(self) -> str:
        """How the users come and go, in a sentence."""
        return (
            f"Users come as in a trace: {self.users(self.peak_h):,.0f} at hour {self.peak_h:.1f}."
        )

    def request_rate(self, t_hours: ArrayLike) -> NDArray[np.float64]:
        """Return the users' requests per second at the given hours."""
        return self.users(t_hours) / (self.think_time_s + self.nominal_response_s)

    def peak_window(self, t_hours: ArrayLike, fraction: float) -> NDArray[np.bool_]:
        """Tell for each of the given hours whether users are at least `fraction` of their most."""
        return np.asarray(self.users(t_hours) >= fraction * self.users(self.peak_h))

    @property
    def peak_rate(self) -> float:
        """The most requests per second."""
        return float(self.request_rate(self.peak_h))

    @property
    def requests(self) -> float:
        """The requests of the whole horizon, in the mean."""
        return self.mean_rate * self.horizon_h * 3600


class Traffic(Table, Curve):
    """A steep ramp, a plateau and a decay.

    users(t) = baseline + (peak - baseline) s((t - center) / width) d(t), with the logistic function
    s and d(t) = 1 until the plateau ends, exp(-(t - end) / decay) after. A user makes one request,
    waits for the answer and thinks: the rate is users / (think_time + nominal_response).
    """

    baseline_users: Amount
    peak_users: Annotated[float, Field(ge=1, le=1e9)]
    ramp_center_h: Hours
    ramp_width_h: Span
    plateau_end_h: Hours
    decay_h: Span
    horizon_h: Span
    think_time_s: Positive
    nominal_response_s: Amount
    rate_scv: Scv = 0.0
    rate_window_h: Span = 1.0

    @model_validator(mode="after")
    def _peak_is_on_top(self) -> Self:
        if self.peak_users < self.baseline_users:
            least, got = self.baseline_users, self.peak_users
            raise ValueError(f"peak_users must be at least baseline_users ({least:g}), got {got:g}")
        return self

    def users(self, t_hours: ArrayLike) -> NDArray[np.float64]:
        """Return the number of users at the given hours, in the shape of `t_hours`."""
        t = np.asarray(t_hours, dtype=np.float64)
        ramp = special.expit((t - self.ramp_center_h) / self.ramp_width_h)
        fade = np.exp(-np.maximum(t - self.plateau_end_h, 0) / self.decay_h)
        return np.asarray(
            self.baseline_users + (self.peak_users - self.baseline_users) * ramp * fade
        )

    @property
    def peak_h(self) -> float:
        """The hour with the most users.

        After the plateau users still grow while the ramp gains more than the decay takes:
        (1 - s) / width > 1 / decay.
        """
        turn = self.ramp_width_h / self.decay_h
        ramp = self.ramp_center_h + self.ramp_width_h * math.log(1 / turn - 1) if turn < 1 else 0.0
        return min(max(self.plateau_end_h, ramp), self.horizon_h)

    @property
    def mean_rate(self) -> float:
        """Requests per second, in the mean over the horizon."""
        return _mean_rate(self)

    @property
    def course(self) -> str:
        """How the users come and go, in a sentence."""
        most = float(self.users(self.peak_h))
        return (
            f"Users rise from {count(self.baseline_users)} to {count(most)} around hour "
            f"{self.ramp_center_h:g}, stay until hour {self.peak_h:.0f} and leave."
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class TracedTraffic(Curve):
    """Users as a trace has them: their number is linear between `hours`, from 0 to the horizon."""

    hours: NDArray[np.float64]
    levels: NDArray[np.float64]
    think_time_s: float
    nominal_response_s: float
    rate_scv: float = 0.0
    rate_window_h: float = 1.0

    @property
    def horizon_h(self) -> float:  # type: ignore[override]
        """The hours of the run."""
        return float(self.hours[-1])

    @property
    def knots_h(self) -> NDArray[np.float64]:
        """The hours between which the users' number is linear."""
        return self.hours

    @property
    def grid_h(self) -> NDArray[np.float64]:
        """The hours at which theory looks at the run, not fewer than the windows of the trace."""
        return np.linspace(0, self.horizon_h, max(super().grid_h.size, self.hours.size))

    def users(self, t_hours: ArrayLike) -> NDArray[np.float64]:
        return np.interp(np.asarray(t_hours, dtype=np.float64), self.hours, self.levels)

    @property
    def peak_h(self) -> float:
        return float(self.hours[self.levels.argmax()])

    @property
    def mean_rate(self) -> float:
        cycle = self.think_time_s + self.nominal_response_s
        return float(np.trapezoid(self.levels, self.hours)) / self.horizon_h / cycle


@lru_cache
def _mean_rate(traffic: Traffic) -> float:
    """Integrate the rate between the bends of its curve."""
    ramp = (traffic.ramp_center_h + k * traffic.ramp_width_h for k in (-12, -4, 0, 4, 12))
    decay = (traffic.plateau_end_h + k * traffic.decay_h for k in (0, 4, 12))
    horizon = traffic.horizon_h
    edges = [0.0, *sorted(hour for hour in (*ramp, *decay) if 0 < hour < horizon), horizon]

    def rate(hour: float) -> float:
        return float(traffic.request_rate(hour))

    pieces = (integrate.quad(rate, a, b)[0] for a, b in itertools.pairwise(edges))
    return math.fsum(pieces) / horizon
