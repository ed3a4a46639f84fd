"""The MQTT transport against a real broker on loopback; the platform's side is in memory."""

import asyncio
from contextlib import asynccontextmanager

import aiomqtt
import pytest

from broker.access import Bridge, Device, Identity
from broker.embedded import EmbeddedBroker
from core.domain.errors import InvalidInput
from core.domain.identity import parse_fleet
from core.runtime.clock import FixedClock
from devices.acceptance import Mark
from devices.topics import Channel, fleet_filter, meter_topic, parse_topic
from firmware_sim.faults import NO_FAULTS, USUAL_FAULTS, FaultPlan
from firmware_sim.fleet import Fleet, MeterSpec, Progress, draw_specs
from firmware_sim.mqtt import MqttTransport, parse_broker_url
from firmware_sim.transport import LinkDown
from firmware_sim.weather import Weather
from tests.support.memory_platform import MemoryPlatform, active_meter

NOW = 1_749_999_600
START = NOW - 6 * 3_600
NETWORK = bytes(range(8))
HOME = parse_fleet("home")


async def who(username: str, password: str, _client_id: str) -> Identity | None:
    if (username, password) == ("bridge", "secret"):
        return Bridge("bridge")
    specs = {spec.meter_id: spec for spec in draw_specs(8, seed=1, base_measured_at=START)}
    known = next((meter_id for meter_id in specs if meter_id == username), None)
    return Device(HOME, known) if known is not None and password == "secret" else None


def platform_for(specs: list[MeterSpec]) -> MemoryPlatform:
    platform = MemoryPlatform(NETWORK, FixedClock(NOW))
    for spec in specs:
        base = Mark(
            sequence=spec.base.sequence,
            measured_at=spec.base.measured_at,
            generation_wh=spec.base.generation_wh,
            consumption_wh=spec.base.consumption_wh,
        )
        state = active_meter(
            kind=spec.statement_kind,
            rated_power_out_w=spec.plate.rated_power_out_w,
            rated_power_in_w=spec.plate.rated_power_in_w,
            base=base,
        )
        platform.bind(spec.meter_id, spec.key.public_key, state)
    return platform


async def serve(url: str, platform: MemoryPlatform, ready: asyncio.Event) -> None:
    """A bridge of twenty lines: what arrives is judged, and the answer published."""
    address = parse_broker_url(url)
    async with aiomqtt.Client(address.host, address.port, username="bridge", password="secret", identifier="bridge") as client:
        for channel in (Channel.READING, Channel.JOURNAL, Channel.HELLO):
            await client.subscribe(fleet_filter(HOME, channel), qos=1)
        ready.set()
        async for message in client.messages:
            topic = parse_topic(str(message.topic))
            for answer in platform.receive(topic.meter_id, topic.channel, message.payload):
                await client.publish(meter_topic(HOME, topic.meter_id, Channel.RECEIPT), answer, qos=1)


@asynccontextmanager
async def running_platform(specs: list[MeterSpec]):
    platform = platform_for(specs)
    async with EmbeddedBroker(who, port=0) as broker, asyncio.TaskGroup() as tasks:
        ready = asyncio.Event()
        bridge = tasks.create_task(serve(broker.url, platform, ready))
        await asyncio.wait_for(ready.wait(), 10)
        yield platform, broker
        bridge.cancel()


