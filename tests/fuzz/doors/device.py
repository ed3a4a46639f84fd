"""What a device hears, and the platform's decoders of a device's small talk: receipts, commands, status, hello, topics."""

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Final, final

from core.domain.errors import InvalidInput
from core.domain.identity import parse_meter_id
from core.domain.readings import AssetKind, StatementKind
from core.domain.verdicts import Reason, Verdict
from core.runtime.clock import FixedClock
from devices.keys import DeviceKey
from devices.messages import (
    decode_command,
    decode_command_reply,
    decode_hello,
    decode_status,
    encode_command,
    encode_command_reply,
    encode_hello,
    encode_status,
)
from devices.receipts import (
    HelloAnswer,
    ReceiptEntry,
    ReceiptMessage,
    decode_platform_message,
    encode_hello_answer,
    encode_receipt,
)
from devices.topics import Channel, parse_topic
from firmware_sim.device import Device
from firmware_sim.faults import NO_FAULTS, FaultyLink
from firmware_sim.journal import MemoryJournal
from firmware_sim.meter import Base, Meter
from firmware_sim.profiles import PLATES, profile_of
from firmware_sim.transport import MemoryTransport
from firmware_sim.truth import MeterCounters
from firmware_sim.weather import Weather
from tests.fuzz.door import Door, Try
from tests.fuzz.mutations import NUMBERS, bent, bent_object, fields_of, noise

T0: Final = 1_749_999_600
METER: Final = parse_meter_id("MTR-001")
NETWORK: Final = bytes(8)
LIFE: Final = 200
"""Messages that one device hears before a new one takes its place."""


@final
class DeviceDoor(Door):
    """One letter that chooses who hears it, then the message."""

    name = "device"
    share = 120
    labels = frozenset({"receipt", "hello answer", "command", "command reply", "status", "hello", "topic", "ignored"})
    least: Mapping[str, float] = {"receipt": 4, "hello answer": 4, "command": 4, "ignored": 20}

    async def open(self, random: Random) -> None:
        del random
        await self._begin()

    def make(self, random: Random) -> Try:
        letter, wire, answer = random.choice(_SAMPLES)
        kind = random.random()
        if kind < 0.35 or letter == b"t":
            data = wire(random)
            return Try(letter + (data if kind < 0.35 else bent(random, data)), answer if kind < 0.35 else None)
        if kind < 0.8:
            return Try(letter + bent_object(random, fields_of(json.loads(wire(random)))))
        if kind < 0.95:
            return Try(letter + bent(random, wire(random)))
        return Try(letter + noise(random))

    async def give(self, data: bytes) -> str:
        letter, message = data[:1], data[1:]
        try:
            return _PLATFORM[letter](message) if letter in _PLATFORM else await self._device_hears(letter, message)
        except InvalidInput:
            return "ignored"

    async def _begin(self) -> None:
        self._heard = 0
        self._clock = FixedClock(T0)
        counters = MeterCounters()
        transport = MemoryTransport(lambda *_: None)
        meter = Meter(
            meter_id=METER,
            network=NETWORK,
            key=DeviceKey(bytes(range(32))),
            kind=StatementKind.REGISTER,
            profile=profile_of(PLATES[AssetKind.SOLAR], seed=1, weather=Weather(seed=1)),
            base=Base(sequence=0, measured_at=T0, generation_wh=0, consumption_wh=0),
            journal=MemoryJournal(),
        )
        self._device = Device(
            meter,
            FaultyLink(METER, transport, NO_FAULTS, Random(1), counters),
            clock=self._clock,
            monotonic=lambda: float(self._clock.now()),
            random=Random(2),
            counters=counters,
        )
        await transport.connect(METER, self._device.hears, self._device.is_back)

    async def _device_hears(self, letter: bytes, message: bytes) -> str:
        """Whatever it hears, it goes on measuring, numbering and signing."""
        if self._heard >= LIFE:
            await self._begin()
        self._heard += 1
        self._clock.now_s += 900
        label = _command(message) if letter == b"c" else _platform_message(message)
        before = self._device.meter.sequence
        self._device.hears(Channel.COMMAND if letter == b"c" else Channel.RECEIPT, message)
        try:
            await self._device.tick(self._clock.now())
        except InvalidInput as problem:
            raise AssertionError("the device can sign nothing any more") from problem
        assert self._device.meter.sequence > before, "the device counts no further"
        return label


