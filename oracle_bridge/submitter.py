"""Signs and sends drafts, then follows every open transaction to its end."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from core.domain.clock import Clock
from core.domain.errors import Conflict, InvalidInput, OutcomeUnknown, Unavailable
from core.runtime.crash_points import CrashPoint, Reached, pass_by
from core.runtime.logging import get_logger
from core.runtime.metrics import Metrics
from core.store import ledger_rows
from core.store.outbox import Draft, Ending, Item, OpenTransaction
from core.store.unit_of_work import Session, Store
from core.store.work import REFUSED_MARK, DueMeter
from oracle_bridge.blockhashes import Blockhashes
from oracle_bridge.effects import Effects, ReadingResult, effects_of
from oracle_bridge.latency import MintLatency
from oracle_bridge.outbox import POSTPONE_MS, Drafted, Outbox, SignedDraft
from oracle_bridge.ports import Chain, Composer
from oracle_bridge.refusals import Meaning, is_overtaken, meaning_of
from programs.client.errors import explain
from programs.client.ids import ProgramIds
from programs.client.rpc import ConfirmedTransaction, SignatureStatus, TransactionRefused

RESEND_AFTER_MS: Final = 2_000
"""The same bytes go out again after this: leaders change every four slots (1.6 s)."""
RETRY_UNSENT_MS: Final = 1_000

T = TypeVar("T")

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Landing:
    """A transaction that landed, with what it did."""

    row: OpenTransaction
    transaction: ConfirmedTransaction
    effects: Effects


@dataclass(slots=True)
class _Sorted:
    """Which meters the chain now holds, which it refused and why, and which only time will mend."""

    reached: list[Item] = field(default_factory=list[Item])
    failures: list[tuple[Item, str]] = field(default_factory=list[tuple[Item, str]])
    postponed: list[Item] = field(default_factory=list[Item])


class Submitter:
    """The outbox's hands.

    Signature and bytes are stored before they are sent; the same bytes are sent again until they land or expire; a new
    signature for the same meters is made only after the end of the old one is known.

    Args:
        outbox: the steps with their consequences.
        store: the database.
        chain: the node.
        composer: builds and signs.
        ids: our programs.
        clock: the present.
        metrics: counts transactions by end.
        latency: gets the landing of every meter.
        reached: told at each step.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        store: Store,
        chain: Chain,
        composer: Composer,
        ids: ProgramIds,
        clock: Clock,
        metrics: Metrics,
        latency: MintLatency,
        reached: Reached = pass_by,
    ) -> None:
        self._outbox = outbox
        self._store = store
        self._chain = chain
        self._composer = composer
        self._ids = ids
        self._clock = clock
        self._metrics = metrics
        self._latency = latency
        self._reached = reached
        self._blockhashes = Blockhashes(chain, clock)
        self._turn = asyncio.Lock()
        self._in_hand: set[int] = set()
        self._last_sent_ms: dict[int, int] = {}

    async def draft(self, room: int) -> list[Drafted]:
        """Write at most `room` drafts of what is due; `submit` them next."""
        async with self._turn:
            return self._take(await self._outbox.draft_due(room))

    async def draft_settlements(self, left: Sequence[DueMeter], room: int) -> list[Drafted]:
        """Write at most `room` drafts that only settle; `submit` them next."""
        async with self._turn:
            return self._take(await self._outbox.draft_settlements(left, room))

    async def submit(self, drafted: Sequence[Drafted]) -> None:
        """Sign and send drafts, all at once.

        Raises:
            Unavailable: the database went away; `follow` finds what was left.
        """
        try:
            self._reached(CrashPoint.OUTBOX_DRAFTED)
            composed = await self._sign(drafted)
            self._reached(CrashPoint.OUTBOX_COMPOSED)
            ready = await self._outbox.signed(composed)
            self._reached(CrashPoint.OUTBOX_SIGNED)
            for one in ready:
                _log.info("transaction_signed", outbox=one.draft.id, transaction=one.signed.signature)
            sent = await _all(self._send(one) for one in ready)
            await self._outbox.sent([number for number in sent if number is not None])
            self._reached(CrashPoint.OUTBOX_SENT)
        finally:
            self._in_hand -= {one.draft.id for one in drafted}

    async def count_open(self) -> int:
        """How many transactions of this bridge may still land."""
        return len(await self._outbox.open_transactions())

    async def keep(self) -> int:
        """Renew the leases, and take over what a silent bridge left; returns how many transactions were taken over."""
        return await self._outbox.keep()

    async def follow(self) -> int:
        """Look after every open transaction once; returns how many are still open."""
        async with self._turn:  # a draft that is being written is in hand before anyone else sees it
            rows = [row for row in await self._outbox.open_transactions() if row.id not in self._in_hand]
        self._metrics.outbox_pending.set(len(rows) + len(self._in_hand))
        await self._withdraw_unsigned([row for row in rows if row.signature is None])
        signed = [(row, row.signature) for row in rows if row.signature is not None]
        if not signed:
            return 0
        statuses = await self._chain.statuses([signature for _, signature in signed])
        seen = list(zip(signed, statuses, strict=True))
        confirmed = [(row, signature, status) for (row, signature), status in seen if status is not None and status.is_confirmed]
        ended = await self._conclude(confirmed)
        unseen = [entry for entry, status in seen if status is None]
        return len(signed) - ended - await self._look_after_unseen(unseen)

    def _take(self, drafted: list[Drafted]) -> list[Drafted]:
        for one in drafted:
            _log.info("transaction_drafted", outbox=one.draft.id, kind=one.draft.kind, readings=_readings(one.draft.items))
        self._in_hand |= {one.draft.id for one in drafted}
        return drafted

    async def _sign(self, drafted: Sequence[Drafted]) -> list[SignedDraft]:
        """Build and sign; what can't be built or signed now is dealt with and left out."""
        signed = await _all(self._sign_one(one) for one in drafted)
        return [one for one in signed if one is not None]

    async def _sign_one(self, one: Drafted) -> SignedDraft | None:
        draft = one.draft
        try:
            blockhash, last_valid = await self._blockhashes.recent()
            signed = await self._composer.compose(one.plan, payer=draft.payer, salt=draft.salt, blockhash=blockhash)
        except Unavailable as problem:
            _log.warning("transaction_not_signed", outbox=draft.id, readings=_readings(draft.items), why=str(problem))
            await self._outbox.withdrawn(draft, f"not signed: {problem}", retry_after_ms=RETRY_UNSENT_MS)
            return None
        except InvalidInput as problem:
            await self._fail(draft, f"{REFUSED_MARK}{problem}")
            return None
        return SignedDraft(draft=draft, signed=signed, last_valid_block_height=last_valid)

    async def _send(self, one: SignedDraft) -> int | None:
        """Send for the first time; returns the row's number when its bytes are on their way, or may be."""
        draft = one.draft
        try:
            await self._chain.send(one.signed.wire)
            self._reached(CrashPoint.OUTBOX_TAKEN)
        except TransactionRefused as refusal:
            if await self._refused(draft, refusal):
                return None
        except Unavailable as problem:
            _log.warning("transaction_not_sent", outbox=draft.id, why=str(problem))
            return None  # it stays signed, and `follow` sends the same bytes
        except OutcomeUnknown as problem:
            _log.warning("transaction_outcome_unknown", outbox=draft.id, why=str(problem))
        self._last_sent_ms[draft.id] = self._clock.now_ms()
        _log.info("transaction_sent", outbox=draft.id, transaction=one.signed.signature, readings=_readings(draft.items))
        return draft.id

    async def _refused(self, draft: Draft, refusal: TransactionRefused) -> bool:
        """Deal with a refusal of the *first* sending: the bytes went nowhere. False when they may yet land."""
        why = explain(refusal.err, self._ids, logs=refusal.logs)
        match meaning_of(refusal.err):
            case Meaning.FOLLOW:
                return False
            case Meaning.WAIT:
                _log.warning("settlement_waits", outbox=draft.id, readings=_readings(draft.items), why=why)
                await self._outbox.withdrawn(draft, why, retry_after_ms=POSTPONE_MS)
                self._count(draft.kind, "refused")
            case Meaning.FAILED:
                overtaken = is_overtaken(refusal.err, len(draft.items))
                await self._fail(draft, f"{REFUSED_MARK}{why}", overtaken=overtaken)
        return True

    async def _fail(self, draft: Draft, why: str, *, overtaken: bool = False) -> None:
        _log.warning("transaction_refused", outbox=draft.id, readings=_readings(draft.items), why=why)
        await self._outbox.failed(draft.id, draft.kind, draft.items, "refused", why, overtaken=overtaken)
        self._count(draft.kind, "refused")

    async def _withdraw_unsigned(self, rows: Sequence[OpenTransaction]) -> None:
        """Drafts of an earlier life: nothing of them exists, so their meters are simply due again."""
        for row in rows:
            draft = Draft(id=row.id, kind=row.kind, salt=0, payer=row.payer, items=row.items, created_at_ms=row.created_at_ms)
            await self._outbox.withdrawn(draft, "never signed", retry_after_ms=0)

    async def _conclude(self, confirmed: Sequence[tuple[OpenTransaction, str, SignatureStatus]]) -> int:
        """These transactions are on the chain: write down what they did; returns how many are dealt with."""
        good: list[tuple[OpenTransaction, str]] = []
        for row, signature, status in confirmed:
            if status.err is None:
                good.append((row, signature))
            else:
                overtaken = is_overtaken(status.err, len(row.items))
                await self._end(row, "refused", f"{REFUSED_MARK}{explain(status.err, self._ids)}", overtaken=overtaken)
        shown = await asyncio.gather(*(self._chain.transaction(signature) for _, signature in good))
        landings = [
            _Landing(row, transaction, effects_of(transaction, self._ids))
            for (row, _), transaction in zip(good, shown, strict=True)
            if transaction is not None  # the node can't show it yet
        ]
        return len(confirmed) - len(good) + await self._write_down(landings)

    async def _write_down(self, landings: Sequence[_Landing]) -> int:
        """Events, ledgers, minted readings, outbox and work list in one database transaction."""
        if not landings:
            return 0
        try:
            async with self._store.begin() as session:
                first = [await self._land(session, landing) for landing in landings]
                self._reached(CrashPoint.OUTBOX_LANDING)
        except Conflict:
            return 0  # the indexer wrote the same events in this very moment: look again
        self._reached(CrashPoint.OUTBOX_LANDED)
        for landing, is_first in zip(landings, first, strict=True):
            if is_first:
                self._tell_landing(landing, _sort(landing.row.items, landing.effects))
        return len(landings)

    async def _land(self, session: Session, landing: _Landing) -> bool:
        await ledger_rows.write_down(session, landing.effects.landed)
        sorted_items = _sort(landing.row.items, landing.effects)
        return await self._outbox.landed(
            session,
            landing.row,
            slot=landing.transaction.slot,
            compute_units=landing.transaction.compute_units,
            reached=sorted_items.reached,
            failures=sorted_items.failures,
            postponed=sorted_items.postponed,
        )

    def _tell_landing(self, landing: _Landing, items: _Sorted) -> None:
        row, transaction, now_ms = landing.row, landing.transaction, self._clock.now_ms()
        self._last_sent_ms.pop(row.id, None)
        self._count(row.kind, "landed")
        self._metrics.settlement_compute_units_total.inc(transaction.compute_units or 0)
        self._metrics.settlement_confirm_seconds.observe(max(0, now_ms - row.created_at_ms) / 1_000)
        _log.info(
            "transaction_landed",
            outbox=row.id,
            transaction=transaction.signature,
            slot=transaction.slot,
            readings=_readings(items.reached),
            refused=[f"{item.meter_id}:{item.sequence} {why}" for item, why in items.failures],
            postponed=_readings(items.postponed),
        )
        for item in items.reached:
            self._latency.settled(item.meter_id, drafted_at_ms=row.created_at_ms, now_ms=now_ms)

    async def _look_after_unseen(self, unseen: Sequence[tuple[OpenTransaction, str]]) -> int:
        """Send again what nobody has seen, and bury what can't land any more; returns how many ended."""
        now_ms = self._clock.now_ms()
        waiting = [
            (row, signature)
            for row, signature in unseen
            if not 0 <= now_ms - self._last_sent_ms.get(row.id, -RESEND_AFTER_MS) < RESEND_AFTER_MS  # a clock may be set back
        ]
        if not waiting:
            return 0
        height = await self._chain.block_height("finalized")
        ended = 0
        for row, signature in waiting:
            self._last_sent_ms[row.id] = now_ms
            if height > (row.last_valid_block_height or 0):
                ended += await self._expire(row, signature)
            else:
                await self._resend(row)
        return ended

    async def _expire(self, row: OpenTransaction, signature: str) -> bool:
        """Its blockhash is dead on the finalized chain; only a final look into all of history makes that its end."""
        (status,) = await self._chain.statuses([signature], search_history=True)
        if status is None:
            self._reached(CrashPoint.OUTBOX_FOUND_DEAD)
            await self._end(row, "expired", "expired: not on the chain when its blockhash died")
            return True
        return status.is_confirmed and await self._conclude([(row, signature, status)]) > 0

    async def _resend(self, row: OpenTransaction) -> None:
        if row.wire is None:
            return
        try:
            await self._chain.send(row.wire, skip_preflight=True)
            self._reached(CrashPoint.OUTBOX_RESENT)
        except (TransactionRefused, OutcomeUnknown):
            pass  # it may have landed by an earlier sending; the statuses will tell
        except Unavailable as problem:
            _log.warning("transaction_not_sent", outbox=row.id, why=str(problem))
            return
        self._metrics.settlement_resends_total.inc()
        _log.info("transaction_sent_again", outbox=row.id, transaction=row.signature, readings=_readings(row.items))
        await self._outbox.sent([row.id])

    async def _end(self, row: OpenTransaction, ending: Ending, why: str, *, overtaken: bool = False) -> None:
        self._last_sent_ms.pop(row.id, None)
        if await self._outbox.failed(row.id, row.kind, row.items, ending, why, overtaken=overtaken):
            readings = _readings(row.items)
            _log.warning("transaction_ended", outbox=row.id, transaction=row.signature, ending=ending, why=why, readings=readings)
            self._count(row.kind, ending)

    def _count(self, kind: str, status: str) -> None:
        self._metrics.settlement_transactions_total.labels(kind=kind, status=status).inc()


async def _all(steps: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Take all steps at once; when one fails the others still come to their end before it is raised."""
    ends = await asyncio.gather(*steps, return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return [end for end in ends if not isinstance(end, BaseException)]


def _readings(items: Sequence[Item]) -> list[str]:
    """The ids under which the log follows readings, here those that the transaction states."""
    return [f"{item.meter_id}:{item.sequence}" for item in items]


def _sort(items: Sequence[Item], effects: Effects) -> _Sorted:
    outcomes = {outcome.meter_id: outcome for outcome in effects.outcomes}
    found = _Sorted()
    for item in items:
        outcome = outcomes.get(item.meter_id)
        if outcome is None:
            found.failures.append((item, "the chain told no result"))
        elif outcome.was_credited or outcome.result == ReadingResult.STALE_SEQUENCE:
            found.reached.append(item)  # stale: the ledger has got there already
        elif outcome.result == ReadingResult.FUTURE:
            found.postponed.append(item)
        else:
            found.failures.append((item, outcome.result_name))
    return found
