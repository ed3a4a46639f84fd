"""Binding a meter to its owner, its status, and its device's keys.

What a device signed is checked by an Ed25519 instruction directly before; builders return the two together.
"""

from collections.abc import Sequence

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from programs.client.addresses import INSTRUCTIONS_SYSVAR, Addresses
from programs.client.instructions import ed25519, system
from programs.client.instructions.anchor import call, event_of, pack, paying, readonly, signer, writable
from programs.client.messages import Binding, Rotation

_ARGUMENTS = 8
_BINDING, _ROTATION, _KEY, _SIGNATURE = Binding.packing.size, Rotation.packing.size, 32, 64


def register_meter(
    at: Addresses,
    *,
    payer: Pubkey,
    owner: Pubkey,
    provisioner: Pubkey,
    binding: Binding,
    signature: bytes,
    device_key: Pubkey,
    rated_power_out_w: int,
    rated_power_in_w: int,
    zone: int,
    statement_kind: int,
    proof: int,
    asset_kind: int,
    instruction_index: int,
) -> tuple[Instruction, Instruction]:
    """Bind a meter to its owner: the Ed25519 check and the registration.

    Args:
        at: the deployment.
        payer: pays for the accounts.
        owner: signs.
        provisioner: the platform, signs.
        binding: what the device signed.
        signature: the device's, 64 bytes.
        device_key: the device's key.
        rated_power_out_w: rated export power, W.
        rated_power_in_w: rated import power, W.
        zone: the meter's zone.
        statement_kind: 1 register, 2 interval.
        proof: 1 device, 2 attested.
        asset_kind: 1 solar, 2 wind, 3 battery, 4 residential, 5 commercial.
        instruction_index: position of the *second* instruction in its transaction.
    """
    accounts = [
        paying(payer),
        signer(owner),
        signer(provisioner),
        writable(at.registry.config),
        writable(at.user(owner)),
        writable(at.zone(zone)),
        writable(at.meter(binding.meter_id)),
        writable(at.device(device_key)),
        readonly(INSTRUCTIONS_SYSVAR),
        readonly(system.PROGRAM),
        *event_of(at.registry),
    ]
    plate = pack("QQIBBB", rated_power_out_w, rated_power_in_w, zone, statement_kind, proof, asset_kind)
    data = binding.pack() + pack("64s32s", signature, bytes(device_key)) + plate
    return _bound(instruction_index), call(at.registry, "register_meter", data, accounts)


def resume_meter(
    at: Addresses, *, provisioner: Pubkey, binding: Binding, signature: bytes, device_key: Pubkey, instruction_index: int
) -> tuple[Instruction, Instruction]:
    """Resume a suspended meter from a new base that its device signs: the Ed25519 check and the instruction."""
    accounts = [
        signer(provisioner),
        readonly(at.registry.config),
        writable(at.meter(binding.meter_id)),
        readonly(INSTRUCTIONS_SYSVAR),
        *event_of(at.registry),
    ]
    data = binding.pack() + pack("64s32s", signature, bytes(device_key))
    return _bound(instruction_index), call(at.registry, "resume_meter", data, accounts)


def set_meter_status(at: Addresses, *, authorities: Sequence[Pubkey], meter_id: str, status: int) -> Instruction:
    """Suspend (3) or retire (4) a meter, or resume it (2) with its gap credited.

    Args:
        at: the deployment.
        authorities: authority or provisioner; for a resumption authority and auditor.
        meter_id: the meter.
        status: 2 active, 3 suspended, 4 retired.
    """
    first, *rest = authorities
    accounts = [
        signer(first),
        signer(rest[0]) if rest else readonly(at.registry.id),
        readonly(at.registry.config),
        writable(at.meter(meter_id)),
        *event_of(at.registry),
    ]
    return call(at.registry, "set_meter_status", pack("B", status), accounts)


def rotate_device_key(
    at: Addresses,
    *,
    payer: Pubkey,
    provisioner: Pubkey,
    rotation: Rotation,
    old_key: Pubkey,
    old_signature: bytes,
    new_signature: bytes,
    instruction_index: int,
) -> tuple[Instruction, Instruction]:
    """Replace a device's key; old and new key signed the rotation: the Ed25519 check of both and the instruction."""
    accounts = [
        paying(payer),
        signer(provisioner),
        readonly(at.registry.config),
        writable(at.meter(rotation.meter_id)),
        writable(at.device(old_key)),
        writable(at.device(rotation.new_key)),
        readonly(INSTRUCTIONS_SYSVAR),
        readonly(system.PROGRAM),
        *event_of(at.registry),
    ]
    data = rotation.pack() + pack("32s64s64s", bytes(old_key), old_signature, new_signature)
    old_at = _ARGUMENTS + _ROTATION
    new_key_at = _ARGUMENTS + 8 + 8 + 16
    places = [
        ed25519.Place(old_at + _KEY, old_at, _ARGUMENTS, _ROTATION),
        ed25519.Place(old_at + _KEY + _SIGNATURE, new_key_at, _ARGUMENTS, _ROTATION),
    ]
    return ed25519.verify_elsewhere(places, instruction_index), call(at.registry, "rotate_device_key", data, accounts)


def revoke_device_key(at: Addresses, *, authority: Pubkey, meter_id: str, key: Pubkey) -> Instruction:
    """End a device key at once and for all times; authority or provisioner signs."""
    accounts = [
        signer(authority),
        readonly(at.registry.config),
        writable(at.meter(meter_id)),
        writable(at.device(key)),
        *event_of(at.registry),
    ]
    return call(at.registry, "revoke_device_key", bytes(key), accounts)


def _bound(instruction_index: int) -> Instruction:
    """The check of a binding: the message first, then signature and key."""
    signature_at = _ARGUMENTS + _BINDING
    place = ed25519.Place(signature_at, signature_at + _SIGNATURE, _ARGUMENTS, _BINDING)
    return ed25519.verify_elsewhere([place], instruction_index)
