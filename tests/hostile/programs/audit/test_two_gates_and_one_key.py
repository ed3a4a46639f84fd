"""The auditor is a second person: the authority alone never becomes him (defects 13 and 14)."""

import pytest
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from programs.client.accounts import RegistryConfig
from programs.client.instructions import registry
from tests.support.grid import Grid
from tests.support.registry_steps import EVIDENCE, correction, refusal
from tests.support.tampering import unsigned


def auditor_of(grid: Grid) -> Pubkey:
    return RegistryConfig.decode(grid.chain.data(grid.at.registry.config) or b"").auditor


def change(grid: Grid, auditor: Pubkey, old_auditor: Pubkey | None) -> Instruction:
    return registry.set_roles(
        grid.at,
        authority=grid.authority.pubkey(),
        provisioner=grid.provisioner.pubkey(),
        auditor=auditor,
        old_auditor=old_auditor,
    )


def test_the_authority_does_not_put_an_auditor_of_its_own_in_place_and_correct_with_it():
    grid = Grid.initialised()
    device, puppet = grid.meter(), grid.chain.wallet()
    theft = registry.record_correction(
        grid.at,
        authority=grid.authority.pubkey(),
        auditor=puppet.pubkey(),
        meter_id=device.meter_id,
        amount_wh=100,
        reason=1,
        evidence=EVIDENCE,
    )

    for old_auditor, code in (
        (None, "MissingSigner"),
        (puppet.pubkey(), "Unauthorized"),
        (grid.authority.pubkey(), "Unauthorized"),
    ):
        attempt = change(grid, puppet.pubkey(), old_auditor)
        assert grid.refused([attempt, theft], grid.authority, puppet) == refusal(code)
    assert auditor_of(grid) == grid.auditor.pubkey()
    assert grid.meter_account(device).pending_correction_wh == 0


@pytest.mark.parametrize("position", [1, 2], ids=["who was", "who will be"])
def test_naming_an_auditor_without_his_signature_does_not_change_him(position: int):
    grid = Grid.initialised()
    heir = grid.chain.wallet()
    attempt = unsigned(change(grid, heir.pubkey(), grid.auditor.pubkey()), position)

    assert grid.refused(attempt, grid.authority, grid.auditor, heir) == refusal("MissingSigner")
    assert auditor_of(grid) == grid.auditor.pubkey()


def test_an_auditor_is_not_lost_to_a_key_that_nobody_holds():
    grid = Grid.initialised()
    for nobody, code in ((Pubkey.new_unique(), "Unauthorized"), (Pubkey.default(), "RoleUnset")):
        good = change(grid, nobody, grid.auditor.pubkey())
        accounts = list(good.accounts)
        accounts[2] = accounts[1]  # the old auditor signs in the new one's place
        attempt = Instruction(good.program_id, bytes(good.data), accounts)
        assert grid.refused(attempt, grid.authority, grid.auditor) == refusal(code)
    assert auditor_of(grid) == grid.auditor.pubkey()


def test_an_auditor_hands_over_and_has_no_say_afterwards():
    grid = Grid.initialised()
    device, heir = grid.meter(), grid.chain.wallet()

    grid.send(change(grid, heir.pubkey(), grid.auditor.pubkey()), grid.authority, grid.auditor, heir)

    assert auditor_of(grid) == heir.pubkey()
    assert grid.refused(correction(grid, device, -5), grid.authority, grid.auditor) == refusal("Unauthorized")
