"""The oracle program: its settings and its two doors."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from core.domain.errors import InvalidInput
from programs.client.accounts.oracle import MAX_ATTESTERS
from programs.client.addresses import INSTRUCTIONS_SYSVAR, Addresses
from programs.client.instructions import authority as handover
from programs.client.instructions import ed25519, system
from programs.client.instructions.anchor import call, event_of, pack, paying, readonly, signer, tag_of, writable
from programs.client.instructions.registry.settlement import CREDIT_ONLY, MeterAccounts, settlement_accounts

STATEMENT_SIZE = 64
SIGNATURE_SIZE = 64
KEY_SIZE = 32
PROVEN_SIZE = KEY_SIZE + SIGNATURE_SIZE + STATEMENT_SIZE
_PROVEN_START = 8 + 1 + 4
"""Discriminator, zones, count."""
_HEAD = struct.Struct("<BI")
_BATCH_HEAD = struct.Struct("<BB32sQI")


@dataclass(frozen=True, slots=True)
class ProvenReading:
    """A reading with the device's own signature, and where it is booked."""

    key: bytes
    """The device's public key, 32 bytes."""
    signature: bytes
    """64 bytes."""
    statement: bytes
    """The 64 bytes that the device signed."""
    accounts: MeterAccounts


@dataclass(frozen=True, slots=True, kw_only=True)
class AttestedReading:
    """A reading that attesters vouch for. Energy in Wh, time in Unix seconds."""

    entry_number: int
    """Strictly increasing per meter; below 2^32."""
    sequence: int
    """Below 2^48."""
    measured_at: int
    generation_wh: int
    """Below 2^56."""
    consumption_wh: int
    """Below 2^56."""
    quality: int
    """0 to 100."""
    accounts: MeterAccounts


def initialize(
    at: Addresses, *, payer: Pubkey, upgrade_authority: Pubkey, genesis_hash: bytes, authority: Pubkey, rule_set_hash: bytes
) -> Instruction:
    """Set the oracle up, once, by the program's upgrade authority; no attester is set by that."""
    program = at.oracle
    accounts = [
        paying(payer),
        signer(upgrade_authority),
        readonly(program.program_data),
        writable(program.config),
        writable(at.roots),
        readonly(system.PROGRAM),
        *event_of(program),
    ]
    return call(program, "initialize", pack("32s32s32s", genesis_hash, bytes(authority), rule_set_hash), accounts)


def propose_authority(at: Addresses, *, authority: Pubkey, new_authority: Pubkey) -> Instruction:
    """Propose the next authority; it changes when that key accepts."""
    return handover.propose_authority(at.oracle, authority=authority, new_authority=new_authority)


def accept_authority(at: Addresses, *, pending_authority: Pubkey) -> Instruction:
    """Take over as the proposed authority."""
    return handover.accept_authority(at.oracle, pending_authority=pending_authority)


def set_attesters(at: Addresses, *, authority: Pubkey, attesters: Sequence[Pubkey], threshold: int) -> Instruction:
    """Set up to eight attesters and how many of them a batch needs, 1 to 3."""
    if len(attesters) > MAX_ATTESTERS:
        raise InvalidInput(f"the oracle has room for {MAX_ATTESTERS} attesters")
    keys = b"".join(map(bytes, attesters)).ljust(32 * MAX_ATTESTERS, b"\0")
    return _setting(at, "set_attesters", keys + pack("B", threshold), authority)


def set_rule_set(at: Addresses, *, authority: Pubkey, rule_set_hash: bytes) -> Instruction:
    """Set the SHA-256 of the rules that attesters apply."""
    return _setting(at, "set_rule_set", pack("32s", rule_set_hash), authority)


def set_paused(at: Addresses, *, authority: Pubkey, paused: int) -> Instruction:
    """Pause (credit 1) or resume (0) the doors."""
    return _setting(at, "set_paused", pack("B", paused), authority)


