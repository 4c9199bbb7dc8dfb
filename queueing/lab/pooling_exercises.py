"""The exercises of 03_many_servers: before one line, and before many."""

from queueing import MMc, erlang_c_servers
from queueing.lab import words
from queueing.lab.exercises import Exercise, NearMiss
from queueing.lab.pooled import SHARE, Pooling, processors
from queueing.lab.pooling import milliseconds
from queueing.lab.sizing import smallest
from queueing.scenario import Scenario

_PROMISE_S = 0.01  # promised to 95 % of the waits
_TEAMS, _MAY_WAIT = 10, 0.2
_PER_SERVER = 2  # processors that one server has, in the riddle of the lines


def _case(scenario: Scenario) -> Pooling:
    return Pooling(station=processors(scenario), promise=_PROMISE_S)


def _for_the_mean(scenario: Scenario) -> float:
    """The fewest processors whose mean wait keeps what was promised to 95 %."""
    station, most = processors(scenario), _case(scenario).fewest
    found = smallest(lambda n: station.with_servers(n).mean_wait <= _PROMISE_S, 1, most)
    return most if found is None else found


def _apart(scenario: Scenario) -> int:
    """Processors that the teams need, each on its own."""
    load = processors(scenario).offered_load
    return _TEAMS * int(erlang_c_servers(load, _MAY_WAIT))


def _merged(scenario: Scenario) -> int:
    """Processors that the teams need together."""
    return int(erlang_c_servers(_TEAMS * processors(scenario).offered_load, _MAY_WAIT))


def _doubled(scenario: Scenario) -> MMc:
    """Twice the requests before twice the processors, in servers of two."""
    one = processors(scenario)
    servers = 2 * one.servers
    return one.replace(arrival_rate=2 * one.arrival_rate).with_servers(servers)


