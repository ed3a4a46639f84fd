"""Ed25519's edges over the embedded chain's RPC: in the precompile, and as signatures of transactions themselves."""

import struct
from typing import Final

import pytest
from solana.rpc.core import RPCException
from solana.rpc.types import TxOpts
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from programs.client.bootstrap import ensure_balance
from programs.client.instructions import ed25519
from programs.client.rpc import TransactionRefused
from tests.support.edge_signatures import NAMES, UNDER_A_SOUND_KEY, Edge, edge_of
from tests.support.platform import SOL, Grid

pytestmark = pytest.mark.asyncio(loop_scope="module")
SEED: Final = bytes(range(96, 128))
PAYER: Final = Keypair.from_seed(SEED)
MESSAGE: Final = b"what a device would have signed".ljust(64, b".")
ITSELF: Final = 0xFFFF


def check(edge: Edge) -> Instruction:
    """The precompile over bytes of its own instruction."""
    fields = struct.pack("<BB7H", 1, 0, 16, ITSELF, 80, ITSELF, 112, len(MESSAGE), ITSELF)
    return Instruction(ed25519.PROGRAM, fields + edge.signature + edge.public_key + MESSAGE, [])


async def message_of(grid: Grid, *instructions: Instruction) -> MessageV0:
    blockhash, _ = await grid.platform.chain.latest_blockhash()
    return MessageV0.try_compile(PAYER.pubkey(), list(instructions), [], blockhash)


@pytest.mark.parametrize("name", NAMES)
async def test_the_precompile_takes_exactly_what_holds(grid: Grid, name: str):
    await ensure_balance(grid.platform.chain, PAYER.pubkey(), SOL)
    edge = edge_of(name, MESSAGE, SEED)
    transaction = VersionedTransaction(await message_of(grid, check(edge)), [PAYER])

    if edge.holds:
        signature = (await grid.rpc.send_transaction(transaction)).value
        await grid.rpc.confirm_transaction(signature, sleep_seconds=0.05)
        landed = await grid.platform.chain.transaction(str(signature))
        assert landed is not None
        assert landed.err is None
    else:
        with pytest.raises(TransactionRefused) as refused:
            await grid.platform.chain.send(bytes(transaction))
        assert "InstructionError" in str(refused.value.err)


@pytest.mark.parametrize("preflight", [True, False], ids=["with preflight", "without"])
@pytest.mark.parametrize("name", [name for name in UNDER_A_SOUND_KEY if name != "genuine"])
async def test_no_transaction_is_signed_by_an_edge(grid: Grid, name: str, *, preflight: bool):
    await ensure_balance(grid.platform.chain, PAYER.pubkey(), SOL)
    before = (await grid.rpc.get_balance(PAYER.pubkey())).value
    stranger = Keypair().pubkey()
    message = await message_of(grid, transfer(TransferParams(from_pubkey=PAYER.pubkey(), to_pubkey=stranger, lamports=SOL // 2)))
    edge = edge_of(name, bytes([0x80]) + bytes(message), SEED)
    transaction = VersionedTransaction.populate(message, [Signature(edge.signature)])

    with pytest.raises(RPCException, match="SignatureVerificationFailure"):
        await grid.rpc.send_transaction(transaction, opts=TxOpts(skip_preflight=not preflight))

    assert (await grid.rpc.get_balance(PAYER.pubkey())).value == before
    assert (await grid.rpc.get_balance(stranger)).value == 0
