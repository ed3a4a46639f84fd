import sqlite3
from collections import deque
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from solders.pubkey import Pubkey

from programs.localnet.accounts import AccountIndex, AccountState, Changes
from programs.localnet.blocks import Block, Commitment, RecentBlocks, next_blockhash
from programs.localnet.config import LocalnetConfig
from programs.localnet.errors import LocalnetError
from programs.localnet.execution import Executor, Refusal, Simulation, refusal
from programs.localnet.faucet import faucet_transfer
from programs.localnet.genesis import ChainIdentity, faucet_account, program_accounts, program_data_address
from programs.localnet.machine import PROGRAM_TAG, SLOT_HASHES, UPGRADEABLE_LOADER, Machine
from programs.localnet.storage import Storage
from programs.localnet.transactions import LookupTableError, Submission, TransactionRecord

EMPTY_BLOCKS_KEPT = 216_000  # slots, a day of 400 ms; older blocks without transactions are forgotten
PRUNE_EVERY = 1024  # slots
MAX_ACCOUNT_LOCKS = 64  # accounts a transaction may name, loaded ones included


class ChainObserver(Protocol):
    """Is told, synchronously, what happens; subscriptions are one."""

    def transaction_landed(self, record: TransactionRecord, changes: Changes) -> None:
        """A transaction executed in the open slot."""
        ...

    def slot_closed(self, closed: "SlotLog", finalized: "SlotLog | None") -> None:
        """A slot became confirmed, and an earlier one final."""
        ...


@dataclass(slots=True)
class SlotLog:
    """What one slot did, kept in memory until it is final."""

    slot: int
    records: list[TransactionRecord] = field(default_factory=list[TransactionRecord])
    changes: Changes = field(default_factory=Changes)


