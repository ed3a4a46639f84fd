"""No instruction gets dearer unnoticed. After a change that is worth its price: `python -m tests.support.compute_units`."""

import json

import pytest

from tests.support import compute_units, idl

GROWTH = 1.05


@pytest.fixture(scope="module")
def measured() -> dict[str, int]:
    return compute_units.measure()


@pytest.fixture(scope="module")
def recorded() -> dict[str, int]:
    return json.loads(compute_units.TABLE.read_text())


def test_no_instruction_has_grown_by_more_than_a_twentieth(measured: dict[str, int], recorded: dict[str, int]):
    grown = {name: (recorded[name], units) for name, units in measured.items() if units > recorded[name] * GROWTH}

    assert not grown, "regenerate the table with 'python -m tests.support.compute_units' if the growth is wanted"


def test_the_table_has_every_instruction(measured: dict[str, int], recorded: dict[str, int]):
    described = {f"{program}.{row['name']}" for program in idl.PROGRAMS for row in idl.load(program)["instructions"]}

    assert {name.split(" ")[0] for name in measured} == described
    assert set(recorded) == set(measured)


def test_the_cost_goals_are_kept(measured: dict[str, int]):
    proven = measured["oracle.submit_meter_reading (5 meters, credit)"]
    attested = measured["oracle.submit_reading_batch (20 meters, credit)"]
    minted = measured["oracle.submit_meter_reading (5 meters, credit and mint)"]
    burned = measured["oracle.submit_reading_batch (20 meters, credit and burn)"]

    assert proven / 5 <= 6_000
    assert attested / 20 <= 2_500
    assert (minted - proven) / 5 <= 12_000
    assert (burned - attested) / 20 <= 12_000
