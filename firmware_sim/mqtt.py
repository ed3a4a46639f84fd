"""Meters on a real broker: one connection a meter, with its own credentials, and a will."""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import aiomqtt

from core.domain.errors import InvalidInput
from core.domain.identity import Fleet, MeterId
from devices.messages import Status, encode_status
from devices.topics import DEVICE_SUBSCRIBES, QOS, RETAINED, Channel, meter_topic, parse_topic
from firmware_sim.transport import Back, LinkDown, Listener

CONNECT_TIMEOUT_S: Final = 10.0
PUBLISH_TIMEOUT_S: Final = 10.0
LONGEST_BACK_OFF_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """Where the broker is."""

    host: str
    port: int
    tls: ssl.SSLContext | None = None


def parse_broker_url(url: str, *, ca_file: str | None = None) -> BrokerAddress:
    """Read `mqtt://host:port` or `mqtts://host:port`.

    Raises:
        InvalidInput: another scheme, or no host.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"mqtt", "mqtts"} or parts.hostname is None:
        raise InvalidInput("a broker is mqtt://host:port or mqtts://host:port")
    if parts.scheme == "mqtt":
        return BrokerAddress(host=parts.hostname, port=parts.port or 1883)
    return BrokerAddress(host=parts.hostname, port=parts.port or 8883, tls=ssl.create_default_context(cafile=ca_file))


@dataclass(slots=True)
class _Line:
    """One meter's connection; `client` is set while it stands."""

    listener: Listener
    back: Back
    client: aiomqtt.Client | None = None
    up: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class MqttTransport:
    """Connections of many meters to one broker; reconnects each by itself. Use as a context manager.

    Args:
        address: the broker.
        fleet: the fleet's name in topics.
        passwords: of each meter; its user name and client id are its meter id.
    """

    def __init__(self, address: BrokerAddress, *, fleet: Fleet, passwords: Mapping[MeterId, str]) -> None:
        self._address = address
        self._fleet = fleet
        self._passwords = passwords
        self._lines: dict[MeterId, _Line] = {}
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for meter_id in list(self._lines):
            await self.disconnect(meter_id)
        if isinstance(error, asyncio.CancelledError):
            await self._tasks.__aexit__(kind, error, traceback)
        else:  # the body's own error goes up as it is, not in a group
            await self._tasks.__aexit__(None, None, None)

    async def connect(self, meter_id: MeterId, listener: Listener, back: Back) -> None:
        """Open the meter's line; returns when it is subscribed, or raises LinkDown."""
        await self.disconnect(meter_id)
        line = _Line(listener, back)
        self._lines[meter_id] = line
        line.task = self._tasks.create_task(self._keep(meter_id, line), name=f"meter {meter_id}")
        try:
            await asyncio.wait_for(line.up.wait(), CONNECT_TIMEOUT_S)
        except TimeoutError as problem:
            raise LinkDown(f"the broker does not let {meter_id} in within {CONNECT_TIMEOUT_S:.0f} s") from problem

    async def publish(self, meter_id: MeterId, channel: Channel, payload: bytes) -> None:
        """Send at QoS 1; returns after the broker's PUBACK, or raises LinkDown."""
        line = self._lines.get(meter_id)
        if line is None or line.client is None:
            raise LinkDown(f"{meter_id} is not connected")
        topic = meter_topic(self._fleet, meter_id, channel)
        try:
            await line.client.publish(topic, payload, qos=QOS, retain=channel in RETAINED, timeout=PUBLISH_TIMEOUT_S)
        except aiomqtt.MqttError as problem:
            raise LinkDown(f"the broker did not take a message of {meter_id}") from problem

    async def disconnect(self, meter_id: MeterId) -> None:
        """Close the meter's line."""
        line = self._lines.pop(meter_id, None)
        if line is None or line.task is None:
            return
        line.task.cancel()
        await asyncio.wait([line.task])

    async def _keep(self, meter_id: MeterId, line: _Line) -> None:
        back_off_s = 0.5
        while True:
            with suppress(aiomqtt.MqttError):  # the line broke or was refused: try again later
                await self._stand(meter_id, line)
            back_off_s = 0.5 if line.up.is_set() and back_off_s > 1 else min(LONGEST_BACK_OFF_S, back_off_s * 2)
            await asyncio.sleep(back_off_s)

    async def _stand(self, meter_id: MeterId, line: _Line) -> None:
        async with self._client(meter_id) as client:
            await client.subscribe([(meter_topic(self._fleet, meter_id, channel), QOS) for channel in sorted(DEVICE_SUBSCRIBES)])
            line.client = client
            try:
                if line.up.is_set():
                    line.back()
                line.up.set()
                async for message in client.messages:
                    self._hand_over(line, message)
            finally:
                line.client = None

    def _hand_over(self, line: _Line, message: aiomqtt.Message) -> None:
        try:
            channel = parse_topic(str(message.topic)).channel
        except InvalidInput:
            return
        line.listener(channel, message.payload)

    def _client(self, meter_id: MeterId) -> aiomqtt.Client:
        return aiomqtt.Client(
            self._address.host,
            self._address.port,
            username=meter_id,
            password=self._passwords[meter_id],
            identifier=meter_id,
            clean_session=True,
            will=aiomqtt.Will(
                meter_topic(self._fleet, meter_id, Channel.STATUS), encode_status(Status(online=False)), qos=QOS, retain=True
            ),
            tls_context=self._address.tls,
            timeout=CONNECT_TIMEOUT_S,
            max_inflight_messages=20,
        )
