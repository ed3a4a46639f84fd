"""TLS by option: the generated configuration, the bridge and a device meet on `mqtts`, and nobody else does."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiomqtt
import pytest
import trustme
from structlog.testing import capture_logs

from core.runtime.clock import FixedClock
from core.runtime.metrics import Metrics
from oracle_bridge.subscriber import Subscriber
from tests.support.brokers import BRIDGE, DEVICES, FLEET
from tests.support.mosquitto import MosquittoServer, ServerTls
from tests.support.subscribing import NETWORK, NOW, FakeDoor, running
from tests.support.waiting import until

pytestmark = pytest.mark.mosquitto
READING: Final = "gtx/v1/home/MTR-1/reading"


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@asynccontextmanager
async def secured(folder: Path, authority: trustme.CA, name: str = "127.0.0.1") -> AsyncGenerator[MosquittoServer]:
    """Mosquitto with a certificate for `name`."""
    issued = authority.issue_cert(name)
    certificate, key = folder / "server.pem", folder / "server.key"
    issued.private_key_and_cert_chain_pem.write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    tls = ServerTls(certificate, key)
    async with MosquittoServer(folder / "mosquitto", fleet="home", bridge=BRIDGE, devices=DEVICES, tls=tls) as server:
        yield server


def subscriber(broker: MosquittoServer, door: FakeDoor, folder: Path, trusted: trustme.CA) -> Subscriber:
    ca_file = folder / "ca.pem"
    trusted.cert_pem.write_to_path(ca_file)
    return Subscriber(
        url=broker.url,
        username=BRIDGE[0],
        password=BRIDGE[1],
        fleet=FLEET,
        door=door,
        network=NETWORK,
        clock=FixedClock(NOW),
        metrics=Metrics(),
        ca_file=ca_file,
    )


def device(broker: MosquittoServer, context: ssl.SSLContext | None) -> aiomqtt.Client:
    return aiomqtt.Client(
        "127.0.0.1", broker.port, username="MTR-1", password=DEVICES["MTR-1"], identifier="MTR-1", tls_context=context, timeout=2
    )


async def test_a_reading_travels_over_tls_and_is_acknowledged(tmp_path: Path, authority: trustme.CA):
    door, after = FakeDoor(), FakeDoor()
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async with secured(tmp_path, authority) as broker:
        async with running(subscriber(broker, door, tmp_path, authority)), device(broker, trusting) as meter:
            await meter.publish(READING, b"1", qos=1)
            await door.until_committed(1)
        async with running(subscriber(broker, after, tmp_path, authority)):
            await asyncio.sleep(0.1)

    assert door.committed == [b"1"]
    assert after.attempts == 0


async def test_a_device_without_tls_is_not_served(tmp_path: Path, authority: trustme.CA):
    async with secured(tmp_path, authority) as broker:
        with pytest.raises(aiomqtt.MqttError):
            async with device(broker, None):
                pass


async def test_the_broker_shows_its_certificate_before_a_password_is_sent(tmp_path: Path, authority: trustme.CA):
    async with secured(tmp_path, authority) as broker:
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.open_connection("127.0.0.1", broker.port, ssl=ssl.create_default_context())


@pytest.mark.parametrize(("name", "is_ours"), [("127.0.0.1", False), ("broker.example", True)])
async def test_the_bridge_tells_nothing_to_a_broker_whose_certificate_is_not_trusted(
    name: str, is_ours: bool, tmp_path: Path, authority: trustme.CA
):
    trusted = authority if is_ours else trustme.CA()

    async with secured(tmp_path, authority, name) as broker, asyncio.TaskGroup() as group:
        bridge = subscriber(broker, FakeDoor(), tmp_path, trusted)
        with capture_logs() as logs:
            task = group.create_task(bridge.run())
            await until(lambda: any("certificate is not trusted" in str(line.get("why")) for line in logs))
        task.cancel()

    assert not bridge.is_connected
