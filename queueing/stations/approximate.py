"""G/G/c by two moments: what is known of it approximately.

Allen and Cunneen's rule corrects the wait in M/M/c for the variability of arrivals and services. W.
Whitt, "Approximations for the GI/G/m queue" (Production and Operations Management 2, 1993), refines
it for few servers and low loads, and adds the probability of waiting and a law of the wait; the
numbers of equations below are his. In the docstrings ca2 and cs2 are the squared coefficients of
variation of the times between arrivals and of the services.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from scipy import special

from queueing import checks
from queueing.distributions import (
    Distribution,
    erlang,
    exponential,
    hyperexponential,
    hypoexponential,
    mixture,
)
from queueing.erlang import erlang_c
from queueing.formulas import allen_cunneen
from queueing.laws import deterministic
from queueing.stations.station import NEVER, DelayStation, Rated

Approximation = Literal["allen-cunneen", "whitt"]


@dataclass(frozen=True, kw_only=True)
class GGc(Rated, DelayStation):
    """G/G/c by the first two moments of its arrivals and services; an approximation.

    `arrival_rate` lambda >= 0 and `service_rate` mu > 0 per second, `servers` c >= 1 whole,
    `interarrival_scv` ca2 and `service_scv` cs2 >= 0, `approximation` "allen-cunneen" or "whitt";
    anything else raises `ValueError`. Both are exact for M/M/c, Allen and Cunneen's mean wait also
    for M/G/1. Under "allen-cunneen" Erlang's C of the arrivals wait, an exponential time, which
    goes beyond their formula of the mean; under "whitt" the wait has the law of his section 4. With
    rho >= 1 the station waits `inf`.

    >>> bank = GGc(
    ...     arrival_rate=9,
    ...     service_rate=1,
    ...     servers=10,
    ...     interarrival_scv=1,
    ...     service_scv=4,
    ...     approximation="whitt",
    ... )
    >>> round(bank.mean_wait, 6), round(float(bank.wait.ppf(0.95)), 6)
    (1.573745, 6.204463)
    """

    arrival_rate: float
    service_rate: float
    servers: int
    interarrival_scv: float
    service_scv: float
    approximation: Approximation = "allen-cunneen"

    def __post_init__(self) -> None:
        checks.real("arrival_rate", self.arrival_rate, at_least=0)
        checks.real("service_rate", self.service_rate, above=0)
        object.__setattr__(self, "servers", checks.whole("servers", self.servers))
        checks.real("interarrival_scv", self.interarrival_scv, at_least=0)
        checks.real("service_scv", self.service_scv, at_least=0)
        if self.approximation not in get_args(Approximation):
            raise ValueError(
                f"approximation must be one of {', '.join(get_args(Approximation))}, "
                f"got {self.approximation!r}"
            )

    def __getattr__(self, name: str) -> Any:
        """Say why the laws that need more than two moments are not to be had."""
        if name in {"number_in_system", "time_in_system"}:
            raise AttributeError(
                f"GGc has no {name}: two moments do not give its law, only its mean, mean_{name}"
            )
        return super().__getattr__(name)

    def with_servers(self, servers: int) -> "GGc":
        """Return the same station with another number of servers."""
        return self.replace(servers=servers)

    @property
    def mean_wait(self) -> float:
        """Wq = (ca2 + cs2) / 2 * Wq of M/M/c, seconds; times Whitt's phi, (2.24), under "whitt"."""
        if not self.is_stable:
            return math.inf
        scvs = self.interarrival_scv, self.service_scv
        plain = float(allen_cunneen(self.arrival_rate, self.service_rate, self.servers, *scvs))
        if self.approximation == "allen-cunneen" or plain == 0:
            return plain
        return plain * _phi(self.traffic_intensity, self.servers, *scvs)

    @property
    def wait_probability(self) -> float:
        """The probability that an arrival waits: Erlang's C, or Whitt's (3.10)."""
        if not self.is_stable:
            return 1.0
        if self.approximation == "allen-cunneen":
            return float(erlang_c(self.servers, self.offered_load))
        if self.offered_load == 0:
            return 0.0
        load = self.traffic_intensity, self.offered_load, self.servers
        return _wait_probability(*load, self.interarrival_scv, self.service_scv)

    @property
    def wait(self) -> Distribution:
        """The law of the wait: 0, or the approximation's law of those who wait."""
        if not self.is_stable:
            return NEVER
        waits, mean = self.wait_probability, self.mean_wait
        if waits == 0 or mean == 0:
            return deterministic(mean=0)
        scv = _delay_scv(self.traffic_intensity, self.service_scv)
        if self.approximation == "allen-cunneen":
            scv = 1.0
        return mixture([(1 - waits, deterministic(mean=0)), (waits, _delay(mean / waits, scv))])


