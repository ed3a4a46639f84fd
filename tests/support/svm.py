"""LiteSVM with the committed program artifacts under the upgradeable loader: a chain in a variable."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from solders.account import Account
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.clock import Clock
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.rent import Rent
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata

from programs.client import loader
from programs.client.errors import code_of
from programs.client.instructions import lookup_table
from programs.client.rpc import ConfirmedTransaction, InnerInstruction
from programs.client.transactions import MAX_ACCOUNTS, PACKET_DATA_SIZE, account_count, size_of

NOW = 1_700_000_000
"""Unix seconds at which every test chain starts."""
SLOT = 1_000
LAMPORTS = 100_000_000_000
ARTIFACTS = Path(__file__).parents[2] / "programs" / "artifacts"
_LOOKUP_TABLE_META = (1).to_bytes(4, "little") + b"\xff" * 8 + bytes(8) + b"\0" + b"\1"


class Refused(Exception):  # noqa: N818  # named after what happened to the transaction
    """A transaction failed; nothing of it happened but the fee."""

    def __init__(self, err: Any, logs: Sequence[str]) -> None:
        super().__init__(f"{err}\n" + "\n".join(logs))
        self.err = err
        self.logs = tuple(logs)

    @property
    def code(self) -> int | None:
        """The program's own error code, if it was one."""
        return code_of(self.err)

    @property
    def instruction(self) -> int | None:
        """Index of the failing instruction."""
        return self.err["InstructionError"][0] if isinstance(self.err, dict) and "InstructionError" in self.err else None

    @property
    def reason(self) -> str:
        """Solana's name of an error that is not a program's own."""
        if isinstance(self.err, str):
            return self.err
        inner = self.err.get("InstructionError", (0, next(iter(self.err))))[1]
        return inner if isinstance(inner, str) else next(iter(inner))


@dataclass(frozen=True)
class Landed:
    """A transaction that succeeded."""

    transaction: VersionedTransaction
    meta: TransactionMetadata
    keys: tuple[Pubkey, ...]

    @property
    def compute_units(self) -> int:
        """Units the whole transaction used."""
        return self.meta.compute_units_consumed()

    @property
    def size(self) -> int:
        """Bytes on the wire."""
        return len(bytes(self.transaction))

    def confirmed(self) -> ConfirmedTransaction:
        """The transaction as `ChainClient.transaction` would give it."""
        message = self.transaction.message
        inner = tuple(
            InnerInstruction(
                outer_index=outer,
                program=self.keys[call.instruction().program_id_index],
                accounts=tuple(self.keys[index] for index in call.instruction().accounts),
                data=bytes(call.instruction().data),
                stack_height=None,
            )
            for outer, calls in enumerate(self.meta.inner_instructions())
            for call in calls
        )
        return ConfirmedTransaction(
            signature=str(self.transaction.signatures[0]),
            slot=SLOT,
            block_time=NOW,
            err=None,
            fee=0,
            compute_units=self.compute_units,
            logs=tuple(self.meta.logs()),
            account_keys=self.keys,
            programs=tuple(self.keys[instruction.program_id_index] for instruction in message.instructions),
            inner_instructions=inner,
            pre_token_balances=(),
            post_token_balances=(),
            wire=bytes(self.transaction),
        )


