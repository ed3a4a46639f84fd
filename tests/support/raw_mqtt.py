"""MQTT 3.1.1 bytes for clients that do what a library would not."""

import asyncio
import struct


def text(value: str | bytes) -> bytes:
    """A length-prefixed string."""
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("!H", len(data)) + data


def connect(user: str = "MTR-1", *, level: int = 4, flags: int = 0xC2, keepalive: int = 60, will: bytes = b"") -> bytes:
    """A CONNECT with the test users' passwords; `will` is topic and message, with the will flags in `flags`."""
    body = text("MQTT") + bytes((level, flags)) + struct.pack("!H", keepalive)
    body += text(user) + will + text(user) + text(f"password-of-{user}")
    assert len(body) < 0x80
    return b"\x10" + bytes((len(body),)) + body


async def answer_to(port: int, data: bytes) -> bytes:
    """Everything that the broker answers until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        async with asyncio.timeout(5):
            return await reader.read(-1)
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def die_after(port: int, data: bytes) -> bytes:
    """Send, read one answer, and break the connection without a goodbye, so that a will is due."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    async with asyncio.timeout(5):
        answer = await reader.read(4)
    writer.transport.abort()
    return answer
