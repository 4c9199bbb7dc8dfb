"""What is remembered of a scenario: once for equal ones, anew for others, and not for ever."""

from dataclasses import replace

from queueing.lab.remembered import remembered
from queueing.scenario import Scenario


def test_equal_scenarios_are_worked_out_once_and_the_oldest_is_forgotten():
    worked = []

    @remembered
    def title(scenario):
        worked.append(scenario.title)
        return scenario.title

    forge = Scenario.load("mailforge")
    assert title(forge) == title(Scenario.load("mailforge")) == "MailForge"
    assert worked == ["MailForge"]
    others = [replace(forge, title=str(number)) for number in range(8)]
    assert [title(other) for other in others] == [str(number) for number in range(8)]
    assert title(others[0]) == "0"
    assert len(worked) == 9
    title(forge)
    assert worked[-1] == "MailForge"
