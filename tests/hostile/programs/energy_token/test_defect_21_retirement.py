"""Defects 15, 21, 23 and 33: retirement leaves a full record, is never paused, and totals agree with the mint."""

import pytest
from solders.instruction import AccountMeta, Instruction

from programs.client.accounts import EnergyTokenConfig
from programs.client.errors import code
from programs.client.instructions import energy_token, registry, token2022
from tests.support.grid import Device, Grid

WH = 1_000_000


def holding(generation_wh: int = 5_000) -> tuple[Grid, Device]:
    grid = Grid.initialised()
    device = grid.meter()
    grid.submit(device.reading(1, generation_wh, measured_at=grid.now - 900))
    return grid, device


def retirement(grid: Grid, device: Device, amount: int = WH, beneficiary: str = "b", reason: str = "r") -> Instruction:
    return energy_token.retire_tokens(
        grid.at, holder=device.owner.pubkey(), amount=amount, beneficiary=beneficiary, reason=reason
    )


@pytest.mark.parametrize(
    ("beneficiary", "reason", "error"),
    [
        ("", "r", "BeneficiaryMissing"),
        ("b", "", "BeneficiaryMissing"),
        ("b" * 65, "r", "TextTooLong"),
        ("b", "r" * 129, "TextTooLong"),
        ("é" * 33, "r", "TextTooLong"),
    ],
)
def test_a_record_without_its_texts_or_beyond_them_is_refused(beneficiary: str, reason: str, error: str):
    grid, device = holding()

    refused = grid.refused(retirement(grid, device, beneficiary=beneficiary, reason=reason), device.owner)

    assert refused == code("energy_token", error)
    assert grid.tokens(device.owner.pubkey()) == 5_000 * WH


def test_a_text_that_is_not_utf_8_is_refused():
    grid, device = holding()
    genuine = retirement(grid, device, beneficiary="b", reason="r")
    broken = bytes(genuine.data)[:-1] + b"\xff"

    refused = grid.refused(Instruction(genuine.program_id, broken, genuine.accounts), device.owner)

    assert refused == code("energy_token", "TextTooLong")


def test_nothing_is_not_retired():
    grid, device = holding()

    assert grid.refused(retirement(grid, device, amount=0), device.owner) == code("energy_token", "ZeroAmount")


def test_more_than_one_has_is_not_retired():
    grid, device = holding()

    refusal = grid.chain.refused([retirement(grid, device, amount=5_000 * WH + 1)], [device.owner])

    assert refusal.instruction == 0
    assert grid.tokens(device.owner.pubkey()) == 5_000 * WH
    assert totals(grid).retired_units == 0


def test_a_stranger_does_not_retire_anothers_tokens():
    grid, device = holding()
    stranger = grid.user()
    genuine = retirement(grid, device)
    accounts = list(genuine.accounts)
    accounts[0] = AccountMeta(stranger.pubkey(), is_signer=True, is_writable=False)

    refused = grid.refused(Instruction(genuine.program_id, genuine.data, accounts), stranger)

    assert refused == code("energy_token", "Unauthorized")
    assert grid.tokens(device.owner.pubkey()) == 5_000 * WH


def test_a_delegate_does_not_retire_in_the_holders_name():
    grid, device = holding()
    delegate = grid.user()
    approve = token2022.approve(device.token_account, delegate.pubkey(), device.owner.pubkey(), WH)
    grid.send(approve, device.owner)
    genuine = retirement(grid, device)
    accounts = list(genuine.accounts)
    accounts[0] = AccountMeta(delegate.pubkey(), is_signer=True, is_writable=False)

    refused = grid.refused(Instruction(genuine.program_id, genuine.data, accounts), delegate)

    assert refused == code("energy_token", "Unauthorized")


def test_no_pause_keeps_a_holder_from_retiring():
    grid, device = holding()
    authority = grid.authority
    grid.send(energy_token.set_minting_enabled(grid.at, authority=authority.pubkey(), enabled=False), authority)
    grid.send(registry.set_paused(grid.at, authority=authority.pubkey(), paused=15), authority)

    grid.send(retirement(grid, device, amount=2_000 * WH), device.owner)

    assert grid.tokens(device.owner.pubkey()) == 3_000 * WH


def test_disabled_minting_does_not_stop_burning():
    grid, device = holding()
    disable = energy_token.set_minting_enabled(grid.at, authority=grid.authority.pubkey(), enabled=False)
    grid.send(disable, grid.authority)

    grid.submit(device.reading(2, 5_000, 1_000, measured_at=grid.now))

    assert grid.supply() == 4_000 * WH


def test_the_stored_totals_agree_with_the_mints_supply():
    grid, device = holding()
    grid.submit(device.reading(2, 5_000, 1_000, measured_at=grid.now))
    grid.send(retirement(grid, device, amount=1_234), device.owner)

    stored = totals(grid)

    assert stored.minted_units - stored.burned_units - stored.retired_units == grid.supply()


def totals(grid: Grid) -> EnergyTokenConfig:
    return EnergyTokenConfig.decode(grid.chain.data(grid.at.energy_token.config) or b"")