def submit_meter_reading(
    at: Addresses,
    *,
    submitter: Pubkey,
    readings: Sequence[ProvenReading],
    zones: Sequence[Pubkey] | None,
    instruction_index: int,
) -> tuple[Instruction, Instruction]:
    """Device-proven readings of several meters: the Ed25519 check and the submission, which must follow each other at top level.

    Args:
        at: the deployment.
        submitter: an attester, or the owner after seven days without an update.
        readings: one per meter.
        zones: accounts of the meters' zones, each once, to settle in the same call; `None` only credits.
        instruction_index: position of the *second* instruction in its transaction.
    """
    starts = range(_PROVEN_START, _PROVEN_START + PROVEN_SIZE * len(readings), PROVEN_SIZE)
    places = [ed25519.Place(start + KEY_SIZE, start, start + KEY_SIZE + SIGNATURE_SIZE, STATEMENT_SIZE) for start in starts]
    proof = ed25519.verify_elsewhere(places, instruction_index)
    body = b"".join(reading.key + reading.signature + reading.statement for reading in readings)
    if len(body) != PROVEN_SIZE * len(readings):
        raise InvalidInput("a proven reading is a key of 32 bytes, a signature of 64 and a statement of 64")
    head = _HEAD.pack(CREDIT_ONLY if zones is None else len(zones), len(readings))
    accounts = [
        signer(submitter),
        writable(at.oracle.config),
        readonly(INSTRUCTIONS_SYSVAR),
        *_door(at),
        *settlement_accounts(at, zones, [reading.accounts for reading in readings]),
    ]
    return proof, Instruction(at.oracle.id, tag_of("submit_meter_reading") + head + body, accounts)


def submit_reading_batch(
    at: Addresses,
    *,
    attesters: Sequence[Pubkey],
    readings: Sequence[AttestedReading],
    merkle_root: bytes,
    zones: Sequence[Pubkey] | None,
) -> Instruction:
    """Attested readings of several meters.

    Args:
        at: the deployment.
        attesters: as many as the threshold asks for; all sign.
        readings: one per meter.
        merkle_root: root over SHA-256(0, statement, signature, key) of all readings behind the batch.
        zones: accounts of the meters' zones, each once, to settle in the same call; `None` only credits.

    Raises:
        InvalidInput: a number does not fit its field.
    """
    base = min((reading.measured_at for reading in readings), default=0)
    zone_count = CREDIT_ONLY if zones is None else len(zones)
    head = _BATCH_HEAD.pack(len(attesters), zone_count, merkle_root, base, len(readings))
    accounts = [
        writable(at.oracle.config),
        writable(at.roots),
        *_door(at),
        *(signer(key) for key in attesters),
        *settlement_accounts(at, zones, [reading.accounts for reading in readings]),
    ]
    body = b"".join(_attested(reading, base) for reading in readings)
    return Instruction(at.oracle.id, tag_of("submit_reading_batch") + head + body, accounts)


def _attested(reading: AttestedReading, base: int) -> bytes:
    try:
        return (
            reading.entry_number.to_bytes(4, "little")
            + reading.sequence.to_bytes(6, "little")
            + (reading.measured_at - base).to_bytes(4, "little")
            + reading.generation_wh.to_bytes(7, "little")
            + reading.consumption_wh.to_bytes(7, "little")
            + reading.quality.to_bytes(1, "little")
        )
    except OverflowError:
        raise InvalidInput("a number of an attested reading does not fit its field") from None


def _door(at: Addresses) -> list[AccountMeta]:
    return [
        *event_of(at.oracle),
        readonly(at.oracle.authority),
        readonly(at.registry.id),
        readonly(at.registry.config),
        readonly(at.registry.event_authority),
    ]


def _setting(at: Addresses, name: str, arguments: bytes, authority: Pubkey) -> Instruction:
    return call(at.oracle, name, arguments, [signer(authority), writable(at.oracle.config), *event_of(at.oracle)])
