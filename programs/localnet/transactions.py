from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

import msgspec
from solders.message import MessageV0, to_bytes_versioned
from solders.transaction import VersionedTransaction

from programs.localnet.accounts import AccountState

PACKET_DATA_SIZE = 1232  # bytes; IPv6 minimum MTU less headers
LOOKUP_TABLE_META_SIZE = 56
LOOKUP_TABLE_OWNER = bytes.fromhex("0277a6af97339b7ac88d1892c90446f50002309266f62e53c118244982000000")


class InnerCall(msgspec.Struct, array_like=True, frozen=True):
    """One cross-program call as recorded: indexes point into the transaction's account list."""

    program_index: int
    accounts: bytes
    data: bytes
    stack_height: int


class TokenBalance(msgspec.Struct, array_like=True, frozen=True):
    """What a token account of the transaction held, in base units."""

    account_index: int
    mint: bytes
    owner: bytes
    program: bytes
    amount: int
    decimals: int


class TransactionMeta(msgspec.Struct, array_like=True, frozen=True):
    """What happened: kept on disk beside the transaction's bytes."""

    err: bytes | None
    """The transaction error in JSON, as RPC reports it; `None` for success."""
    fee: int
    pre_balances: list[int]
    post_balances: list[int]
    inner: list[tuple[int, list[InnerCall]]]
    logs: list[str]
    pre_tokens: list[TokenBalance]
    post_tokens: list[TokenBalance]
    loaded_writable: list[bytes]
    loaded_readonly: list[bytes]
    return_data: tuple[bytes, bytes] | None
    """Program and data, when a program returned any."""
    compute_units: int


@dataclass(frozen=True, slots=True)
class TransactionRecord:
    """A transaction that landed, successful or not."""

    slot: int
    index: int
    signature: bytes
    message_hash: bytes
    wire: bytes
    meta: TransactionMeta

    def transaction(self) -> VersionedTransaction:
        """The transaction itself."""
        return VersionedTransaction.from_bytes(self.wire)

    def addresses(self) -> list[bytes]:
        """Every account it named, loaded ones included, in the order that instruction indexes use."""
        static = [bytes(key) for key in self.transaction().message.account_keys]
        return static + self.meta.loaded_writable + self.meta.loaded_readonly


class LookupTableError(ValueError):
    """An address lookup table cannot be resolved; the argument is Solana's error name."""


class Submission:
    """A decoded transaction on its way in, with its accounts resolved."""

    def __init__(self, transaction: VersionedTransaction) -> None:
        self.transaction = transaction
        self.message = transaction.message
        self.signature = bytes(transaction.signatures[0])
        self.blockhash = bytes(self.message.recent_blockhash)
        self.static_keys = [bytes(key) for key in self.message.account_keys]
        self.loaded_writable: list[bytes] = []
        self.loaded_readonly: list[bytes] = []

    @cached_property
    def wire(self) -> bytes:
        """The transaction's bytes."""
        return bytes(self.transaction)

    @cached_property
    def message_bytes(self) -> bytes:
        """What the signers signed."""
        return to_bytes_versioned(self.message)

    @cached_property
    def message_hash(self) -> bytes:
        """Identifies the message whatever its signatures."""
        return sha256(self.message_bytes).digest()

    @property
    def payer(self) -> bytes:
        """The first signer, who pays the fee."""
        return self.static_keys[0]

    @property
    def keys(self) -> list[bytes]:
        """All accounts in the order that instruction indexes use."""
        return self.static_keys + self.loaded_writable + self.loaded_readonly

    def resolve(self, read: Callable[[bytes], AccountState | None]) -> None:
        """Look up the accounts that a v0 message names through tables.

        Raises:
            LookupTableError: A table is missing, is not one, or is too short.
        """
        self.loaded_writable, self.loaded_readonly = [], []
        if not isinstance(self.message, MessageV0):
            return
        for lookup in self.message.address_table_lookups:
            table = read(bytes(lookup.account_key))
            if table is None:
                raise LookupTableError("AddressLookupTableNotFound")
            if table.owner != LOOKUP_TABLE_OWNER:
                raise LookupTableError("InvalidAddressLookupTableOwner")
            self.loaded_writable += [_table_entry(table.data, index) for index in lookup.writable_indexes]
            self.loaded_readonly += [_table_entry(table.data, index) for index in lookup.readonly_indexes]

    def writable_keys(self) -> list[bytes]:
        """Accounts that the transaction may change."""
        return [key for index, key in enumerate(self.static_keys) if self.is_static_writable(index)] + self.loaded_writable

    def is_static_writable(self, index: int) -> bool:
        """Whether the message's header asks to write one of its own accounts."""
        header = self.message.header
        if index < header.num_required_signatures:
            return index < header.num_required_signatures - header.num_readonly_signed_accounts
        return index < len(self.static_keys) - header.num_readonly_unsigned_accounts


def _table_entry(data: bytes, index: int) -> bytes:
    start = LOOKUP_TABLE_META_SIZE + 32 * index
    if len(data) < start + 32:
        raise LookupTableError("InvalidAddressLookupTableIndex")
    return data[start : start + 32]
