"""One account or event of every layout, with bytes that are valid in any field, and what our own client reads in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from string import ascii_uppercase
from types import ModuleType
from typing import Any, Final

from programs.client.accounts import energy_token as token_accounts
from programs.client.accounts import oracle as oracle_accounts
from programs.client.accounts import registry as registry_accounts
from programs.client.accounts.record import AccountRecord
from programs.client.events import energy_token, oracle, registry
from programs.client.events.record import EventRecord, as_json
from programs.client.layout import Record, Wire

ITEMS: Final = 2
"""Records in every vector."""
TEXT: Final = "Ana, 2026"
METER_ID_BYTES: Final = {"array": ["u8", 16]}

_EVENTS: Final = {"registry": registry.EVENTS, "oracle": oracle.EVENTS, "energy_token": energy_token.EVENTS}
_ACCOUNTS: Final = {"registry": registry_accounts, "oracle": oracle_accounts, "energy_token": token_accounts}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """An account or an event."""

    program: str
    kind: str
    """`account` or `event`."""
    name: str
    data: bytes
    fields: dict[str, Any]
    """Whole numbers as text, keys in base58, bytes in hexadecimal."""


def every_layout(program: str) -> Iterator[Sample]:
    """All accounts, then all events of a program."""
    for record in _records(_ACCOUNTS[program]):
        data = record.tag + _letters(record)
        fields = _plain(as_json(record.decode(data)), record)
        yield Sample(program=program, kind="account", name=record.idl_name, data=data, fields=fields)
    for event in _EVENTS[program]:
        data = _letters(event) + b"".join(_part(part) for _, part in event.tail)
        yield Sample(program=program, kind="event", name=event.idl_name, data=event.tag + data, fields=_fields(event, data))


def _records(module: ModuleType) -> list[type[AccountRecord]]:
    found = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, AccountRecord)]
    return [record for record in found if record is not AccountRecord]


def _letters(record: type[Record]) -> bytes:
    """Capital letters: a valid number, key and meter id alike."""
    return bytes(islice(cycle(ascii_uppercase.encode()), record.packing.size))


def _part(part: type[Record] | type[str]) -> bytes:
    if issubclass(part, str):
        return len(TEXT).to_bytes(4, "little") + TEXT.encode()
    return ITEMS.to_bytes(4, "little") + ITEMS * _letters(part)


def _fields(event: type[EventRecord], data: bytes) -> dict[str, Any]:
    read = event.read(data)
    parts = {
        name: read[name] if issubclass(part, str) else [_plain(item, part) for item in read[name]] for name, part in event.tail
    }
    return _plain({name: read[name] for name, _ in event.wires}, event) | parts


def _plain(fields: dict[str, Any], record: type[Record]) -> dict[str, Any]:
    return {name: _value(fields[name], wire) for name, wire in record.wires}


def _value(value: Any, wire: Wire) -> Any:
    """An IDL knows a meter id as sixteen bytes."""
    if isinstance(value, int):
        return str(value)
    return value.encode().hex() if wire.idl == METER_ID_BYTES and isinstance(value, str) and len(value) == 16 else value