class Chain:
    """The embedded chain itself: synchronous, single-threaded, no network, no timer.

    Transactions execute on arrival into the open slot (processed); `close_slot` makes its block (confirmed), and
    `finality_slots` later it is finalized. There is one state: reads at any commitment see the newest one, while
    statuses, histories and subscriptions keep to the level asked for. Nothing is ever rolled back.
    Durable nonces are not offered: a transaction lands only with a recent blockhash of this chain.
    """

    def __init__(self, config: LocalnetConfig) -> None:
        self._now: Callable[[], int] = config.now
        self.finality_slots = config.finality_slots
        self.storage = Storage(config.data_dir)
        self.accounts = AccountIndex()
        self.blocks = RecentBlocks(max(SLOT_HASHES, config.finality_slots + 2))
        self._machine = Machine()
        self._executor = Executor(self._machine, self.accounts)
        self._pending: deque[SlotLog] = deque()
        self._observers: list[ChainObserver] = []
        self._airdrops = 0
        self.halted = ""
        """Why the chain stopped for good; empty while it is well."""
        try:
            self.identity = self._open(config)
            self._deploy(config)
            self.storage.commit()
        except BaseException:
            self.storage.close()
            raise

    # -- where the chain stands ------------------------------------------------------------------------------------

    @property
    def open_slot(self) -> int:
        """The slot that takes transactions now."""
        return self._open_log.slot

    def slot(self, commitment: Commitment) -> int:
        """The newest slot at a commitment."""
        if commitment is Commitment.PROCESSED:
            return self.open_slot
        confirmed = self.blocks.last.slot
        return confirmed if commitment is Commitment.CONFIRMED else max(0, confirmed - self.finality_slots)

    def block_height(self, commitment: Commitment) -> int:
        """The newest block height at a commitment; the open block counts as processed."""
        if commitment is Commitment.PROCESSED:
            return self.blocks.last.height + 1
        return self._block_at(commitment).height

    def _block_at(self, commitment: Commitment) -> Block:
        slot = min(self.slot(commitment), self.blocks.last.slot)
        block = self.blocks.at(slot) or self.storage.block(slot)
        return self.blocks.last if block is None else block

    def latest_block(self, commitment: Commitment) -> Block:
        """The block whose hash a new transaction should name."""
        return self._block_at(commitment)

    def commitment_of(self, slot: int) -> Commitment:
        """How settled a slot is."""
        if slot <= self.slot(Commitment.FINALIZED):
            return Commitment.FINALIZED
        return Commitment.CONFIRMED if slot <= self.blocks.last.slot else Commitment.PROCESSED

    def unix_time(self) -> int:
        """Chain time in Unix seconds: the wall clock, never backwards."""
        self._time = max(self._time, self._now())
        return self._time

    def block_time(self, slot: int) -> int | None:
        """When a slot closed, or chain time for the open one."""
        if slot == self.open_slot:
            return self.unix_time()
        block = self.blocks.at(slot) or self.storage.block(slot)
        return None if block is None else block.time

    @property
    def transaction_count(self) -> int:
        """Landed since genesis."""
        return self.blocks.last.total_transactions + len(self._open_log.records)

    # -- accounts --------------------------------------------------------------------------------------------------

    def account(self, address: Pubkey | bytes) -> AccountState | None:
        """An account as it stands now, sysvars and built-in programs included."""
        key = bytes(address)
        known = self.accounts.get(key)
        if known is not None:
            return known
        self._sync_machine()
        return self._machine.read(key)

    def balance(self, address: Pubkey | bytes) -> int:
        """Lamports at an address."""
        key = bytes(address)
        known = self.accounts.get(key)
        return self._machine.balance(key) if known is None else known.lamports

    # -- transactions ----------------------------------------------------------------------------------------------

    def check(self, submission: Submission, *, any_blockhash: bool = False) -> Refusal | None:
        """Why a transaction cannot be executed at all, before the machine sees it."""
        if not any_blockhash:
            if self.blocks.valid(submission.blockhash) is None:
                return refusal("BlockhashNotFound")
            with self._durably():
                repeated = self.storage.has_landed(submission.signature, submission.message_hash)
            if repeated:
                return refusal("AlreadyProcessed")
        try:
            submission.resolve(self.account)
        except LookupTableError as failure:
            return refusal(str(failure))
        keys = submission.keys
        if len(set(keys)) != len(keys):
            return refusal("AccountLoadedTwice")
        return refusal("TooManyAccountLocks") if len(keys) > MAX_ACCOUNT_LOCKS else None

    def simulate(self, submission: Submission, *, any_blockhash: bool = False) -> Simulation:
        """What a transaction would do now; nothing moves."""
        refused = self.check(submission, any_blockhash=any_blockhash)
        if refused is not None:
            return Simulation(refused.err, None, {})
        self._sync_machine()
        return self._executor.simulate(submission)

    def execute(self, submission: Submission) -> TransactionRecord | Refusal:
        """Execute a transaction into the open slot; its signatures must have been verified.

        A failing transaction that can pay its fee lands too, with its error. The caller commits (`commit`) before it
        tells anyone.
        """
        refused = self.check(submission)
        if refused is not None:
            return refused
        self._sync_machine()
        result = self._executor.execute(submission)
        if isinstance(result, Refusal):
            return result
        meta, changes = result
        log = self._open_log
        record = TransactionRecord(
            log.slot, len(log.records), submission.signature, submission.message_hash, submission.wire, meta
        )
        with self._durably():
            self.storage.put_accounts(changes)
            self.storage.put_transaction(record, submission.keys)
        log.records.append(record)
        log.changes.update(changes)
        for observer in self._observers:
            observer.transaction_landed(record, changes)
        return record

    def commit(self) -> None:
        """Make everything executed so far durable.

        Raises:
            LocalnetError: The disk failed, now or before.
        """
        with self._durably():
            self.storage.commit()

    @contextmanager
    def _durably(self) -> Generator[None, None, None]:
        """Stop the chain for good when the disk fails: what is in memory is then ahead of what would come back."""
        if self.halted:
            raise LocalnetError(f"localnet halted because its disk failed ({self.halted}): make room and start it again")
        try:
            yield
        except sqlite3.Error as error:
            self.halted = str(error)
            raise LocalnetError(f"localnet halts because its disk failed ({error}): make room and start it again") from error

    def fund(self, address: Pubkey, lamports: int) -> bytes:
        """Give lamports from the faucet, durably.

        Returns:
            The signature (64 bytes) of the faucet's transfer.

        Raises:
            LocalnetError: The faucet does not have that much, or the amount leaves the account below the rent minimum.
        """
        self._airdrops += 1
        blockhash = self.blocks.last.blockhash
        transfer = faucet_transfer(self.identity.faucet, address, lamports, blockhash, self._airdrops)
        outcome = self.execute(transfer)
        self.commit()
        err = outcome.err if isinstance(outcome, Refusal) else outcome.meta.err
        if err is not None:
            raise LocalnetError(f"the faucet cannot give {lamports} lamports to {address}: {err.decode()}")
        return transfer.signature

    # -- slots -----------------------------------------------------------------------------------------------------

    def close_slot(self) -> Block:
        """Close the open slot into a block, durably, and open the next."""
        log, last = self._open_log, self.blocks.last
        block = Block(
            slot=log.slot,
            height=last.height + 1,
            blockhash=next_blockhash(self.identity.secret, last.blockhash, log.slot, [r.signature for r in log.records]),
            parent_slot=last.slot,
            previous_blockhash=last.blockhash,
            time=self.unix_time(),
            transaction_count=len(log.records),
            total_transactions=self.transaction_count,
        )
        with self._durably():
            self.storage.put_block(block)
            if block.slot % PRUNE_EVERY == 0:
                self.storage.forget_empty_blocks(block.slot - EMPTY_BLOCKS_KEPT)
            self.storage.commit()
        self.blocks.add(block)
        self._open_log = SlotLog(block.slot + 1)
        self._pending.append(log)
        final = self._pending.popleft() if len(self._pending) > self.finality_slots else None
        for observer in self._observers:
            observer.slot_closed(log, final)
        return block

    def observe(self, observer: ChainObserver) -> None:
        """Tell somebody what happens from now on."""
        self._observers.append(observer)

    def close(self) -> None:
        """Close the open slot when it holds transactions, and let go of the disk."""
        try:
            if self._open_log.records and not self.halted:
                self.close_slot()
        finally:
            self.storage.close()

    def _sync_machine(self) -> None:
        self._machine.set_time(self.open_slot, self.unix_time())
        self._machine.set_slot_hashes(self.blocks)

    # -- birth and return ------------------------------------------------------------------------------------------

    def _open(self, config: LocalnetConfig) -> ChainIdentity:
        secret = self.storage.fact("secret")
        identity = ChainIdentity.create(config.genesis_seed) if secret is None else ChainIdentity(secret)
        if config.genesis_seed is not None and identity != ChainIdentity.create(config.genesis_seed):
            raise LocalnetError("data_dir holds a chain with another genesis seed: remove it or leave genesis_seed unset")
        if secret is None:
            self._create(identity)
        self._restore()
        return identity

    def _create(self, identity: ChainIdentity) -> None:
        self.storage.put_fact("secret", identity.secret)
        self.storage.put_accounts({bytes(identity.faucet.pubkey()): faucet_account()})
        self.storage.put_block(identity.genesis_block(self._now()))

    def _restore(self) -> None:
        for block in self.storage.last_blocks(SLOT_HASHES):
            self.blocks.add(block)
        self._time = self.blocks.last.time
        interrupted = self.storage.transactions_in(self.blocks.last.slot + 1)
        self._open_log = SlotLog(self.blocks.last.slot + 1, interrupted)
        programs: Changes = {}
        for address, state in self.storage.accounts():
            self.accounts.put(address, state)
            if state.owner == UPGRADEABLE_LOADER and state.data.startswith(PROGRAM_TAG):
                programs[address] = state
            else:
                self._machine.write(address, state)
        for address, state in programs.items():
            self._machine.write(address, state)

    def _deploy(self, config: LocalnetConfig) -> None:
        for program in config.programs:
            data = self.accounts.get(bytes(program_data_address(program.program_id)))
            if data is not None and (data.data[45:] == program.elf or not config.redeploy):
                continue
            changes = program_accounts(program, max(0, self.open_slot - 1))
            for address, state in changes.items():
                self._machine.write(address, state)
                self.accounts.put(address, state)
            self.storage.put_accounts(changes)
