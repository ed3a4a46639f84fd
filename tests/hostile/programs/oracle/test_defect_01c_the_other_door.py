"""Defect 1c: the wrong door, and an owner who submits past a quarantine."""

import pytest

from programs.client.errors import code
from tests.support.grid import Grid
from tests.support.svm import Landed

CREDITED, WRONG_PROOF = 0, 2
WEEK_S = 7 * 86_400


def results(grid: Grid, landed: Landed) -> list[int]:
    return [item["result"] for item in grid.events(landed)[-1].fields["items"]]


def test_a_device_proof_meter_is_not_credited_through_the_attested_door():
    grid = Grid.initialised()
    device = grid.meter(proof=1)

    refused = grid.refused(grid.attested(device.attested(1, 1_000, measured_at=grid.now)), grid.attesters[0])

    assert refused == code("registry", "WrongProof")
    assert (grid.supply(), grid.meter_account(device).reading_count) == (0, 0)


def test_an_attested_meter_is_not_credited_through_the_device_proven_door():
    grid = Grid.initialised()
    device, payer = grid.meter(proof=2), grid.attesters[0]

    refused = grid.refused(grid.proven(device.reading(1, 1_000, measured_at=grid.now)), payer, payer=payer)

    assert refused == code("registry", "WrongProof")
    assert (grid.supply(), grid.meter_account(device).reading_count) == (0, 0)


def test_in_a_batch_the_meter_of_the_other_door_is_left_out():
    grid = Grid.initialised()
    device, attested = grid.meter("P-1", proof=1), grid.meter("A-1", proof=2)

    landed = grid.attest(device.attested(1, 1_000, measured_at=grid.now), attested.attested(1, 1_000, measured_at=grid.now))

    assert results(grid, landed) == [WRONG_PROOF, CREDITED]
    assert (grid.supply(), grid.meter_account(device).reading_count) == (1_000_000_000, 0)


def test_an_interval_statement_is_not_a_register_statement():
    grid = Grid.initialised()
    device = grid.meter(kind=2, proof=2)

    refused = grid.refused(
        grid.proven(device.reading(1, 1_000, measured_at=grid.now)), grid.attesters[0], payer=grid.attesters[0], check_size=False
    )

    assert refused == code("oracle", "WrongStatement")
    assert grid.supply() == 0


@pytest.mark.parametrize("waited_s", [0, 1, WEEK_S - 1])
def test_the_owner_alone_is_refused_before_seven_days_without_an_update(waited_s: int):
    grid = Grid.initialised()
    device = grid.meter()
    grid.submit(device.reading(1, 1_000, measured_at=grid.now))
    grid.chain.warp(waited_s)
    owner = device.owner

    past_quarantine = grid.proven(device.reading(2, 90_000, measured_at=grid.now), submitter=owner.pubkey())

    assert grid.refused(past_quarantine, owner, payer=owner, check_size=False) == code("oracle", "OwnerTooEarly")
    assert grid.meter_account(device).reading_count == 1


def test_a_meter_just_bound_gives_its_owner_no_door():
    grid = Grid.initialised()
    device = grid.meter()
    owner = device.owner

    attempt = grid.proven(device.reading(1, 1_000, measured_at=grid.now), submitter=owner.pubkey())

    assert grid.refused(attempt, owner, payer=owner, check_size=False) == code("oracle", "OwnerTooEarly")


def test_after_seven_days_it_is_the_owner_and_nobody_else():
    grid = Grid.initialised()
    device = grid.meter()
    grid.chain.warp(WEEK_S)
    stranger = grid.user()

    attempt = grid.proven(device.reading(1, 1_000, measured_at=grid.now), submitter=stranger.pubkey())

    assert grid.refused(attempt, stranger, payer=stranger, check_size=False) == code("oracle", "NotAttester")


def test_an_owner_brings_nobody_elses_meter_along():
    grid = Grid.initialised()
    own, other = grid.meters(2)
    grid.chain.warp(WEEK_S)
    owner = own.owner

    attempt = grid.proven(
        own.reading(1, 1_000, measured_at=grid.now), other.reading(1, 1_000, measured_at=grid.now), submitter=owner.pubkey()
    )

    assert grid.refused(attempt, owner, payer=owner, check_size=False) == code("oracle", "NotAttester")
    assert grid.supply() == 0
