"""The oracle's settings: who sets them, and what is told."""

from hashlib import sha256

from programs.client.accounts import OracleConfig, RootsAccount
from programs.client.instructions import oracle
from tests.support.grid import GENESIS, Grid


def config(grid: Grid) -> OracleConfig:
    return OracleConfig.decode(grid.chain.data(grid.at.oracle.config) or b"")


def test_initialize_computes_the_network_and_sets_no_attester():
    grid = Grid.deployed()

    landed = grid.send(grid.initialize_oracle(), grid.upgrade)

    settings = config(grid)
    expected = sha256(b"gridtokenx-network" + GENESIS + bytes(grid.at.registry.id)).digest()[:8]
    assert (settings.authority, settings.network) == (grid.authority.pubkey(), expected)
    assert (settings.attester_count, settings.threshold, settings.paused, settings.reading_count) == (0, 0, 0, 0)
    assert RootsAccount.decode(grid.chain.data(grid.at.roots) or b"").count == 0
    assert [event.name for event in grid.events(landed)] == ["OracleInitialized"]


def test_attesters_and_threshold_are_set_and_told():
    grid = Grid.initialised()
    keys = [keypair.pubkey() for keypair in grid.attesters]

    landed = grid.set_attesters(grid.attesters, 2)

    settings = config(grid)
    assert (settings.attester_count, settings.threshold) == (3, 2)
    assert list(settings.attesters[:3]) == keys
    (told,) = grid.events(landed)
    assert (told.name, told.fields["attester_count"], told.fields["threshold"]) == ("AttestersChanged", 3, 2)


def test_the_rule_set_is_set_and_told():
    grid = Grid.initialised()
    rules = sha256(b"rules").digest()

    landed = grid.send(oracle.set_rule_set(grid.at, authority=grid.authority.pubkey(), rule_set_hash=rules), grid.authority)

    assert config(grid).rule_set_hash == rules
    assert [(event.name, event.fields) for event in grid.events(landed)] == [("RuleSetChanged", {"rule_set_hash": rules.hex()})]


def test_a_pause_ends_again():
    grid = Grid.initialised()
    device = grid.meter()
    for paused in (1, 0):
        grid.send(oracle.set_paused(grid.at, authority=grid.authority.pubkey(), paused=paused), grid.authority)

    grid.submit(device.reading(1, 1_000, measured_at=grid.now))

    assert grid.supply() == 1_000_000_000


def test_an_authority_is_handed_over_in_two_steps():
    grid = Grid.initialised()
    old, new = grid.authority, grid.chain.wallet()

    grid.send(oracle.propose_authority(grid.at, authority=old.pubkey(), new_authority=new.pubkey()), old)
    before = config(grid).authority
    landed = grid.send(oracle.accept_authority(grid.at, pending_authority=new.pubkey()), new)

    assert (before, config(grid).authority) == (old.pubkey(), new.pubkey())
    assert bytes(config(grid).pending_authority) == bytes(32)
    (told,) = grid.events(landed)
    assert told.fields == {"old_authority": str(old.pubkey()), "new_authority": str(new.pubkey())}
