"""Answers to devices: receipts after the commit, and the answer to a hello."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final, final

from core.domain.clock import Clock
from core.domain.errors import Unavailable
from core.domain.identity import Fleet, MeterId, parse_meter_id
from core.runtime.logging import get_logger
from core.runtime.metrics import Metrics
from devices.receipts import HelloAnswer, ReceiptMessage, encode_hello_answer, encode_receipt
from devices.topics import Channel, meter_topic

Publish = Callable[[str, bytes], Awaitable[None]]
"""Publish (topic, payload) at QoS 1; raises Unavailable."""
HighestSequences = Callable[[Sequence[MeterId]], Awaitable[Mapping[MeterId, int]]]
"""The highest stored sequence of each meter that is known; unknown meters are left out."""

_log: Final = get_logger(__name__)


@final
class ReceiptsOut:
    """Publishes what the platform tells devices. A lost receipt does no harm: the device sends again and gets another.

    Args:
        publish: The connection to the broker.
        fleet: Whose topics.
        network: The deployment's 8 bytes.
        clock: The time that a device without a clock takes over.
        highest: Looks up where devices stand.
        metrics: Counts receipts that were not sent.
    """

    def __init__(
        self,
        *,
        publish: Publish,
        fleet: Fleet,
        network: bytes,
        clock: Clock,
        highest: HighestSequences,
        metrics: Metrics | None = None,
    ) -> None:
        self._metrics = metrics or Metrics()
        self._publish = publish
        self._fleet = fleet
        self._network = network
        self._clock = clock
        self._highest = highest

    async def send(self, receipts: Iterable[ReceiptMessage]) -> None:
        """Publish receipts; while the broker is away they are dropped."""
        for receipt in receipts:
            topic = meter_topic(self._fleet, parse_meter_id(receipt.meter_id), Channel.RECEIPT)
            for payload in encode_receipt(receipt):
                if not await self._sent(topic, payload):
                    return

    async def answer_hellos(self, meter_ids: Iterable[MeterId]) -> None:
        """Tell each known meter where it stands, once a batch however often it asks.

        Raises:
            Unavailable: the database does not answer.
        """
        asking = sorted(set(meter_ids))
        if not asking:
            return
        for meter_id, highest in (await self._highest(asking)).items():
            answer = HelloAnswer(highest=highest, time=self._clock.now(), network=self._network)
            if not await self._sent(meter_topic(self._fleet, meter_id, Channel.RECEIPT), encode_hello_answer(answer)):
                return

    async def _sent(self, topic: str, payload: bytes) -> bool:
        try:
            await self._publish(topic, payload)
        except Unavailable as problem:
            self._metrics.receipts_dropped_total.inc()
            _log.warning("receipts_dropped", why=str(problem))
            return False
        return True
