"""One statement against its meter's book: the checks before the rules, the rules, and what follows."""

from dataclasses import dataclass, field

from core.domain.verdicts import Reason, Verdict
from devices.acceptance import Decision, Profile, decide
from devices.frame import VerifiedStatement
from devices.intake.book import Entry, MeterBook
from devices.intake.frames import Item


@dataclass(frozen=True, slots=True)
class Conflict:
    """One number, two contents, both signed."""

    book: MeterBook
    first: Entry
    second: VerifiedStatement
    suspended: bool
    """Whether this one suspended the meter."""


@dataclass(slots=True)
class Judge:
    """Applies the rules to a batch, in the order of arrival.

    Args:
        books: the known meters of the batch.
        network: the 8 bytes of this deployment.
        limits: the profile in force.
    """

    books: dict[str, MeterBook]
    network: bytes
    limits: Profile
    conflicts: list[Conflict] = field(default_factory=list)
    decided: dict[str, dict[int, Entry]] = field(default_factory=dict)
    """By meter and number: entries whose doubt a statement of this batch ended."""

    def judge(self, item: Item) -> None:
        """Give one item its refusal or its entry."""
        if item.refusal is not None or item.frame is None:
            return
        book = self.books.get(item.frame.statement.meter_id)
        if book is None or item.submission.fleet not in (None, book.standing.fleet):
            item.refuse(Reason.UNKNOWN_METER, "no such meter is registered here")
            return
        verified = item.verified
        if verified is None:
            item.refuse(Reason.BAD_SIGNATURE, "no key that counts for the meter made this signature")
        elif verified.statement.network != self.network:
            item.refuse(Reason.WRONG_NETWORK, "the statement was signed for another deployment")
        elif not _names_the_owner(item, book):
            item.refuse(Reason.WALLET_MISMATCH, "the wallet is not the bound owner's")
        else:
            self._apply(item, book, verified)

    def _apply(self, item: Item, book: MeterBook, verified: VerifiedStatement) -> None:
        statement = verified.statement
        if statement.sequence in book.forgotten:
            item.refuse(Reason.STALE, "it was stored once, and its month is no longer kept")
            return
        neighbours = book.neighbours(statement.sequence)
        decision = decide(statement, book.state, neighbours, self.limits, item.submission.received_at)
        book.state = decision.new_state
        same = book.entries.get(statement.sequence)
        if decision.reason is Reason.SEQUENCE_CONFLICT and same is not None:
            self.conflicts.append(Conflict(book, same, verified, decision.suspend))
            item.refuse(Reason.SEQUENCE_CONFLICT, decision.detail)
        elif same is not None and same.signed_bytes == verified.signed_bytes and not decision.stored:
            item.entry, item.repeated = same, True
        elif not decision.stored or (same is not None and not _may_replace(same, verified)):
            item.refuse(decision.reason or Reason.MALFORMED, decision.detail)
        else:
            self._store(item, book, verified, decision)

    def _store(self, item: Item, book: MeterBook, verified: VerifiedStatement, decision: Decision) -> None:
        same = book.entries.get(verified.statement.sequence)
        entry = Entry(
            sequence=verified.statement.sequence,
            verdict=decision.verdict,
            reason=decision.reason,
            signed_bytes=verified.signed_bytes,
            row_id=None if same is None else same.row_id,
            ordinal=decision.new_state.accepted_count if decision.verdict is Verdict.ACCEPTED else None,
            written_by=(verified, item.submission),
            generation_wh=decision.energy_generation_wh,
            consumption_wh=decision.energy_consumption_wh,
            detail=decision.detail,
        )
        book.write(entry)
        self._end_doubts(book, decision)
        book.wants_settlement |= decision.moves_value
        item.entry = entry

    def _end_doubts(self, book: MeterBook, decision: Decision) -> None:
        """What was in doubt before an accepted statement is decided with it, and gets a second receipt."""
        ordinal = decision.new_state.accepted_count - len(decision.released)
        ended = self.decided.setdefault(book.standing.meter_id, {}) if decision.released or decision.refused else {}
        for sequence in decision.released:
            ended[sequence] = book.decide(sequence, Verdict.ACCEPTED, None, ordinal)
            ordinal += 1
        for sequence, reason in decision.refused:
            ended[sequence] = book.decide(sequence, Verdict.REJECTED, reason, None)


def _names_the_owner(item: Item, book: MeterBook) -> bool:
    claims = {item.submission.wallet_address, item.frame.wallet_address if item.frame else None}
    return claims <= {None, book.standing.wallet_address}


def _may_replace(same: Entry, verified: VerifiedStatement) -> bool:
    """Only a rejected statement is written over, and only by the same content judged anew."""
    return same.verdict is Verdict.REJECTED and same.signed_bytes == verified.signed_bytes
