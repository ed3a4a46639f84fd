"""A chain in memory for the bridge's tests: it loses, delays, refuses and expires transactions on command.

Its program is the ledger in miniature: a newer sequence is credited and settled, an older one is stale, and every landed
transaction carries the events that the real programs emit.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha512

from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.signature import Signature

from core.domain.errors import OutcomeUnknown, Unavailable
from core.store.outbox import Kind
from core.store.work import DueMeter
from oracle_bridge.planner import Footprint, Plan
from oracle_bridge.ports import SignedTransaction
from programs.client.accounts import MeterAccount
from programs.client.addresses import addresses_of
from programs.client.conventions import EVENT_TAG
from programs.client.events.energy_token import TokenMove, TokensMinted
from programs.client.events.oracle import AcceptedReading, MeterReadingAccepted
from programs.client.events.record import EventRecord
from programs.client.events.registry import BalanceSettled, MeterBalanceSettled
from programs.client.ids import PROGRAM_IDS
from programs.client.layout import Record
from programs.client.rpc import (
    AccountInfo,
    ConfirmedTransaction,
    InnerInstruction,
    SignatureInfo,
    SignatureStatus,
    TransactionRefused,
)

AT = addresses_of(PROGRAM_IDS)
OWNER = Pubkey.from_bytes(bytes([7]) * 32)
LIVES_FOR = 150


@dataclass
class Book:
    """A meter's ledger on the fake chain, Wh."""

    sequence: int = 0
    entry: int = 0
    generation_wh: int = 0
    consumption_wh: int = 0
    settled_wh: int = 0
    mints: int = 0


