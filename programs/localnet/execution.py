from collections.abc import Mapping
from dataclasses import dataclass, replace

import msgspec
from solders.pubkey import Pubkey
from solders.transaction_metadata import TransactionMetadata

from programs.localnet.accounts import AccountIndex, AccountState, Changes
from programs.localnet.fees import priority_fee, signature_fee
from programs.localnet.machine import LAMPORTS_PER_BYTE_YEAR, Machine
from programs.localnet.outcome import landed_meta, token_balances
from programs.localnet.transactions import Submission, TransactionMeta

ACCOUNT_OVERHEAD = 128  # bytes that rent counts beside the data


@dataclass(frozen=True, slots=True)
class Refusal:
    """A transaction that cannot land; nothing moved."""

    err: bytes
    """The transaction error in JSON."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a transaction would do now."""

    err: bytes | None
    meta: TransactionMetadata | None
    accounts: Mapping[bytes, AccountState | None]


def refusal(name: str) -> Refusal:
    """A refusal by the name of its error."""
    return Refusal(msgspec.json.encode(name))


class Executor:
    """Runs transactions by the rules that LiteSVM leaves out: priority fees, and rent-exempt accounts only."""

    def __init__(self, machine: Machine, accounts: AccountIndex) -> None:
        self._machine, self._accounts = machine, accounts

    def simulate(self, submission: Submission) -> Simulation:
        """Run without effect."""
        payer, priority = self._machine.read(submission.payer), priority_fee(submission.message)
        short = _cannot_pay(payer, signature_fee(submission.message) + priority)
        if short is not None:
            return Simulation(short.err, None, {})
        self._offer(submission, payer, priority)
        try:
            err, meta, accounts = self._machine.simulate(submission.transaction)
        finally:
            self._machine.write(submission.payer, payer)
        after: Changes = {bytes(address): AccountState.read(account) for address, account in accounts}
        return Simulation(err or self._rent_error(submission, after), meta, after)

    def execute(self, submission: Submission) -> tuple[TransactionMeta, Changes] | Refusal:
        """Run for good; a failing transaction that can pay its fee lands with its error."""
        keys = submission.keys
        before = [self._machine.balance(key) for key in keys]
        tokens_before = token_balances(keys, self._accounts)
        payer, priority = self._machine.read(submission.payer), priority_fee(submission.message)
        fee = signature_fee(submission.message) + priority
        short = _cannot_pay(payer, fee)
        if short is not None:
            return short
        self._offer(submission, payer, priority)
        err, meta = self._machine.execute(submission.transaction)
        changes = self._changes(submission)
        if err is not None and self._machine.balance(submission.payer) == before[0] - priority:
            self._machine.write(submission.payer, payer)
            return Refusal(err)
        rent_error = None if err is not None else self._rent_error(submission, changes)
        if rent_error is not None:
            err, changes = rent_error, self._undo(submission, changes, fee)
        for address, state in changes.items():
            self._accounts.put(address, state)
        after = [self._machine.balance(key) for key in keys]
        tokens = (tokens_before, token_balances(keys, self._accounts))
        return landed_meta(submission, err, meta, (before, after), tokens), changes

    def _offer(self, submission: Submission, payer: AccountState | None, priority: int) -> None:
        if priority and payer is not None:
            self._machine.write(submission.payer, replace(payer, lamports=payer.lamports - priority))

    def _changes(self, submission: Submission) -> Changes:
        changes: Changes = {}
        for address in submission.writable_keys():
            state = self._machine.read(address)
            if state != self._accounts.get(address):
                changes[address] = state
        return changes

    def _undo(self, submission: Submission, changes: Changes, fee: int) -> Changes:
        payer = self._accounts.get(submission.payer)
        for address in changes:
            self._machine.write(address, self._accounts.get(address))
        if payer is None:
            return {}
        charged = replace(payer, lamports=payer.lamports - fee)
        self._machine.write(submission.payer, charged)
        return {submission.payer: charged}

    def _rent_error(self, submission: Submission, after: Changes) -> bytes | None:
        writable = set(submission.writable_keys())
        for index, address in enumerate(submission.keys):
            state = after.get(address)
            if address in writable and state is not None and not _may_hold(self._accounts.get(address), state):
                return msgspec.json.encode({"InsufficientFundsForRent": {"account_index": index}})
        return None


def minimum_balance(data_len: int) -> int:
    """Lamports that make an account rent-exempt."""
    return (ACCOUNT_OVERHEAD + data_len) * LAMPORTS_PER_BYTE_YEAR


def _may_hold(before: AccountState | None, after: AccountState) -> bool:
    if after.lamports == 0 or after.lamports >= minimum_balance(len(after.data)):
        return True
    return before is not None and before.lamports >= after.lamports and len(before.data) == len(after.data) and _in_debt(before)


def _in_debt(state: AccountState) -> bool:
    return state.lamports < minimum_balance(len(state.data))


def _cannot_pay(payer: AccountState | None, fee: int) -> Refusal | None:
    if payer is None:
        return refusal("AccountNotFound")
    if payer.owner != bytes(Pubkey.default()):
        return refusal("InvalidAccountForFee")
    left = payer.lamports - fee
    if left < 0:
        return refusal("InsufficientFundsForFee")
    if 0 < left < minimum_balance(len(payer.data)) and not _in_debt(payer):
        return Refusal(b'{"InsufficientFundsForRent":{"account_index":0}}')
    return None
