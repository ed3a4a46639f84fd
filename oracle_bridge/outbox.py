"""Draft → signed → sent → landed | expired | refused, each step one database transaction with its consequences for the work list.

A meter is leased exactly as long as an open row contains it, because both change in the same transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.domain.clock import Clock
from core.runtime.crash_points import CrashPoint, Reached, pass_by
from core.runtime.settings import SettlementSettings
from core.store import outbox as rows
from core.store import work
from core.store.outbox import Draft, Item, OpenTransaction
from core.store.unit_of_work import Session, Store
from core.store.work import DueMeter, Target
from oracle_bridge.planner import LIMITS, Limits, Plan, plan, plan_settlements
from oracle_bridge.ports import Composer, SignedTransaction

POSTPONE_MS: Final = 30_000
"""For what time alone will mend: a pause, a reading ahead of the chain's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A row and the plan that it stands for."""

    draft: Draft
    plan: Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDraft:
    """A draft with its transaction."""

    draft: Draft
    signed: SignedTransaction
    last_valid_block_height: int


class Outbox:
    """The bridge's own view of the outbox.

    Args:
        store: the database.
        composer: measures plans and names their payers.
        settings: batch sizes, intervals, attempts.
        clock: the present.
        owner: this bridge's name; rows carry it.
        limits: what one transaction may take up.
        reached: told at each step.
    """

    def __init__(
        self,
        *,
        store: Store,
        composer: Composer,
        settings: SettlementSettings,
        clock: Clock,
        owner: str,
        limits: Limits = LIMITS,
        reached: Reached = pass_by,
    ) -> None:
        self._store = store
        self._composer = composer
        self._settings = settings
        self._clock = clock
        self._owner = owner
        self._limits = limits
        self._lease_ms = settings.lease_s * 1_000
        self._reached = reached
        self._turn = 0

    async def draft_due(self, room: int) -> list[Drafted]:
        """Lease one batch of due meters, plan it and write the drafts, in one transaction; at most `room` of them.

        What does not fit into the room stays due.
        """
        async with self._store.begin() as session:
            now_ms = self._clock.now_ms()
            due = await work.lease(
                session,
                owner=self._owner,
                now_ms=now_ms,
                lease_ms=self._lease_ms,
                limit=self._settings.max_readings_per_batch,
            )
            plans = plan(due, measure=self._composer.measure, limits=self._limits)
            untried = [meter.meter_id for late in plans[room:] for meter in late.meters]
            if untried:
                await work.give_back(session, untried, due_at_ms=now_ms, now_ms=now_ms)
            drafted = [await self._draft(session, ready, now_ms) for ready in plans[:room]]
            if drafted:
                self._reached(CrashPoint.OUTBOX_DRAFTING)
            return drafted

    async def draft_settlements(self, left: Sequence[DueMeter], room: int) -> list[Drafted]:
        """Write drafts that settle what is owed or unsettled; meters in an open transaction are left out."""
        async with self._store.begin() as session:
            names = [meter.meter_id for meter in left]
            busy = await work.locked_elsewhere(session, names) | await work.in_open_transactions(session, names)
            free = [meter for meter in left if meter.meter_id not in busy]
            plans = plan_settlements(free, measure=self._composer.measure, limits=self._limits)
            return [await self._draft(session, ready, self._clock.now_ms()) for ready in plans[:room]]

    async def signed(self, batch: Sequence[SignedDraft]) -> list[SignedDraft]:
        """Keep signatures and bytes before they are sent; returns those that may be sent: nobody closed their drafts."""
        async with self._store.begin() as session:
            may_go = [
                one
                for one in batch
                if await rows.mark_signed(
                    session,
                    one.draft.id,
                    owner=self._owner,
                    signature=one.signed.signature,
                    wire=one.signed.wire,
                    last_valid_block_height=one.last_valid_block_height,
                )
            ]
            self._reached(CrashPoint.OUTBOX_SIGNING)
            return may_go

    async def sent(self, numbers: Sequence[int]) -> None:
        """These rows' bytes are on their way, or may be."""
        if not numbers:
            return
        async with self._store.begin() as session:
            for number in numbers:
                await rows.mark_sent(session, number, owner=self._owner, now_ms=self._clock.now_ms())

    async def withdrawn(self, draft: Draft, why: str, *, retry_after_ms: int) -> None:
        """A draft that was never signed, or whose bytes went nowhere: its meters are due again, nothing counted."""
        async with self._store.begin() as session:
            now_ms = self._clock.now_ms()
            if await rows.end(session, draft.id, "refused", owner=self._owner, now_ms=now_ms, error=why):
                names = [item.meter_id for item in draft.items]
                await work.give_back(session, names, due_at_ms=now_ms + retry_after_ms, now_ms=now_ms)
        self._reached(CrashPoint.OUTBOX_WITHDRAWN)

    async def failed(
        self,
        number: int,
        kind: rows.Kind,
        items: Sequence[Item],
        ending: rows.Ending,
        why: str,
        *,
        overtaken: bool = False,
    ) -> bool:
        """An attempt ended without effect: all its meters wait longer, or go to review.

        One that was overtaken has nothing left to do. A transaction that only settles has no work item behind it: the next
        sweep tries again.
        """
        async with self._store.begin() as session:
            now_ms = self._clock.now_ms()
            ended = await rows.end(session, number, ending, owner=self._owner, now_ms=now_ms, error=why)
            if ended and overtaken:
                await self._record(session, items, (), (), now_ms)
            elif ended and kind != "settle":
                names = [item.meter_id for item in items]
                await work.record_failure(session, names, why, now_ms=now_ms, max_attempts=self._settings.max_attempts)
            self._reached(CrashPoint.OUTBOX_ENDING)
        self._reached(CrashPoint.OUTBOX_ENDED)
        return ended

    async def landed(
        self,
        session: Session,
        row: OpenTransaction,
        *,
        slot: int,
        compute_units: int | None,
        reached: Sequence[Item],
        failures: Sequence[tuple[Item, str]],
        postponed: Sequence[Item],
    ) -> bool:
        """Close a row that landed, in the transaction that writes down its events; False if it was closed before."""
        now_ms = self._clock.now_ms()
        ended = await rows.end(
            session, row.id, "landed", owner=self._owner, now_ms=now_ms, slot=slot, compute_units=compute_units
        )
        if not ended:
            return False
        if row.kind != "settle":
            await self._record(session, reached, failures, postponed, now_ms)
        return True

    async def _record(
        self,
        session: Session,
        reached: Sequence[Item],
        failures: Sequence[tuple[Item, str]],
        postponed: Sequence[Item],
        now_ms: int,
    ) -> None:
        settings = self._settings
        await work.record_success(
            session,
            [Target(meter_id=item.meter_id, sequence=item.sequence, ordinal=item.ordinal) for item in reached],
            now_ms=now_ms,
            min_interval_ms=settings.min_settlement_interval_s * 1_000,
        )
        for item, why in failures:
            await work.record_failure(
                session, [item.meter_id], work.REFUSED_MARK + why, now_ms=now_ms, max_attempts=settings.max_attempts
            )
        if postponed:
            names = [item.meter_id for item in postponed]
            await work.give_back(session, names, due_at_ms=now_ms + POSTPONE_MS, now_ms=now_ms)

    async def open_transactions(self) -> list[OpenTransaction]:
        """What this bridge follows."""
        async with self._store.read() as session:
            return await rows.open_transactions(session, self._owner)

    async def keep(self) -> int:
        """Renew this bridge's leases and take over what a silent one left; returns how many rows were taken over."""
        async with self._store.begin() as session:
            now_ms = self._clock.now_ms()
            until_ms = now_ms + self._lease_ms
            await rows.extend_lease(session, owner=self._owner, until_ms=until_ms)
            await work.extend_lease(session, owner=self._owner, until_ms=until_ms)
            adopted = await rows.adopt(session, owner=self._owner, now_ms=now_ms, until_ms=until_ms)
        self._reached(CrashPoint.OUTBOX_KEPT)
        return adopted

    async def _draft(self, session: Session, ready: Plan, now_ms: int) -> Drafted:
        self._turn += 1
        draft = await rows.add_draft(
            session,
            kind=ready.kind,
            payer=self._composer.payer_for(ready.kind, self._turn),
            owner=self._owner,
            items=[
                Item(
                    meter_id=meter.meter_id,
                    sequence=meter.sequence,
                    ordinal=meter.ordinal,
                    generation_wh=meter.credited_generation_wh,
                    consumption_wh=meter.credited_consumption_wh,
                )
                for meter in ready.meters
            ],
            now_ms=now_ms,
            lease_ms=self._lease_ms,
        )
        return Drafted(draft=draft, plan=ready)