def _in_lines(scenario: Scenario, lines: int) -> MMc:
    """One of so many lines that the doubled station is split into."""
    whole = _doubled(scenario)
    rate = whole.arrival_rate / lines
    return whole.replace(arrival_rate=rate).with_servers(whole.servers // lines)


def _lines(scenario: Scenario) -> int:
    return _doubled(scenario).servers // _PER_SERVER


def _predict_question(scenario: Scenario) -> str:
    case = _case(scenario)
    station = case.station
    return (
        f"{words.many(station.servers, 'processor')}, each busy "
        f"{100 * station.traffic_intensity:.0f} % of the time. Each has a line of its own, a "
        f"request joins one at random, and waits {milliseconds(case.single.mean_wait)} in the "
        "mean. Now all of them serve one line: the same requests, the same processors, the same "
        "load. How long is the mean wait?"
    )


def _predict_solution(scenario: Scenario) -> str:
    case = _case(scenario)
    one, single = case.station, case.single
    return (
        f"In one line {100 * one.wait_probability:.0f} % of the requests have to wait, and the "
        f"mean wait of all is {milliseconds(one.mean_wait)}: "
        f"{single.mean_wait / one.mean_wait:.0f} times less than "
        f"{milliseconds(single.mean_wait)}. Nothing is faster and nobody works more. But no "
        "processor is idle any more while a request waits for another."
    )


def _promise_solution(scenario: Scenario) -> str:
    case = _case(scenario)
    fewer, enough = (float(case.waits(n)) for n in (case.fewest - 1, case.fewest))
    return (
        f"The load is {case.station.offered_load:.2f} Erlang. With {case.fewest - 1} processors "
        f"95 % wait at most {milliseconds(fewer)}, with {case.fewest} at most "
        f"{milliseconds(enough)}: {case.fewest} are enough. With a line each it takes "
        f"{case.fewest_apart}."
    )


def _merge_solution(scenario: Scenario) -> str:
    load, apart, merged = processors(scenario).offered_load, _apart(scenario), _merged(scenario)
    return (
        f"Alone, {load:.2f} Erlang take {apart // _TEAMS} processors, {_TEAMS} times that is "
        f"{apart}. Together, {_TEAMS * load:.1f} Erlang take {merged}. {apart - merged} are "
        "saved: the spare grows with the root of the load, not with the load."
    )


def _lines_question(scenario: Scenario) -> str:
    whole = _doubled(scenario)
    measured = milliseconds(_in_lines(scenario, _lines(scenario)).mean_wait)
    return (
        f"A diagnosis. A year later there are twice the requests, {whole.arrival_rate:.0f} a "
        f"second, and twice the processors: {whole.servers}, in {whole.servers // _PER_SERVER} "
        f"servers of {_PER_SERVER}. Each is busy {100 * whole.traffic_intensity:.0f} % of the "
        f"time, as before. Yet the log says that a request waits {measured} for a processor in "
        "the mean. Into how many separate lines does the load balancer split the requests?"
    )


def _lines_solution(scenario: Scenario) -> str:
    whole, lines = _doubled(scenario), _lines(scenario)
    counts = [n for n in range(1, whole.servers + 1) if whole.servers % n == 0]
    told = [f"{n} lines {milliseconds(_in_lines(scenario, n).mean_wait)}" for n in counts]
    told[0] = told[0].replace("lines", "line")
    return (
        f"The mean wait by the number of lines: {words.listed(told)}. So there are {lines}, one "
        "for each server: the balancer picks a server without looking, and only the processors "
        "of one server share a line. Do not buy processors; let it send to the server with the "
        "fewest requests."
    )


EXERCISES = (
    Exercise(
        key="03-predict",
        title="Predict",
        prediction=True,
        question=_predict_question,
        unit="ms",
        answer=lambda scenario: 1000 * processors(scenario).mean_wait,
        solution=_predict_solution,
        near_misses=(
            NearMiss(
                lambda scenario: 1000 * _case(scenario).single.mean_wait,
                "The load is the same, and yet the wait is not: nobody waits before one "
                "processor while another is idle.",
            ),
            NearMiss(
                lambda scenario: (
                    1000 * _case(scenario).single.mean_wait / processors(scenario).servers
                ),
                "So many processors empty the line so many times as fast: that is nearly all "
                "of it, but most requests now do not wait at all.",
            ),
        ),
    ),
    Exercise(
        key="03-promise",
        title="Exercise 1: a promise for 95 of 100",
        question=lambda _: (
            f"MailForge wants {100 * SHARE:.0f} % of the requests to wait at most "
            f"{milliseconds(_PROMISE_S)} for a processor, at the peak and in one line. How many "
            "processors does that take?"
        ),
        unit="processors",
        tolerance=0.0,
        answer=lambda scenario: _case(scenario).fewest,
        solution=_promise_solution,
        near_misses=(
            NearMiss(
                _for_the_mean,
                "You used the mean, not the P95: with so many the mean wait keeps to the time, but "
                "more than 5 % of the requests wait longer.",
            ),
            NearMiss(
                lambda scenario: _case(scenario).fewest_apart,
                "That is for a line before each processor. One line is asked for.",
            ),
        ),
        hints=(
            "The board can find it: set the promise and read the smallest number.",
            "In code: servers_for(…, wait_within=(0.95, seconds)).",
        ),
    ),
    Exercise(
        key="03-merge",
        title="Exercise 2: ten teams, one pool",
        question=lambda scenario: (
            f"A design. {_TEAMS} teams have a load of {processors(scenario).offered_load:.2f} "
            "Erlang each, and each has bought the fewest processors with which at most "
            f"{100 * _MAY_WAIT:.0f} % of its requests have to wait. Now they put all requests "
            "into one line and keep the same promise. How many processors can they give back?"
        ),
        unit="processors",
        tolerance=0.0,
        answer=lambda scenario: _apart(scenario) - _merged(scenario),
        solution=_merge_solution,
        near_misses=(
            NearMiss(_merged, "So many do they need together. How many are then left over?"),
            NearMiss(_apart, "So many have they bought altogether. How many do they still need?"),
            NearMiss(
                lambda scenario: (
                    _apart(scenario) - int(_TEAMS * processors(scenario).offered_load + 1)
                ),
                "You kept as many as are busy in the mean. Then nearly everybody waits, and "
                "long: a little must be spare.",
            ),
        ),
        hints=(
            "How many processors does one team need? erlang_c_servers(load, 0.2) tells.",
            "How many do they need together, at ten times the load?",
            "The difference can go back.",
        ),
    ),
    Exercise(
        key="03-lines",
        title="Exercise 3: the hidden lines",
        question=_lines_question,
        unit="lines",
        tolerance=0.0,
        answer=_lines,
        solution=_lines_solution,
        near_misses=(
            NearMiss(
                lambda scenario: _doubled(scenario).servers,
                "With a line before each processor the wait would be longer than that. Some "
                "processors do share a line.",
            ),
            NearMiss(
                lambda _: _PER_SERVER,
                "So many processors share a line. How many lines are there?",
            ),
            NearMiss(
                lambda _: 1,
                "One line would be far quicker: that is what the load alone promises.",
            ),
        ),
        hints=(
            "With n lines each gets a share 1/n of the requests and of the processors.",
            "MMc(arrival_rate=rate / n, service_rate=…, servers=c // n).mean_wait for each n.",
        ),
    ),
)
