"""Instructions as an attacker changes them: one account, one right or one byte at a time."""

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey


def with_account(instruction: Instruction, position: int, key: Pubkey) -> Instruction:
    """Another account at a position, with the same rights."""
    accounts = list(instruction.accounts)
    meta = accounts[position]
    accounts[position] = AccountMeta(key, is_signer=meta.is_signer, is_writable=meta.is_writable)
    return Instruction(instruction.program_id, bytes(instruction.data), accounts)


def unsigned(instruction: Instruction, position: int = 0) -> Instruction:
    """The same without the signature of the account at a position."""
    accounts = list(instruction.accounts)
    meta = accounts[position]
    accounts[position] = AccountMeta(meta.pubkey, is_signer=False, is_writable=meta.is_writable)
    return Instruction(instruction.program_id, bytes(instruction.data), accounts)


def readonly(instruction: Instruction, position: int) -> Instruction:
    """The same with the account at a position not writable."""
    accounts = list(instruction.accounts)
    meta = accounts[position]
    accounts[position] = AccountMeta(meta.pubkey, is_signer=meta.is_signer, is_writable=False)
    return Instruction(instruction.program_id, bytes(instruction.data), accounts)


def with_data(instruction: Instruction, data: bytes) -> Instruction:
    """Other data."""
    return Instruction(instruction.program_id, data, instruction.accounts)


def with_bytes(instruction: Instruction, position: int, replacement: bytes) -> Instruction:
    """Other bytes from a position of the data on."""
    data = bytearray(bytes(instruction.data))
    data[position : position + len(replacement)] = replacement
    return with_data(instruction, bytes(data))
