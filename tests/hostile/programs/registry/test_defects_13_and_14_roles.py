"""Who may do what: defects 13 and 14, and every gate with a stranger before it."""

from collections.abc import Callable

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from programs.client.instructions import registry
from programs.client.instructions.registry.settings import CorrectionLimits
from tests.support.grid import GENESIS, LIMITS, Device, Grid
from tests.support.registry_steps import SUSPENDED, correct, correction, refusal, revocation, set_status, status
from tests.support.tampering import unsigned

NOBODY = Pubkey.default()


def setup(grid: Grid, *, upgrade: Keypair, authority: Pubkey, auditor: Pubkey) -> Instruction:
    """Initialise with these roles."""
    return registry.initialize(
        grid.at,
        payer=grid.chain.payer.pubkey(),
        upgrade_authority=upgrade.pubkey(),
        genesis_hash=GENESIS,
        authority=authority,
        provisioner=grid.provisioner.pubkey(),
        auditor=auditor,
        limits=LIMITS,
    )


def test_whoever_comes_first_cannot_take_the_registry():
    grid = Grid.deployed()
    thief = grid.chain.wallet()

    code = grid.refused(setup(grid, upgrade=thief, authority=thief.pubkey(), auditor=Keypair().pubkey()), thief)

    assert code == refusal("NotUpgradeAuthority")
    assert grid.chain.data(grid.at.registry.config) is None


def test_a_registry_is_set_up_once():
    grid = Grid.initialised()
    before = grid.chain.data(grid.at.registry.config)

    assert grid.refused(grid.initialize_registry(), grid.upgrade) == refusal("AlreadyInitialized")
    assert grid.chain.data(grid.at.registry.config) == before


@pytest.mark.parametrize("name", ["authority", "auditor"])
def test_a_role_without_a_key_is_refused(name: str):
    grid = Grid.deployed()
    roles = {"authority": grid.authority.pubkey(), "auditor": grid.auditor.pubkey(), name: NOBODY}

    assert grid.refused(setup(grid, upgrade=grid.upgrade, **roles), grid.upgrade) == refusal("RoleUnset")


def test_one_key_is_never_authority_and_auditor():
    grid = Grid.deployed()
    key = grid.authority.pubkey()
    assert grid.refused(setup(grid, upgrade=grid.upgrade, authority=key, auditor=key), grid.upgrade) == refusal("SameKeyTwice")

    grid = Grid.initialised()
    authority, auditor = grid.authority.pubkey(), grid.auditor.pubkey()
    roles = registry.set_roles(
        grid.at, authority=authority, provisioner=grid.provisioner.pubkey(), auditor=authority, old_auditor=auditor
    )
    assert grid.refused(roles, grid.authority, grid.auditor) == refusal("SameKeyTwice")
    grid.send(registry.propose_authority(grid.at, authority=authority, new_authority=auditor), grid.authority)
    accept = registry.accept_authority(grid.at, pending_authority=auditor)
    assert grid.refused(accept, grid.auditor) == refusal("SameKeyTwice")


def test_an_authority_that_was_not_proposed_cannot_accept():
    grid = Grid.initialised()
    thief, heir = grid.chain.wallet(), Keypair()
    accept = registry.accept_authority(grid.at, pending_authority=thief.pubkey())

    assert grid.refused(accept, thief) == refusal("NoPendingAuthority")
    grid.send(registry.propose_authority(grid.at, authority=grid.authority.pubkey(), new_authority=heir.pubkey()), grid.authority)
    assert grid.refused(accept, thief) == refusal("Unauthorized")


def test_a_proposal_can_be_withdrawn():
    grid = Grid.initialised()
    heir = grid.chain.wallet()
    for proposed in (heir.pubkey(), NOBODY):
        propose = registry.propose_authority(grid.at, authority=grid.authority.pubkey(), new_authority=proposed)
        grid.send(propose, grid.authority)

    accept = registry.accept_authority(grid.at, pending_authority=heir.pubkey())
    assert grid.refused(accept, heir) == refusal("NoPendingAuthority")


