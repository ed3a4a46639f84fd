"""Where on the chain a settlement by somebody else belongs, when what followed it was written down before it.

The bridge writes its own transactions down as they land; what others do, the indexer finds a little later.
"""

from typing import Final, Protocol

from solders.pubkey import Pubkey

from core.domain.errors import Unavailable
from core.store.ledger_rows import Late
from oracle_bridge.effects import effects_of
from oracle_bridge.history import Signatures
from programs.client.ids import ProgramIds
from programs.client.rpc import ConfirmedTransaction, SignatureInfo

A_LOOK: Final = 50
"""Transactions of one meter asked for at a time; the one that is looked for is usually among the first."""


class MeterHistory(Signatures, Protocol):
    """The part of `programs.client.rpc.ChainClient` that tells what happened to a meter."""

    async def transaction(self, signature: str) -> ConfirmedTransaction | None:
        """A transaction that landed."""
        ...


async def place(chain: MeterHistory, meter: Pubkey, meter_id: str, *, behind: str, ids: ProgramIds) -> Late:
    """What a meter's ledger had reached when a transaction settled it, and what followed that.

    Args:
        chain: the node.
        meter: the meter's account, which everything that touches its ledger names.
        meter_id: its id.
        behind: the settlement's signature.
        ids: our programs.

    Raises:
        Unavailable: the node is away or does not show a transaction that it lists.
    """
    later = frozenset(info.signature for info in await _pages(chain, meter, until=behind))
    before: str = behind
    while rows := await chain.signatures_for(meter, before=before, limit=A_LOOK):
        for info in rows:
            credited = None if info.err is not None else await _credited_by(chain, info.signature, meter_id, ids)
            if credited is not None:
                return Late(sequence=credited[0], entry_number=credited[1], later=later)
        before = rows[-1].signature
    return Late(sequence=0, entry_number=0, later=later)


async def _pages(chain: MeterHistory, meter: Pubkey, *, until: str) -> list[SignatureInfo]:
    found: list[SignatureInfo] = []
    while rows := await chain.signatures_for(meter, before=found[-1].signature if found else None, until=until):
        found += rows
    return found


async def _credited_by(chain: MeterHistory, signature: str, meter_id: str, ids: ProgramIds) -> tuple[int, int] | None:
    transaction = await chain.transaction(signature)
    if transaction is None:
        raise Unavailable(f"the chain's node lists transaction {signature} and does not show it")
    changes = [change for change in effects_of(transaction, ids).landed.changes if change.meter_id == meter_id]
    return next(((change.sequence, change.entry_number or 0) for change in changes if change.sequence is not None), None)
