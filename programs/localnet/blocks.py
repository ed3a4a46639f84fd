from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

MAX_BLOCKHASH_AGE = 150  # blocks; Solana's MAX_PROCESSING_AGE


class Commitment(StrEnum):
    """How settled a slot is; this chain never forks, so the levels differ only in age."""

    PROCESSED = "processed"
    CONFIRMED = "confirmed"
    FINALIZED = "finalized"


@dataclass(frozen=True, slots=True)
class Block:
    """A closed slot; every slot of this chain has a block, so heights have no gaps."""

    slot: int
    height: int
    blockhash: bytes
    parent_slot: int
    previous_blockhash: bytes
    time: int
    """Unix seconds when it closed."""
    transaction_count: int
    total_transactions: int
    """Landed since genesis, this block included."""

    @property
    def last_valid_height(self) -> int:
        """The last block height in which a transaction that names this blockhash can land."""
        return self.height + MAX_BLOCKHASH_AGE


def next_blockhash(secret: bytes, previous: bytes, slot: int, signatures: list[bytes]) -> bytes:
    """A blockhash that nobody without the chain's secret can foretell, and that no other chain repeats."""
    return sha256(b"localnet-block" + secret + previous + slot.to_bytes(8, "little") + b"".join(signatures)).digest()


class RecentBlocks:
    """The closed blocks whose hashes a transaction may still name, and a few more for finality."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._by_slot: dict[int, Block] = {}
        self._by_hash: dict[bytes, Block] = {}
        self._last: Block | None = None

    @property
    def last(self) -> Block:
        """The block that closed last."""
        if self._last is None:
            raise LookupError("a chain has at least its genesis block")
        return self._last

    def add(self, block: Block) -> None:
        """Append a block and let go of the oldest."""
        self._by_slot[block.slot] = block
        self._by_hash[block.blockhash] = block
        self._last = block
        if len(self._by_slot) > self._keep:
            oldest = self._by_slot.pop(next(iter(self._by_slot)))
            self._by_hash.pop(oldest.blockhash, None)

    def at(self, slot: int) -> Block | None:
        """The block of a slot, when it is recent."""
        return self._by_slot.get(slot)

    def valid(self, blockhash: bytes) -> Block | None:
        """The block a hash belongs to, when a transaction may name it in the block that is open now."""
        block = self._by_hash.get(blockhash)
        return block if block is not None and self.last.height + 1 <= block.last_valid_height else None

    def newest_first(self) -> list[Block]:
        """Recent blocks, newest first."""
        return list(reversed(self._by_slot.values()))
