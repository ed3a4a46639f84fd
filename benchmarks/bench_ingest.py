"""Ingest end to end (MQTT → verified → committed), draining a queue filled beforehand, on SQLite and on PostgreSQL.

Each rate stands beside raw single-thread Ed25519 verification of the same signatures in the same run; carry the ratios, not
the rates. The processor time a reading stays true on a busy machine. Prints one JSON object.
Run it as `python -m benchmarks.bench_ingest`; `--profile` prints where the time goes.
"""

import argparse
import asyncio
import cProfile
import json
import os
import pstats
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import postgres_part
from benchmarks.prepared_fleet import FLEET, METERS, NETWORK, NOW, READINGS, Signed, draw_keys, enrol, sign_readings
from broker import packets
from broker.access import Bridge, Device, Identity
from broker.embedded import EmbeddedBroker
from broker.hardened import BrokerLimits
from broker.mailbox import MailboxLimits
from broker.mosquitto import Login, MosquittoPlan, write
from broker.passwords import hash_password
from core.domain.identity import parse_meter_id
from core.domain.readings import Statement
from core.runtime import logging
from core.runtime.clock import FixedClock
from core.runtime.metrics import Metrics
from core.store import Store
from core.store import readings as stored_readings
from devices.acceptance import STANDARD
from devices.envelope import encode_binary, encode_journal, encode_json
from devices.intake import Intake, SignatureVerifier
from devices.keys import DeviceKey, signature_is_valid
from devices.statement import encode_statement
from devices.topics import Channel, meter_topic
from oracle_bridge.ingest_door import IntakeDoor
from oracle_bridge.subscriber import Subscriber

BRIDGE: Final = ("oracle-bridge", "bench-bridge-password")
DEVICE_PASSWORD: Final = "bench-device-password"  # noqa: S105  # a benchmark's broker lives for seconds
MAILBOX: Final = MailboxLimits(window=2_048, messages=100_000, bytes=1_000_000_000)
LIMITS: Final = {
    "single": "one event loop carries all but the signature checks. Most of its time goes into the intake: judging, the rows, and"
    " the statements of one transaction for each 256 messages; taking a message off the broker, PUBACK and receipts are the"
    " lesser part (--profile). Python's cost a message, not the signature, is the limit",
    "journal": "the checks run in two threads beside the event loop, which judges and writes the statements of a thousand or so"
    " for one transaction; MQTT costs next to nothing. Judging and the database's rows are the limit",
}
"""What stands in the way of the raw rate."""

GOALS: Final = {"json_envelope": "≥ 0.25", "binary_envelope": "≥ 0.25", "journal": "≥ 0.5"}

Message = tuple[str, bytes]
"""Topic and payload."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a broker listens."""

    port: int

    @property
    def url(self) -> str:
        """For the subscriber."""
        return f"mqtt://127.0.0.1:{self.port}"


Start = Callable[[Path], AbstractAsyncContextManager[Address]]
"""Starts a broker whose files are in a folder."""
Database = Callable[[Path], AbstractContextManager[str]]
"""Gives the URL of an empty database."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", action="store_true", help="profile each drain and print its costliest functions")
    arguments = parser.parse_args()
    logging.configure("error", "text")
    print(json.dumps(asyncio.run(measure(profiled=arguments.profile)), ensure_ascii=False, indent=1))


async def measure(*, profiled: bool = False) -> dict[str, object]:
    """Rates per second and ratios to the raw one, for each broker and kind of message."""
    keys = draw_keys()
    signed = sign_readings(keys)
    raw = _raw_checks_per_s(signed)
    figures: dict[str, object] = {"readings": len(signed), "raw_single_thread_per_s": round(raw)}
    for where, start, database in _places():
        for kind, messages in _kinds(signed).items():
            with tempfile.TemporaryDirectory() as folder, database(Path(folder)) as url:
                rate, cpu_us = await _drain(Path(folder), url, start, keys, messages, profiled=profiled)
            figures[f"{where}, {kind}, per s"] = round(rate)
            figures[f"{where}, {kind}, µs of the bridge a reading"] = round(cpu_us)
            ratio = {"goal": GOALS[kind], "measured": round(rate / raw, 3)}
            figures[f"{where}, {kind}, ratio"] = ratio if where.startswith("Mosquitto") else ratio["measured"]
    figures["cores"] = os.cpu_count()
    figures["limits"] = LIMITS
    return figures


def _raw_checks_per_s(signed: Sequence[Signed]) -> float:
    """The best of four rounds: another process's share of the core must not flatter the ratios."""
    checks = [(encode_statement(statement), signature, key.public_key) for statement, signature, key in signed[:8_000]]
    return max(_checks_per_s(checks[start : start + 2_000]) for start in range(0, len(checks), 2_000))


