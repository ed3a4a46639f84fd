"""Corrections of a meter's ledger, by two signers."""

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from programs.client.addresses import Addresses
from programs.client.instructions.anchor import call, event_of, pack, readonly, signer, writable


def record_correction(
    at: Addresses, *, authority: Pubkey, auditor: Pubkey, meter_id: str, amount_wh: int, reason: int, evidence: bytes
) -> Instruction:
    """Record a correction; a negative one counts at once, a positive one after the delay.

    Args:
        at: the deployment.
        authority: signs.
        auditor: signs too.
        meter_id: the meter.
        amount_wh: signed Wh.
        reason: by the operator's list.
        evidence: SHA-256 of the evidence.
    """
    accounts = [
        signer(authority),
        signer(auditor),
        readonly(at.registry.config),
        writable(at.meter(meter_id)),
        *event_of(at.registry),
    ]
    return call(at.registry, "record_correction", pack("qH32s", amount_wh, reason, evidence), accounts)


def apply_correction(at: Addresses, *, meter_id: str) -> Instruction:
    """Make a waiting correction count after its delay; anyone may."""
    return call(at.registry, "apply_correction", b"", [writable(at.meter(meter_id)), *event_of(at.registry)])


def cancel_correction(at: Addresses, *, canceller: Pubkey, meter_id: str) -> Instruction:
    """Cancel a waiting correction as authority or auditor."""
    accounts = [
        signer(canceller),
        readonly(at.registry.config),
        writable(at.meter(meter_id)),
        *event_of(at.registry),
    ]
    return call(at.registry, "cancel_correction", b"", accounts)
