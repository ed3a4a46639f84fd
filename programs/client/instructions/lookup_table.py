"""Address lookup tables: 32-byte addresses become one byte."""

import struct
from collections.abc import Sequence

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from core.domain.errors import InvalidInput
from programs.client.instructions import system

PROGRAM = Pubkey.from_string("AddressLookupTab1e1111111111111111111111111")
MAX_ADDRESSES = 256
MAX_ADDRESSES_AN_EXTENSION = 20
"""Addresses that fit into one transaction's extension."""

_META_SIZE = 56
_CREATE = struct.Struct("<IQB")
_EXTEND = struct.Struct("<IQ")
_TABLE = 1


def address(authority: Pubkey, recent_slot: int) -> tuple[Pubkey, int]:
    """Where a table created at `recent_slot` lies, and the bump."""
    return Pubkey.find_program_address([bytes(authority), recent_slot.to_bytes(8, "little")], PROGRAM)


def create(authority: Pubkey, payer: Pubkey, recent_slot: int) -> tuple[Instruction, Pubkey]:
    """Create an empty table.

    Args:
        authority: may extend and close it.
        payer: pays the rent.
        recent_slot: one of the last 512 slots, already rooted in the SlotHashes sysvar.
    """
    table, bump = address(authority, recent_slot)
    accounts = [
        AccountMeta(table, is_signer=False, is_writable=True),
        AccountMeta(authority, is_signer=False, is_writable=False),
        AccountMeta(payer, is_signer=True, is_writable=True),
        AccountMeta(system.PROGRAM, is_signer=False, is_writable=False),
    ]
    return Instruction(PROGRAM, _CREATE.pack(0, recent_slot, bump), accounts), table


def extend(table: Pubkey, authority: Pubkey, payer: Pubkey, addresses: Sequence[Pubkey]) -> Instruction:
    """Append addresses; they count from the next slot on."""
    accounts = [
        AccountMeta(table, is_signer=False, is_writable=True),
        AccountMeta(authority, is_signer=True, is_writable=False),
        AccountMeta(payer, is_signer=True, is_writable=True),
        AccountMeta(system.PROGRAM, is_signer=False, is_writable=False),
    ]
    return Instruction(PROGRAM, _EXTEND.pack(2, len(addresses)) + b"".join(map(bytes, addresses)), accounts)


def deactivate(table: Pubkey, authority: Pubkey) -> Instruction:
    """Stop a table; it can be closed some 513 slots later."""
    accounts = [
        AccountMeta(table, is_signer=False, is_writable=True),
        AccountMeta(authority, is_signer=True, is_writable=False),
    ]
    return Instruction(PROGRAM, (3).to_bytes(4, "little"), accounts)


def close(table: Pubkey, authority: Pubkey, recipient: Pubkey) -> Instruction:
    """Close a deactivated table and return its rent."""
    accounts = [
        AccountMeta(table, is_signer=False, is_writable=True),
        AccountMeta(authority, is_signer=True, is_writable=False),
        AccountMeta(recipient, is_signer=False, is_writable=True),
    ]
    return Instruction(PROGRAM, (4).to_bytes(4, "little"), accounts)


def decode(key: Pubkey, data: bytes) -> AddressLookupTableAccount:
    """Read a table's account.

    Raises:
        InvalidInput: the bytes are no lookup table.
    """
    if len(data) < _META_SIZE or (len(data) - _META_SIZE) % 32 or int.from_bytes(data[:4], "little") != _TABLE:
        raise InvalidInput(f"account {key} is no address lookup table")
    entries = range(_META_SIZE, len(data), 32)
    return AddressLookupTableAccount(key=key, addresses=[Pubkey(data[start : start + 32]) for start in entries])
