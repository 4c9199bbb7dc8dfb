"""MailForge Lab: queueing theory to think with, from Erlang to a platform under a surge."""

import queueing.interrupts  # noqa: F401, it acts when it is imported, before the rest

# isort: split
from queueing.erlang import erlang_b, erlang_b_load, erlang_b_servers, erlang_c, erlang_c_servers

# isort: split
# the law named erlang comes after the module of that name, whose place it takes here
from queueing.availability import KOutOfN, series
from queueing.distributions import (
    PhaseType,
    deterministic,
    erlang,
    exponential,
    gamma,
    hyperexponential,
    lognormal,
    mixture,
    uniform,
)
from queueing.formulas import (
    allen_cunneen,
    cobham,
    kingman,
    littles_law,
    pollaczek_khinchine,
    square_root_quality,
    square_root_staffing,
)
from queueing.networks import ClosedNetwork, JacksonNetwork
from queueing.retries import RetryPolicy, exponential_backoff, retry_fixed_points
from queueing.simulation import compare, simulate
from queueing.staffing import servers_for
from queueing.stations import (
    MG1,
    MM1,
    ErlangA,
    FiniteSource,
    GGc,
    MDc,
    MMc,
    MMcK,
    MMInf,
    MPHc,
    PriorityMG1,
    PriorityMMc,
)

__all__ = [
    "MG1",
    "MM1",
    "ClosedNetwork",
    "ErlangA",
    "FiniteSource",
    "GGc",
    "JacksonNetwork",
    "KOutOfN",
    "MDc",
    "MMInf",
    "MMc",
    "MMcK",
    "MPHc",
    "PhaseType",
    "PriorityMG1",
    "PriorityMMc",
    "RetryPolicy",
    "allen_cunneen",
    "cobham",
    "compare",
    "deterministic",
    "erlang",
    "erlang_b",
    "erlang_b_load",
    "erlang_b_servers",
    "erlang_c",
    "erlang_c_servers",
    "exponential",
    "exponential_backoff",
    "gamma",
    "hyperexponential",
    "kingman",
    "littles_law",
    "lognormal",
    "mixture",
    "pollaczek_khinchine",
    "retry_fixed_points",
    "series",
    "servers_for",
    "simulate",
    "square_root_quality",
    "square_root_staffing",
    "uniform",
]
