"""The mint and its settings as `initialize` leaves them."""

from solders.pubkey import Pubkey

from programs.client.accounts import EnergyTokenConfig
from tests.support.grid import Grid

TOKEN_METADATA = 19
"""Token-2022's extension type."""
METADATA_POINTER = 18


def extensions(mint: bytes) -> dict[int, bytes]:
    """Token-2022's extensions behind the base of 165 bytes and the account type: type u16, length u16, value."""
    found, at = {}, 166
    while at + 4 <= len(mint):
        kind, length = int.from_bytes(mint[at : at + 2], "little"), int.from_bytes(mint[at + 2 : at + 4], "little")
        found[kind] = mint[at + 4 : at + 4 + length]
        at += 4 + length
    return found


def texts(metadata: bytes) -> list[str]:
    """Name, symbol and URI behind the two keys."""
    found, at = [], 64
    for _ in range(3):
        length = int.from_bytes(metadata[at : at + 4], "little")
        found.append(metadata[at + 4 : at + 4 + length].decode())
        at += 4 + length
    return found


def test_the_mint_has_nine_decimals_no_supply_and_nobody_who_can_freeze():
    grid = Grid.deployed()

    grid.send(grid.initialize_energy_token(), grid.upgrade)

    mint = grid.chain.data(grid.at.mint)
    assert mint is not None
    assert mint[0:4] == b"\1\0\0\0"
    assert Pubkey(mint[4:36]) == grid.at.energy_token.config
    assert (int.from_bytes(mint[36:44], "little"), mint[44]) == (0, 9)
    assert mint[46:50] == bytes(4)


def test_name_and_symbol_lie_in_the_mint_and_nobody_can_point_elsewhere():
    grid = Grid.deployed()

    grid.send(grid.initialize_energy_token(), grid.upgrade)

    found = extensions(grid.chain.data(grid.at.mint) or b"")
    assert set(found) == {METADATA_POINTER, TOKEN_METADATA}
    assert found[METADATA_POINTER] == bytes(32) + bytes(grid.at.mint)
    assert texts(found[TOKEN_METADATA]) == ["GridTokenX Energy", "GRID", ""]


def test_the_settings_name_the_registry_as_the_only_caller():
    grid = Grid.deployed()

    landed = grid.send(grid.initialize_energy_token(), grid.upgrade)

    config = EnergyTokenConfig.decode(grid.chain.data(grid.at.energy_token.config) or b"")
    assert config.authority == grid.authority.pubkey()
    assert config.registry_authority == grid.at.registry.authority
    assert (config.mint, config.minting_enabled) == (grid.at.mint, 1)
    assert (config.minted_units, config.burned_units, config.retired_units) == (0, 0, 0)
    assert [event.name for event in grid.events(landed)] == ["TokenInitialized"]


def test_lamports_sent_ahead_do_not_stop_the_initialisation():
    grid = Grid.deployed()
    grid.chain.fund(grid.at.mint, 1)
    grid.chain.fund(grid.at.energy_token.config, 900_000)

    grid.send(grid.initialize_energy_token(), grid.upgrade)

    assert grid.supply() == 0
    assert grid.chain.lamports(grid.at.mint) >= grid.chain.rent(len(grid.chain.data(grid.at.mint) or b""))
