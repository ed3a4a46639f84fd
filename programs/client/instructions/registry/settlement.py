"""Crediting and settling meters."""

from collections.abc import Sequence
from dataclasses import dataclass

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from programs.client.addresses import Addresses
from programs.client.instructions import token2022
from programs.client.instructions.anchor import call, event_of, pack, readonly, signer, writable

CREDIT_ONLY = 255
"""Number of zones that says: credit without settling."""


@dataclass(frozen=True, slots=True)
class MeterAccounts:
    """Where a meter's energy is booked and its tokens go: both addresses are stored, so nothing is derived."""

    meter: Pubkey
    token_account: Pubkey


def settlement_accounts(at: Addresses, zones: Sequence[Pubkey] | None, meters: Sequence[MeterAccounts]) -> list[AccountMeta]:
    """The accounts that follow an instruction's own when it credits (`zones` is `None`) or also settles meters."""
    if zones is None:
        return [writable(row.meter) for row in meters]
    return [
        *_token_accounts(at),
        *map(writable, zones),
        *(writable(key) for row in meters for key in (row.meter, row.token_account)),
    ]


def settle_and_mint_tokens(at: Addresses, *, owner: Pubkey, zone: int, meter: MeterAccounts) -> Instruction:
    """Settle one's own meter; `InsufficientBalance` when nothing is mintable."""
    accounts = [
        signer(owner),
        readonly(at.registry.config),
        *event_of(at.registry),
        *_token_accounts(at),
        writable(at.zone(zone)),
        writable(meter.meter),
        writable(meter.token_account),
    ]
    return call(at.registry, "settle_and_mint_tokens", b"", accounts)


def settle_meter_balance(at: Addresses, *, zones: Sequence[Pubkey], meters: Sequence[MeterAccounts]) -> Instruction:
    """Settle meters as anyone; tokens only go to the owners. `NoUnsettledBalance` when there is nothing to do."""
    accounts = [readonly(at.registry.config), *event_of(at.registry), *settlement_accounts(at, zones, meters)]
    return call(at.registry, "settle_meter_balance", pack("B", len(zones)), accounts)


def get_unsettled_balance(at: Addresses, *, meter: Pubkey) -> Instruction:
    """Return what is not settled, Wh, as i64 return data: positive unsettled, negative owed. For simulation."""
    return call(at.registry, "get_unsettled_balance", b"", [readonly(meter)])


def submit_meter_reading(
    at: Addresses,
    *,
    oracle_authority: Pubkey | None,
    proof: int,
    readings: Sequence[bytes],
    zones: Sequence[Pubkey] | None,
    meters: Sequence[MeterAccounts],
) -> Instruction:
    """Hand packed readings to the registry. Only the oracle's own call succeeds: here for tests of the refusal."""
    count = CREDIT_ONLY if zones is None else len(zones)
    accounts = [
        signer(oracle_authority or at.oracle.authority),
        readonly(at.registry.config),
        *event_of(at.registry),
        *settlement_accounts(at, zones, meters),
    ]
    data = pack("BBI", proof, count, len(readings)) + b"".join(readings)
    return call(at.registry, "submit_meter_reading", data, accounts)


def _token_accounts(at: Addresses) -> list[AccountMeta]:
    return [
        readonly(at.registry.authority),
        readonly(at.energy_token.id),
        writable(at.energy_token.config),
        writable(at.mint),
        readonly(at.energy_token.event_authority),
        readonly(token2022.PROGRAM),
    ]
