"""How long a backlog takes to be worked off.

While somebody waits in an M/M/c, the number present goes up at rate lambda and down at rate c mu: a
random walk, as in an M/M/1 with service rate c mu. It comes down by one in a busy period of that
M/M/1, whose mean is 1 / theta and whose variance (lambda + c mu) / theta^3, theta = c mu - lambda
(L. Kleinrock, "Queueing Systems, volume 1: Theory", 1975, chapter 5); a backlog is worked off in
as many independent ones as jobs wait.
"""

import math
from dataclasses import dataclass

from queueing import checks
from queueing.stations.markov import MMc


@dataclass(frozen=True, kw_only=True)
class DrainTime:
    """The time until nobody waits, seconds: its exact mean, its exact variance (s^2), its fluid.

    In the fluid, work flows off at theta a second without chance. Its time is the exact mean.
    """

    mean: float
    variance: float
    fluid: float


def drain_time(
    *, backlog: int, arrival_rate: float, service_rate: float, servers: int
) -> DrainTime:
    """Return the time from `backlog` n jobs waiting, all servers busy, until nobody waits.

    mean = fluid = n / theta, variance = n (lambda + c mu) / theta^3, theta = c mu - lambda.

    The first passage of the birth-death chain from c + n present to c. `backlog` n >= 0 whole,
    `arrival_rate` lambda >= 0 and `service_rate` mu > 0 per second, `servers` c >= 1 whole;
    anything else raises `ValueError`. A backlog that does not shrink takes `inf`; one of 0 takes
    no time.

    >>> drain_time(backlog=600, arrival_rate=40, service_rate=1, servers=50)
    DrainTime(mean=60.0, variance=54.0, fluid=60.0)
    """
    jobs = checks.whole("backlog", backlog, at_least=0)
    station = MMc(arrival_rate=arrival_rate, service_rate=service_rate, servers=servers)
    if jobs == 0:
        return DrainTime(mean=0.0, variance=0.0, fluid=0.0)
    if not station.is_stable:
        return DrainTime(mean=math.inf, variance=math.inf, fluid=math.inf)
    most = station.servers * service_rate
    spare = most - arrival_rate
    mean = jobs / spare
    return DrainTime(mean=mean, variance=mean / spare * ((most + arrival_rate) / spare), fluid=mean)
