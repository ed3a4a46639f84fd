"""The bytes that devices sign about their own binding: what the registry reads from its instruction data."""

from dataclasses import dataclass
from typing import Annotated

from programs.client.layout import U64, Key, MeterIdField, Record, raw

BINDING_MAGIC = b"GTXBIND\x01"
ROTATION_MAGIC = b"GTXROTA\x01"
REGISTER_MAGIC = b"GTXREG\x00\x01"
INTERVAL_MAGIC = b"GTXINT\x00\x01"


@dataclass(frozen=True)
class Statement(Record):
    """What a meter signs."""

    magic: Annotated[bytes, raw(8)]
    network: Annotated[bytes, raw(8)]
    meter_id: MeterIdField
    sequence: U64
    measured_at: U64
    generation_wh: U64
    consumption_wh: U64


@dataclass(frozen=True)
class Binding(Record):
    """What a device signs when it is bound to an owner, or resumes."""

    magic: Annotated[bytes, raw(8)]
    network: Annotated[bytes, raw(8)]
    meter_id: MeterIdField
    owner: Key
    sequence: U64
    measured_at: U64
    base_generation_wh: U64
    base_consumption_wh: U64


@dataclass(frozen=True)
class Rotation(Record):
    """What the old and the new key of a device sign."""

    magic: Annotated[bytes, raw(8)]
    network: Annotated[bytes, raw(8)]
    meter_id: MeterIdField
    new_key: Key
    valid_from: U64
