"""The registry program's events."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from programs.client.events.record import EventRecord, Tail
from programs.client.layout import I64, U8, U16, U32, U64, Key, MeterIdField, Record, raw


@dataclass(frozen=True, slots=True)
class BalanceSettled(Record):
    """What became of one meter in a settlement."""

    meter_id: MeterIdField
    """The meter."""
    owner: Key
    """Its owner."""
    amount_settled: I64
    """Minted (positive) or burned (negative), Wh."""
    old_settled_total: I64
    """`settled_net_wh` before."""
    new_settled_total: I64
    """`settled_net_wh` after."""
    target: I64
    """What the ledger says should be settled, Wh."""
    result: U8
    """A `SettlementResult`."""


@dataclass(frozen=True, slots=True)
class MeterBalanceSettled(EventRecord):
    """Settlement of one or several meters. One record for each meter that was looked at."""

    tail: ClassVar[Tail] = (("items", BalanceSettled),)

    timestamp: I64
    """Chain time, Unix seconds."""


@dataclass(frozen=True, slots=True)
class RegistryInitialized(EventRecord):
    """The registry was set up."""

    authority: Key
    """First authority."""
    provisioner: Key
    """First provisioner."""
    auditor: Key
    """First auditor."""
    network: Annotated[bytes, raw(8)]
    """The network bytes."""


@dataclass(frozen=True, slots=True)
class AuthorityProposed(EventRecord):
    """An authority was proposed."""

    authority: Key
    """Who proposes."""
    pending_authority: Key
    """Who may accept."""


@dataclass(frozen=True, slots=True)
class AuthorityChanged(EventRecord):
    """An authority was accepted."""

    old_authority: Key
    """Who it was."""
    new_authority: Key
    """Who it is."""


@dataclass(frozen=True, slots=True)
class RolesChanged(EventRecord):
    """Provisioner and auditor were set."""

    provisioner: Key
    """Signs for the platform."""
    auditor: Key
    """Second signer of corrections."""


@dataclass(frozen=True, slots=True)
class PausedChanged(EventRecord):
    """Steps were paused or resumed."""

    paused: U8
    """The bits now: credit 1, mint 2, trade 4, certify 8."""


@dataclass(frozen=True, slots=True)
class CorrectionLimitsChanged(EventRecord):
    """The limits of corrections were set."""

    cap_wh: U64
    """Most per meter and window, Wh."""
    window_s: U64
    """Window, seconds."""
    delay_s: U64
    """Delay of positive ones, seconds."""


@dataclass(frozen=True, slots=True)
class UserRegistered(EventRecord):
    """A wallet registered."""

    wallet: Key
    """The wallet."""
    token_account: Key
    """Its token account."""
    kind: U8
    """Kind of user."""
    timestamp: I64
    """Chain time."""


@dataclass(frozen=True, slots=True)
class UserVerified(EventRecord):
    """A user was verified, or no longer is."""

    wallet: Key
    """The wallet."""
    zone: U32
    """Its zone."""
    verified: U8
    """1 verified, 0 not."""


@dataclass(frozen=True, slots=True)
class ZoneChanged(EventRecord):
    """A zone was created or changed."""

    zone: U32
    """The zone."""
    authority: Key
    """Its authority."""
    pending_authority: Key
    """Proposed authority; zero when none."""
    mint_cap_wh: U64
    """Cap per window, Wh."""
    window_s: U64
    """Window, seconds."""


@dataclass(frozen=True, slots=True)
class MeterRegistered(EventRecord):
    """A meter was bound."""

    meter_id: MeterIdField
    """The meter."""
    owner: Key
    """Its owner."""
    device_key: Key
    """Its device's key."""
    zone: U32
    """Its zone."""
    statement_kind: U8
    """Statement kind."""
    proof: U8
    """Proof."""
    asset_kind: U8
    """Asset kind."""
    rated_power_out_w: U64
    """Rated export power, W."""
    rated_power_in_w: U64
    """Rated import power, W."""
    base_sequence: U64
    """Sequence of the base."""
    base_measured_at: U64
    """Start of the base, Unix seconds."""
    base_generation_wh: U64
    """Export register at the base, Wh."""
    base_consumption_wh: U64
    """Import register at the base, Wh."""
    timestamp: I64
    """Chain time."""


@dataclass(frozen=True, slots=True)
class MeterStatusChanged(EventRecord):
    """A meter's status changed."""

    meter_id: MeterIdField
    """The meter."""
    old_status: U8
    """Before."""
    new_status: U8
    """After."""
    gap_credited: U8
    """1 when the energy of the gap is credited (authority and auditor), 0 when a new base was taken or none."""
    last_sequence: U64
    """Last sequence that counts as known."""
    timestamp: I64
    """Chain time."""


@dataclass(frozen=True, slots=True)
class DeviceKeyRotated(EventRecord):
    """A device key was replaced by another."""

    meter_id: MeterIdField
    """The meter."""
    old_key: Key
    """Key before."""
    new_key: Key
    """Key now."""
    valid_from: U64
    """The new key signs from here, Unix seconds."""


@dataclass(frozen=True, slots=True)
class DeviceKeyRevoked(EventRecord):
    """A device key counts for nothing from now on."""

    meter_id: MeterIdField
    """The meter."""
    key: Key
    """The key."""
    timestamp: I64
    """Chain time."""


@dataclass(frozen=True, slots=True)
class CorrectionRecorded(EventRecord):
    """A correction was recorded; a positive one waits."""

    meter_id: MeterIdField
    """The meter."""
    amount_wh: I64
    """Its size, Wh."""
    reason: U16
    """Why."""
    evidence: Annotated[bytes, raw(32)]
    """Hash of the evidence."""
    effective_at: U64
    """When it counts, Unix seconds."""


@dataclass(frozen=True, slots=True)
class CorrectionDecided(EventRecord):
    """A waiting correction counts now, or was cancelled."""

    meter_id: MeterIdField
    """The meter."""
    amount_wh: I64
    """Its size, Wh."""
    applied: U8
    """1 applied, 0 cancelled."""
    correction_net_wh: I64
    """Sum of corrections now, Wh."""


EVENTS: tuple[type[EventRecord], ...] = (
    MeterBalanceSettled,
    RegistryInitialized,
    AuthorityProposed,
    AuthorityChanged,
    RolesChanged,
    PausedChanged,
    CorrectionLimitsChanged,
    UserRegistered,
    UserVerified,
    ZoneChanged,
    MeterRegistered,
    MeterStatusChanged,
    DeviceKeyRotated,
    DeviceKeyRevoked,
    CorrectionRecorded,
    CorrectionDecided,
)
"""In the order of the interface."""
