"""The peers of `bench.stations`: M/M/10 at rho = 0.9 in SimPy and in cimba, in turns.

A line on standard input names a peer; the answer is a line of JSON: CPU seconds a customer and the
mean wait that was found. Mean services are 1 s, and both keep to one core.
"""

import json
import sys
import time

import cimba as cb
import numpy as np
import simpy
from cimba import inputs

SERVERS, ARRIVAL_RATE = 10, 9.0
SIMPY_CUSTOMERS = 20_000
CIMBA_SECONDS, CIMBA_WARMUP = 100_000.0, 1_000.0


def by_simpy() -> tuple[float, float]:
    """Return CPU seconds a customer and the mean wait of a run of SimPy."""
    rng = np.random.default_rng()
    gaps = rng.exponential(1 / ARRIVAL_RATE, SIMPY_CUSTOMERS).tolist()
    services = rng.exponential(1, SIMPY_CUSTOMERS).tolist()
    env, waits = simpy.Environment(), []
    servers = simpy.Resource(env, SERVERS)

    def customer(service: float) -> simpy.events.ProcessGenerator:
        came = env.now
        with servers.request() as request:
            yield request
            waits.append(env.now - came)
            yield env.timeout(service)

    def source() -> simpy.events.ProcessGenerator:
        for gap, service in zip(gaps, services, strict=True):
            yield env.timeout(gap)
            env.process(customer(service))

    env.process(source())
    begun = time.process_time()
    env.run()
    return (time.process_time() - begun) / SIMPY_CUSTOMERS, float(np.mean(waits))


class Line(cb.Model):
    """M/M/10: ten servers take from one line."""

    interarrival: cb.Input[float] = inputs.dist.exponential(mean=1 / ARRIVAL_RATE)
    service_time: cb.Input[float] = inputs.dist.exponential(mean=1)
    line: cb.Container
    mean_line: cb.Output[float]

    @cb.process
    def arrivals(self) -> None:
        """Let customers come."""
        while True:
            cb.hold(self.interarrival.next())
            self.line.put(1)

    @cb.process(copies=SERVERS)
    def server(self) -> None:
        """Serve one after the other."""
        while True:
            self.line.get(1)
            cb.hold(self.service_time.next())

    @cb.on_end
    def measure(self) -> None:
        """Note how long the line was."""
        self.mean_line = self.line.mean_level()


def by_cimba(model: Line, seed: int) -> tuple[float, float]:
    """Return CPU seconds a customer and the mean wait, by Little's law, of a run of cimba."""
    window = cb.Window(warmup=CIMBA_WARMUP, duration=CIMBA_SECONDS)
    experiment = cb.Experiment(model, replications=1, window=window, seed=seed)
    begun = time.process_time()
    results = experiment.run(workers=1)
    seconds = time.process_time() - begun
    customers = ARRIVAL_RATE * (CIMBA_SECONDS + CIMBA_WARMUP)
    return seconds / customers, float(np.mean(results[model].mean_line)) / ARRIVAL_RATE


def main() -> None:
    """Warm both up, and answer."""
    model = Line()
    by_cimba(model, 1)
    by_simpy()
    for number, line in enumerate(sys.stdin, 2):
        answer = by_cimba(model, number) if line.strip() == "cimba" else by_simpy()
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
