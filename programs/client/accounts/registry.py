"""The registry program's accounts."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from core.domain.ledger import Ledger
from programs.client.accounts.record import AccountRecord
from programs.client.layout import I64, U8, U32, U64, Key, MeterIdField, raw


@dataclass(frozen=True, slots=True)
class RegistryConfig(AccountRecord):
    """The registry's settings and pins."""

    idl_name: ClassVar[str] = "Config"

    authority: Key
    """Changes settings, verifies users, creates zones, corrects (with the auditor)."""
    pending_authority: Key
    """Proposed next authority; zero when none."""
    provisioner: Key
    """Signs for the platform when meters are registered."""
    auditor: Key
    """Second signer of corrections; never the authority."""
    oracle_program: Key
    """The oracle program."""
    oracle_authority: Key
    """The only signer of `submit_meter_reading`: the oracle's derived address."""
    energy_token_program: Key
    """The energy token program."""
    energy_mint: Key
    """The energy token's mint."""
    governance_program: Key
    """The governance program; zero refuses certification."""
    genesis_hash: Annotated[bytes, raw(32)]
    """The chain's genesis hash, given at `initialize`."""
    network: Annotated[bytes, raw(8)]
    """First 8 bytes of SHA-256(`gridtokenx-network` ‖ genesis hash ‖ program id)."""
    correction_cap_wh: U64
    """Most that corrections may move on one meter in a window, Wh."""
    correction_window_s: U64
    """Length of that window, seconds."""
    correction_delay_s: U64
    """How long a positive correction waits before it counts, seconds."""
    user_count: U64
    """Users registered."""
    meter_count: U64
    """Meters registered."""
    zone_count: U32
    """Zones created."""
    paused: U8
    """Paused steps: credit 1, mint 2, trade 4, certify 8."""
    bump: U8
    """Bump of this account's address."""
    reserved: Annotated[bytes, raw(154)]
    """Zero."""


@dataclass(frozen=True, slots=True)
class UserAccount(AccountRecord):
    """A wallet that takes part."""

    idl_name: ClassVar[str] = "User"

    wallet: Key
    """The wallet."""
    token_account: Key
    """Its energy token account."""
    registered_at: U64
    """Unix seconds."""
    verified_at: U64
    """Unix seconds; 0 while not verified."""
    zone: U32
    """Zone, set by the authority."""
    meter_count: U32
    """Meters bound to the wallet."""
    kind: U8
    """1 prosumer, 2 consumer, 3 generator, 4 aggregator."""
    status: U8
    """1 active."""
    verified: U8
    """1 when verified."""
    bump: U8
    """Bump of this account's address."""
    reserved: Annotated[bytes, raw(44)]
    """Zero."""


@dataclass(frozen=True, slots=True)
class ZoneAccount(AccountRecord):
    """A grid zone and its mint cap."""

    idl_name: ClassVar[str] = "Zone"

    authority: Key
    """May change cap and window."""
    pending_authority: Key
    """Proposed next authority; zero when none."""
    mint_cap_wh: U64
    """Most that may be minted in a window, Wh; 2^64 - 1 never binds."""
    window_s: U64
    """Length of the window, seconds."""
    window_started_at: U64
    """Start of the current window, Unix seconds."""
    minted_in_window_wh: U64
    """Minted in the current window, Wh."""
    minted_wh: U64
    """Minted in all, Wh."""
    id: U32
    """Zone id."""
    meter_count: U32
    """Meters in the zone."""
    bump: U8
    """Bump of this account's address."""
    reserved: Annotated[bytes, raw(55)]
    """Zero."""


