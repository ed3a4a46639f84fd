"""What a device shows to the broker: its meter id and 128 random bits."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from core.domain.identity import Fleet, MeterId
from devices.topics import DEVICE_PUBLISHES, DEVICE_SUBSCRIBES, meter_topic

PASSWORD_BYTES: Final = 16
SALT_BYTES: Final = 12

HashPassword = Callable[[str, bytes], str]
"""From password and salt to what is stored. The password is 128 random bits, so the hash may be a fast one: no dictionary
helps against it, and thousands of devices connect at once. The broker's own format serves all brokers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCredential:
    """Handed to the device once; the platform keeps only the hash."""

    username: str
    """The meter id, which is the client id too."""
    password: str = field(repr=False)
    publishes: tuple[str, ...]
    """Topics."""
    subscribes: tuple[str, ...]


def new_credential(fleet: Fleet, meter_id: MeterId) -> DeviceCredential:
    """A credential with a fresh password."""
    return DeviceCredential(
        username=meter_id,
        password=secrets.token_urlsafe(PASSWORD_BYTES),
        publishes=tuple(sorted(meter_topic(fleet, meter_id, channel) for channel in DEVICE_PUBLISHES)),
        subscribes=tuple(sorted(meter_topic(fleet, meter_id, channel) for channel in DEVICE_SUBSCRIBES)),
    )


def hashed(credential: DeviceCredential, hash_password: HashPassword) -> str:
    """What is stored of a credential's password."""
    return hash_password(credential.password, secrets.token_bytes(SALT_BYTES))
