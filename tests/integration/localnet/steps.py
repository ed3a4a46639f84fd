import itertools
from collections.abc import Sequence
from pathlib import Path

from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed
from solana.rpc.types import TxOpts
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from programs.localnet import GenesisProgram, LocalnetConfig

SOL = 10**9
_seconds = itertools.count(1_750_000_000)


def fast(data_dir: Path | None = None, programs: tuple[GenesisProgram, ...] = ()) -> LocalnetConfig:
    """A localnet on a free port with short slots."""
    return LocalnetConfig(now=lambda: next(_seconds), data_dir=data_dir, port=0, slot_ms=10, finality_slots=4, programs=programs)


async def funded(client: AsyncClient, lamports: int = 10 * SOL) -> Keypair:
    keypair = Keypair()
    signature = (await client.request_airdrop(keypair.pubkey(), lamports)).value
    await client.confirm_transaction(signature, Confirmed, sleep_seconds=0.01)
    return keypair


async def signed(
    client: AsyncClient,
    instructions: Sequence[Instruction],
    *signers: Keypair,
    tables: Sequence[AddressLookupTableAccount] = (),
) -> VersionedTransaction:
    blockhash = (await client.get_latest_blockhash(Confirmed)).value.blockhash
    message = MessageV0.try_compile(signers[0].pubkey(), list(instructions), list(tables), blockhash)
    return VersionedTransaction(message, list(signers))


async def confirmed(
    client: AsyncClient,
    instructions: Sequence[Instruction],
    *signers: Keypair,
    tables: Sequence[AddressLookupTableAccount] = (),
) -> Signature:
    """Send, and wait until it is confirmed."""
    transaction = await signed(client, instructions, *signers, tables=tables)
    signature = (await client.send_transaction(transaction, TxOpts(preflight_commitment=Confirmed))).value
    status = (await client.confirm_transaction(signature, Confirmed, sleep_seconds=0.01)).value[0]
    assert status is not None
    assert status.err is None
    return signature
