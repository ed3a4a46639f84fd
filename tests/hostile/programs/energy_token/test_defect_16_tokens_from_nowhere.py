"""Defects 16, 19 and 20: tokens that no meter produced; pins that are not held; burning what is not one's own."""

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from programs.client.errors import code
from programs.client.instructions import energy_token, token2022
from tests.support.grid import Device, Grid

WH = 1_000_000
CALLS = {"mint": energy_token.mint_from_production, "burn": energy_token.burn_for_consumption}


def holding(generation_wh: int = 5_000) -> tuple[Grid, Device]:
    grid = Grid.initialised()
    device = grid.meter()
    grid.submit(device.reading(1, generation_wh, measured_at=grid.now))
    return grid, device


def replaced(instruction: Instruction, position: int, key: Pubkey) -> Instruction:
    """The instruction with another account at a position, with the same rights."""
    accounts = list(instruction.accounts)
    meta = accounts[position]
    accounts[position] = AccountMeta(key, is_signer=meta.is_signer, is_writable=meta.is_writable)
    return Instruction(instruction.program_id, instruction.data, accounts)


def unsigned(instruction: Instruction) -> Instruction:
    """The instruction without its first signature."""
    accounts = list(instruction.accounts)
    accounts[0] = AccountMeta(accounts[0].pubkey, is_signer=False, is_writable=False)
    return Instruction(instruction.program_id, instruction.data, accounts)


@pytest.mark.parametrize("what", CALLS)
@pytest.mark.parametrize("who", ["stranger", "authority", "upgrade authority", "attester", "provisioner"])
def test_no_key_mints_or_burns(what: str, who: str):
    grid, device = holding()
    by = {
        "stranger": grid.chain.wallet(),
        "authority": grid.authority,
        "upgrade authority": grid.upgrade,
        "attester": grid.attesters[0],
        "provisioner": grid.provisioner,
    }[who]
    attempt = CALLS[what](grid.at, amounts=[(device.token_account, WH)], registry_authority=by.pubkey())

    assert grid.refused(attempt, by) == code("energy_token", "WrongAddress")
    assert grid.supply() == grid.tokens(device.owner.pubkey()) == 5_000 * WH


@pytest.mark.parametrize("what", CALLS)
def test_the_registrys_address_without_its_signature_is_not_enough(what: str):
    grid, device = holding()
    attempt = unsigned(CALLS[what](grid.at, amounts=[(device.token_account, WH)]))

    assert grid.refused(attempt) == code("energy_token", "MissingSigner")
    assert grid.supply() == 5_000 * WH


@pytest.mark.parametrize("who", ["authority", "upgrade authority"])
def test_token_2022_does_not_mint_for_anybody_either(who: str):
    grid, device = holding()
    by = grid.authority if who == "authority" else grid.upgrade
    attempt = token2022.mint_to_checked(grid.at.mint, device.token_account, by.pubkey(), WH, 9)

    refusal = grid.chain.refused([attempt], [by])

    assert refusal.instruction == 0
    assert grid.supply() == 5_000 * WH


PINNED = {"settings": 1, "mint": 2, "token program": 3, "event authority": 4, "program": 5}


@pytest.mark.parametrize("position", PINNED.values(), ids=PINNED)
@pytest.mark.parametrize("what", CALLS)
def test_every_pinned_account_is_held(what: str, position: int):
    grid, device = holding()
    by = grid.chain.wallet()
    attempt = CALLS[what](grid.at, amounts=[(device.token_account, WH)], registry_authority=by.pubkey())

    refused = grid.refused(replaced(attempt, position, Keypair().pubkey()), by)

    assert refused == code("energy_token", "WrongAddress")


RETIRE_PINNED = {"settings": 2, "mint": 3, "token program": 4, "event authority": 5, "program": 6}


@pytest.mark.parametrize("position", RETIRE_PINNED.values(), ids=RETIRE_PINNED)
def test_a_retirement_cannot_be_told_about_another_mint_or_program(position: int):
    grid, device = holding()
    holder = device.owner
    retirement = energy_token.retire_tokens(grid.at, holder=holder.pubkey(), amount=WH, beneficiary="b", reason="r")

    refused = grid.refused(replaced(retirement, position, Keypair().pubkey()), holder)

    assert refused == code("energy_token", "WrongAddress")
    assert grid.tokens(holder.pubkey()) == 5_000 * WH


def test_an_event_cannot_be_forged_from_outside():
    grid, _ = holding()
    stranger = grid.chain.wallet()
    event = bytes.fromhex("e445a52e51cb9a1d") + bytes(64)
    as_stranger = Instruction(grid.at.energy_token.id, event, [AccountMeta(stranger.pubkey(), True, False)])
    as_authority = Instruction(grid.at.energy_token.id, event, [AccountMeta(grid.at.energy_token.event_authority, False, False)])
    alone = Instruction(grid.at.energy_token.id, event, [])

    assert grid.refused(as_stranger, stranger) == code("energy_token", "WrongAddress")
    assert grid.refused(as_authority) == code("energy_token", "MissingSigner")
    assert grid.refused(alone) == code("energy_token", "MissingAccount")


def test_unknown_and_broken_instructions_are_refused_by_name():
    grid, _ = holding()
    program = grid.at.energy_token.id
    enable = energy_token.set_minting_enabled(grid.at, authority=grid.authority.pubkey(), enabled=True)

    assert grid.refused(Instruction(program, b"unknown!", [])) == code("energy_token", "UnknownInstruction")
    assert grid.refused(Instruction(program, b"short", [])) == code("energy_token", "MalformedInstruction")
    too_long = Instruction(program, bytes(enable.data) + b"\0", enable.accounts)
    assert grid.refused(too_long, grid.authority) == code("energy_token", "MalformedInstruction")
    two = Instruction(program, bytes(enable.data)[:8] + b"\2", enable.accounts)
    assert grid.refused(two, grid.authority) == code("energy_token", "MalformedInstruction")
    few = Instruction(program, enable.data, enable.accounts[:2])
    assert grid.refused(few, grid.authority) == code("energy_token", "MissingAccount")


def test_a_stranger_cannot_disable_minting():
    grid, _ = holding()
    stranger = grid.chain.wallet()
    attempt = energy_token.set_minting_enabled(grid.at, authority=stranger.pubkey(), enabled=False)

    assert grid.refused(attempt, stranger) == code("energy_token", "Unauthorized")