def _phi(rho: float, servers: int, ca2: float, cs2: float) -> float:
    """Return Whitt's correction of the mean wait, (2.16) to (2.25)."""
    root = math.sqrt(4 + 5 * servers) - 2
    gamma = min(0.24, (1 - rho) * (servers - 1) * root / (16 * servers * rho))
    phi1 = 1 + gamma
    phi3 = (1 - 4 * gamma) * math.exp(-2 * (1 - rho) / (3 * rho))
    phi4 = min(1.0, (phi1 + phi3) / 2)
    mean = (ca2 + cs2) / 2
    psi = 1.0 if mean >= 1 else phi4 ** (2 * (1 - mean))
    if ca2 >= cs2:
        return (4 * (ca2 - cs2) * phi1 + cs2 * psi) / (4 * ca2 - 3 * cs2)
    return ((cs2 - ca2) * phi3 + (cs2 + 3 * ca2) * psi) / (2 * ca2 + 2 * cs2)


def _wait_probability(rho: float, load: float, servers: int, ca2: float, cs2: float) -> float:
    """Return Whitt's probability of waiting, (3.5) to (3.11), for any ca2 and cs2."""
    if ca2 + cs2 < 1e-100:  # all but regular
        return 0.0
    z = (ca2 + cs2) / (1 + cs2)
    beta = (1 - rho) * math.sqrt(servers)
    waits = float(erlang_c(servers, load))

    def corrected(point: float) -> float:
        ratio = math.exp(min(special.log_ndtr(-point) - special.log_ndtr(-beta), 700.0))
        return min(1.0, waits * ratio)

    pi1 = rho**2 * corrected(beta / z) + (1 - rho**2) * corrected(2 * beta / (1 + ca2))
    gamma = (servers - load - 0.5) / math.sqrt(load * z)
    if servers <= 6 or gamma <= 0.5 or ca2 >= 1:
        return min(1.0, pi1)
    pi2 = ca2 * pi1 + (1 - ca2) * float(special.ndtr(-gamma))
    if gamma >= 1:
        return min(1.0, pi2)
    share = 2 * (1 - ca2) * (gamma - 0.5)
    return min(1.0, share * pi2 + (1 - share) * pi1)


def _delay_scv(rho: float, cs2: float) -> float:
    """Return Whitt's scv of the wait of those who wait, (4.2) and (4.3).

    E[S^3] / E[S]^3 is that of a hyperexponential law with gamma balance where cs2 >= 1, and of a
    gamma law below.
    """
    third = 3 * cs2 * (1 + cs2) if cs2 >= 1 else (1 + 2 * cs2) * (1 + cs2)
    return 2 * rho - 1 + 4 * (1 - rho) * third / (3 * (1 + cs2) ** 2)


def _delay(mean: float, scv: float) -> Distribution:
    """Return the law of Whitt's section 4 of so much mean and variability."""
    if scv > 1.01:
        return hyperexponential(mean=mean, scv=scv)
    if scv >= 0.99:
        return exponential(mean=mean)
    if scv >= 0.501:
        longer = mean * (1 + math.sqrt(2 * scv - 1)) / 2
        return hypoexponential(first_rate=1 / longer, second_rate=1 / (mean - longer))
    return erlang(mean=mean, shape=2)
