"""The system program."""

import struct

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

PROGRAM = Pubkey.from_string("11111111111111111111111111111111")

_TRANSFER = struct.Struct("<IQ")


def transfer(source: Pubkey, destination: Pubkey, lamports: int) -> Instruction:
    """Move lamports."""
    accounts = [
        AccountMeta(source, is_signer=True, is_writable=True),
        AccountMeta(destination, is_signer=False, is_writable=True),
    ]
    return Instruction(PROGRAM, _TRANSFER.pack(2, lamports), accounts)
