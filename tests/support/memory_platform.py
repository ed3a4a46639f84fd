"""The platform's side of the protocol in memory: the real codecs and rules, rows in dictionaries."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from core.domain.budget import EnergyBudget
from core.domain.clock import Clock
from core.domain.identity import MeterId
from core.domain.readings import AssetKind, MeterStatus, Statement, StatementKind
from core.domain.verdicts import Reason, Verdict
from devices.acceptance import STANDARD, Decision, Earlier, Mark, MeterState, Neighbours, Profile, decide
from devices.envelope import decode_journal, decode_reading
from devices.frame import FrameRefused, RefusedEntry, UnverifiedFrame, verify
from devices.receipts import HelloAnswer, ReceiptEntry, ReceiptMessage, encode_hello_answer, encode_receipt, missing_ranges
from devices.topics import Channel


@dataclass(slots=True)
class Row:
    statement: Statement
    verdict: Verdict
    reason: Reason | None


@dataclass(slots=True)
class MeterBook:
    """One meter's state and rows."""

    state: MeterState
    limits: Profile = STANDARD
    rows: dict[int, Row] = field(default_factory=dict[int, Row])

    def take(self, statement: Statement, *, received_at: int) -> Decision:
        decision = decide(statement, self.state, self.neighbours(statement.sequence), self.limits, received_at)
        self.state = decision.new_state
        if decision.stored and decision.reason is not Reason.SEQUENCE_CONFLICT:
            self.rows[statement.sequence] = Row(statement, decision.verdict, decision.reason)
        for sequence in decision.released:
            self.rows[sequence] = replace(self.rows[sequence], verdict=Verdict.ACCEPTED, reason=None)
        for sequence, reason in decision.refused:
            self.rows[sequence] = replace(self.rows[sequence], verdict=Verdict.REJECTED, reason=reason)
        return decision

    def neighbours(self, sequence: int) -> Neighbours:
        same = self.rows.get(sequence)
        accepted = sorted(number for number, row in self.rows.items() if row.verdict is Verdict.ACCEPTED)
        below = [number for number in accepted if number < sequence]
        above = [number for number in accepted if number > sequence]
        floor = below[-1] if below else 0
        doubted = sorted(number for number, row in self.rows.items() if row.verdict is Verdict.QUARANTINED and number > floor)
        return Neighbours(
            same=None if same is None else Earlier(statement=same.statement, verdict=same.verdict, reason=same.reason),
            before=Mark.of(self.rows[below[-1]].statement) if below else None,
            after=Mark.of(self.rows[above[0]].statement) if above else None,
            doubted=tuple(Mark.of(self.rows[number].statement) for number in doubted),
        )

    def missing(self) -> tuple[tuple[int, int], ...]:
        received = sorted(number for number in self.rows if number <= self.state.highest_sequence)
        return missing_ranges(received, after=self.state.base.sequence, highest=self.state.highest_sequence)


def active_meter(  # one call says everything that a rule looks at
    *,
    kind: StatementKind = StatementKind.REGISTER,
    asset_kind: AssetKind = AssetKind.SOLAR,
    rated_power_out_w: int = 10_000_000,
    rated_power_in_w: int = 10_000_000,
    base: Mark,
) -> MeterState:
    return MeterState(
        status=MeterStatus.ACTIVE,
        owner_verified=True,
        statement_kind=kind,
        asset_kind=asset_kind,
        rated_power_out_w=rated_power_out_w,
        rated_power_in_w=rated_power_in_w,
        base=base,
        last=base,
        highest_sequence=base.sequence,
        credited_generation_wh=0,
        credited_consumption_wh=0,
        accepted_count=0,
        budget=EnergyBudget(generation_ws=0, consumption_ws=0, at=base.measured_at),
    )


@dataclass(slots=True)
class MemoryPlatform:
    """Books of many meters, and what could not become a row."""

    network: bytes
    clock: Clock
    books: dict[MeterId, MeterBook] = field(default_factory=dict[MeterId, MeterBook])
    keys: dict[MeterId, bytes] = field(default_factory=dict[MeterId, bytes])
    refusals: Counter[Reason] = field(default_factory=Counter[Reason])
    verdicts: Counter[Verdict] = field(default_factory=Counter[Verdict])

    def bind(self, meter_id: MeterId, public_key: bytes, state: MeterState) -> None:
        self.books[meter_id] = MeterBook(state)
        self.keys[meter_id] = public_key

    def receive(self, meter_id: MeterId, channel: Channel, payload: bytes) -> list[bytes]:
        match channel:
            case Channel.HELLO:
                return [self._hello(meter_id)]
            case Channel.READING | Channel.JOURNAL:
                return self._receipt(meter_id, self._entries(channel, payload))
            case _:
                return []

    def _hello(self, meter_id: MeterId) -> bytes:
        highest = self.books[meter_id].state.highest_sequence
        return encode_hello_answer(HelloAnswer(highest=highest, time=self.clock.now(), network=self.network))

    def _entries(self, channel: Channel, payload: bytes) -> Sequence[UnverifiedFrame | RefusedEntry]:
        try:
            if channel is Channel.READING:
                return [decode_reading(payload, network=self.network)]
            return decode_journal(payload, network=self.network)
        except FrameRefused as refusal:
            return [refusal.refused]

    def _receipt(self, meter_id: MeterId, entries: Sequence[UnverifiedFrame | RefusedEntry]) -> list[bytes]:
        results = [entry for entry in (self._result(meter_id, frame) for frame in entries) if entry is not None]
        book = self.books[meter_id]
        receipt = ReceiptMessage(
            meter_id=meter_id, results=tuple(results), highest=book.state.highest_sequence, missing=book.missing()
        )
        return encode_receipt(receipt)

    def _result(self, meter_id: MeterId, frame: UnverifiedFrame | RefusedEntry) -> ReceiptEntry | None:
        if isinstance(frame, RefusedEntry):
            self.refusals[frame.reason] += 1
            return None
        if frame.statement.meter_id != meter_id or verify(frame, [self.keys[meter_id]]) is None:
            self.refusals[Reason.BAD_SIGNATURE] += 1
            return ReceiptEntry(sequence=frame.statement.sequence, verdict=Verdict.REJECTED, reason=Reason.BAD_SIGNATURE)
        decision = self.books[meter_id].take(frame.statement, received_at=self.clock.now())
        self.verdicts[decision.verdict] += 1
        return ReceiptEntry(sequence=frame.statement.sequence, verdict=decision.verdict, reason=decision.reason)
