"""Valid things to bend: statements, envelopes and bodies of devices that always have the same keys."""

from random import Random
from typing import Final

from core.domain.readings import Statement, StatementKind
from devices.interval_body import encode_interval_body
from devices.topics import Channel
from tests.fuzz.mutations import NUMBERS
from tests.support.enrolled import Device, key_of, wallet_of

DEVICES: Final = tuple(
    Device(meter_id=name, key=key_of(name), wallet=wallet_of(name), kind=kind)
    for name, kind in (
        ("MTR-001", StatementKind.REGISTER),
        ("m", StatementKind.REGISTER),
        ("A-Z_a.z-09876543", StatementKind.INTERVAL),
    )
)
CHANNELS: Final = tuple(Channel)


def any_statement(random: Random) -> tuple[Device, Statement]:
    """A well-formed statement: sensible numbers mostly, boundaries now and then."""
    device = random.choice(DEVICES)
    if random.random() < 0.3:
        numbers = [random.choice(NUMBERS) for _ in range(4)]
        return device, device.states(numbers[0], numbers[1], numbers[2], measured_at=numbers[3])
    return device, device.states(random.randrange(1, 5_000), random.randrange(10**9), random.randrange(10**6))


def interval_object(device: Device, statement: Statement) -> dict[str, object]:
    """The interval body of a statement with one energy."""
    return dict(
        encode_interval_body(statement, device.signs(statement), wallet_address=device.wallet, public_key=device.key.public_key)
    )