Gate = Callable[[Grid, Device, Keypair], Instruction]
GATES: dict[str, Gate] = {
    "propose_authority": lambda grid, _, thief: registry.propose_authority(
        grid.at, authority=thief.pubkey(), new_authority=thief.pubkey()
    ),
    "set_roles": lambda grid, _, thief: registry.set_roles(
        grid.at, authority=thief.pubkey(), provisioner=thief.pubkey(), auditor=grid.auditor.pubkey()
    ),
    "set_paused": lambda grid, _, thief: registry.set_paused(grid.at, authority=thief.pubkey(), paused=0),
    "set_correction_limits": lambda grid, _, thief: registry.set_correction_limits(
        grid.at, authority=thief.pubkey(), auditor=grid.auditor.pubkey(), limits=CorrectionLimits(cap_wh=9, window_s=9, delay_s=9)
    ),
    "verify_user": lambda grid, device, thief: registry.verify_user(
        grid.at, authority=thief.pubkey(), wallet=device.owner.pubkey(), zone=1
    ),
    "create_zone": lambda grid, _, thief: registry.create_zone(
        grid.at,
        payer=thief.pubkey(),
        authority=thief.pubkey(),
        zone=9,
        zone_authority=thief.pubkey(),
        mint_cap_wh=1,
        window_s=1,
    ),
    "set_zone": lambda grid, _, thief: registry.set_zone(
        grid.at, zone_authority=thief.pubkey(), zone=1, mint_cap_wh=0, window_s=1
    ),
    "suspend": lambda grid, device, thief: status(grid, device, SUSPENDED, thief),
    "revoke_device_key": lambda grid, device, thief: revocation(grid, device, device.key, thief),
    "record_correction": lambda grid, device, thief: registry.record_correction(
        grid.at,
        authority=grid.authority.pubkey(),
        auditor=thief.pubkey(),
        meter_id=device.meter_id,
        amount_wh=100,
        reason=1,
        evidence=bytes(32),
    ),
    "cancel_correction": lambda grid, device, thief: registry.cancel_correction(
        grid.at, canceller=thief.pubkey(), meter_id=device.meter_id
    ),
}


@pytest.mark.parametrize("gate", GATES)
def test_a_stranger_passes_no_gate(gate: str):
    grid = Grid.initialised()
    device, thief = grid.meter(), grid.chain.wallet()
    correct(grid, device, 5)
    before = [grid.chain.data(key) for key in (grid.at.registry.config, device.address, grid.at.zone(1))]

    code = grid.refused(GATES[gate](grid, device, thief), thief, grid.authority, grid.auditor)

    assert code == refusal("Unauthorized")
    assert [grid.chain.data(key) for key in (grid.at.registry.config, device.address, grid.at.zone(1))] == before


@pytest.mark.parametrize("position", [0, 1])
def test_naming_an_authority_without_its_signature_does_not_help(position: int):
    grid = Grid.initialised()
    device = grid.meter()

    assert grid.refused(unsigned(correction(grid, device, -5), position), grid.authority, grid.auditor) == refusal(
        "MissingSigner"
    )


def test_one_key_does_not_sign_a_correction_twice():
    grid = Grid.initialised()
    device = grid.meter()
    key = grid.authority.pubkey()
    twice = registry.record_correction(
        grid.at, authority=key, auditor=key, meter_id=device.meter_id, amount_wh=-5, reason=1, evidence=bytes(32)
    )

    assert grid.refused(twice, grid.authority) == refusal("Unauthorized")


def test_the_provisioner_alone_does_not_resume_a_meter_with_its_gap():
    grid = Grid.initialised()
    device = grid.meter()
    set_status(grid, device, SUSPENDED)

    for signers in ((grid.provisioner, grid.auditor), (grid.authority,), (grid.authority, grid.provisioner)):
        code = grid.refused(status(grid, device, 2, *signers), *signers)
        assert code in {refusal("Unauthorized"), refusal("MissingSigner")}
    assert grid.meter_account(device).status == SUSPENDED