class Svm:
    """A chain with nothing on it but Solana's own programs.

    Signatures, the Ed25519 precompile and the packet size are checked; each transaction gets its own blockhash, so that
    equal ones may follow each other.
    """

    def __init__(self) -> None:
        self.svm = LiteSVM()
        self.svm.set_rent(Rent(6960, 1.0, 50))
        self.now = NOW
        self.slot = SLOT
        self._drawn = 0
        self._set_clock()
        self.payer = self.wallet()

    def _set_clock(self) -> None:
        self.svm.set_clock(Clock(self.slot, self.now, 0, 1, self.now))

    def warp(self, seconds: int) -> None:
        """Let time pass."""
        self.now += seconds
        self.slot += max(1, seconds * 5 // 2)
        self._set_clock()

    def keypair(self) -> Keypair:
        """A new key: the same in every run, so that compute units repeat exactly."""
        self._drawn += 1
        return Keypair.from_seed(sha256(b"test key %d" % self._drawn).digest())

    def wallet(self, lamports: int = LAMPORTS) -> Keypair:
        """A new key with lamports."""
        keypair = self.keypair()
        self.fund(keypair.pubkey(), lamports)
        return keypair

    def fund(self, key: Pubkey, lamports: int = LAMPORTS) -> None:
        """Put lamports at an address."""
        self.svm.set_account(key, Account(lamports, b"", Pubkey.default()))

    def deploy(self, program: Pubkey, elf: bytes, upgrade_authority: Pubkey | None) -> None:
        """Put a program under the upgradeable loader, as a real deployment leaves it."""
        data_address = loader.program_data_address(program)
        data = loader.ProgramData(slot=0, upgrade_authority=upgrade_authority, elf=elf).encode()
        self.svm.set_account(data_address, Account(self.rent(len(data)), data, loader.PROGRAM))
        code = loader.encode_program(data_address)
        self.svm.set_account(program, Account(self.rent(len(code)), code, loader.PROGRAM, executable=True))

    def rent(self, size: int) -> int:
        """Lamports that exempt an account from rent."""
        return self.svm.minimum_balance_for_rent_exemption(size)

    def data(self, key: Pubkey) -> bytes | None:
        """An account's data, or `None` where there is nothing."""
        account = self.svm.get_account(key)
        return None if account is None or account.lamports == 0 else bytes(account.data)

    def lamports(self, key: Pubkey) -> int:
        """Lamports at an address."""
        return self.svm.get_balance(key) or 0

    def write(self, key: Pubkey, data: bytes, owner: Pubkey) -> None:
        """Put an account, past all rules: for hostile tests."""
        self.svm.set_account(key, Account(self.rent(len(data)), data, owner))

    def table(self, addresses: Sequence[Pubkey]) -> AddressLookupTableAccount:
        """A lookup table of these addresses, usable at once."""
        key = Pubkey.new_unique()
        data = _LOOKUP_TABLE_META.ljust(56, b"\0") + b"".join(map(bytes, addresses))
        self.write(key, data, lookup_table.PROGRAM)
        return lookup_table.decode(key, data)

    def send(
        self,
        instructions: Sequence[Instruction],
        signers: Sequence[Keypair] = (),
        *,
        payer: Keypair | None = None,
        tables: Sequence[AddressLookupTableAccount] = (),
        check_size: bool = True,
    ) -> Landed:
        """Sign, send and expect success.

        Args:
            instructions: in order.
            signers: besides the payer; those that the message does not need are left out.
            payer: by default the chain's own.
            tables: lookup tables.
            check_size: hold the packet limit of 1,232 bytes.

        Raises:
            Refused: it failed.
        """
        message, transaction = self.sign(instructions, signers, payer=payer, tables=tables)
        assert account_count(message) <= MAX_ACCOUNTS, f"{account_count(message)} accounts: LiteSVM 0.26 would let them through"
        assert not check_size or size_of(message) <= PACKET_DATA_SIZE, f"{size_of(message)} bytes"
        result = self.svm.send_transaction(transaction)
        if isinstance(result, FailedTransactionMetadata):
            err = msgspec.json.decode(result.to_json())["err"]
            raise Refused(err, result.meta().logs())
        return Landed(transaction, result, _all_keys(message, tables))

    def refused(self, *args: Any, **kwargs: Any) -> Refused:
        """Send and expect a refusal."""
        try:
            self.send(*args, **kwargs)
        except Refused as refusal:
            return refusal
        raise AssertionError("the transaction succeeded")

    def sign(
        self,
        instructions: Sequence[Instruction],
        signers: Sequence[Keypair] = (),
        *,
        payer: Keypair | None = None,
        tables: Sequence[AddressLookupTableAccount] = (),
    ) -> tuple[MessageV0, VersionedTransaction]:
        """Compile and sign without sending."""
        payer = payer or self.payer
        self.svm.expire_blockhash()
        message = MessageV0.try_compile(payer.pubkey(), list(instructions), list(tables), self.blockhash())
        required = set(message.account_keys[: message.header.num_required_signatures])
        by_key = {keypair.pubkey(): keypair for keypair in (payer, *signers)}
        missing = required - set(by_key)
        assert not missing, f"no key for {missing}"
        return message, VersionedTransaction(message, [by_key[key] for key in by_key if key in required])

    def blockhash(self) -> Hash:
        """The latest blockhash."""
        return self.svm.latest_blockhash()


def _all_keys(message: MessageV0, tables: Sequence[AddressLookupTableAccount]) -> tuple[Pubkey, ...]:
    by_key = {table.key: table.addresses for table in tables}
    lookups = message.address_table_lookups
    writable = [by_key[row.account_key][index] for row in lookups for index in row.writable_indexes]
    readonly = [by_key[row.account_key][index] for row in lookups for index in row.readonly_indexes]
    return (*message.account_keys, *writable, *readonly)


def artifact(name: str) -> bytes:
    """A program's compiled bytes."""
    return (ARTIFACTS / f"{name}.so").read_bytes()