@dataclass(frozen=True, slots=True)
class MeterAccount(AccountRecord):
    """A metering point and its ledger."""

    idl_name: ClassVar[str] = "Meter"

    meter_id: MeterIdField
    """1 to 16 characters, padded with zeroes."""
    owner: Key
    """The wallet that it earns for."""
    pending_owner: Key
    """Offered to; zero when none (transfer comes later)."""
    device_key: Key
    """The device's key; zero when revoked."""
    previous_device_key: Key
    """The key before the last rotation; zero when none."""
    token_account: Key
    """The owner's energy token account."""
    correction_evidence: Annotated[bytes, raw(32)]
    """Evidence of the last correction."""
    offer_expires_at: U64
    """Unix seconds until which an offer stands."""
    key_valid_from: U64
    """The current key signs from here, Unix seconds."""
    previous_key_valid_until: U64
    """The previous key's statements measured before this count, Unix seconds."""
    key_changed_at: U64
    """When the key was last changed, chain time."""
    rated_power_out_w: U64
    """Rated export power, W."""
    rated_power_in_w: U64
    """Rated import power, W."""
    raw_generation_wh: U64
    """Export register last seen, Wh."""
    raw_consumption_wh: U64
    """Import register last seen, Wh."""
    last_sequence: U64
    """Highest sequence credited."""
    entry_number: U64
    """Highest attested entry credited."""
    last_measured_at: U64
    """End of the last credited period, Unix seconds."""
    credited_generation_wh: U64
    """Generation credited since the base, Wh."""
    credited_consumption_wh: U64
    """Consumption credited since the base, Wh."""
    correction_net_wh: I64
    """Sum of corrections that count, Wh."""
    settled_net_wh: I64
    """Minted less burned, Wh."""
    minted_wh: U64
    """Minted in all, Wh."""
    burned_wh: U64
    """Burned in all, Wh."""
    certified_wh: U64
    """Certified up to this generated Wh."""
    generation_budget: I64
    """Generation that the plate allows now, tenths of W·s; at least minus 36,000 (one Wh)."""
    consumption_budget: I64
    """Consumption that the plate allows now, tenths of W·s; at least minus 36,000 (one Wh)."""
    pending_correction_wh: I64
    """Positive correction that waits, Wh; 0 when none."""
    pending_correction_at: U64
    """When it may be applied, Unix seconds."""
    correction_window_at: U64
    """Start of the correction window, Unix seconds."""
    corrected_in_window_wh: U64
    """Corrected in that window, either sign, Wh."""
    bound_at: U64
    """When it was bound, chain time."""
    credited_at: U64
    """When a reading was last credited, chain time."""
    reading_count: U64
    """Readings credited."""
    base_sequence: U64
    """Sequence of the base."""
    base_measured_at: U64
    """Start of the base, Unix seconds."""
    zone: U32
    """Zone."""
    statement_kind: U8
    """1 register, 2 interval; fixed at binding."""
    proof: U8
    """1 device, 2 attested; fixed at binding."""
    asset_kind: U8
    """1 solar, 2 wind, 3 battery, 4 residential, 5 commercial."""
    status: U8
    """1 pending, 2 active, 3 suspended, 4 retired."""
    quality: U8
    """Quality score 0 to 100, as last attested."""
    bump: U8
    """Bump of this account's address."""
    reserved: Annotated[bytes, raw(150)]
    """Zero."""

    @property
    def ledger(self) -> Ledger:
        """What was credited, corrected and settled."""
        return Ledger(
            credited_generation_wh=self.credited_generation_wh,
            credited_consumption_wh=self.credited_consumption_wh,
            correction_net_wh=self.correction_net_wh,
            settled_net_wh=self.settled_net_wh,
        )


@dataclass(frozen=True, slots=True)
class DeviceKeyAccount(AccountRecord):
    """One device key, so that it serves one meter only, for ever."""

    idl_name: ClassVar[str] = "DeviceKey"

    key: Key
    """The key."""
    meter_id: MeterIdField
    """Its meter."""
    valid_from: U64
    """Signs from here, Unix seconds."""
    valid_until: U64
    """Until here, Unix seconds; 2^64 - 1 while in use."""
    status: U8
    """1 active, 2 rotated, 3 revoked."""
    bump: U8
    """Bump of this account's address."""
    reserved: Annotated[bytes, raw(14)]
    """Zero."""
