"""The one door for readings, whatever way they came."""

import secrets
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from core.domain.clock import Clock
from core.domain.units import MAX_WH
from core.domain.verdicts import Reason
from core.runtime.crash_points import CrashPoint, Reached, pass_by
from core.runtime.metrics import Metrics
from core.store import Session, Store, device_keys, meters, work
from devices.acceptance import Profile, keys_that_count
from devices.frame import UnverifiedFrame
from devices.intake.answers import outcome_of, receipts_of
from devices.intake.book import MeterBook
from devices.intake.frames import Item, read_messages
from devices.intake.gaps import Gaps, find_gaps
from devices.intake.judging import Judge
from devices.intake.loading import load_books
from devices.intake.rate_limit import RateLimit
from devices.intake.refusal_log import RefusalLog
from devices.intake.standing import progress_of
from devices.intake.submission import BatchResult, Submission
from devices.intake.telling import tell_outcomes
from devices.intake.trusted_keys import validities
from devices.intake.verifier import SignatureCheck, SignatureVerifier
from devices.intake.writing import write_conflicts, write_readings

MESSAGES_PER_MINUTE: Final = 600
REFUSALS_PER_HOUR: Final = 1_000


@dataclass(frozen=True, slots=True)
class _Judged:
    """What a transaction leaves for the answers."""

    judge: Judge
    gaps: dict[str, Gaps]
    settle: frozenset[str]
    counted_only: int


