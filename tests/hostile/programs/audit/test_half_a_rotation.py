"""A rotation of which only one signature was verified, though the precompile looked at two (defects 1 and 9)."""

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair

from tests.support.grid import Grid
from tests.support.registry_steps import refusal, rotation
from tests.support.tampering import with_bytes, with_data

ENTRY = 14
FIRST, SECOND = 2, 2 + ENTRY


def entry(check: Instruction, at: int) -> bytes:
    return bytes(check.data)[at : at + ENTRY]


@pytest.mark.parametrize("shown", [FIRST, SECOND], ids=["the old key's twice", "the new key's twice"])
def test_one_signature_shown_twice_is_not_two(shown: int):
    grid = Grid.initialised()
    device, new = grid.meter(), Keypair()
    check, rotate = rotation(grid, device, device.key, new, valid_from=grid.now)
    other = SECOND if shown == FIRST else FIRST
    # The signature that is not shown may be anything: nobody looks at it.
    place = 8 + 72 + 32 + (64 if shown == FIRST else 0)
    attempt = [with_bytes(check, other, entry(check, shown)), with_bytes(rotate, place, bytes(64))]

    assert grid.refused(attempt, grid.provisioner) == refusal("SignatureCheckMismatch")
    assert grid.meter_account(device).device_key == device.key.pubkey()
    assert grid.chain.data(grid.at.device(new.pubkey())) is None


def test_signatures_in_the_other_order_are_not_those_that_are_read():
    grid = Grid.initialised()
    device, new = grid.meter(), Keypair()
    check, rotate = rotation(grid, device, device.key, new, valid_from=grid.now)
    swapped = with_bytes(with_bytes(check, FIRST, entry(check, SECOND)), SECOND, entry(check, FIRST))

    assert grid.refused([swapped, rotate], grid.provisioner) == refusal("SignatureCheckMismatch")


@pytest.mark.parametrize("count", [1, 3])
def test_one_signature_or_three_are_not_two(count: int):
    grid = Grid.initialised()
    device, new = grid.meter(), Keypair()
    check, rotate = rotation(grid, device, device.key, new, valid_from=grid.now)
    entries = [entry(check, FIRST), entry(check, SECOND), entry(check, SECOND)][:count]
    attempt = with_data(check, bytes([count, 0]) + b"".join(entries))

    assert grid.refused([attempt, rotate], grid.provisioner) == refusal("SignatureCheckMismatch")
    assert grid.meter_account(device).device_key == device.key.pubkey()
