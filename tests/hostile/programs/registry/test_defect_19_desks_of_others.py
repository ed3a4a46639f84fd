"""Defect 19 at the oracle's door: whoever submits readings names the accounts that mint; the registry takes the pinned ones only.

The energy token refuses the same accounts by the same number, but it is asked only when something moves: where nothing does, the
registry alone can refuse. So each attempt is made with a reading that moves nothing and with one that mints.
"""

from collections.abc import Callable, Mapping
from typing import Final

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from programs.client.addresses import Addresses
from programs.client.instructions import token2022
from tests.support.grid import Grid
from tests.support.registry_steps import refusal
from tests.support.tampering import with_account

CLASSIC_TOKEN_PROGRAM: Final = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
PINNED: Final[Mapping[str, Callable[[Addresses], Pubkey]]] = {
    "registry authority": lambda at: at.registry.authority,
    "called program": lambda at: at.energy_token.id,
    "settings": lambda at: at.energy_token.config,
    "mint": lambda at: at.mint,
    "event authority": lambda at: at.energy_token.event_authority,
    "token program": lambda _: token2022.PROGRAM,
}


def twin(grid: Grid, name: str, pinned: Pubkey) -> Pubkey:
    """An account of the attacker's that looks as the pinned one does: its bytes under its owner, or another real program."""
    if name == "token program":
        return CLASSIC_TOKEN_PROGRAM
    if name == "called program":
        return grid.at.oracle.id
    key, owner = Keypair().pubkey(), {"settings": grid.at.energy_token.id, "mint": token2022.PROGRAM}.get(name)
    if owner is None:
        grid.chain.fund(key)
    else:
        grid.chain.write(key, grid.chain.data(pinned) or b"", owner)
    return key


def at_another_desk(instructions: list[Instruction], pinned: Pubkey, other: Pubkey) -> list[Instruction]:
    """The submission with one account of the desk exchanged."""
    *before, submission = instructions
    (position,) = [place for place, meta in enumerate(submission.accounts) if meta.pubkey == pinned]
    return [*before, with_account(submission, position, other)]


@pytest.mark.parametrize("generation_wh", [0, 400])
@pytest.mark.parametrize("name", PINNED)
def test_a_desk_with_another_account_than_the_pinned_one_is_refused_by_the_registry(name: str, generation_wh: int):
    grid = Grid.initialised()
    device, attester = grid.meter(), grid.attesters[0]
    pinned = PINNED[name](grid.at)
    honest = grid.proven(device.reading(1, generation_wh, measured_at=grid.now))
    before = grid.chain.data(device.address)

    forged = at_another_desk(honest, pinned, twin(grid, name, pinned))
    code = grid.refused(forged, attester, payer=attester, check_size=False)

    assert code == refusal("WrongAddress")
    assert (grid.chain.data(device.address), grid.supply(), grid.tokens(device.owner.pubkey())) == (before, 0, 0)
    grid.send(honest, attester, payer=attester, check_size=False)  # the desk alone was what was wrong
    assert grid.chain.data(device.address) != before
