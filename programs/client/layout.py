"""Fixed little-endian layouts, declared once as dataclasses and packed by precompiled `struct` formats.

A field's annotation says how it lies in the bytes: `balance: U64`, `owner: Key`. The programs' interface descriptions (IDL)
name the same fields in the same order; a test compares the two.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self, get_type_hints

from solders.pubkey import Pubkey

from core.domain.errors import InvalidInput
from core.domain.identity import METER_ID_SIZE, meter_id_bytes, parse_meter_id

Values = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Wire:
    """How one field lies in the bytes.

    Args:
        format: its part of a `struct` format.
        idl: its type as an IDL (Anchor spec 0.1.0) writes it.
        width: how many values `struct` makes of it.
        read: from those values to the field.
        write: back.
    """

    format: str
    idl: Any
    width: int = 1
    read: Callable[[Values], Any] | None = None
    write: Callable[[Any], Values] | None = None


def _meter_id_text(values: Values) -> str:
    """Meter ids were checked by the program that stored them; a stranger's bytes must still not raise anything surprising."""
    try:
        return values[0].rstrip(b"\0").decode("ascii")
    except UnicodeDecodeError:
        raise InvalidInput("these bytes hold no meter id") from None


def _meter_id_value(text: str) -> Values:
    return (meter_id_bytes(parse_meter_id(text)),)


U8 = Annotated[int, Wire("B", "u8")]
U16 = Annotated[int, Wire("H", "u16")]
U32 = Annotated[int, Wire("I", "u32")]
U64 = Annotated[int, Wire("Q", "u64")]
I64 = Annotated[int, Wire("q", "i64")]
U128 = Annotated[
    int,
    Wire(
        "16s", "u128", read=lambda values: int.from_bytes(values[0], "little"), write=lambda n: (int(n).to_bytes(16, "little"),)
    ),
]
Key = Annotated[Pubkey, Wire("32s", "pubkey", read=lambda values: Pubkey(values[0]), write=lambda key: (bytes(key),))]
MeterIdField = Annotated[
    str, Wire(f"{METER_ID_SIZE}s", {"array": ["u8", METER_ID_SIZE]}, read=_meter_id_text, write=_meter_id_value)
]


def raw(length: int) -> Wire:
    """A fixed number of bytes."""
    return Wire(f"{length}s", {"array": ["u8", length]})


def array(of: Any, length: int) -> Wire:
    """A fixed number of equal elements, as a tuple."""
    element: Wire = of if isinstance(of, Wire) else of.__metadata__[0]
    width = element.width

    def read(values: Values) -> tuple[Any, ...]:
        return tuple(_read(element, values[start : start + width]) for start in range(0, width * length, width))

    def write(items: Values) -> Values:
        return tuple(value for item in items for value in _write(element, item))

    return Wire(element.format * length, {"array": [element.idl, length]}, width * length, read, write)


def nested(record: "type[Record]") -> Wire:
    """A record within a record."""
    return Wire(
        record.packing.format.lstrip("<"),
        {"defined": {"name": record.idl_name}},
        record.width,
        record.from_values,
        lambda item: item.values(),
    )


class Record:
    """A packed group of fields. Subclasses are frozen dataclasses whose annotations carry a `Wire`."""

    idl_name: ClassVar[str]
    """The record's name in the IDL; by default the class's."""
    packing: ClassVar[struct.Struct]
    width: ClassVar[int]
    wires: ClassVar[tuple[tuple[str, Wire], ...]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.idl_name = cls.__dict__.get("idl_name", cls.__name__)
        hints = get_type_hints(cls, include_extras=True)
        cls.wires = tuple((name, hint.__metadata__[0]) for name, hint in hints.items() if hasattr(hint, "__metadata__"))
        cls.packing = struct.Struct("<" + "".join(wire.format for _, wire in cls.wires))
        cls.width = sum(wire.width for _, wire in cls.wires)

    @classmethod
    def from_values(cls, values: Values) -> Self:
        """Make a record of what `struct` unpacked."""
        fields: list[Any] = []
        position = 0
        for _, wire in cls.wires:
            fields.append(_read(wire, values[position : position + wire.width]) if wire.read else values[position])
            position += wire.width
        return cls(*fields)

    @classmethod
    def unpack(cls, data: bytes, offset: int = 0) -> Self:
        """Read a record at `offset`; more bytes may follow.

        Raises:
            InvalidInput: too few bytes.
        """
        if len(data) < offset + cls.packing.size:
            raise InvalidInput(f"{cls.idl_name} has {cls.packing.size} bytes; {max(0, len(data) - offset)} were given")
        return cls.from_values(cls.packing.unpack_from(data, offset))

    def values(self) -> list[Any]:
        """What `struct` packs."""
        return [value for name, wire in self.wires for value in _write(wire, getattr(self, name))]

    def pack(self) -> bytes:
        """The record's bytes.

        Raises:
            InvalidInput: a number does not fit its field.
        """
        try:
            return self.packing.pack(*self.values())
        except (struct.error, OverflowError) as problem:
            raise InvalidInput(f"{self.idl_name}: {problem}") from None


def _read(wire: Wire, values: Values) -> Any:
    return values[0] if wire.read is None else wire.read(values)


def _write(wire: Wire, value: Any) -> Values:
    return (value,) if wire.write is None else wire.write(value)
