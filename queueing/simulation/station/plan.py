"""What the engine runs: a station written down as laws and limits, whatever it is called."""

import math
from dataclasses import dataclass
from typing import Any

Law = Any  # a law of queueing.distributions, or a frozen one of scipy.stats


@dataclass(frozen=True, kw_only=True)
class StationPlan:
    """One station: who comes, how long a service takes, and what limits there are.

    Exactly one says who comes: `gaps` (the law of the time between two arrivals), `rate` (a rate
    that moves) or `population` (customers who think for times of the law `thinking`, come, and
    think again). An arrival is of class k with probability `shares[k]`, and its service follows
    `services[k]`; with more classes than one, the first goes first.
    """

    name: str  # how an error calls the model
    services: tuple[Law, ...]
    servers: float  # at time 0; `inf` where nobody ever waits
    gaps: Law | None = None
    rate: Any = None
    population: int = 0
    thinking: Law | None = None
    shares: tuple[float, ...] = (1.0,)
    preemptive: bool = False
    patience: Law | None = None
    room: int | None = None  # places in the whole system, those in service included
    server_changes: tuple[tuple[float, int], ...] = ()  # (time, servers from then on)
    load: float = 0.0  # rho; at 1 and above waits grow for ever, unless room or patience is short

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return len(self.services)

    @property
    def mean_service(self) -> float:
        """The mean service of all, seconds."""
        pairs = zip(self.shares, self.services, strict=True)
        return math.fsum(share * float(law.mean()) for share, law in pairs)

    @property
    def moves(self) -> bool:
        """Whether the rate or the number of servers changes with time."""
        return self.rate is not None or bool(self.server_changes)

    @property
    def is_stable(self) -> bool:
        """Whether there is a stationary state."""
        bounded = self.room is not None or self.patience is not None or self.population > 0
        return bounded or self.load < 1 - 1e-13

    @property
    def memory(self) -> float:
        """About how long the station remembers, seconds: in heavy traffic E[S] / (c (1 - rho)^2).

        The order of magnitude of M/M/c's relaxation time; 0 where the limits keep it short.
        """
        if self.gaps is None or self.room is not None or self.patience is not None:
            return 0.0
        return self.mean_service / self.servers / (1 - self.load) ** 2 if self.load < 1 else 0.0
