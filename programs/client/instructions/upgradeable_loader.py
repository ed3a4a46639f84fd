"""The upgradeable loader: how code comes to a chain."""

import struct

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from programs.client.instructions import system
from programs.client.instructions.anchor import paying, readonly, signer, writable
from programs.client.loader import PROGRAM, program_data_address

CLOCK_SYSVAR = Pubkey.from_string("SysvarC1ock11111111111111111111111111111111")
RENT_SYSVAR = Pubkey.from_string("SysvarRent111111111111111111111111111111111")

_TAG = struct.Struct("<I")
_WRITE = struct.Struct("<IIQ")
_DEPLOY = struct.Struct("<IQ")
_EXTEND = struct.Struct("<II")


def initialize_buffer(buffer: Pubkey, authority: Pubkey) -> Instruction:
    """Make an allocated account of the loader's a buffer."""
    return _instruction(_TAG.pack(0), [writable(buffer), readonly(authority)])


def write(buffer: Pubkey, authority: Pubkey, offset: int, chunk: bytes) -> Instruction:
    """Write code into a buffer; `offset` counts from the start of the code."""
    return _instruction(_WRITE.pack(1, offset, len(chunk)) + chunk, [writable(buffer), signer(authority)])


def deploy(payer: Pubkey, program: Pubkey, buffer: Pubkey, authority: Pubkey, max_length: int) -> Instruction:
    """Deploy a buffer as a new program with room for `max_length` bytes of code; the buffer's lamports go to the payer."""
    accounts = [
        paying(payer),
        writable(program_data_address(program)),
        writable(program),
        writable(buffer),
        readonly(RENT_SYSVAR),
        readonly(CLOCK_SYSVAR),
        readonly(system.PROGRAM),
        signer(authority),
    ]
    return _instruction(_DEPLOY.pack(2, max_length), accounts)


def upgrade(program: Pubkey, buffer: Pubkey, authority: Pubkey, spill: Pubkey) -> Instruction:
    """Replace a program's code by a buffer's; the buffer's lamports go to `spill`."""
    accounts = [
        writable(program_data_address(program)),
        writable(program),
        writable(buffer),
        writable(spill),
        readonly(RENT_SYSVAR),
        readonly(CLOCK_SYSVAR),
        signer(authority),
    ]
    return _instruction(_TAG.pack(3), accounts)


def close_buffer(buffer: Pubkey, recipient: Pubkey, authority: Pubkey) -> Instruction:
    """Close a buffer; its lamports go to `recipient`."""
    return _instruction(_TAG.pack(5), [writable(buffer), writable(recipient), signer(authority)])


def extend(program: Pubkey, payer: Pubkey, more_bytes: int) -> Instruction:
    """Make room for more code, as clusters take it that do not ask for the authority yet."""
    accounts = [writable(program_data_address(program)), writable(program), readonly(system.PROGRAM), paying(payer)]
    return _instruction(_EXTEND.pack(6, more_bytes), accounts)


def extend_checked(program: Pubkey, authority: Pubkey, payer: Pubkey, more_bytes: int) -> Instruction:
    """Make room for more code, signed by the upgrade authority."""
    accounts = [
        writable(program_data_address(program)),
        writable(program),
        signer(authority),
        readonly(system.PROGRAM),
        paying(payer),
    ]
    return _instruction(_EXTEND.pack(9, more_bytes), accounts)


def _instruction(data: bytes, accounts: list[AccountMeta]) -> Instruction:
    return Instruction(PROGRAM, data, accounts)
