"""Handing an authority over in two steps: the same instructions in every program."""

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from programs.client.addresses import ProgramAddresses
from programs.client.instructions.anchor import call, event_of, signer, writable


def propose_authority(program: ProgramAddresses, *, authority: Pubkey, new_authority: Pubkey) -> Instruction:
    """Propose the next authority; it changes when that key accepts. The default key withdraws."""
    accounts = [signer(authority), writable(program.config), *event_of(program)]
    return call(program, "propose_authority", bytes(new_authority), accounts)


def accept_authority(program: ProgramAddresses, *, pending_authority: Pubkey) -> Instruction:
    """Take over as the proposed authority."""
    accounts = [signer(pending_authority), writable(program.config), *event_of(program)]
    return call(program, "accept_authority", b"", accounts)
