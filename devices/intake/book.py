"""What one batch knows of one meter: its state, and its statements around the numbers that came."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass, field

from core.domain.verdicts import Reason, Verdict
from core.store.meters import MeterStanding
from core.store.readings import StoredStatement
from core.store.work import Target
from devices.acceptance import Earlier, Mark, MeterState, Neighbours
from devices.frame import VerifiedStatement
from devices.intake.standing import state_of
from devices.intake.submission import Submission
from devices.statement import decode_statement


@dataclass(slots=True)
class Entry:
    """One statement of a meter: stored before, or to be written with this batch."""

    sequence: int
    verdict: Verdict
    reason: Reason | None
    signed_bytes: bytes
    row_id: int | None = None
    ordinal: int | None = None
    signature: str = ""
    """Base58, of a stored one."""
    written_by: tuple[VerifiedStatement, Submission] | None = None
    """Set: the whole row is written; else only its verdict may change."""
    generation_wh: int = 0
    consumption_wh: int = 0
    detail: str = ""

    @classmethod
    def of(cls, stored: StoredStatement) -> "Entry":
        """A statement as the database has it."""
        return cls(
            sequence=stored.sequence,
            verdict=Verdict(stored.verification_status),
            reason=None if stored.reason is None else Reason(stored.reason),
            signed_bytes=stored.statement,
            row_id=stored.id,
            ordinal=stored.ordinal,
            signature=stored.meter_signature,
        )

    @property
    def mark(self) -> Mark:
        """The statement as the rules' neighbour."""
        return Mark.of(decode_statement(self.signed_bytes))


@dataclass(slots=True)
class MeterBook:
    """A meter within one batch."""

    standing: MeterStanding
    opened: MeterState
    """As the batch found it."""
    state: MeterState
    """As it is by now."""
    entries: dict[int, Entry] = field(default_factory=dict)
    accepted: list[int] = field(default_factory=list)
    """Known accepted numbers, ascending."""
    doubted: list[int] = field(default_factory=list)
    """Known numbers in quarantine, ascending."""
    changed: dict[int, Entry] = field(default_factory=dict)
    """Entries to write."""
    forgotten: set[int] = field(default_factory=set)
    """Numbers that were stored once and whose rows a retention let go: nothing may come of them again."""
    wants_settlement: bool = False

    @classmethod
    def open(cls, standing: MeterStanding) -> "MeterBook":
        """A book that knows the meter's state and none of its statements yet."""
        state = state_of(standing)
        return cls(standing=standing, opened=state, state=state)

    @property
    def target(self) -> Target:
        """How far the bridge may bring it on chain."""
        return Target(meter_id=self.standing.meter_id, sequence=self.state.last.sequence, ordinal=self.state.accepted_count)

    def learn(self, stored: Iterable[StoredStatement]) -> None:
        """Take in what the database has."""
        for one in stored:
            if one.sequence not in self.entries:
                self._place(Entry.of(one))

    def write(self, entry: Entry) -> None:
        """A new or changed entry, which is the truth from now on."""
        old = self.entries.get(entry.sequence)
        if old is not None:
            self._unlist(old)
        self._place(entry)
        self.changed[entry.sequence] = entry

    def decide(self, sequence: int, verdict: Verdict, reason: Reason | None, ordinal: int | None) -> Entry:
        """End the doubt about an entry."""
        entry = self.entries[sequence]
        self._unlist(entry)
        entry.verdict, entry.reason, entry.ordinal = verdict, reason, ordinal
        self._place(entry)
        self.changed[sequence] = entry
        return entry

    def neighbours(self, sequence: int) -> Neighbours:
        """What the rules see around a number."""
        same = self.entries.get(sequence)
        earlier = (
            None
            if same is None
            else Earlier(statement=decode_statement(same.signed_bytes), verdict=same.verdict, reason=same.reason)
        )
        if sequence > self.state.last.sequence:
            return Neighbours(same=earlier, doubted=self._doubted() if self.state.held_from is not None else ())
        at = bisect_left(self.accepted, sequence)
        beyond = bisect_right(self.accepted, sequence)
        return Neighbours(
            same=earlier,
            before=self.entries[self.accepted[at - 1]].mark if at else None,
            after=self.entries[self.accepted[beyond]].mark if beyond < len(self.accepted) else None,
        )

    def _doubted(self) -> tuple[Mark, ...]:
        start = bisect_left(self.doubted, self.state.last.sequence + 1)
        return tuple(self.entries[sequence].mark for sequence in self.doubted[start:])

    def _place(self, entry: Entry) -> None:
        self.entries[entry.sequence] = entry
        listed = self._list_of(entry.verdict)
        if listed is not None:
            insort(listed, entry.sequence)

    def _unlist(self, entry: Entry) -> None:
        listed = self._list_of(entry.verdict)
        if listed is not None:
            del listed[bisect_left(listed, entry.sequence)]

    def _list_of(self, verdict: Verdict) -> list[int] | None:
        if verdict is Verdict.ACCEPTED:
            return self.accepted
        return self.doubted if verdict is Verdict.QUARANTINED else None
