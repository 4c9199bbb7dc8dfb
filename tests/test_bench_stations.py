"""The benchmark of the stations works the same line as its peers, and its bars can be missed."""

import pytest

from bench import stations


class Slow:
    """Peers that take as long as they are told to, seconds a customer."""

    def __init__(self, seconds):
        self.seconds = seconds

    def ask(self, _name):
        return self.seconds

    def close(self):
        pass


@pytest.mark.parametrize(("seconds", "missed"), [(1.0, 0), (1e-12, 1)])
def test_a_peer_that_is_as_fast_misses_the_bar(seconds, missed, monkeypatch, capsys):
    monkeypatch.setattr(stations, "CUSTOMERS", 200_000)
    monkeypatch.setattr(stations, "TURNS", 1)
    monkeypatch.setattr(stations, "Peers", lambda _python: Slow(seconds))
    monkeypatch.setattr(stations, "first_call", lambda: 0.1)
    bars = {name: bar for name, bar in stations.BARS.items() if "over M/M/10" in name}
    monkeypatch.setattr(stations, "BARS", bars)
    monkeypatch.setattr(stations, "events_a_second", lambda _seed: 10.0)
    assert stations.main("no python") == missed
    told = capsys.readouterr().out
    assert ("Missed: SimPy over M/M/10, cimba" in told) == bool(missed)