class Intake:
    """Turns messages into rows, verdicts, work and receipts.

    Nothing it keeps in memory matters for a verdict: a restart in any moment changes no result.

    Args:
        store: the database.
        clock: the platform's time.
        network: the 8 bytes of this deployment.
        profile: the limits in force.
        verifier: checks signatures.
        wake: told after the commit which meters have something to settle.
        metrics: counts what happens; None counts nothing.
        min_settlement_interval_s: a meter settled less than this ago waits.
        messages_per_minute: for one meter, a journal counted as one; beyond it is `rate_limited`.
        refusals_per_hour: refused contents kept in one hour; beyond it they are only counted.
        reached: told at each step.
    """

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        network: bytes,
        profile: Profile,
        verifier: SignatureVerifier,
        wake: Callable[[set[str]], None] | None = None,
        metrics: Metrics | None = None,
        min_settlement_interval_s: int = 0,
        messages_per_minute: int = MESSAGES_PER_MINUTE,
        refusals_per_hour: int = REFUSALS_PER_HOUR,
        reached: Reached = pass_by,
    ) -> None:
        self._store = store
        self._clock = clock
        self._network = network
        self._profile = profile
        self._verifier = verifier
        self._wake = wake
        self._metrics = metrics or Metrics()
        self._min_interval_ms = min_settlement_interval_s * 1_000
        self._reached = reached
        self._rate = RateLimit(messages_per_minute=messages_per_minute)
        self._refusals = RefusalLog(rows_per_hour=refusals_per_hour)

    async def submit(self, submissions: Sequence[Submission]) -> BatchResult:
        """Judge and store a batch in one transaction; the same messages again change nothing.

        Raises:
            Unavailable: the database is away; nothing of the batch was stored.
        """
        started = time.perf_counter()
        messages = read_messages(submissions, network=self._network)
        self._limit_topics(messages)
        items = list(chain.from_iterable(messages))
        async with self._store.begin() as session:
            judged = await self._judge(session, items)
            self._reached(CrashPoint.INTAKE_JUDGED)
        self._reached(CrashPoint.INTAKE_COMMITTED)
        result = BatchResult(
            outcomes=[[outcome_of(item) for item in message] for message in messages],
            receipts=receipts_of(items, judged.judge.books, judged.gaps, judged.judge.decided),
        )
        self._count(result, submissions, judged, time.perf_counter() - started)
        tell_outcomes(result, submissions, list(judged.judge.books.values()), secrets.token_hex(4))
        if self._wake is not None and judged.settle:
            self._wake(set(judged.settle))
        return result

    def _limit_topics(self, messages: Sequence[Sequence[Item]]) -> None:
        """A device that floods its topic is refused before its signatures cost time."""
        for message in messages:
            topic_meter_id = message[0].submission.topic_meter_id
            if topic_meter_id is not None and not self._rate.allows(topic_meter_id, now_ms=self._clock.now_ms()):
                _refuse_for_rate(message)

    async def _judge(self, session: Session, items: Sequence[Item]) -> _Judged:
        now = self._clock.now()
        judge = await self._open(session, items)
        await self._verify_and_judge(session, items, judge)
        books = list(judge.books.values())
        await write_readings(session, books, now=now)
        await write_conflicts(session, judge.conflicts, now=now)
        counted_only = await self._refusals.write(session, items, now=now)
        gaps = dict(await find_gaps(session, books, limits=self._profile, now=now))
        await self._save(session, books, gaps, now)
        settle = [book for book in books if book.wants_settlement]
        await work.want(
            session,
            [book.target for book in settle],
            now_ms=self._clock.now_ms(),
            min_interval_ms=self._min_interval_ms,
        )
        return _Judged(judge, gaps, frozenset(book.standing.meter_id for book in settle), counted_only)

    async def _open(self, session: Session, items: Sequence[Item]) -> Judge:
        """Lock the batch's meters and read what the judgement needs."""
        waiting = [item.frame.statement for item in items if item.refusal is None and item.frame is not None]
        speakers = {item.submission.topic_meter_id for item in items} - {None}
        meter_ids = sorted({statement.meter_id for statement in waiting} | {str(speaker) for speaker in speakers})
        standings = await meters.locked_standings(session, meter_ids)
        books = {meter_id: MeterBook.open(standing) for meter_id, standing in standings.items()}
        numbers = [
            (statement.meter_id, statement.sequence)
            for statement in waiting
            if statement.meter_id in books and statement.sequence <= MAX_WH
        ]
        await load_books(session, numbers, books)
        return Judge(books, self._network, self._profile)

    async def _verify_and_judge(self, session: Session, items: Sequence[Item], judge: Judge) -> None:
        """The keys are read in the transaction: one that was revoked a moment ago counts for nothing."""
        waiting = [(item, item.frame) for item in items if item.refusal is None and item.frame is not None]
        keys = validities(await device_keys.keys_of(session, list(judge.books)))
        checks = [
            SignatureCheck(
                frame,
                keys_that_count(
                    keys.get(frame.statement.meter_id, ()),
                    frame.statement,
                    received_at=item.submission.received_at,
                    limits=self._profile,
                ),
            )
            for item, frame in waiting
        ]
        pending = iter(waiting)
        async for share in self._verifier.verify(checks):
            for (item, frame), verified in zip(islice(pending, len(share)), share, strict=True):
                item.verified = verified
                self._limit_requests(item, frame)
                judge.judge(item)

    def _limit_requests(self, item: Item, frame: UnverifiedFrame) -> None:
        """Anyone may name any meter over HTTP: only what the meter signed is taken from its bucket."""
        by_http = item.submission.topic_meter_id is None
        if by_http and item.verified and not self._rate.allows(frame.statement.meter_id, now_ms=self._clock.now_ms()):
            _refuse_for_rate([item])

    async def _save(self, session: Session, books: Sequence[MeterBook], gaps: dict[str, Gaps], now: int) -> None:
        progress = [
            progress_of(book.standing.meter_id, book.state, contiguous_sequence=gaps[book.standing.meter_id].contiguous)
            for book in books
            if book.state is not book.opened or gaps[book.standing.meter_id].contiguous != book.standing.contiguous_sequence
        ]
        await meters.save_progress(session, progress, now=now)

    def _count(self, result: BatchResult, submissions: Sequence[Submission], judged: _Judged, took_s: float) -> None:
        figures = self._metrics
        counts = Counter(
            (outcome.verdict, outcome.reason, submission.source, outcome.reading_id is None)
            for submission, outcomes in zip(submissions, result.outcomes, strict=True)
            for outcome in outcomes
        )
        for (verdict, reason, source, refused), count in counts.items():
            why = "" if reason is None else reason.value
            figures.readings_total.labels(verdict.value, why, source).inc(count)
            if refused:
                figures.refusals_total.labels(why, source).inc(count)
        figures.refusals_uncounted_total.inc(judged.counted_only)
        figures.intake_seconds.observe(took_s)
        figures.intake_batch_size.observe(sum(len(outcomes) for outcomes in result.outcomes))


def _refuse_for_rate(items: Sequence[Item]) -> None:
    for item in items:
        item.refuse(Reason.RATE_LIMITED, "the meter speaks too often")
