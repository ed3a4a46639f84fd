"""The bridge's subscriber: what devices publish goes to the intake, and only then is acknowledged to the broker."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, final

from core.domain.clock import Clock
from core.domain.errors import InvalidInput, Unavailable
from core.domain.identity import Fleet
from core.runtime.crash_points import Reached, pass_by
from core.runtime.logging import get_logger
from core.runtime.metrics import Metrics
from devices.receipts import ReceiptMessage
from devices.topics import DEVICE_PUBLISHES, Channel, fleet_filter, parse_topic
from oracle_bridge.ingest import Arrival, Ingest, IngestLimits
from oracle_bridge.ingest_door import Door
from oracle_bridge.receipts_out import ReceiptsOut
from oracle_bridge.subscriber_link import SESSION_EXPIRY_S, BrokerAddress, MqttLink

FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 15.0
VERSION_TOPIC: Final = "$SYS/broker/version"
"""Where Mosquitto says what it is; other brokers may not."""
_VERSION_LENGTH: Final = 64
ASK_AGAIN_AFTER_S: Final = 30.0
"""How long a message that could be neither stored nor refused rests before the broker is asked for it again."""
SHARED_SESSION_EXPIRY_S: Final = 60
"""A shared subscription deals to an absent bridge too, as long as its session lasts. What was dealt to it and not stored has no
receipt, so devices say it again to those that are there."""
_STORED: Final = frozenset({Channel.READING, Channel.JOURNAL})
_log = get_logger(__name__)


@final
class Subscriber:
    """Drains a fleet's topics into the intake. `run` it under a supervisor; `stop` finishes the batch in hand.

    Args:
        url: `mqtt://host:port` or `mqtts://host:port`.
        username: The bridge's user on the broker.
        password: Its password.
        fleet: Whose topics.
        door: Where arrivals are committed: `IntakeDoor` on the real intake.
        network: The deployment's 8 bytes, for devices that say hello.
        clock: Stamps arrivals.
        metrics: Counters.
        client_id: Name of the session on the broker; the user name when unset.
        ca_file: CA certificate for `mqtts`.
        shared_group: Group of a shared subscription, for several bridges; unset subscribes plainly.
        limits: Batches and backlog.
        asks_version: Also ask the broker what it is.
        reached: Told at each step.
    """

    def __init__(
        self,
        *,
        url: str,
        username: str,
        password: str,
        fleet: Fleet,
        door: Door,
        network: bytes,
        clock: Clock,
        metrics: Metrics,
        client_id: str | None = None,
        ca_file: Path | None = None,
        shared_group: str | None = None,
        limits: IngestLimits | None = None,
        asks_version: bool = False,
        reached: Reached = pass_by,
    ) -> None:
        limits = limits or IngestLimits()
        address = BrokerAddress.parse(url, username=username, password=password, client_id=client_id, ca_file=ca_file)
        self._fleet = fleet
        self._door = door
        self._clock = clock
        self._metrics = metrics
        self._shared_group = shared_group
        self._link = MqttLink(
            address,
            receive_maximum=limits.max_backlog // 2,
            on_message=self._message_arrived,
            session_expiry_s=SHARED_SESSION_EXPIRY_S if shared_group else SESSION_EXPIRY_S,
        )
        self._receipts = ReceiptsOut(
            publish=self._link.publish, fleet=fleet, network=network, clock=clock, highest=door.highest, metrics=metrics
        )
        self._ingest = Ingest(
            take=self._take,
            refuse=door.refuse,
            acknowledge=self._acknowledge,
            answer=self._receipts.send,
            set_aside=self._set_aside,
            metrics=metrics,
            limits=limits,
            reached=reached,
        )
        self._ingest.on_relief = self._link.resume
        self._ready = asyncio.Event()
        self._stopping = asyncio.Event()
        self._asking_again: asyncio.TimerHandle | None = None
        self._asks_version = asks_version
        self.engine = ""
        """What the broker says it is; empty until it has said."""
        metrics.on_scrape(self._tell)

    @property
    def is_connected(self) -> bool:
        """Whether the broker is connected and the subscription granted."""
        return self._ready.is_set() and self._link.is_open

    async def wait_ready(self) -> None:
        """Return when the subscription is granted."""
        await self._ready.wait()

    async def run(self) -> None:
        """Work until `stop`.

        Raises:
            InvalidInput: the broker refuses the user or the subscription.
        """
        try:
            async with asyncio.TaskGroup() as group:
                connection = group.create_task(self._keep_connected(), name="subscriber-connection")
                ingest = group.create_task(self._ingest.run(), name="subscriber-ingest")
                await asyncio.wait({ingest})
                await self._link.leave()
                connection.cancel()
        except ExceptionGroup as problems:
            raise problems.exceptions[0] from problems
        finally:
            self._link.close()
            if self._asking_again is not None:
                self._asking_again.cancel()

    def stop(self) -> None:
        """Finish the batch in hand, answer it, and leave; what waits stays on the broker."""
        self._stopping.set()
        self._link.pause()
        self._ingest.stop()

    async def _keep_connected(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                await self._link.open()
                await self._link.subscribe(self._filters())
                self._ready.set()
                self._metrics.broker_connects_total.inc()
                await self._ask_version()
                pause_s = FIRST_PAUSE_S
                await self._link.wait_lost()
                _log.warning("broker_lost")
            except Unavailable as problem:
                _log.warning("broker_waits", pause_s=pause_s, why=str(problem))
            self._ready.clear()
            await asyncio.sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)

    async def _ask_version(self) -> None:
        if self._asks_version:
            with suppress(InvalidInput, Unavailable):  # a broker need not tell
                await self._link.subscribe([VERSION_TOPIC])

    def _tell(self) -> None:
        oldest_at = self._ingest.oldest_received_at
        self._metrics.broker_connected.set(self.is_connected)
        self._metrics.ingest_backlog.set(self._ingest.waiting)
        age_s = 0 if oldest_at is None else max(0, self._clock.now() - oldest_at)
        self._metrics.ingest_oldest_unacknowledged_seconds.set(age_s)

    def _filters(self) -> list[str]:
        group = f"$share/{self._shared_group}/" if self._shared_group else ""
        return [group + fleet_filter(self._fleet, channel) for channel in sorted(DEVICE_PUBLISHES)]

    def _message_arrived(self, epoch: int, name: str, payload: bytes, packet_id: int) -> None:
        """Queue a message, or acknowledge at once what nobody can store: a topic that is none of the protocol's."""
        try:
            topic = parse_topic(name)
        except InvalidInput:
            if name == VERSION_TOPIC:
                self.engine = payload[:_VERSION_LENGTH].decode(errors="replace")
            self._metrics.broker_messages_total.labels("foreign").inc()
            self._link.acknowledge(epoch, packet_id)
            return
        self._ingest.offer(Arrival(topic.meter_id, topic.channel, payload, self._clock.now(), epoch, packet_id))
        if self._ingest.is_full:
            self._link.pause()

    async def _take(self, batch: Sequence[Arrival]) -> Sequence[ReceiptMessage]:
        stored = [arrival for arrival in batch if arrival.channel in _STORED]
        receipts = await self._door.take(stored) if stored else ()
        await self._receipts.answer_hellos(arrival.meter_id for arrival in batch if arrival.channel is Channel.HELLO)
        for channel, count in Counter(arrival.channel for arrival in batch).items():
            self._metrics.broker_messages_total.labels(channel.value).inc(count)
        return receipts

    def _acknowledge(self, arrival: Arrival) -> None:
        self._link.acknowledge(arrival.epoch, arrival.packet_id)

    def _set_aside(self, arrival: Arrival) -> None:
        """Ask the broker for the message again, by a new connection, after a rest."""
        _log.error("message_set_aside", meter_id=arrival.meter_id, channel=arrival.channel.value)
        if self._asking_again is None:
            self._asking_again = asyncio.get_running_loop().call_later(ASK_AGAIN_AFTER_S, self._ask_again)

    def _ask_again(self) -> None:
        self._asking_again = None
        with suppress(OSError):
            self._link.drop()