@dataclass
class FakeChain:
    """The chain. `faults` are consumed one a sending: `lost` (answer and bytes), `unheard` (only the answer), `late`, `away`."""

    height: int = 1_000
    slot_now: int = 1_000
    books: dict[str, Book] = field(default_factory=dict[str, Book])
    landed: dict[str, ConfirmedTransaction] = field(default_factory=dict[str, ConfirmedTransaction])
    order: list[str] = field(default_factory=list[str])
    pool: list[bytes] = field(default_factory=list[bytes])
    faults: list[str] = field(default_factory=list[str])
    refuse: list[str | dict[str, object]] = field(default_factory=list[str | dict[str, object]])
    poisoned: set[str] = field(default_factory=set[str])
    """A transaction with one of these meters fails its preflight."""
    results: dict[str, int] = field(default_factory=dict[str, int])
    """Result codes that the program gives these meters."""
    recent_forgotten: bool = False
    """Statuses are known only to a search of history."""
    hashes: dict[str, int] = field(default_factory=dict[str, int])
    """Last valid block height of each blockhash that was given out."""
    sent: list[bytes] = field(default_factory=list[bytes])
    block_time: int = 1_700_000_000

    # -- what the bridge calls --

    async def genesis_hash(self) -> bytes:
        return bytes(32)

    async def latest_blockhash(self, commitment: str | None = None) -> tuple[Hash, int]:
        del commitment
        blockhash = Hash.hash(str(self.height).encode())
        self.hashes[str(blockhash)] = self.height + LIVES_FOR
        return blockhash, self.height + LIVES_FOR

    async def block_height(self, commitment: str | None = None) -> int:
        del commitment
        return self.height

    async def slot(self, commitment: str | None = None) -> int:
        del commitment
        return self.slot_now

    async def send(self, wire: bytes, *, skip_preflight: bool = False, max_retries: int = 0) -> str:
        del max_retries
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "away":
            raise Unavailable("the node is away")
        if self.refuse and not skip_preflight:
            raise TransactionRefused(self.refuse.pop(0))
        body = json.loads(wire)
        if not skip_preflight and any(item["meter_id"] in self.poisoned for item in body["items"]):
            raise TransactionRefused({"InstructionError": [3, {"Custom": 6043}]})
        self.sent.append(wire)
        if fault == "lost":
            raise OutcomeUnknown("the answer was lost, and so were the bytes")
        if fault == "late":
            self.pool.append(wire)
            raise OutcomeUnknown("the answer was lost")
        self._execute(wire)
        if fault == "unheard":
            raise OutcomeUnknown("the answer was lost")
        return signature_of(wire)

    async def statuses(self, signatures: Sequence[str], *, search_history: bool = False) -> list[SignatureStatus | None]:
        if self.recent_forgotten and not search_history:
            return [None] * len(signatures)
        found = [self.landed.get(signature) for signature in signatures]
        return [None if row is None else SignatureStatus(row.slot, row.err, "confirmed") for row in found]

    async def transaction(self, signature: str) -> ConfirmedTransaction | None:
        return self.landed.get(signature)

    async def signatures_for(
        self, address: Pubkey, *, before: str | None = None, until: str | None = None, limit: int = 1_000
    ) -> list[SignatureInfo]:
        names = [name for name in reversed(self.order) if address in self.landed[name].account_keys]
        names = names[names.index(before) + 1 :] if before in names else names
        names = names[: names.index(until)] if until in names else names
        rows = [self.landed[name] for name in names[:limit]]
        return [SignatureInfo(row.signature, row.slot, row.err, row.block_time) for row in rows]

    async def accounts(self, keys: Sequence[Pubkey]) -> list[AccountInfo | None]:
        by_key = {AT.meter(name): name for name in self.books}
        return [None if key not in by_key else self._meter_account(by_key[key]) for key in keys]

    # -- what tests do --

    def advance(self, blocks: int) -> None:
        """Blocks pass."""
        self.height += blocks
        self.slot_now += blocks

    def release(self) -> None:
        """Late transactions arrive; those whose blockhash has died do not land."""
        late, self.pool = self.pool, []
        for wire in late:
            self._execute(wire)

    def land_foreign(self, transaction: ConfirmedTransaction) -> None:
        """Somebody else's transaction is on the chain."""
        self.landed[transaction.signature] = transaction
        self.order.append(transaction.signature)

    @property
    def settled_wh(self) -> int:
        """Minted less burned, over all meters."""
        return sum(book.settled_wh for book in self.books.values())

    def _execute(self, wire: bytes) -> None:
        body, signature = json.loads(wire), signature_of(wire)
        if signature in self.landed or self.height > self.hashes[body["blockhash"]]:
            return
        self.slot_now += 1
        self.height += 1
        accepted: list[AcceptedReading] = []
        settled: list[BalanceSettled] = []
        for item in body["items"]:
            result, old = self._credit(body["kind"], item), self.books.setdefault(item["meter_id"], Book()).settled_wh
            book = self.books[item["meter_id"]]
            target = book.generation_wh - book.consumption_wh
            book.settled_wh = target
            book.mints += target != old
            code = 0 if target == old else 1 if target > old else 2
            if body["kind"] != "settle":
                accepted.append(
                    AcceptedReading(
                        item["meter_id"], item["sequence"], 0, book.generation_wh, book.consumption_wh, result, code, 100
                    )
                )
            settled.append(BalanceSettled(item["meter_id"], OWNER, target - old, old, target, target, code))
        self.land_foreign(self._transaction(signature, wire, accepted, settled))

    def _credit(self, kind: str, item: dict[str, int | str]) -> int:
        book = self.books.setdefault(str(item["meter_id"]), Book())
        if kind == "settle":
            return 0
        if item["meter_id"] in self.results:
            return self.results[str(item["meter_id"])]
        if int(item["sequence"]) <= book.sequence:
            return 3
        book.sequence, book.entry = int(item["sequence"]), int(item["ordinal"])
        book.generation_wh, book.consumption_wh = int(item["generation_wh"]), int(item["consumption_wh"])
        return 0

    def _transaction(
        self, signature: str, wire: bytes, accepted: list[AcceptedReading], settled: list[BalanceSettled]
    ) -> ConfirmedTransaction:
        calls = [event_call("registry", MeterBalanceSettled(self.block_time), settled)]
        moves = [TokenMove(OWNER, row.amount_settled * 1_000_000) for row in settled if row.amount_settled > 0]
        if moves:
            calls.insert(0, event_call("energy_token", TokensMinted(0, self.block_time), moves))
        if accepted:
            calls.append(event_call("oracle", MeterReadingAccepted(1, bytes(32), 0, bytes(32), self.block_time), accepted))
        return transaction_with(signature, self.slot_now, calls, wire=wire, block_time=self.block_time)

    def _meter_account(self, name: str) -> AccountInfo:
        book = self.books[name]
        return AccountInfo(1, PROGRAM_IDS.registry, meter_account(name, book).encode(), executable=False)


