"""Settings of the registry: set up once, changed by their authority, handed over in two steps."""

from solders.keypair import Keypair

from core.domain.network import network_bytes
from programs.client.accounts import RegistryConfig
from programs.client.instructions import registry
from programs.client.instructions.registry.settings import CorrectionLimits
from tests.support.grid import GENESIS, LIMITS, Grid


def config(grid: Grid) -> RegistryConfig:
    """The settings as they are."""
    data = grid.chain.data(grid.at.registry.config)
    assert data is not None
    return RegistryConfig.decode(data)


def test_initialize_stores_roles_pins_limits_and_network():
    grid = Grid.deployed()

    landed = grid.send(grid.initialize_registry(), grid.upgrade)

    settings = config(grid)
    assert settings.authority == grid.authority.pubkey()
    assert settings.oracle_authority == grid.at.oracle.authority
    assert settings.energy_mint == grid.at.mint
    assert settings.network == network_bytes(GENESIS, bytes(grid.at.registry.id))
    assert settings.correction_cap_wh == LIMITS.cap_wh
    assert [event.name for event in grid.events(landed)] == ["RegistryInitialized"]


def test_an_authority_changes_only_when_the_new_key_accepts():
    grid = Grid.initialised()
    heir = grid.chain.wallet()
    propose = registry.propose_authority(grid.at, authority=grid.authority.pubkey(), new_authority=heir.pubkey())

    grid.send(propose, grid.authority)
    proposed = config(grid)
    landed = grid.send(registry.accept_authority(grid.at, pending_authority=heir.pubkey()), heir)

    assert (proposed.authority, proposed.pending_authority) == (grid.authority.pubkey(), heir.pubkey())
    assert config(grid).authority == heir.pubkey()
    assert grid.events(landed)[0].fields["old_authority"] == str(grid.authority.pubkey())


def test_roles_and_pause_are_set_by_the_authority():
    grid = Grid.initialised()
    provisioner, heir = Keypair().pubkey(), Keypair()
    authority, auditor = grid.authority.pubkey(), heir.pubkey()
    roles = registry.set_roles(
        grid.at, authority=authority, provisioner=provisioner, auditor=auditor, old_auditor=grid.auditor.pubkey()
    )

    grid.send(roles, grid.authority, grid.auditor, heir)
    landed = grid.send(registry.set_paused(grid.at, authority=authority, paused=3), grid.authority)

    settings = config(grid)
    assert (settings.provisioner, settings.auditor, settings.paused) == (provisioner, auditor, 3)
    assert grid.events(landed)[0].fields == {"paused": 3}


def test_authority_and_auditor_set_the_limits_of_corrections():
    grid = Grid.initialised()
    limits = CorrectionLimits(cap_wh=5, window_s=60, delay_s=7)
    instruction = registry.set_correction_limits(
        grid.at, authority=grid.authority.pubkey(), auditor=grid.auditor.pubkey(), limits=limits
    )

    grid.send(instruction, grid.authority, grid.auditor)

    settings = config(grid)
    assert (settings.correction_cap_wh, settings.correction_window_s, settings.correction_delay_s) == (5, 60, 7)


def test_a_zone_is_created_changed_and_handed_over():
    grid = Grid.initialised()
    heir = grid.chain.wallet()
    grid.zone(7, mint_cap_wh=1_000, window_s=3_600)

    change = registry.set_zone(
        grid.at,
        zone_authority=grid.authority.pubkey(),
        zone=7,
        mint_cap_wh=2_000,
        window_s=60,
        pending_authority=heir.pubkey(),
    )
    grid.send(change, grid.authority)
    landed = grid.send(registry.accept_zone_authority(grid.at, pending_authority=heir.pubkey(), zone=7), heir)

    zone = grid.zone_account(7)
    assert (zone.authority, zone.mint_cap_wh, zone.window_s) == (heir.pubkey(), 2_000, 60)
    assert grid.events(landed)[0].name == "ZoneChanged"
