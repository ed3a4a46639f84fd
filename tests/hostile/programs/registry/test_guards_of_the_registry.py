"""Defects 1, 5, 9, 19 and 33, further: checks, ids, rotated keys, accounts of another type, and a zone's window."""

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from programs.client.accounts import UserAccount
from programs.client.errors import code
from tests.support.grid import Device, Grid
from tests.support.registry_steps import crank, credited, own_settlement, refusal, rotation
from tests.support.tampering import with_account, with_bytes, with_data

DAY_S = 86_400
BINDING_AT, METER_ID_AT, SIGNATURE_AT = 8, 24, 104


def rotated(grid: Grid) -> Device:
    """A meter whose device got a new key just now; what is returned still signs with the old one."""
    device = grid.meter()
    grid.send(rotation(grid, device, device.key, Keypair(), valid_from=grid.now), grid.provisioner)
    return device


def refused_reading(grid: Grid, device: Device, *, measured_at: int) -> int | None:
    payer = grid.attesters[0]
    return grid.refused(grid.proven(device.reading(1, 100, measured_at=measured_at)), payer, payer=payer, check_size=False)


def test_a_check_of_more_than_the_binding_is_refused():
    grid = Grid.initialised()
    owner = grid.user()
    proof, register = grid.registration(grid.enrolment("MTR-1", owner.pubkey(), Keypair()))
    entry = bytes(proof.data)[2:]

    attempt = [with_data(proof, b"\2\0" + entry + entry), register]

    assert grid.refused(attempt, owner, grid.provisioner) == refusal("SignatureCheckMismatch")
    assert grid.chain.data(grid.at.meter("MTR-1")) is None


@pytest.mark.parametrize("meter_id", [b"MTR 1", b"..", b"\xd0\x9cTR-1", b"MTR\0001", b"a/b", b"#"])
def test_an_id_of_other_bytes_is_refused(meter_id: bytes):
    """Everything else is as it should be: the device signed this id, and the account lies at its address."""
    grid = Grid.initialised()
    owner, key = grid.user(), Keypair()
    proof, register = grid.registration(grid.enrolment("MTR-1", owner.pubkey(), key))
    padded = meter_id.ljust(16, b"\0")
    register = with_bytes(register, METER_ID_AT, padded)
    register = with_bytes(register, SIGNATURE_AT, bytes(key.sign_message(bytes(register.data)[BINDING_AT:SIGNATURE_AT])))
    place = [meta.pubkey for meta in register.accounts].index(grid.at.meter("MTR-1"))
    account, _ = Pubkey.find_program_address([b"meter", padded], grid.at.ids.registry)

    attempt = [proof, with_account(register, place, account)]

    assert grid.refused(attempt, owner, grid.provisioner) == refusal("InvalidMeterId")
    assert grid.chain.data(account) is None


@pytest.mark.parametrize("entries", [1, 2], ids=["the old key's alone", "the old key's twice"])
def test_a_rotation_checked_for_the_old_key_only_is_refused(entries: int):
    grid = Grid.initialised()
    device = grid.meter()
    proof, rotate = rotation(grid, device, device.key, Keypair(), valid_from=grid.now)
    by_old = bytes(proof.data)[2:16]

    attempt = [with_data(proof, bytes([entries, 0]) + by_old * entries), rotate]

    assert grid.refused(attempt, grid.provisioner) == refusal("SignatureCheckMismatch")
    assert grid.meter_account(device).device_key == device.key.pubkey()


def test_a_rotated_key_counts_for_a_week_and_no_longer():
    grid = Grid.initialised()
    device = rotated(grid)
    measured_at = grid.now - 60
    grid.chain.warp(7 * DAY_S + 1)

    assert refused_reading(grid, device, measured_at=measured_at) == code("oracle", "WrongKey")
    grid.chain.warp(-1)
    grid.submit(device.reading(1, 100, measured_at=measured_at))
    assert grid.meter_account(device).credited_generation_wh == 100


def test_a_rotated_key_does_not_count_for_what_came_after_it():
    grid = Grid.initialised()
    device = rotated(grid)
    grid.chain.warp(60)

    assert refused_reading(grid, device, measured_at=grid.now) == code("oracle", "WrongKey")
    assert grid.meter_account(device).reading_count == 0


def test_an_account_of_another_type_is_no_meter_though_it_is_as_long():
    grid = Grid.initialised()
    device = grid.meter()
    credited(grid, device, 100)
    genuine = crank(grid, device)
    place = [meta.pubkey for meta in genuine.accounts].index(device.accounts.meter)
    disguised = Keypair().pubkey()
    grid.chain.write(disguised, UserAccount.tag + (grid.chain.data(device.accounts.meter) or b"")[8:], grid.at.registry.id)

    assert grid.refused(with_account(genuine, place, disguised)) == refusal("WrongAccountType")
    assert grid.supply() == 0


def test_what_a_zone_minted_in_its_window_counts_against_its_cap():
    grid = Grid.initialised(mint_cap_wh=150)
    device = grid.meter()
    grid.submit(device.reading(1, 100, measured_at=device.base_measured_at + 900))
    grid.submit(device.reading(2, 200, measured_at=device.base_measured_at + 1_800))
    credited(grid, device, 300, sequence=3)

    assert grid.refused(crank(grid, device)) == refusal("ZoneCapReached")
    assert grid.supply() == 150 * 1_000_000


def test_an_owner_who_owes_and_holds_tokens_does_not_mint_and_burns_none_by_it():
    grid = Grid.initialised()
    device = grid.meter()
    grid.submit(device.reading(1, 1_000, measured_at=device.base_measured_at + 900))
    credited(grid, device, 1_000, 400, sequence=2)

    assert grid.refused(own_settlement(grid, device), device.owner) == refusal("InsufficientBalance")
    assert grid.supply() == 1_000 * 1_000_000
    assert grid.meter_account(device).ledger.owed_wh == 400
