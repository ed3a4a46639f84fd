"""Buffers that no program took: lamports that wait for their owner."""

from collections.abc import Sequence
from dataclasses import dataclass

from solders.pubkey import Pubkey

from programs.client import loader
from programs.client.confirmation import send_confirmed
from programs.client.deployment.builds import Build
from programs.client.deployment.survey import survey
from programs.client.instructions import upgradeable_loader
from programs.client.rpc import ChainClient, RpcRefused
from programs.client.signer import Signer


@dataclass(frozen=True, slots=True)
class Leftover:
    """A buffer of an authority."""

    address: Pubkey
    lamports: int


async def leftover_buffers(client: ChainClient, builds: Sequence[Build], authority: Pubkey) -> list[Leftover]:
    """All buffers of an authority; on a node that does not search accounts, those of these builds."""
    try:
        rows = await client.program_accounts(loader.PROGRAM, [(0, loader.buffer_head(authority))])
    except RpcRefused:
        seen = await survey(client, builds, authority)
        return [Leftover(row.buffer_address, row.buffer_lamports) for row in seen if row.buffer is not None]
    return [Leftover(address, account.lamports) for address, account in rows]


async def close_buffers(client: ChainClient, buffers: Sequence[Leftover], payer: Signer, authority: Signer) -> None:
    """Close buffers; their lamports go to the payer.

    Raises:
        TransactionRefused: one is not the authority's any more.
        Expired: a transaction did not land; a later run goes on.
    """
    for buffer in buffers:
        instruction = upgradeable_loader.close_buffer(buffer.address, payer.pubkey, authority.pubkey)
        await send_confirmed(client, payer, [instruction], [authority])
