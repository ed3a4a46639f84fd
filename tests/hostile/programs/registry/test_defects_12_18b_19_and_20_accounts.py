"""Accounts that are not the pinned ones, or that break a batch: defects 12, 18b, 19 and 20."""

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from programs.client.instructions import registry, token2022
from tests.support.grid import Grid
from tests.support.registry_steps import (
    ACTIVE,
    RETIRED,
    SUSPENDED,
    WH,
    close_token_account,
    crank,
    credited,
    own_settlement,
    refusal,
    set_status,
    settled_result,
    status,
)
from tests.support.tampering import unsigned, with_account

TOKEN_PROGRAM = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")


@pytest.mark.parametrize("position", range(9))
def test_every_pinned_account_of_the_crank_is_the_pinned_one(position: int):
    grid = Grid.initialised()
    device = grid.meter()
    credited(grid, device, 100)
    impostor = Keypair().pubkey()
    grid.chain.fund(impostor)

    code = grid.refused(with_account(crank(grid, device), position, impostor))

    assert code == refusal("WrongAddress")
    assert grid.supply() == 0


def test_the_classic_token_program_is_not_the_pinned_one():
    grid = Grid.initialised()
    device = grid.meter()
    credited(grid, device, 100)

    assert grid.refused(with_account(crank(grid, device), 8, TOKEN_PROGRAM)) == refusal("WrongAddress")


def test_tokens_go_to_the_stored_account_only():
    grid = Grid.initialised()
    device, other = grid.meters(2)
    credited(grid, device, 100)
    stolen = with_account(crank(grid, device), 11, other.token_account)

    assert grid.refused(stolen) == refusal("WrongAddress")
    assert grid.tokens(other.owner.pubkey()) == 0


def test_a_forged_meter_of_another_program_is_refused():
    grid = Grid.initialised()
    device = grid.meter()
    credited(grid, device, 100)
    forged, owner = Keypair().pubkey(), Keypair().pubkey()
    grid.chain.write(forged, grid.chain.data(device.address) or b"", owner)

    assert grid.refused(with_account(crank(grid, device), 10, forged)) == refusal("WrongAccountOwner")


def test_an_account_of_another_type_is_no_meter():
    grid = Grid.initialised()
    device = grid.meter()
    credited(grid, device, 100)
    for key in (grid.at.zone(1), grid.at.user(device.owner.pubkey()), grid.at.device(device.key.pubkey())):
        assert grid.refused(with_account(crank(grid, device), 10, key)) == refusal("WrongAccountType")


def test_another_meters_zone_lets_nothing_through():
    grid = Grid.initialised()
    grid.zone(2)
    device = grid.meter()
    credited(grid, device, 100)

    assert grid.refused(crank(grid, device, zones=(2,))) == refusal("ZoneMissing")
    assert grid.zone_account(2).minted_wh == 0


def test_only_the_oracles_address_hands_readings_over():
    grid = Grid.initialised()
    device = grid.meter()
    reading = (1).to_bytes(8, "little") + grid.now.to_bytes(8, "little") + bytes(8) + (9).to_bytes(8, "little") + bytes(9)
    thief = grid.chain.wallet()
    forged = registry.submit_meter_reading(
        grid.at, oracle_authority=thief.pubkey(), proof=1, readings=[reading], zones=None, meters=[device.accounts]
    )

    assert grid.refused(forged, thief) == refusal("WrongAddress")
    named = unsigned(with_account(forged, 0, grid.at.oracle.authority))
    assert grid.refused(named) == refusal("MissingSigner")
    assert grid.meter_account(device).credited_generation_wh == 0


def test_nobody_forges_an_event():
    grid = Grid.initialised()
    thief = grid.chain.wallet()
    data = bytes.fromhex("e445a52e51cb9a1d") + bytes(100)
    accounts = [AccountMeta(thief.pubkey(), is_signer=True, is_writable=False)]

    assert grid.refused(Instruction(grid.at.registry.id, data, accounts), thief) == refusal("WrongAddress")
    named = [AccountMeta(grid.at.registry.event_authority, is_signer=False, is_writable=False)]
    assert grid.refused(Instruction(grid.at.registry.id, data, named)) == refusal("MissingSigner")


@pytest.mark.parametrize("data", [b"", b"1234567", b"12345678"])
def test_garbage_is_refused_by_name(data: bytes):
    grid = Grid.initialised()

    code = grid.refused(Instruction(grid.at.registry.id, data, []))
    assert code in {refusal("MalformedInstruction"), refusal("UnknownInstruction")}