def meter_account(name: str, book: Book) -> MeterAccount:
    """A meter's account with this book."""
    blank = MeterAccount.from_values(MeterAccount.packing.unpack(bytes(MeterAccount.packing.size)))
    return replace(
        blank,
        meter_id=name,
        credited_generation_wh=book.generation_wh,
        credited_consumption_wh=book.consumption_wh,
        settled_net_wh=book.settled_wh,
        last_sequence=book.sequence,
        entry_number=book.entry,
    )


def event_call(program: str, head: EventRecord, items: Sequence[Record]) -> InnerInstruction:
    """A program's call to itself that carries an event."""
    of = {"registry": AT.registry, "oracle": AT.oracle, "energy_token": AT.energy_token}[program]
    body = head.pack() + len(items).to_bytes(4, "little") + b"".join(item.pack() for item in items)
    data = EVENT_TAG + head.tag + body
    return InnerInstruction(3, of.id, (of.event_authority,), data, 2)


def transaction_with(
    signature: str,
    slot: int,
    calls: Sequence[InnerInstruction],
    *,
    wire: bytes = b"",
    block_time: int = 1_700_000_000,
    err: str | None = None,
    logs: tuple[str, ...] = (),
) -> ConfirmedTransaction:
    """A transaction that landed."""
    return ConfirmedTransaction(
        signature=signature,
        slot=slot,
        block_time=block_time,
        err=err,
        fee=5_000,
        compute_units=40_000,
        logs=logs,
        account_keys=(PROGRAM_IDS.oracle, PROGRAM_IDS.registry, PROGRAM_IDS.energy_token),
        programs=(),
        inner_instructions=tuple(calls),
        pre_token_balances=(),
        post_token_balances=(),
        wire=wire,
    )


def signature_of(wire: bytes) -> str:
    """The fake's signature: a hash of the bytes."""
    return str(Signature.from_bytes(sha512(wire).digest()))


@dataclass
class FakeComposer:
    """Writes plans as JSON instead of instructions."""

    per_transaction: int = 5

    def measure(self, kind: Kind, meters: Sequence[DueMeter], lookup_table: str | None) -> Footprint:
        del kind, lookup_table
        return Footprint(size_bytes=0 if len(meters) <= self.per_transaction else 9_999, accounts=1, compute_units=1)

    def payer_for(self, kind: Kind, turn: int) -> str:
        return f"{kind}-payer-{turn % 2}"

    async def compose(self, plan: Plan, *, payer: str, salt: int, blockhash: Hash) -> SignedTransaction:
        items = [
            {
                "meter_id": meter.meter_id,
                "sequence": meter.sequence,
                "ordinal": meter.ordinal,
                "generation_wh": meter.credited_generation_wh,
                "consumption_wh": meter.credited_consumption_wh,
            }
            for meter in plan.meters
        ]
        body = {
            "kind": plan.kind,
            "payer": payer,
            "salt": salt,
            "blockhash": str(blockhash),
            "items": items,
        }
        wire = json.dumps(body).encode()
        return SignedTransaction(signature=signature_of(wire), wire=wire)
