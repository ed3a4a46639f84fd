"""The door that arrivals go through: the intake, as the subscriber uses it."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol, final

from core.domain.clock import Clock
from core.domain.identity import Fleet, MeterId
from core.domain.verdicts import Reason
from core.store import Store, meters, refusals
from devices.intake import BatchResult, Submission
from devices.receipts import ReceiptMessage
from devices.topics import Channel
from oracle_bridge.ingest import Arrival

KEPT_BYTES: Final = 4_096

Submit = Callable[[Sequence[Submission]], Awaitable[BatchResult]]
"""`Intake.submit`."""


class Door(Protocol):
    """Commits arrivals of the channels `reading` and `journal`, and knows where meters stand."""

    async def take(self, arrivals: Sequence[Arrival]) -> Sequence[ReceiptMessage]:
        """Commit all in one transaction and return what to tell the devices.

        Raises:
            Unavailable: nothing was stored; repeat later.
            OutcomeUnknown: something may have been stored; repeating does no harm.
        """
        ...

    async def refuse(self, arrival: Arrival, detail: str) -> None:
        """Keep a message that `take` cannot digest as a refusal, reason `malformed`.

        Raises:
            Unavailable: nothing was stored; repeat later.
        """
        ...

    async def highest(self, meter_ids: Sequence[MeterId]) -> Mapping[MeterId, int]:
        """The highest stored sequence of each known meter.

        Raises:
            Unavailable: the database is away.
        """
        ...


@final
class IntakeDoor:
    """The real door.

    Args:
        submit: The intake's.
        store: The same database.
        fleet: Whose topics the arrivals came by.
        clock: Stamps refusals.
    """

    def __init__(self, *, submit: Submit, store: Store, fleet: Fleet, clock: Clock) -> None:
        self._submit = submit
        self._store = store
        self._fleet = fleet
        self._clock = clock

    async def take(self, arrivals: Sequence[Arrival]) -> Sequence[ReceiptMessage]:
        """Hand all to the intake."""
        result = await self._submit([self._submission(arrival) for arrival in arrivals])
        return result.receipts

    async def refuse(self, arrival: Arrival, detail: str) -> None:
        """Write the refusal without judging anything."""
        refusal = refusals.Refusal(
            claimed_meter_id=arrival.meter_id,
            sequence="",
            reason=Reason.MALFORMED.value,
            detail=detail[:200],
            source="mqtt",
            payload=arrival.payload[:KEPT_BYTES],
            payload_sha256=hashlib.sha256(arrival.payload).hexdigest(),
        )
        async with self._store.begin() as session:
            await refusals.record(session, [refusal], now=self._clock.now())

    async def highest(self, meter_ids: Sequence[MeterId]) -> Mapping[MeterId, int]:
        """Read the meters' rows; a meter of another fleet is not known here."""
        async with self._store.read() as session:
            standings = await meters.standings(session, meter_ids)
        return {
            meter_id: standings[meter_id].highest_sequence
            for meter_id in meter_ids
            if meter_id in standings and standings[meter_id].fleet == self._fleet
        }

    def _submission(self, arrival: Arrival) -> Submission:
        return Submission(
            raw=arrival.payload,
            source="mqtt",
            received_at=arrival.received_at,
            kind="journal" if arrival.channel is Channel.JOURNAL else "reading",
            fleet=self._fleet,
            topic_meter_id=arrival.meter_id,
        )
