"""What the chain answers, as frozen values: keys are keys, bytes are bytes, amounts are integers."""

from base64 import b64decode
from dataclasses import dataclass

import base58
import msgspec
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from programs.client.rpc.refusals import TransactionError


@dataclass(frozen=True, slots=True)
class AccountInfo:
    """One account at one slot."""

    lamports: int
    owner: Pubkey
    data: bytes
    executable: bool


@dataclass(frozen=True, slots=True)
class TokenBalance:
    """What a token account of a transaction held before or after it, in base units."""

    account: Pubkey
    mint: Pubkey
    owner: Pubkey | None
    base_units: int


@dataclass(frozen=True, slots=True)
class InnerInstruction:
    """One cross-program call of a transaction."""

    outer_index: int
    """Which of the transaction's instructions led to it."""
    program: Pubkey
    accounts: tuple[Pubkey, ...]
    data: bytes
    stack_height: int | None


@dataclass(frozen=True, slots=True)
class SignatureStatus:
    """How far a transaction has come."""

    slot: int
    err: TransactionError | None
    confirmation: str | None
    """`processed`, `confirmed`, `finalized`."""

    @property
    def is_confirmed(self) -> bool:
        """Whether a supermajority voted for its block."""
        return self.confirmation in ("confirmed", "finalized")

    @property
    def is_finalized(self) -> bool:
        """Whether it can no longer be rolled back."""
        return self.confirmation == "finalized"


@dataclass(frozen=True, slots=True)
class SignatureInfo:
    """One entry of an address's history."""

    signature: str
    slot: int
    err: TransactionError | None
    block_time: int | None


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a transaction would do."""

    err: TransactionError | None
    logs: tuple[str, ...]
    compute_units: int | None
    return_data: bytes | None


@dataclass(frozen=True, slots=True)
class ConfirmedTransaction:
    """A transaction that landed, successful or not."""

    signature: str
    slot: int
    block_time: int | None
    err: TransactionError | None
    fee: int
    """Lamports."""
    compute_units: int | None
    logs: tuple[str, ...]
    account_keys: tuple[Pubkey, ...]
    """In the order of the instructions' indexes: its own, then looked up writable, then read-only."""
    programs: tuple[Pubkey, ...]
    """The program of each top-level instruction."""
    inner_instructions: tuple[InnerInstruction, ...]
    """In the order of execution."""
    pre_token_balances: tuple[TokenBalance, ...]
    post_token_balances: tuple[TokenBalance, ...]
    wire: bytes


class RawAccount(msgspec.Struct):
    """`getAccountInfo` with base64."""

    lamports: int
    owner: str
    data: tuple[str, str]
    executable: bool

    def read(self) -> AccountInfo:
        """The account in our types."""
        return AccountInfo(self.lamports, Pubkey.from_string(self.owner), b64decode(self.data[0], validate=True), self.executable)


class RawKeyedAccount(msgspec.Struct):
    """One row of `getProgramAccounts`."""

    pubkey: str
    account: RawAccount


class RawStatus(msgspec.Struct, rename="camel"):
    """One row of `getSignatureStatuses`."""

    slot: int
    err: TransactionError | None = None
    confirmation_status: str | None = None


class RawSignature(msgspec.Struct, rename="camel"):
    """One row of `getSignaturesForAddress`."""

    signature: str
    slot: int
    err: TransactionError | None = None
    block_time: int | None = None


class RawReturnData(msgspec.Struct, rename="camel"):
    """Return data of a simulation."""

    data: tuple[str, str]


class RawSimulation(msgspec.Struct, rename="camel"):
    """`simulateTransaction`."""

    err: TransactionError | None = None
    logs: list[str] | None = None
    units_consumed: int | None = None
    return_data: RawReturnData | None = None

    def read(self) -> Simulation:
        """The simulation in our types."""
        data = None if self.return_data is None else b64decode(self.return_data.data[0], validate=True)
        return Simulation(self.err, tuple(self.logs or ()), self.units_consumed, data)


class RawTokenAmount(msgspec.Struct):
    """Amounts come as decimal text."""

    amount: str
    decimals: int


class _RawInner(msgspec.Struct, rename="camel"):
    program_id_index: int
    accounts: list[int]
    data: str
    stack_height: int | None = None


class _RawInnerGroup(msgspec.Struct):
    index: int
    instructions: list[_RawInner]


class _RawTokenBalance(msgspec.Struct, rename="camel"):
    account_index: int
    mint: str
    ui_token_amount: RawTokenAmount
    owner: str | None = None


class _RawLoaded(msgspec.Struct):
    writable: list[str] = []
    readonly: list[str] = []


class _RawMeta(msgspec.Struct, rename="camel"):
    fee: int
    err: TransactionError | None = None
    log_messages: list[str] | None = None
    inner_instructions: list[_RawInnerGroup] | None = None
    pre_token_balances: list[_RawTokenBalance] | None = None
    post_token_balances: list[_RawTokenBalance] | None = None
    loaded_addresses: _RawLoaded | None = None
    compute_units_consumed: int | None = None


class RawTransaction(msgspec.Struct, rename="camel"):
    """`getTransaction` with base64."""

    slot: int
    transaction: tuple[str, str]
    meta: _RawMeta
    block_time: int | None = None

    def read(self, signature: str) -> ConfirmedTransaction:
        """The transaction in our types."""
        wire = b64decode(self.transaction[0], validate=True)
        message = VersionedTransaction.from_bytes(wire).message
        meta = self.meta
        loaded = meta.loaded_addresses or _RawLoaded()
        keys = (*message.account_keys, *map(Pubkey.from_string, loaded.writable), *map(Pubkey.from_string, loaded.readonly))
        return ConfirmedTransaction(
            signature=signature,
            slot=self.slot,
            block_time=self.block_time,
            err=meta.err,
            fee=meta.fee,
            compute_units=meta.compute_units_consumed,
            logs=tuple(meta.log_messages or ()),
            account_keys=keys,
            programs=tuple(keys[instruction.program_id_index] for instruction in message.instructions),
            inner_instructions=_inner(meta.inner_instructions or [], keys),
            pre_token_balances=_balances(meta.pre_token_balances or [], keys),
            post_token_balances=_balances(meta.post_token_balances or [], keys),
            wire=wire,
        )


def _inner(groups: list[_RawInnerGroup], keys: tuple[Pubkey, ...]) -> tuple[InnerInstruction, ...]:
    return tuple(
        InnerInstruction(
            outer_index=group.index,
            program=keys[call.program_id_index],
            accounts=tuple(keys[index] for index in call.accounts),
            data=base58.b58decode(call.data),
            stack_height=call.stack_height,
        )
        for group in groups
        for call in group.instructions
    )


def _balances(rows: list[_RawTokenBalance], keys: tuple[Pubkey, ...]) -> tuple[TokenBalance, ...]:
    return tuple(
        TokenBalance(
            account=keys[row.account_index],
            mint=Pubkey.from_string(row.mint),
            owner=None if row.owner is None else Pubkey.from_string(row.owner),
            base_units=int(row.ui_token_amount.amount),
        )
        for row in rows
    )
