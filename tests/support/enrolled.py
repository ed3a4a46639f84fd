"""Meters that are registered in a store, with their devices at hand."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

import msgspec

from broker.passwords import hash_password
from core.domain.identity import Fleet, parse_meter_id
from core.domain.readings import AssetKind, ProofKind, Statement, StatementKind
from core.runtime.clock import FixedClock
from core.store import Store
from devices.acceptance import STANDARD, Profile
from devices.envelope import encode_binary, encode_json
from devices.frame import UnverifiedFrame
from devices.intake import BatchResult, Intake, SignatureVerifier, Submission
from devices.intake.door import MESSAGES_PER_MINUTE, REFUSALS_PER_HOUR
from devices.keys import DeviceKey, key_text, signature_text
from devices.provisioning import MeterImport, record_bound_meter
from devices.provisioning.meter_import import binding_message_of
from devices.statement import encode_statement

NETWORK: Final = b"testnet1"
FLEET: Final = Fleet("home")
BASE_AT: Final = 1_700_000_100
"""A multiple of 900 s."""
CADENCE_S: Final = 900


def key_of(name: str) -> DeviceKey:
    """Always the same key for one name."""
    return DeviceKey(sha256(name.encode()).digest())


def wallet_of(name: str) -> str:
    """Always the same wallet for one name."""
    return key_text(key_of(f"wallet of {name}").public_key)


@dataclass(slots=True)
class Device:
    """What a test's meter knows: its key and how to say something."""

    meter_id: str
    key: DeviceKey
    kind: StatementKind = StatementKind.REGISTER
    network: bytes = NETWORK
    wallet: str = ""

    def states(
        self, sequence: int, generation_wh: int = 0, consumption_wh: int = 0, *, measured_at: int | None = None
    ) -> Statement:
        """A statement; by default of the sequence-th quarter of an hour after the base."""
        return Statement(
            kind=self.kind,
            network=self.network,
            meter_id=parse_meter_id(self.meter_id),
            sequence=sequence,
            measured_at=BASE_AT + CADENCE_S * sequence if measured_at is None else measured_at,
            generation_wh=generation_wh,
            consumption_wh=consumption_wh,
        )

    def signs(self, statement: Statement) -> bytes:
        """The signature over a statement."""
        return self.key.sign(encode_statement(statement))

    def binary(self, statement: Statement) -> bytes:
        """A signed binary envelope."""
        return encode_binary(statement, self.signs(statement))

    def json(self, statement: Statement) -> bytes:
        """A signed JSON envelope."""
        return encode_json(statement, self.signs(statement), public_key=self.key.public_key)

    def frame(self, statement: Statement) -> UnverifiedFrame:
        """A signed frame, as a codec would give it."""
        return UnverifiedFrame(statement=statement, signed_bytes=encode_statement(statement), signature=self.signs(statement))


def by_mqtt(device: Device, payload: bytes, *, received_at: int, journal: bool = False) -> Submission:
    """A message on the device's own topic."""
    return Submission(
        raw=payload,
        source="mqtt",
        kind="journal" if journal else "reading",
        fleet=FLEET,
        topic_meter_id=device.meter_id,
        received_at=received_at,
    )


def by_http(payload: bytes, *, received_at: int, interval: bool = False) -> Submission:
    """A request body."""
    return Submission(raw=payload, source="http", kind="interval" if interval else "reading", received_at=received_at)


def meter_import(device: Device, **changes: object) -> MeterImport:
    """The device's row of an import file, signed by it."""
    unsigned = MeterImport(
        meter_id=parse_meter_id(device.meter_id),
        legacy_id=None,
        owner=device.wallet or wallet_of(device.meter_id),
        asset_kind=AssetKind.SOLAR,
        statement_kind=device.kind,
        proof_kind=ProofKind.DEVICE if device.kind is StatementKind.REGISTER else ProofKind.ATTESTED,
        zone=1,
        rated_power_out_w=100_000,
        rated_power_in_w=100_000,
        public_key=device.key.public_text,
        base_sequence=0,
        base_measured_at=BASE_AT,
        base_generation_wh=0,
        base_consumption_wh=0,
        binding_signature="",
    )
    changed = msgspec.structs.replace(unsigned, **changes)
    signature = device.key.sign(binding_message_of(changed, network=device.network))
    return msgspec.structs.replace(changed, binding_signature=signature_text(signature))


async def enrol(
    store: Store,
    name: str = "MTR-001",
    *,
    kind: StatementKind = StatementKind.REGISTER,
    verified: bool = True,
    **changes: object,
) -> Device:
    """Register one meter, active since BASE_AT, in `store`."""
    device = Device(meter_id=name, key=key_of(name), kind=kind, wallet=wallet_of(name))
    async with store.begin() as session:
        await record_bound_meter(
            session,
            meter_import(device, **changes),
            fleet=FLEET,
            token_account=wallet_of(f"tokens of {name}"),
            owner_verified=verified,
            hash_password=hash_password,
            clock=FixedClock(BASE_AT),
        )
    return device


@dataclass(slots=True)
class Door:
    """An intake on a store, with a clock that tests set."""

    store: Store
    clock: FixedClock = field(default_factory=lambda: FixedClock(BASE_AT + 86_400))
    profile: Profile = STANDARD
    woken: set[str] = field(default_factory=set[str])
    verifier: SignatureVerifier = field(default_factory=SignatureVerifier)
    intake: Intake = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self, *, messages_per_minute: int = MESSAGES_PER_MINUTE, refusals_per_hour: int = REFUSALS_PER_HOUR) -> None:
        """Forget everything that is only in memory."""
        self.intake = Intake(
            store=self.store,
            clock=self.clock,
            network=NETWORK,
            profile=self.profile,
            verifier=self.verifier,
            wake=self.woken.update,
            messages_per_minute=messages_per_minute,
            refusals_per_hour=refusals_per_hour,
        )

    async def mqtt(self, device: Device, *statements: Statement) -> BatchResult:
        """Each statement in a message of its own, all in one batch."""
        return await self.take(
            [by_mqtt(device, device.binary(statement), received_at=self.clock.now()) for statement in statements]
        )

    async def http(self, device: Device, *statements: Statement) -> BatchResult:
        """The same through the other door."""
        return await self.take([by_http(device.json(statement), received_at=self.clock.now()) for statement in statements])

    async def take(self, submissions: Sequence[Submission]) -> BatchResult:
        """Any batch."""
        return await self.intake.submit(submissions)


def verdicts(result: BatchResult) -> list[str]:
    """All verdicts of a batch, with their reasons: `accepted`, `rejected stale`."""
    return [
        outcome.verdict.value + (f" {outcome.reason.value}" if outcome.reason else "")
        for message in result.outcomes
        for outcome in message
    ]


def later(statement: Statement, **changes: int) -> Statement:
    """A changed statement."""
    return replace(statement, **changes)
