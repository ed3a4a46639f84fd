"""Steps of registry tests: what the operator, the auditor and devices sign, and errors by name."""

import dataclasses
from collections.abc import Sequence

from solders.instruction import Instruction
from solders.keypair import Keypair

from programs.client import errors
from programs.client.instructions import registry, token2022
from programs.client.messages import BINDING_MAGIC, ROTATION_MAGIC, Binding, Rotation
from tests.support.grid import Device, Grid
from tests.support.svm import Landed

WH = 1_000_000
"""Base units of the token in a Wh."""
ACTIVE, SUSPENDED, RETIRED = 2, 3, 4
EVIDENCE = bytes(range(64, 96))


def refusal(name: str) -> int:
    """The code of a registry error."""
    return errors.code("registry", name)


def status(grid: Grid, device: Device, new: int, *signers: Keypair) -> Instruction:
    """Set a meter's status; the operator signs unless others are named."""
    keys = [key.pubkey() for key in signers or (grid.authority,)]
    return registry.set_meter_status(grid.at, authorities=keys, meter_id=device.meter_id, status=new)


def set_status(grid: Grid, device: Device, new: int, *signers: Keypair) -> Landed:
    """Send it."""
    return grid.send(status(grid, device, new, *signers), *(signers or (grid.authority,)))


def binding_of(grid: Grid, device: Device, *, sequence: int, measured_at: int, registers_wh: tuple[int, int]) -> Binding:
    """A new base."""
    owner = device.owner.pubkey()
    return Binding(BINDING_MAGIC, grid.network, device.meter_id, owner, sequence, measured_at, *registers_wh)


def resumption(grid: Grid, binding: Binding, key: Keypair) -> list[Instruction]:
    """Resume from a base that `key` signs."""
    return list(
        registry.resume_meter(
            grid.at,
            provisioner=grid.provisioner.pubkey(),
            binding=binding,
            signature=bytes(key.sign_message(binding.pack())),
            device_key=key.pubkey(),
            instruction_index=1,
        )
    )


def rotation(
    grid: Grid, device: Device, old: Keypair, new: Keypair, *, valid_from: int, signers: Sequence[Keypair] | None = None
) -> list[Instruction]:
    """Rotate from `old` to `new`; `signers` sign instead of them in hostile tests."""
    message = Rotation(ROTATION_MAGIC, grid.network, device.meter_id, new.pubkey(), valid_from)
    by_old, by_new = (bytes(key.sign_message(message.pack())) for key in signers or (old, new))
    return list(
        registry.rotate_device_key(
            grid.at,
            payer=grid.chain.payer.pubkey(),
            provisioner=grid.provisioner.pubkey(),
            rotation=message,
            old_key=old.pubkey(),
            old_signature=by_old,
            new_signature=by_new,
            instruction_index=1,
        )
    )


def with_key(device: Device, key: Keypair) -> Device:
    """The same meter with another device key."""
    return dataclasses.replace(device, key=key)


def revocation(grid: Grid, device: Device, key: Keypair, by: Keypair) -> Instruction:
    """Revoke a device key."""
    return registry.revoke_device_key(grid.at, authority=by.pubkey(), meter_id=device.meter_id, key=key.pubkey())


def correction(grid: Grid, device: Device, amount_wh: int) -> Instruction:
    """Record a correction, to be signed by authority and auditor."""
    return registry.record_correction(
        grid.at,
        authority=grid.authority.pubkey(),
        auditor=grid.auditor.pubkey(),
        meter_id=device.meter_id,
        amount_wh=amount_wh,
        reason=7,
        evidence=EVIDENCE,
    )


def correct(grid: Grid, device: Device, amount_wh: int) -> Landed:
    """Record it."""
    return grid.send(correction(grid, device, amount_wh), grid.authority, grid.auditor)


def crank(grid: Grid, *devices: Device, zones: Sequence[int] = (1,)) -> Instruction:
    """Settle meters as anyone."""
    keys = [grid.at.zone(zone) for zone in zones]
    return registry.settle_meter_balance(grid.at, zones=keys, meters=[device.accounts for device in devices])


def own_settlement(grid: Grid, device: Device) -> Instruction:
    """Settle as the owner."""
    return registry.settle_and_mint_tokens(grid.at, owner=device.owner.pubkey(), zone=device.zone, meter=device.accounts)


def credited(grid: Grid, device: Device, generation_wh: int, consumption_wh: int = 0, sequence: int = 1) -> Landed:
    """Credit a reading without settling it."""
    measured_at = device.base_measured_at + 900 * sequence
    return grid.submit(device.reading(sequence, generation_wh, consumption_wh, measured_at=measured_at), zones=None)


def settled_result(grid: Grid, landed: Landed, meter_id: str) -> dict[str, object]:
    """The settlement record of a meter."""
    event = next(event for event in grid.events(landed) if event.name == "MeterBalanceSettled")
    return next(item for item in event.fields["items"] if item["meter_id"] == meter_id)


def close_token_account(grid: Grid, device: Device) -> Landed:
    """The owner closes his empty token account."""
    owner = device.owner.pubkey()
    return grid.send(token2022.close_account(device.token_account, owner, owner), device.owner)