def _platform_message(data: bytes) -> str:
    try:
        message = decode_platform_message(data)
    except InvalidInput:
        return "ignored"
    if isinstance(message, HelloAnswer):
        assert decode_platform_message(encode_hello_answer(message)) == message
        return "hello answer"
    for part in encode_receipt(message):
        decode_platform_message(part)
    return "receipt"


def _command(data: bytes) -> str:
    try:
        command = decode_command(data)
    except InvalidInput:
        return "ignored"
    assert decode_command(encode_command(command)) == command
    return "command"


def _reply(data: bytes) -> str:
    reply = decode_command_reply(data)
    assert decode_command_reply(encode_command_reply(reply)) == reply
    return "command reply"


def _status(data: bytes) -> str:
    status = decode_status(data)
    if status.online:
        assert decode_status(encode_status(status)) == status
    return "status"


def _hello(data: bytes) -> str:
    hello = decode_hello(data)
    assert decode_hello(encode_hello(hello)) == hello
    return "hello"


def _topic(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    assert str(parse_topic(text)) == text
    return "topic"


_PLATFORM: Final[Mapping[bytes, Callable[[bytes], str]]] = {b"y": _reply, b"s": _status, b"h": _hello, b"t": _topic}


def _small(random: Random) -> int:
    return random.randrange(1, 300)


def _a_receipt(random: Random) -> bytes:
    entries = tuple(
        ReceiptEntry(sequence=_small(random), verdict=random.choice(list(Verdict)), reason=random.choice([None, *Reason]))
        for _ in range(random.randrange(4))
    )
    first = _small(random)
    message = ReceiptMessage(meter_id=METER, results=entries, highest=_small(random), missing=((first, first + 3),))
    return encode_receipt(message)[0]


def _a_hello_answer(random: Random) -> bytes:
    network = NETWORK if random.random() < 0.8 else random.randbytes(8)
    time = random.choice((T0 + 86_400, T0, *NUMBERS[:15]))
    return encode_hello_answer(HelloAnswer(highest=_small(random), time=time, network=network))


def _a_command(random: Random) -> bytes:
    wire: dict[str, object] = random.choice(
        (
            {"do": "resync", "from": _small(random), "to": random.choice((_small(random), 2**63 - 1))},
            {"do": "configure", "cadence_s": 60, "slot_s": 3},
            {"do": "rotate_key", "valid_from": T0},
            {"do": "bind", "owner": "11111111111111111111111111111111"},
        )
    )
    return json.dumps({"id": f"{random.getrandbits(32):x}", **wire}).encode()


_SAMPLES: Final[tuple[tuple[bytes, Callable[[Random], bytes], str], ...]] = (
    (b"r", _a_receipt, "receipt"),
    (b"r", _a_hello_answer, "hello answer"),
    (b"c", _a_command, "command"),
    (b"y", lambda random: json.dumps({"id": f"{random.random()}", "ok": random.random() < 0.5}).encode(), "command reply"),
    (b"s", lambda random: json.dumps({"online": True, "firmware": "a", "sequence": _small(random)}).encode(), "status"),
    (b"h", lambda random: json.dumps({"nonce": f"{random.getrandbits(64):x}"}).encode(), "hello"),
    (b"t", lambda random: f"gtx/v1/home/MTR-{_small(random)}/{random.choice(list(Channel))}".encode(), "topic"),
)