@pytest.mark.parametrize(("plan", "first_retry_s"), [(NO_FAULTS, 60), (USUAL_FAULTS, 0.3)], ids=["calm", "bad day"])
async def test_a_fleet_lives_a_day_over_a_broker_and_everything_arrives(plan: FaultPlan, first_retry_s: float):
    specs = draw_specs(8, seed=1, base_measured_at=START)
    seen: list[Progress] = []
    async with running_platform(specs) as (platform, broker):
        passwords = {spec.meter_id: "secret" for spec in specs}
        async with MqttTransport(parse_broker_url(broker.url), fleet=HOME, passwords=passwords) as transport:
            fleet = Fleet(
                specs,
                network=NETWORK,
                transport=transport,
                clock=FixedClock(NOW),
                weather=Weather(seed=1),
                faults=plan,
                first_retry_s=first_retry_s,
            )
            await fleet.connect()
            await fleet.live(START, NOW, seen.append)
            waiting = await fleet.drain(20)
            await fleet.close()

    truth = fleet.truth()
    assert waiting == []
    assert [progress.ticks_done for progress in seen] == list(range(1, 25))
    credited = sum(book.state.credited_generation_wh for book in platform.books.values())
    assert credited <= truth.generation_wh
    if plan is NO_FAULTS:
        assert credited == truth.generation_wh
        assert truth.total("sent") == truth.total("stated")


async def test_a_line_that_breaks_by_itself_comes_back_and_says_hello():
    specs = draw_specs(1, seed=1, base_measured_at=START)
    meter_id = specs[0].meter_id
    backs: list[str] = []
    broker = EmbeddedBroker(who, port=0)
    await broker.start()
    async with MqttTransport(parse_broker_url(broker.url), fleet=HOME, passwords={meter_id: "secret"}) as transport:
        back = asyncio.Event()

        def is_back() -> None:
            backs.append("back")
            back.set()

        await transport.connect(meter_id, lambda _channel, _payload: None, is_back)
        await broker.stop()
        with pytest.raises(LinkDown):
            await transport.publish(meter_id, Channel.HELLO, b"{}")
        again = EmbeddedBroker(who, port=broker.port)
        await again.start()
        await asyncio.wait_for(back.wait(), 10)
        await transport.publish(meter_id, Channel.STATUS, b'{"online":true}')
    await again.stop()

    assert backs == ["back"]


async def test_without_its_credential_a_meter_is_not_let_in(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("firmware_sim.mqtt.CONNECT_TIMEOUT_S", 1.0)
    specs = draw_specs(1, seed=1, base_measured_at=START)
    meter_id = specs[0].meter_id
    passwords = {meter_id: "wrong"}
    async with (
        EmbeddedBroker(who, port=0) as broker,
        MqttTransport(parse_broker_url(broker.url), fleet=HOME, passwords=passwords) as transport,
    ):
        with pytest.raises(LinkDown):
            await transport.connect(meter_id, lambda _channel, _payload: None, lambda: None)


async def test_a_fleet_that_nobody_lets_in_says_so_and_one_stranger_stops_nobody(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("firmware_sim.mqtt.CONNECT_TIMEOUT_S", 1.0)
    specs = draw_specs(2, seed=1, base_measured_at=START)

    async def lines_up(passwords: tuple[str, str]) -> list[bool]:
        async with (
            EmbeddedBroker(who, port=0) as broker,
            MqttTransport(
                parse_broker_url(broker.url),
                fleet=HOME,
                passwords={spec.meter_id: password for spec, password in zip(specs, passwords, strict=True)},
            ) as transport,
        ):
            fleet = Fleet(specs, network=NETWORK, transport=transport, clock=FixedClock(NOW), weather=Weather(seed=1))
            try:
                await fleet.connect()
                return [not device.link.down for device in fleet.devices.values()]
            finally:
                await fleet.close()

    assert await lines_up(("secret", "wrong")) == [True, False]
    with pytest.raises(LinkDown):
        await lines_up(("wrong", "wrong"))


@pytest.mark.parametrize("url", ["", "http://host", "mqtt://", "host:1883"])
def test_a_broker_has_an_mqtt_url(url: str):
    with pytest.raises(InvalidInput):
        parse_broker_url(url)


def test_tls_is_asked_for_by_the_scheme():
    assert parse_broker_url("mqtts://broker.example").tls is not None
    assert parse_broker_url("mqtts://broker.example").port == 8883
    assert parse_broker_url("mqtt://127.0.0.1:1").tls is None
