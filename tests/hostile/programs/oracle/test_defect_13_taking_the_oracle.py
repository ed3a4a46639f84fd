"""Defects 13 and 15: initialize taken by a stranger; authorities in one step; a pause that covers one door only."""

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from programs.client.accounts import OracleConfig
from programs.client.errors import code
from programs.client.instructions import oracle
from tests.support.grid import GENESIS, Grid
from tests.support.svm import artifact
from tests.support.tampering import unsigned, with_account, with_data


def initialize(grid: Grid, by: Keypair, authority: Pubkey | None = None):
    return oracle.initialize(
        grid.at,
        payer=grid.chain.payer.pubkey(),
        upgrade_authority=by.pubkey(),
        genesis_hash=GENESIS,
        authority=authority or by.pubkey(),
        rule_set_hash=bytes(32),
    )


def config(grid: Grid) -> OracleConfig:
    return OracleConfig.decode(grid.chain.data(grid.at.oracle.config) or b"")


def test_a_stranger_cannot_initialise():
    grid = Grid.deployed()
    stranger = grid.chain.wallet()

    assert grid.refused(initialize(grid, stranger), stranger) == code("oracle", "NotUpgradeAuthority")
    assert grid.chain.data(grid.at.oracle.config) is None


def test_the_upgrade_authority_signs_itself():
    grid = Grid.deployed()

    assert grid.refused(unsigned(initialize(grid, grid.upgrade), 1)) == code("oracle", "MissingSigner")


def test_another_programs_data_account_proves_nothing():
    grid = Grid.deployed()

    crossed = with_account(initialize(grid, grid.upgrade), 2, grid.at.registry.program_data)

    assert grid.refused(crossed, grid.upgrade) == code("oracle", "WrongAddress")


def test_a_final_program_has_nobody_who_may_initialise_it():
    grid = Grid.deployed()
    grid.chain.deploy(grid.at.ids.oracle, artifact("oracle"), None)

    assert grid.refused(initialize(grid, grid.upgrade), grid.upgrade) == code("oracle", "NotUpgradeAuthority")


def test_it_is_initialised_once():
    grid = Grid.initialised()
    before = config(grid)

    assert grid.refused(initialize(grid, grid.upgrade), grid.upgrade) == code("oracle", "AlreadyInitialized")
    assert config(grid) == before


def test_an_authority_without_a_key_is_refused():
    grid = Grid.deployed()

    attempt = initialize(grid, grid.upgrade, authority=Pubkey.default())

    assert grid.refused(attempt, grid.upgrade) == code("oracle", "RoleUnset")


SETTINGS = {
    "propose_authority": lambda grid, by: oracle.propose_authority(grid.at, authority=by, new_authority=by),
    "set_attesters": lambda grid, by: oracle.set_attesters(grid.at, authority=by, attesters=[by], threshold=1),
    "set_rule_set": lambda grid, by: oracle.set_rule_set(grid.at, authority=by, rule_set_hash=bytes(32)),
    "set_paused": lambda grid, by: oracle.set_paused(grid.at, authority=by, paused=1),
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("who", ["stranger", "attester", "upgrade authority"])
def test_nobody_but_the_authority_changes_a_setting(name: str, who: str):
    grid = Grid.initialised()
    by = {"stranger": grid.chain.wallet(), "attester": grid.attesters[0], "upgrade authority": grid.upgrade}[who]
    before = config(grid)

    assert grid.refused(SETTINGS[name](grid, by.pubkey()), by) == code("oracle", "Unauthorized")
    assert config(grid) == before


@pytest.mark.parametrize("name", SETTINGS)
def test_the_authority_signs_each_change(name: str):
    grid = Grid.initialised()

    assert grid.refused(unsigned(SETTINGS[name](grid, grid.authority.pubkey()))) == code("oracle", "MissingSigner")


@pytest.mark.parametrize("name", SETTINGS)
def test_bytes_behind_the_arguments_are_refused(name: str):
    grid = Grid.initialised()
    genuine = SETTINGS[name](grid, grid.authority.pubkey())

    longer, shorter = with_data(genuine, bytes(genuine.data) + b"\0"), with_data(genuine, bytes(genuine.data)[:-1])

    assert grid.refused(longer, grid.authority) == code("oracle", "MalformedInstruction")
    assert grid.refused(shorter, grid.authority) == code("oracle", "MalformedInstruction")


def test_a_settings_account_of_ones_own_making_is_refused():
    grid = Grid.initialised()
    fake = Keypair().pubkey()
    grid.chain.write(fake, grid.chain.data(grid.at.oracle.config) or b"", grid.at.oracle.id)
    attempt = with_account(SETTINGS["set_paused"](grid, grid.authority.pubkey()), 1, fake)

    assert grid.refused(attempt, grid.authority) == code("oracle", "WrongAddress")


def test_only_the_proposed_key_accepts():
    grid = Grid.initialised()
    stranger, new = grid.chain.wallet(), grid.chain.wallet()
    accept = oracle.accept_authority(grid.at, pending_authority=new.pubkey())

    nothing_proposed = grid.refused(accept, new)
    grid.send(SETTINGS["propose_authority"](grid, grid.authority.pubkey()), grid.authority)
    by_stranger = grid.refused(oracle.accept_authority(grid.at, pending_authority=stranger.pubkey()), stranger)

    assert nothing_proposed == code("oracle", "NoPendingAuthority")
    assert by_stranger == code("oracle", "Unauthorized")
    assert config(grid).authority == grid.authority.pubkey()


def test_a_pause_closes_both_doors():
    grid = Grid.initialised()
    proven, attested = grid.meter("P-1"), grid.meter("A-1", proof=2)
    grid.send(SETTINGS["set_paused"](grid, grid.authority.pubkey()), grid.authority)
    payer = grid.attesters[0]

    by_device = grid.refused(grid.proven(proven.reading(1, 10, measured_at=grid.now)), payer, payer=payer, check_size=False)
    by_attester = grid.refused(grid.attested(attested.attested(1, 10, measured_at=grid.now)), payer, payer=payer)

    assert by_device == by_attester == code("oracle", "Paused")
    assert grid.supply() == 0


def test_an_unknown_pause_bit_is_refused():
    grid = Grid.initialised()

    attempt = oracle.set_paused(grid.at, authority=grid.authority.pubkey(), paused=2)

    assert grid.refused(attempt, grid.authority) == code("oracle", "MalformedInstruction")
