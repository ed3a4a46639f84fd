"""Which trouble comes in which round."""

import pytest

from core.runtime.crash_points import CrashPoint
from tests.faults.schedule import DEATHS, Kind, plan_of

SEEDS = (1, 2, 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_as_many_rounds_as_there_are_deaths_come_to_every_point_once(seed: int):
    plans = [plan_of(number, seed) for number in range(len(DEATHS))]

    assert sorted((plan.victim, plan.point) for plan in plans) == sorted(DEATHS)
    assert {plan.point for plan in plans if plan.victim == "bridge"} == set(CrashPoint)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_hundred_rounds_bring_every_kind_of_trouble_to_every_part_that_it_concerns(seed: int):
    met = {(plan.kind, plan.target) for plan in (plan_of(number, seed) for number in range(100))}

    assert {kind for kind, _ in met} == set(Kind)
    assert {(Kind.KILL, part) for part in ("bridge", "api", "chain", "broker", "database")} <= met
    assert {(Kind.CUT, part) for part in ("chain", "broker", "database")} <= met
    assert {(Kind.FULL_DISK, part) for part in ("bridge", "chain")} <= met


def test_a_round_is_the_same_when_it_is_played_alone():
    assert [plan_of(number, 7) for number in (3, 55)] == [plan_of(number, 7) for number in range(60)][3:56:52]


def test_without_postgresql_nothing_is_asked_of_it():
    plans = [plan_of(number, 1, real_database=False) for number in range(100)]

    assert {plan.database for plan in plans} == {"sqlite"}
    assert "database" not in {plan.target for plan in plans}


def test_both_databases_get_their_share():
    shares = [plan_of(number, 1).database for number in range(100)]

    assert min(shares.count("sqlite"), shares.count("postgresql")) > 25
