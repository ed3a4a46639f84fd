"""The embedded broker on raw sockets, before and after a login, and behind it the platform's subscriber."""

import asyncio
import struct
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from random import Random
from time import process_time
from typing import Final, final

from broker.hardened import BrokerLimits
from devices.topics import Channel
from tests.fuzz.door import Answered, Door, Try
from tests.fuzz.mutations import bent, noise
from tests.support.brokers import DEVICES, embedded_broker
from tests.support.raw_mqtt import connect, text
from tests.support.subscribing import FakeDoor, new_subscriber, running
from tests.support.waiting import until

USERS: Final = tuple(DEVICES)
PING: Final = b"\xc0\x00"
GOODBYE: Final = b"\xe0\x00"
ANSWER_WITHIN_S: Final = 60.0
LIMITS: Final = BrokerLimits(connect_timeout_s=20.0, session_expiry_s=1.0)
_CHANNELS: Final = tuple(Channel)


@final
class BrokerDoor(Door):
    """All bytes of one connection, until the client stops sending."""

    name = "broker"
    share = 40
    batch = 16
    is_stateless = False
    labels = frozenset({"served", "login refused", "ended in the session", "ended before a login"})
    least: Mapping[str, float] = {"served": 10, "login refused": 1, "ended in the session": 5, "ended before a login": 5}

    async def open(self, random: Random) -> None:
        del random
        self._stack = AsyncExitStack()
        running_broker, self._broker = await self._stack.enter_async_context(embedded_broker(LIMITS))
        self._port = running_broker.port
        self._door = FakeDoor()
        self._subscriber = await self._stack.enter_async_context(running(new_subscriber(running_broker, self._door)))
        self._readings = 0
        self._taken = 0

    async def close(self) -> None:
        await self._stack.aclose()

    async def settle(self) -> None:
        """The bridge's own connection stood through all of it, and what was published well arrived."""
        assert self._subscriber.is_connected
        assert await self.give(_login("MTR-1") + PING + GOODBYE) == "served"
        await until(lambda: self._arrived() >= self._readings)

    def _arrived(self) -> int:
        """Counts what the platform took, and lets go of it."""
        self._taken += len(self._door.committed)
        self._door.committed.clear()
        return self._taken + len(self._door.refused)

    async def give_all(self, batch: Sequence[bytes]) -> list[Answered | Exception]:
        started = process_time()
        answers = await asyncio.gather(*(self.give(data) for data in batch), return_exceptions=True)
        each_s = (process_time() - started) / len(batch)
        self._arrived()
        return [answer if isinstance(answer, Exception) else Answered(str(answer), each_s) for answer in answers]

    async def give(self, data: bytes) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        answer = b""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                writer.write(data)
                with suppress(OSError):
                    writer.write_eof()
                    answer = await reader.read(-1)
        except OSError:  # the broker broke the line: an answer as well
            pass
        finally:
            writer.transport.abort()
        return _label(data, answer)

    def make(self, random: Random) -> Try:
        choice = random.random()
        if choice < 0.2:
            return self._well_behaved(random)
        if choice < 0.35:
            return Try(bent(random, _login(random.choice(USERS), random)))
        if choice < 0.42:
            return Try(connect("MTR-1", level=random.randrange(8), flags=random.randrange(256), will=_will(random)) + PING)
        if choice < 0.5:
            return Try(noise(random))
        packets = [_packet(random) for _ in range(random.choice((1, 2, 6)))]
        if choice < 0.8:
            packets = [bent(random, packet) if random.random() < 0.6 else packet for packet in packets]
        return Try(_login(_user(random)) + b"".join(packets) + (PING if random.random() < 0.5 else b""))

    def _well_behaved(self, random: Random) -> Try:
        """A reading in the device's own name: it must reach the platform."""
        user = _user(random)
        topic = f"gtx/v1/home/{user}/{random.choice(('reading', 'journal'))}"
        self._readings += 1
        return Try(_login(user) + _publish(topic, random.randbytes(40), qos=1) + PING + GOODBYE, "served")


def _label(data: bytes, answer: bytes) -> str:
    """By CONNACK, and by whether the last PING was answered."""
    if answer[:1] != b"\x20":
        return "ended before a login"
    if answer[3:4] != b"\x00":
        return "login refused"
    return "served" if answer.endswith(b"\xd0\x00") or answer[-2:] == b"\xd0\x00" or PING not in data else "ended in the session"


def _user(random: Random) -> str:
    return random.choice(USERS)


def _login(user: str, random: Random | None = None) -> bytes:
    del random
    return connect(user)


def _will(random: Random) -> bytes:
    return random.choice(
        (b"", text("gtx/v1/home/MTR-1/status") + text("{}"), text("gtx/v1/home/MTR-2/status") + text("x"), noise(random, 30))
    )


def _framed(first: int, body: bytes) -> bytes:
    length, size = bytearray(), len(body)
    while size >= 0x80:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return bytes((first,)) + bytes(length) + body


def _publish(topic: str | bytes, payload: bytes, *, qos: int = 1, retain: bool = False, packet_id: int = 1) -> bytes:
    identifier = struct.pack("!H", packet_id) if qos else b""
    return _framed(0x30 | qos << 1 | retain, text(topic) + identifier + payload)


def _packet(random: Random) -> bytes:
    """Any packet that a client may send, on topics of its own, of others, and of nobody."""
    user = random.choice((*USERS, "MTR-9"))
    root = random.choice(("gtx/v1/home", "gtx/v1/home", "gtx/v1/other", "gtxp/v1", "$SYS", "$share/g/gtx/v1/home"))
    name = random.choice((user, user, "+", "#", "..", "\u00fc", "", "a" * 300))
    topic = f"{root}/{name}/{random.choice((*_CHANNELS, '#', '+', ''))}"
    packet_id = random.choice((0, 1, 2, 65_535))
    match random.randrange(7):
        case 0 | 1:
            payload = random.randbytes(random.choice((0, 10, 4_097, 66_000)))
            return _publish(topic, payload, qos=random.randrange(4), retain=random.random() < 0.3, packet_id=packet_id)
        case 2 | 3:
            filters = b"".join(text(topic) + bytes((random.randrange(4),)) for _ in range(random.choice((0, 1, 3, 50))))
            return _framed(random.choice((0x82, 0x82, 0x80)), struct.pack("!H", packet_id) + filters)
        case 4:
            return _framed(0xA2, struct.pack("!H", packet_id) + text(topic))
        case 5:
            return _framed(random.choice((0x40, 0x50, 0x62, 0x70)), struct.pack("!H", packet_id))
        case _:
            return random.choice(
                (PING, GOODBYE, _login(user), bytes((random.randrange(256),)) + b"\x02ab", b"\x30\xff\xff\xff\xff\xff")
            )
