"""What settlement needs of the chain and of whoever builds transactions: the real ones are handed in by the service."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from solders.hash import Hash

from core.store.outbox import Kind
from core.store.work import DueMeter
from oracle_bridge.planner import Footprint, Plan
from programs.client.rpc import ConfirmedTransaction, SignatureStatus

Commitment = Literal["processed", "confirmed", "finalized"]


class Chain(Protocol):
    """The part of `programs.client.rpc.ChainClient` that sends and follows transactions."""

    async def latest_blockhash(self, commitment: Commitment | None = None) -> tuple[Hash, int]:
        """A recent blockhash and the last block height at which it is valid."""
        ...

    async def block_height(self, commitment: Commitment | None = None) -> int:
        """How many blocks there are."""
        ...

    async def send(self, wire: bytes, *, skip_preflight: bool = False, max_retries: int = 0) -> str:
        """Send a signed transaction; raises TransactionRefused, Unavailable or OutcomeUnknown."""
        ...

    async def statuses(self, signatures: Sequence[str], *, search_history: bool = False) -> list[SignatureStatus | None]:
        """How far transactions have come."""
        ...

    async def transaction(self, signature: str) -> ConfirmedTransaction | None:
        """A transaction that landed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedTransaction:
    """Bytes that may be sent, and the name they will have on chain."""

    signature: str
    wire: bytes


class Composer(Protocol):
    """Builds and signs a plan's transaction."""

    def measure(self, kind: Kind, meters: Sequence[DueMeter], lookup_table: str | None) -> Footprint:
        """What a transaction with these meters would take up."""
        ...

    def payer_for(self, kind: Kind, turn: int) -> str:
        """Who pays the `turn`-th transaction: payers take turns, so that several travel in parallel."""
        ...

    async def compose(self, plan: Plan, *, payer: str, salt: int, blockhash: Hash) -> SignedTransaction:
        """Build and sign; raises InvalidInput when it can't be built."""
        ...
