"""Events: 8 bytes that name the type, a fixed head, then parts of variable length."""

from typing import Any, ClassVar

from solders.pubkey import Pubkey

from core.domain.errors import InvalidInput
from programs.client.conventions import discriminator
from programs.client.layout import Record

Tail = tuple[tuple[str, type[Record] | type[str]], ...]
"""Named parts after the head: vectors of a record, or texts."""
Json = Any
"""Integers, text, lists and dictionaries of them: keys in base58, bytes in hexadecimal."""


class EventRecord(Record):
    """An event of one of our programs."""

    tail: ClassVar[Tail] = ()
    tag: ClassVar[bytes]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.tag = discriminator("event", cls.idl_name)

    @classmethod
    def read(cls, data: bytes) -> dict[str, Json]:
        """The event's fields; `data` begins after the discriminator.

        Raises:
            InvalidInput: too short, or a text is no UTF-8.
        """
        fields = as_json(cls.unpack(data))
        offset = cls.packing.size
        for name, part in cls.tail:
            fields[name], offset = _text(data, offset) if issubclass(part, str) else _vector(part, data, offset)
        return fields


def as_json(record: Record) -> dict[str, Json]:
    """A record's fields as JSON values."""
    return {name: _json(getattr(record, name)) for name, _ in record.wires}


def _json(value: Any) -> Json:
    if isinstance(value, Pubkey):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    return [_json(item) for item in value] if isinstance(value, tuple) else value


def _count(data: bytes, offset: int) -> int:
    if len(data) < offset + 4:
        raise InvalidInput("the event ends before its parts")
    return int.from_bytes(data[offset : offset + 4], "little")


def _text(data: bytes, offset: int) -> tuple[Json, int]:
    end = offset + 4 + _count(data, offset)
    try:
        text = data[offset + 4 : end].decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput("a text of the event is no UTF-8") from None
    if len(data) < end:
        raise InvalidInput("the event ends before its parts")
    return text, end


def _vector(part: type[Record], data: bytes, offset: int) -> tuple[Json, int]:
    size = part.packing.size
    start, end = offset + 4, offset + 4 + _count(data, offset) * size
    if len(data) < end:
        raise InvalidInput("the event ends before its parts")
    return [as_json(part.unpack(data, position)) for position in range(start, end, size)], end
