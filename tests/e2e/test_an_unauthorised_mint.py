"""A scenario of R3.6, and defect 16: nobody mints but the registry, for energy that a meter signed."""

from typing import Final

import pytest
from solana.rpc.types import TxOpts
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.transaction import VersionedTransaction

from programs.client.bootstrap import ensure_balance
from programs.client.errors import explain
from programs.client.ids import PROGRAM_IDS
from programs.client.instructions import energy_token, token2022
from programs.client.rpc import TransactionRefused
from tests.support.platform import SOL, Grid

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN_OWNER_MISMATCH: Final = "Custom:4"
"""Token-2022's `OwnerMismatch`: the mint's authority is another."""


async def refusal(grid: Grid, attacker: Keypair, *instructions: Instruction) -> str:
    """Send the attacker's own transaction, with and without preflight; returns the refusal in words."""
    blockhash, _ = await grid.platform.chain.latest_blockhash()
    message = MessageV0.try_compile(attacker.pubkey(), list(instructions), [], blockhash)
    transaction = VersionedTransaction(message, [attacker])
    with pytest.raises(TransactionRefused) as refused:
        await grid.platform.chain.send(bytes(transaction))
    signature = (await grid.rpc.send_transaction(transaction, opts=TxOpts(skip_preflight=True))).value
    await grid.rpc.confirm_transaction(signature, sleep_seconds=0.05)
    landed = await grid.platform.chain.transaction(str(signature))
    assert landed is not None
    assert landed.err is not None
    return explain(refused.value.err, PROGRAM_IDS, logs=refused.value.logs)


async def test_an_unauthorised_mint_is_refused_and_nothing_moves(grid: Grid):
    attacker = Keypair()
    await ensure_balance(grid.platform.chain, attacker.pubkey(), SOL)
    meter = await grid.enrol("ROB-001")
    assert (await grid.door("mqtt").send(meter, meter.states(5_000))).said == "accepted"
    await grid.minted(meter, 1)
    supply = await grid.supply()
    his_account = token2022.associated_address(attacker.pubkey(), grid.at.mint)
    target = grid.at.token_account(meter.owner.pubkey())
    amount = 1_000_000_000
    create = token2022.create_associated(attacker.pubkey(), attacker.pubkey(), grid.at.mint)

    direct = energy_token.mint_from_production(grid.at, amounts=[(his_account, amount)], registry_authority=attacker.pubkey())
    genuine = energy_token.mint_from_production(grid.at, amounts=[(his_account, amount)])
    unsigned = [AccountMeta(meta.pubkey, is_signer=False, is_writable=meta.is_writable) for meta in genuine.accounts]
    claimed = Instruction(genuine.program_id, genuine.data, unsigned)
    plain = token2022.mint_to_checked(grid.at.mint, his_account, attacker.pubkey(), amount, 9)
    burn = energy_token.burn_for_consumption(grid.at, amounts=[(target, amount)], registry_authority=attacker.pubkey())
    enable = energy_token.set_minting_enabled(grid.at, authority=attacker.pubkey(), enabled=False)

    assert "WrongAddress" in await refusal(grid, attacker, create, direct)
    assert "MissingSigner" in await refusal(grid, attacker, create, claimed)
    assert TOKEN_OWNER_MISMATCH in await refusal(grid, attacker, create, plain)
    assert "WrongAddress" in await refusal(grid, attacker, burn)
    assert "Unauthorized" in await refusal(grid, attacker, enable)
    assert await grid.supply() == supply
    assert await grid.tokens(meter.owner.pubkey()) == 5_000_000_000
    assert (await grid.rpc.get_account_info(his_account)).value is None
    await grid.at_rest()
