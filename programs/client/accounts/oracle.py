"""The oracle program's accounts."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from solders.pubkey import Pubkey

from programs.client.accounts.record import AccountRecord
from programs.client.layout import U8, U64, Key, array, raw

MAX_ATTESTERS = 8
MAX_PEAKS = 32


@dataclass(frozen=True, slots=True)
class OracleConfig(AccountRecord):
    """The oracle's settings."""

    idl_name: ClassVar[str] = "Config"

    authority: Key
    """Sets attesters, rules and pause."""
    pending_authority: Key
    """Proposed next authority; zero when none."""
    attesters: Annotated[tuple[Pubkey, ...], array(Key, MAX_ATTESTERS)]
    """Attesters; zero where unused."""
    rule_set_hash: Annotated[bytes, raw(32)]
    """SHA-256 of the rule set that attesters apply."""
    network: Annotated[bytes, raw(8)]
    """The network bytes, as in the registry."""
    reading_count: U64
    """Readings handed over in all."""
    attester_count: U8
    """Attesters in use."""
    threshold: U8
    """Attesters that a batch needs, 1 to 3; 0 refuses every batch."""
    paused: U8
    """Paused steps: credit 1."""
    bump: U8
    """Bump of this account's address."""
    reserved: Annotated[bytes, raw(36)]
    """Zero."""


@dataclass(frozen=True, slots=True)
class RootsAccount(AccountRecord):
    """A mountain range of the Merkle roots of attested batches."""

    idl_name: ClassVar[str] = "Roots"

    count: U64
    """Batches appended."""
    peaks: Annotated[tuple[bytes, ...], array(raw(32), MAX_PEAKS)]
    """Peak of height i; it counts where bit i of `count` is 1."""
    bump: U8
    """Bump of this account's address."""
    reserved: Annotated[bytes, raw(7)]
    """Zero."""
