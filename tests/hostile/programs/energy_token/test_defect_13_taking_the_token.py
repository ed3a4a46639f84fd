"""Defect 13: initialize taken by whoever comes first; an authority rotated in one step, or by the wrong key."""

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from programs.client.accounts import EnergyTokenConfig
from programs.client.errors import code
from programs.client.instructions import energy_token
from tests.support.grid import Grid
from tests.support.svm import artifact


def initialize(grid: Grid, by: Keypair, *, authority: Pubkey | None = None, name: str = "GridTokenX Energy") -> Instruction:
    return energy_token.initialize(
        grid.at,
        payer=grid.chain.payer.pubkey(),
        upgrade_authority=by.pubkey(),
        authority=authority or by.pubkey(),
        name=name,
        symbol="GRID",
        uri="",
    )


def authority(grid: Grid) -> Pubkey:
    return EnergyTokenConfig.decode(grid.chain.data(grid.at.energy_token.config) or b"").authority


def test_a_stranger_cannot_initialise():
    grid = Grid.deployed()
    stranger = grid.chain.wallet()

    refused = grid.refused(initialize(grid, stranger), stranger)

    assert refused == code("energy_token", "NotUpgradeAuthority")
    assert grid.chain.data(grid.at.mint) is None


def test_the_upgrade_authority_must_sign_itself():
    grid = Grid.deployed()
    unsigned = grid.initialize_energy_token()
    accounts = list(unsigned.accounts)
    accounts[1] = AccountMeta(accounts[1].pubkey, is_signer=False, is_writable=False)

    refused = grid.refused(Instruction(unsigned.program_id, unsigned.data, accounts))

    assert refused == code("energy_token", "MissingSigner")


def test_another_programs_data_account_proves_nothing():
    grid = Grid.deployed()
    stranger = grid.chain.wallet()
    other = Keypair().pubkey()
    grid.chain.deploy(other, artifact("energy_token"), stranger.pubkey())
    genuine = initialize(grid, stranger)
    accounts = list(genuine.accounts)
    accounts[2] = AccountMeta(Pubkey.find_program_address([bytes(other)], LOADER)[0], is_signer=False, is_writable=False)

    refused = grid.refused(Instruction(genuine.program_id, genuine.data, accounts), stranger)

    assert refused == code("energy_token", "WrongAddress")
    assert grid.chain.data(grid.at.mint) is None


def test_a_final_program_has_nobody_who_may_initialise_it():
    grid = Grid.deployed()
    grid.chain.deploy(grid.at.ids.energy_token, artifact("energy_token"), None)

    refused = grid.refused(grid.initialize_energy_token(), grid.upgrade)

    assert refused == code("energy_token", "NotUpgradeAuthority")


def test_it_is_initialised_once():
    grid = Grid.initialised()
    before = grid.chain.data(grid.at.energy_token.config)

    refused = grid.refused(initialize(grid, grid.upgrade), grid.upgrade)

    assert refused == code("energy_token", "AlreadyInitialized")
    assert grid.chain.data(grid.at.energy_token.config) == before


def test_an_authority_without_a_key_is_refused():
    grid = Grid.deployed()

    refused = grid.refused(initialize(grid, grid.upgrade, authority=Pubkey.default()), grid.upgrade)

    assert refused == code("energy_token", "RoleUnset")


def test_a_name_longer_than_its_field_is_refused():
    grid = Grid.deployed()

    refused = grid.refused(initialize(grid, grid.upgrade, name="n" * 65), grid.upgrade)

    assert refused == code("energy_token", "TextTooLong")


def test_a_stranger_proposes_nobody():
    grid = Grid.initialised()
    stranger = grid.chain.wallet()
    proposal = energy_token.propose_authority(grid.at, authority=stranger.pubkey(), new_authority=stranger.pubkey())

    assert grid.refused(proposal, stranger) == code("energy_token", "Unauthorized")
    assert authority(grid) == grid.authority.pubkey()


@pytest.mark.parametrize("who", ["stranger", "old authority"])
def test_only_the_proposed_key_accepts(who: str):
    grid = Grid.initialised()
    by = grid.authority if who == "old authority" else grid.chain.wallet()
    new = grid.chain.wallet()
    proposal = energy_token.propose_authority(grid.at, authority=grid.authority.pubkey(), new_authority=new.pubkey())
    grid.send(proposal, grid.authority)

    refused = grid.refused(energy_token.accept_authority(grid.at, pending_authority=by.pubkey()), by)

    assert refused == code("energy_token", "Unauthorized")
    assert authority(grid) == grid.authority.pubkey()


def test_nobody_accepts_what_was_not_proposed_or_was_withdrawn():
    grid = Grid.initialised()
    new = grid.chain.wallet()
    accept = energy_token.accept_authority(grid.at, pending_authority=new.pubkey())

    never = grid.refused(accept, new)
    for key in (new.pubkey(), Pubkey.default()):
        grid.send(energy_token.propose_authority(grid.at, authority=grid.authority.pubkey(), new_authority=key), grid.authority)
    withdrawn = grid.refused(accept, new)

    assert never == withdrawn == code("energy_token", "NoPendingAuthority")


def test_the_old_authority_has_no_say_after_the_handover():
    grid = Grid.initialised()
    new = grid.chain.wallet()
    proposal = energy_token.propose_authority(grid.at, authority=grid.authority.pubkey(), new_authority=new.pubkey())
    grid.send(proposal, grid.authority)
    grid.send(energy_token.accept_authority(grid.at, pending_authority=new.pubkey()), new)
    by_old = energy_token.set_minting_enabled(grid.at, authority=grid.authority.pubkey(), enabled=False)

    assert grid.refused(by_old, grid.authority) == code("energy_token", "Unauthorized")


LOADER = Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111")
