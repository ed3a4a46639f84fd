#!/usr/bin/env python3
"""Refuse sBPF v0 programs that pass arguments on the stack.

A store at or above the frame pointer is such an argument. It works only where the runtime lays frames out without gaps, which
not every cluster does and which LiteSVM does not show. The cure is at most five argument words per function; a `Result` returned
through a pointer is one of them.

usage: scan_stack.py PROGRAM.so...
"""

import struct
import sys
from pathlib import Path

FRAME_POINTER = 10
STORE_CLASSES = (2, 3)  # BPF_ST and BPF_STX
WIDE_LOAD = 0x18  # the one instruction of sixteen bytes
INSTRUCTION_LENGTH = 8
SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")


class NoTextSectionError(ValueError):
    """The file is not a program: it has no .text section."""


def text_of(elf: bytes) -> bytes:
    """Return the bytes of the .text section.

    Raises:
        NoTextSectionError: there is none.
    """
    (table,) = struct.unpack_from("<Q", elf, 0x28)
    count, names = struct.unpack_from("<HH", elf, 0x3C)
    sections = [SECTION_HEADER.unpack_from(elf, table + SECTION_HEADER.size * index) for index in range(count)]
    strings = sections[names][4]
    for section in sections:
        start = strings + section[0]
        if elf[start : elf.index(b"\0", start)] == b".text":
            return elf[section[4] : section[4] + section[5]]
    raise NoTextSectionError


def stack_arguments(text: bytes) -> list[int]:
    """Return the address of each store at or above the frame pointer."""
    found: list[int] = []
    address = 0
    while address < len(text):
        opcode, registers, offset = struct.unpack_from("<BBh", text, address)
        if opcode & 7 in STORE_CLASSES and registers & 15 == FRAME_POINTER and offset >= 0:
            found.append(address)
        address += INSTRUCTION_LENGTH * (2 if opcode == WIDE_LOAD else 1)
    return found


def main(paths: list[str]) -> int:
    """Print one line per program that passes arguments on the stack; the exit status says whether there was one."""
    failed = False
    for path in paths:
        stores = stack_arguments(text_of(Path(path).read_bytes()))
        if stores:
            failed = True
            places = ", ".join(hex(address) for address in stores[:5])
            sys.stderr.write(f"{path}: {len(stores)} arguments on the stack, at {places}\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
