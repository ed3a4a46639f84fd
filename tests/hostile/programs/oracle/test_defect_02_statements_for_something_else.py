"""Defects 2, 3, 4 and 9: replays, other purposes, other times, other keys."""

from dataclasses import replace
from typing import Any

import pytest
from solders.keypair import Keypair

from programs.client.errors import code
from programs.client.instructions import oracle, registry
from programs.client.instructions.oracle import ProvenReading
from programs.client.messages import BINDING_MAGIC, Statement
from tests.support.grid import Device, Grid
from tests.support.svm import Landed

STALE_SEQUENCE = 3


def refused(grid: Grid, *readings: ProvenReading) -> int | None:
    payer = grid.attesters[0]
    return grid.refused(grid.proven(*readings), payer, payer=payer, check_size=False)


def results(grid: Grid, landed: Landed) -> list[int]:
    return [item["result"] for item in grid.events(landed)[-1].fields["items"]]


def signed(grid: Grid, device: Device, **changes: Any) -> ProvenReading:
    genuine = Statement.unpack(device.statement(1, 1_000, measured_at=grid.now))
    return device.signed(replace(genuine, **changes).pack())


def test_a_statement_of_another_network_is_refused():
    grid = Grid.initialised()
    device = grid.meter()

    assert refused(grid, signed(grid, device, network=bytes(8))) == code("oracle", "WrongNetwork")
    assert grid.supply() == 0


def test_a_statement_of_another_meter_is_refused():
    grid = Grid.initialised()
    first, second = grid.meters(2)
    crossed = first.reading(1, 1_000, measured_at=grid.now)
    moved = ProvenReading(crossed.key, crossed.signature, crossed.statement, second.accounts)

    assert refused(grid, moved) == code("oracle", "WrongMeter")
    assert grid.supply() == 0


@pytest.mark.parametrize("magic", [BINDING_MAGIC, b"GTXROTA\1", b"GTXPROV\1", b"GTXINT\0\1", b"GTXREG\0\2"])
def test_bytes_signed_for_another_purpose_are_refused(magic: bytes):
    grid = Grid.initialised()
    device = grid.meter()

    assert refused(grid, signed(grid, device, magic=magic)) == code("oracle", "WrongStatement")


def test_a_replay_in_the_same_call_credits_once():
    grid = Grid.initialised()
    device = grid.meter()
    reading = device.reading(1, 1_000, measured_at=grid.now)

    landed = grid.submit(reading, reading)

    assert results(grid, landed) == [0, STALE_SEQUENCE]
    assert (grid.supply(), grid.meter_account(device).reading_count) == (1_000_000_000, 1)


def test_two_readings_of_one_meter_in_one_call_mint_their_sum_once():
    grid = Grid.initialised()
    device = grid.meter()

    grid.submit(device.reading(1, 1_000, measured_at=grid.now - 900), device.reading(2, 3_000, measured_at=grid.now))

    assert grid.supply() == 3_000_000_000


def test_a_replay_in_a_second_instruction_of_the_transaction_credits_once():
    grid = Grid.initialised()
    device = grid.meter()
    reading = device.reading(1, 1_000, measured_at=grid.now)
    limit, price, *once = grid.proven(reading)
    again = oracle.submit_meter_reading(
        grid.at, submitter=grid.attesters[0].pubkey(), readings=[reading], zones=grid.zones((1,)), instruction_index=5
    )
    payer = grid.attesters[0]

    assert grid.refused([limit, price, *once, *again], payer, payer=payer) == code("registry", "StaleSequence")
    assert grid.supply() == 0


def test_a_replay_in_a_later_transaction_changes_nothing():
    grid = Grid.initialised()
    device = grid.meter()
    reading = device.reading(1, 1_000, measured_at=grid.now)
    grid.submit(reading)

    assert refused(grid, reading) == code("registry", "StaleSequence")
    assert (grid.supply(), grid.meter_account(device).reading_count) == (1_000_000_000, 1)


def test_a_replay_beside_a_new_reading_is_left_out():
    grid = Grid.initialised()
    first, second = grid.meters(2)
    reading = first.reading(1, 1_000, measured_at=grid.now)
    grid.submit(reading)

    landed = grid.submit(reading, second.reading(1, 500, measured_at=grid.now))

    assert results(grid, landed) == [STALE_SEQUENCE, 0]
    assert grid.supply() == 1_500_000_000


def test_a_statement_from_the_future_does_not_freeze_its_meter():
    grid = Grid.initialised()
    device = grid.meter()

    ahead = refused(grid, device.reading(1, 1_000, measured_at=grid.now + 901))
    grid.submit(device.reading(2, 1_000, measured_at=grid.now))

    assert ahead == code("registry", "TimeInFuture")
    assert grid.supply() == 1_000_000_000


def test_another_key_signs_nothing():
    grid = Grid.initialised()
    first, second = grid.meters(2)
    statement = first.statement(1, 1_000, measured_at=grid.now)

    assert refused(grid, first.signed(statement, Keypair())) == code("oracle", "WrongKey")
    assert refused(grid, first.signed(statement, second.key)) == code("oracle", "WrongKey")
    assert grid.supply() == 0


def test_a_revoked_key_counts_for_nothing_however_it_dates_its_statement():
    grid = Grid.initialised()
    device = grid.meter()
    revoke = registry.revoke_device_key(
        grid.at, authority=grid.authority.pubkey(), meter_id=device.meter_id, key=device.key.pubkey()
    )
    grid.send(revoke, grid.authority)

    for measured_at in (grid.now, grid.now - 3_600, device.base_measured_at + 1):
        assert refused(grid, device.reading(1, 10, measured_at=measured_at)) == code("oracle", "WrongKey")
    assert grid.supply() == 0


def test_an_account_that_only_looks_like_a_meter_is_refused():
    grid = Grid.initialised()
    device = grid.meter()
    fake = Keypair().pubkey()
    grid.chain.write(fake, grid.chain.data(device.address) or b"", grid.at.oracle.id)
    reading = device.reading(1, 1_000, measured_at=grid.now)
    on_fake = ProvenReading(reading.key, reading.signature, reading.statement, type(reading.accounts)(fake, device.token_account))

    assert refused(grid, on_fake) == code("oracle", "WrongAccountOwner")


def test_a_user_account_is_not_a_meter():
    grid = Grid.initialised()
    device = grid.meter()
    reading = device.reading(1, 1_000, measured_at=grid.now)
    accounts = type(reading.accounts)(grid.at.user(device.owner.pubkey()), device.token_account)
    on_user = ProvenReading(reading.key, reading.signature, reading.statement, accounts)

    assert refused(grid, on_user) == code("oracle", "WrongAccountType")
