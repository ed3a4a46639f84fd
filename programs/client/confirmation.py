"""One transaction, followed until it has landed or can no longer land: for set-up and commands. The bridge has its outbox."""

import asyncio
from collections.abc import Sequence

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import Instruction
from solders.signature import Signature

from core.domain.errors import OutcomeUnknown, Unavailable
from programs.client import transactions
from programs.client.rpc import ChainClient, SignatureStatus, TransactionRefused
from programs.client.signer import Signer

FIRST_LOOK_S = 0.02
LONGEST_PAUSE_S = 1.0
SEND_AGAIN_S = 2.0
"""Packets get lost; the same bytes may be sent any number of times."""


class Expired(Unavailable):
    """The transaction did not land while its blockhash was valid, and never will: it may be made anew."""


async def send_confirmed(
    client: ChainClient,
    payer: Signer,
    instructions: Sequence[Instruction],
    signers: Sequence[Signer] = (),
    tables: Sequence[AddressLookupTableAccount] = (),
) -> str:
    """Sign, send, and wait until the transaction is confirmed; returns its signature.

    Args:
        client: the chain.
        payer: pays the fee.
        instructions: in order of execution.
        signers: who must sign besides the payer.
        tables: lookup tables.

    Raises:
        TransactionRefused: it failed, in preflight or on the chain.
        Expired: it did not land in time.
        InvalidInput: a signature is missing or it is too large.
        Unavailable: the node did not answer before anything was sent.
    """
    blockhash, last_valid = await client.latest_blockhash()
    wire = await transactions.signed(payer, instructions, blockhash, signers, tables)
    signature = str(Signature.from_bytes(wire[1:65]))
    await _send(client, wire)
    status = await _landed(client, wire, signature, last_valid)
    if status.err is not None:
        landed = await client.transaction(signature)
        raise TransactionRefused(status.err, () if landed is None else landed.logs)
    return signature


async def _send(client: ChainClient, wire: bytes) -> None:
    try:
        await client.send(wire)
    except OutcomeUnknown:
        return


async def _landed(client: ChainClient, wire: bytes, signature: str, last_valid: int) -> SignatureStatus:
    pause_s, since_sent_s = FIRST_LOOK_S, 0.0
    while True:
        await asyncio.sleep(pause_s)
        since_sent_s += pause_s
        pause_s = min(LONGEST_PAUSE_S, pause_s * 1.5)
        try:
            expired, status = await _look(client, signature, last_valid)
        except Unavailable:
            continue
        if status is not None and status.is_confirmed:
            return status
        if status is None and expired:
            raise Expired("the transaction did not land while its blockhash was valid; make it anew")
        if status is None and since_sent_s >= SEND_AGAIN_S:
            since_sent_s = 0.0
            await _send_again(client, wire)


async def _look(client: ChainClient, signature: str, last_valid: int) -> tuple[bool, SignatureStatus | None]:
    """The height comes first: a transaction that lands in between is then still seen."""
    expired = await client.block_height() > last_valid
    return expired, (await client.statuses([signature], search_history=expired))[0]


async def _send_again(client: ChainClient, wire: bytes) -> None:
    try:
        await client.send(wire, skip_preflight=True)
    except (OutcomeUnknown, TransactionRefused, Unavailable):
        return
