"""The upgradeable loader's accounts: which program is whose."""

import struct
from dataclasses import dataclass

from solders.pubkey import Pubkey

from core.domain.errors import InvalidInput

PROGRAM = Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111")

_PROGRAM = struct.Struct("<I32s")
_PROGRAM_DATA = struct.Struct("<IQB32s")
_BUFFER = struct.Struct("<IB32s")
_BUFFER_TAG, _PROGRAM_TAG, _PROGRAM_DATA_TAG = 1, 2, 3
BUFFER_HEADER = _BUFFER.size
"""Bytes of a buffer before the code."""
PROGRAM_SIZE = _PROGRAM.size
PROGRAM_DATA_HEADER = _PROGRAM_DATA.size
"""Bytes of a ProgramData account before the code."""


@dataclass(frozen=True, slots=True)
class ProgramData:
    """A program's code and who may replace it."""

    slot: int
    """When it was deployed."""
    upgrade_authority: Pubkey | None
    """`None`: final."""
    elf: bytes

    @classmethod
    def decode(cls, data: bytes) -> "ProgramData":
        """Read a ProgramData account.

        Raises:
            InvalidInput: the bytes are none.
        """
        if len(data) < _PROGRAM_DATA.size:
            raise InvalidInput("these bytes are no ProgramData account")
        tag, slot, has_authority, authority = _PROGRAM_DATA.unpack_from(data)
        if tag != _PROGRAM_DATA_TAG:
            raise InvalidInput("these bytes are no ProgramData account")
        return cls(slot, Pubkey(authority) if has_authority else None, data[_PROGRAM_DATA.size :])

    def runs(self, code: bytes) -> bool:
        """Whether exactly this code runs: the account may be longer, and what follows is zero."""
        return self.elf.startswith(code) and not any(self.elf[len(code) :])

    def encode(self) -> bytes:
        """The account's bytes."""
        authority = self.upgrade_authority
        has, key = (0, bytes(32)) if authority is None else (1, bytes(authority))
        return _PROGRAM_DATA.pack(_PROGRAM_DATA_TAG, self.slot, has, key) + self.elf


def program_data_address(program: Pubkey) -> Pubkey:
    """Where a program's code lies."""
    return Pubkey.find_program_address([bytes(program)], PROGRAM)[0]


def encode_program(program_data: Pubkey) -> bytes:
    """The program account's bytes."""
    return _PROGRAM.pack(_PROGRAM_TAG, bytes(program_data))


@dataclass(frozen=True, slots=True)
class Buffer:
    """Code on its way to a program."""

    authority: Pubkey | None
    """Who may write, deploy and close it; `None`: nobody any more."""
    code: bytes

    @classmethod
    def decode(cls, data: bytes) -> "Buffer":
        """Read a buffer account.

        Raises:
            InvalidInput: the bytes are none.
        """
        if len(data) < _BUFFER.size:
            raise InvalidInput("these bytes are no loader buffer")
        tag, has_authority, authority = _BUFFER.unpack_from(data)
        if tag != _BUFFER_TAG:
            raise InvalidInput("these bytes are no loader buffer")
        return cls(Pubkey(authority) if has_authority else None, data[_BUFFER.size :])


def buffer_head(authority: Pubkey) -> bytes:
    """How a buffer of this authority begins: what a node is asked for to find them all."""
    return _BUFFER.pack(_BUFFER_TAG, 1, bytes(authority))
