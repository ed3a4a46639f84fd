"""Grid zones and their mint caps."""

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from programs.client.addresses import Addresses
from programs.client.instructions import system
from programs.client.instructions.anchor import call, event_of, pack, paying, readonly, signer, writable

NO_CAP = 2**64 - 1
"""A cap that never binds."""


def create_zone(
    at: Addresses, *, payer: Pubkey, authority: Pubkey, zone: int, zone_authority: Pubkey, mint_cap_wh: int, window_s: int
) -> Instruction:
    """Create a zone with a cap on what may be minted in a window."""
    accounts = [
        paying(payer),
        signer(authority),
        writable(at.registry.config),
        writable(at.zone(zone)),
        readonly(system.PROGRAM),
        *event_of(at.registry),
    ]
    return call(at.registry, "create_zone", pack("I32sQQ", zone, bytes(zone_authority), mint_cap_wh, window_s), accounts)


def set_zone(
    at: Addresses, *, zone_authority: Pubkey, zone: int, mint_cap_wh: int, window_s: int, pending_authority: Pubkey | None = None
) -> Instruction:
    """Change a zone's cap and window, and propose its next authority."""
    accounts = [signer(zone_authority), writable(at.zone(zone)), *event_of(at.registry)]
    pending = bytes(pending_authority or Pubkey.default())
    return call(at.registry, "set_zone", pack("QQ32s", mint_cap_wh, window_s, pending), accounts)


def accept_zone_authority(at: Addresses, *, pending_authority: Pubkey, zone: int) -> Instruction:
    """Take over a zone as its proposed authority."""
    accounts = [signer(pending_authority), writable(at.zone(zone)), *event_of(at.registry)]
    return call(at.registry, "accept_zone_authority", b"", accounts)