def test_bytes_after_the_arguments_are_refused():
    grid = Grid.initialised()
    device = grid.meter()
    good = status(grid, device, SUSPENDED)
    longer = Instruction(good.program_id, bytes(good.data) + b"\0", good.accounts)

    assert grid.refused(longer, grid.authority) == refusal("MalformedInstruction")


# --- accounts that their owners made unfit ---


def test_a_frozen_or_foreign_account_is_skipped_and_the_batch_lives():
    for at, value in [(108, b"\2"), (0, bytes(32)), (32, bytes(32))]:
        grid = Grid.initialised()
        bad, good = grid.meters(2)
        data = bytearray(grid.chain.data(bad.token_account) or b"")
        data[at : at + len(value)] = value
        grid.chain.write(bad.token_account, bytes(data), token2022.PROGRAM)
        when = bad.base_measured_at + 900

        landed = grid.submit(bad.reading(1, 400, measured_at=when), good.reading(1, 70, measured_at=when))

        assert settled_result(grid, landed, bad.meter_id)["result"] == 5
        assert grid.tokens(good.owner.pubkey()) == 70 * WH
        assert grid.supply() == 70 * WH
        assert grid.meter_account(bad).ledger.unsettled_wh == 400


def test_nobody_pays_again_to_recreate_an_account():
    grid = Grid.initialised()
    device = grid.meter()
    close_token_account(grid, device)
    credited(grid, device, 100)
    before = grid.chain.lamports(grid.attesters[0].pubkey())

    assert grid.refused(crank(grid, device)) == refusal("UnfitAccounts")
    assert grid.chain.data(device.token_account) is None
    assert grid.chain.lamports(grid.attesters[0].pubkey()) == before


def test_a_revoked_allowance_burns_nothing_and_the_rest_is_owed():
    grid = Grid.initialised()
    device = grid.meter()
    owner = device.owner.pubkey()
    grid.submit(device.reading(1, 400, measured_at=grid.now - 900))
    grid.send(token2022.revoke(device.token_account, owner), device.owner)

    landed = grid.submit(device.reading(2, 400, 300, measured_at=grid.now))

    assert settled_result(grid, landed, device.meter_id)["result"] == 7
    assert (grid.tokens(owner), grid.meter_account(device).ledger.owed_wh) == (400 * WH, 300)


def test_a_burn_stays_within_the_allowance():
    grid = Grid.initialised()
    device = grid.meter()
    owner = device.owner.pubkey()
    grid.submit(device.reading(1, 400, measured_at=grid.now - 900))
    grid.send(token2022.approve(device.token_account, grid.at.registry.authority, owner, 120 * WH + 999_999), device.owner)

    grid.submit(device.reading(2, 400, 300, measured_at=grid.now))

    assert (grid.tokens(owner), grid.meter_account(device).ledger.owed_wh) == (280 * WH, 180)


def test_only_the_owner_settles_as_the_owner():
    grid = Grid.initialised()
    device, thief = grid.meter(), grid.chain.wallet()
    credited(grid, device, 100)

    assert grid.refused(with_account(own_settlement(grid, device), 0, thief.pubkey()), thief) == refusal("Unauthorized")


# --- the end of a meter ---


def test_a_retired_meter_does_not_come_back():
    grid = Grid.initialised()
    device = grid.meter()
    set_status(grid, device, RETIRED)

    for new in (ACTIVE, SUSPENDED, RETIRED):
        signers = (grid.authority, grid.auditor)
        assert grid.refused(status(grid, device, new, *signers), *signers) == refusal("MeterRetired")
    grid.refused(grid.proven(device.reading(1, 100, measured_at=grid.now)), grid.attesters[0])
    assert grid.meter_account(device).credited_generation_wh == 0


def test_a_meter_that_owes_energy_does_not_retire():
    grid = Grid.initialised()
    device = grid.meter()
    grid.submit(device.reading(1, 0, 100, measured_at=grid.now))

    assert grid.refused(status(grid, device, RETIRED), grid.authority) == refusal("EnergyOwed")


@pytest.mark.parametrize("new", [0, 1, 5, 255])
def test_a_status_that_does_not_exist_is_refused(new: int):
    grid = Grid.initialised()
    device = grid.meter()

    assert grid.refused(status(grid, device, new), grid.authority) == refusal("InvalidStatus")
