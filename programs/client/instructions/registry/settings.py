"""Who runs the registry, and its limits."""

from dataclasses import dataclass

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from programs.client.addresses import Addresses
from programs.client.instructions import authority as handover
from programs.client.instructions import system
from programs.client.instructions.anchor import call, event_of, pack, paying, readonly, signer, writable


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionLimits:
    """How much corrections may move on one meter."""

    cap_wh: int
    """In one window, either sign."""
    window_s: int
    delay_s: int
    """How long a positive one waits."""


def initialize(
    at: Addresses,
    *,
    payer: Pubkey,
    upgrade_authority: Pubkey,
    genesis_hash: bytes,
    authority: Pubkey,
    provisioner: Pubkey,
    auditor: Pubkey,
    limits: CorrectionLimits,
    governance_program: Pubkey | None = None,
) -> Instruction:
    """Set the registry up, once, by the program's upgrade authority."""
    program = at.registry
    accounts = [
        paying(payer),
        signer(upgrade_authority),
        readonly(program.program_data),
        writable(program.config),
        readonly(system.PROGRAM),
        *event_of(program),
    ]
    keys = (authority, provisioner, auditor, governance_program or Pubkey.default())
    numbers = (limits.cap_wh, limits.window_s, limits.delay_s)
    data = pack("32s32s32s32s32sQQQ", genesis_hash, *map(bytes, keys), *numbers)
    return call(program, "initialize", data, accounts)


def propose_authority(at: Addresses, *, authority: Pubkey, new_authority: Pubkey) -> Instruction:
    """Propose the next authority; it changes when that key accepts."""
    return handover.propose_authority(at.registry, authority=authority, new_authority=new_authority)


def accept_authority(at: Addresses, *, pending_authority: Pubkey) -> Instruction:
    """Take over as the proposed authority."""
    return handover.accept_authority(at.registry, pending_authority=pending_authority)


def set_roles(
    at: Addresses, *, authority: Pubkey, provisioner: Pubkey, auditor: Pubkey, old_auditor: Pubkey | None = None
) -> Instruction:
    """Set provisioner and auditor.

    Args:
        at: the deployment.
        authority: signs.
        provisioner: from now on.
        auditor: from now on; signs when it changes.
        old_auditor: the one until now when it changes, signs; none when it stays.
    """
    unchanged = readonly(at.registry.id)
    auditors = [unchanged, unchanged] if old_auditor is None else [signer(old_auditor), signer(auditor)]
    accounts = [signer(authority), *auditors, writable(at.registry.config), *event_of(at.registry)]
    return call(at.registry, "set_roles", bytes(provisioner) + bytes(auditor), accounts)


def set_paused(at: Addresses, *, authority: Pubkey, paused: int) -> Instruction:
    """Set the paused bits: credit 1, mint 2, trade 4, certify 8."""
    return call(at.registry, "set_paused", pack("B", paused), _setting(at, authority))


def set_correction_limits(at: Addresses, *, authority: Pubkey, auditor: Pubkey, limits: CorrectionLimits) -> Instruction:
    """Set the limits of corrections; authority and auditor sign."""
    accounts = [signer(authority), signer(auditor), writable(at.registry.config), *event_of(at.registry)]
    return call(at.registry, "set_correction_limits", pack("QQQ", limits.cap_wh, limits.window_s, limits.delay_s), accounts)


def _setting(at: Addresses, authority: Pubkey) -> list[AccountMeta]:
    return [signer(authority), writable(at.registry.config), *event_of(at.registry)]