def _checks_per_s(checks: Sequence[tuple[bytes, bytes, bytes]]) -> float:
    started = time.perf_counter()
    if not all(signature_is_valid(*check) for check in checks):
        raise RuntimeError("a prepared signature is not valid")
    return len(checks) / (time.perf_counter() - started)


def _kinds(signed: Sequence[Signed]) -> dict[str, list[Message]]:
    journals: dict[str, list[bytes]] = {}
    for statement, signature, _ in signed:
        journals.setdefault(statement.meter_id, []).append(encode_binary(statement, signature))
    return {
        "json_envelope": _singles(signed, encode_json),
        "binary_envelope": _singles(signed, encode_binary),
        "journal": [
            (meter_topic(FLEET, parse_meter_id(meter_id), Channel.JOURNAL), message)
            for meter_id, envelopes in journals.items()
            for message in encode_journal(envelopes)
        ],
    }


def _singles(signed: Sequence[Signed], encode: Callable[[Statement, bytes], bytes]) -> list[Message]:
    return [
        (meter_topic(FLEET, statement.meter_id, Channel.READING), encode(statement, signature))
        for statement, signature, _ in signed
    ]


def _places() -> list[tuple[str, Start, Database]]:
    """Brokers with databases, as far as this machine has them."""
    places: list[tuple[str, Start, Database]] = [("embedded broker, SQLite", _embedded, _sqlite)]
    if shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"):
        places.append(("Mosquitto, SQLite", _mosquitto, _sqlite))
        if postgres_part.is_installed():
            places.append(("Mosquitto, PostgreSQL", _mosquitto, _postgresql))
    return places


@contextmanager
def _sqlite(folder: Path) -> Generator[str]:
    yield f"sqlite+aiosqlite:///{folder / 'bench.db'}"


@contextmanager
def _postgresql(folder: Path) -> Generator[str]:
    del folder
    with postgres_part.postgres() as (url, _):
        yield url


@asynccontextmanager
async def _embedded(folder: Path) -> AsyncGenerator[Address]:
    del folder

    async def authenticate(username: str, password: str, client_id: str) -> Identity | None:
        del client_id
        if (username, password) == BRIDGE:
            return Bridge(username)
        return Device(FLEET, parse_meter_id(username)) if password == DEVICE_PASSWORD else None

    async with EmbeddedBroker(authenticate, port=0, limits=BrokerLimits(bridge=MAILBOX)) as broker:
        yield Address(broker.port)


@asynccontextmanager
async def _mosquitto(folder: Path) -> AsyncGenerator[Address]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin") or "mosquitto"
    salt = b"bench-salt--"
    config = write(
        MosquittoPlan(
            directory=folder,
            host="127.0.0.1",
            port=port,
            fleets=(FLEET,),
            bridge=Login(BRIDGE[0], hash_password(BRIDGE[1], salt)),
            devices=tuple(Login(f"B-{n:04}", hash_password(DEVICE_PASSWORD, salt)) for n in range(1, METERS + 1)),
        )
    )
    if os.geteuid() == 0:
        with config.open("a") as more:
            more.write("user root\n")  # else Mosquitto changes to a user that cannot read the folder
    process = subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL)  # noqa: ASYNC220  # fixed, installed
    try:
        await asyncio.sleep(0.5)
        yield Address(port)
    finally:
        process.terminate()
        process.wait()  # it ends at once


async def _drain(
    folder: Path,
    url: str,
    start: Start,
    keys: dict[str, DeviceKey],
    messages: Sequence[Message],
    *,
    profiled: bool,
) -> tuple[float, float]:
    """Readings per second, and processor time of this process for each in microseconds."""
    store = Store(url)
    await store.migrate()
    clock = FixedClock(NOW)
    await enrol(store, keys, clock)
    verifier = SignatureVerifier(threads=2)
    metrics = Metrics()
    intake = Intake(
        store=store,
        clock=clock,
        network=NETWORK,
        profile=STANDARD,
        verifier=verifier,
        metrics=metrics,
        messages_per_minute=1_000_000,
    )
    door = IntakeDoor(submit=intake.submit, store=store, fleet=FLEET, clock=clock)
    committed = _Committed(metrics)
    profiler = cProfile.Profile()
    async with start(folder) as broker:
        subscriber = lambda: Subscriber(  # noqa: E731  # the same one twice
            url=broker.url,
            username=BRIDGE[0],
            password=BRIDGE[1],
            fleet=FLEET,
            door=door,
            network=NETWORK,
            clock=clock,
            metrics=metrics,
        )
        await _run(subscriber(), lambda: True)
        await _fill(broker.port, messages)
        if profiled:
            profiler.enable()
        started, cpu_started = time.perf_counter(), time.process_time()
        await _run(subscriber(), lambda: committed.count() >= METERS * READINGS)
        took_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu_started
        profiler.disable()
    async with store.read() as session:
        accepted = (await stored_readings.count_by_verdict(session)).get("accepted", 0)
    verifier.close()
    await store.close()
    if accepted != METERS * READINGS:
        raise RuntimeError(f"{accepted} of {METERS * READINGS} prepared readings were accepted")
    if profiled:
        pstats.Stats(profiler).sort_stats("cumtime").print_stats(90)
    return accepted / took_s, cpu_s / accepted * 1e6


class _Committed:
    """How many readings the intake has committed, by its own counter."""

    def __init__(self, metrics: Metrics) -> None:
        self._accepted = metrics.readings_total.labels("accepted", "", "mqtt")

    def count(self) -> float:
        return next(iter(self._accepted.collect())).samples[0].value


async def _run(subscriber: Subscriber, done: Callable[[], bool]) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(subscriber.run())
        await subscriber.wait_ready()
        while not done():  # noqa: ASYNC110  # a counter sets no event
            await asyncio.sleep(0.005)
        subscriber.stop()


async def _fill(port: int, messages: Sequence[Message]) -> None:
    """Publish all in their order, each from its meter's own connection, and wait until the broker has them."""
    connections: dict[str, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = {}
    for number, (topic, payload) in enumerate(messages):
        meter_id = topic.split("/")[3]
        if meter_id not in connections:
            connections[meter_id] = await _connected(port, meter_id)
        connections[meter_id][1].write(packets.publish(packets.topic_field(topic), payload, packet_id=number % 60_000 + 1))
        if number % METERS == METERS - 1 or number == len(messages) - 1:  # one from each meter
            for reader, _ in list(connections.values())[: number % METERS + 1]:
                await reader.readexactly(4)
    for _, writer in connections.values():
        writer.write(b"\xe0\x00")
        writer.close()
        await writer.wait_closed()


async def _connected(port: int, meter_id: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_connect(meter_id))
    await reader.readexactly(4)
    return reader, writer


def _connect(meter_id: str) -> bytes:
    texts = b"".join(packets.topic_field(text) for text in (meter_id, meter_id, DEVICE_PASSWORD))
    body = packets.topic_field("MQTT") + b"\x04\xc2\x00\x3c" + texts
    return b"\x10" + bytes((len(body),)) + body


if __name__ == "__main__":
    main()
