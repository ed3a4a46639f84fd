"""Errors of the programs by name, and one sentence for people."""

import re
from collections.abc import Sequence
from typing import Any

from solders.pubkey import Pubkey

from programs.client.error_codes import BY_PROGRAM, SHARED, ProgramError
from programs.client.ids import PROGRAM_IDS, ProgramIds

# The runtime writes this line itself; what a program says always begins with "Program log: ".
_FAILED = re.compile(r"Program (\w{32,44}) failed: custom program error: 0x([0-9a-f]+)")
_BY_CODE = {name: {error.code: error for error in errors} for name, errors in BY_PROGRAM.items()}
_SHARED = {error.code: error for error in SHARED}


def code(program: str, name: str) -> int:
    """The number of a program's error.

    Raises:
        KeyError: there is none of this name.
    """
    return next((error.code for error in BY_PROGRAM[program] if error.name == name), None) or _no_such_error(program, name)


def code_of(err: Any) -> int | None:
    """The custom code of a transaction's error in JSON, if it has one."""
    match _instruction_error(err):
        case _, {"Custom": int(number)}:
            return number
        case _:
            return None


def program_error(
    err: Any, *, logs: Sequence[str] = (), programs: Sequence[Pubkey] = (), ids: ProgramIds = PROGRAM_IDS
) -> tuple[str, ProgramError] | None:
    """Which program refused, and why.

    Args:
        err: the transaction's error in JSON.
        logs: the transaction's logs: they name the program that failed inside another.
        programs: the program of each top-level instruction, when there are no logs.
        ids: the deployment.
    """
    number = code_of(err)
    if number is None:
        return None
    program = _failed_in(logs, number) or _called(err, programs)
    name = None if program is None else ids.name_of(program)
    if name is not None:
        error = _BY_CODE[name].get(number)
        return None if error is None else (name, error)
    return ("program", _SHARED[number]) if program is None and number in _SHARED else None


def name_of(err: Any, *, logs: Sequence[str] = (), programs: Sequence[Pubkey] = (), ids: ProgramIds = PROGRAM_IDS) -> str:
    """The short name: the program's own where one was raised (`MeterNotActive`), else Solana's (`BlockhashNotFound`)."""
    found = program_error(err, logs=logs, programs=programs, ids=ids)
    if found is not None:
        return found[1].name
    _, reason = _instruction_error(err)
    if isinstance(reason, dict):
        return ":".join(str(part) for part in next(iter(reason.items()), ("Unknown",)))
    return str(reason) or "Unknown"


def explain(err: Any, ids: ProgramIds = PROGRAM_IDS, *, logs: Sequence[str] = (), programs: Sequence[Pubkey] = ()) -> str:
    """One sentence about a transaction's error.

    Args:
        err: the error in JSON, as RPC gives it.
        ids: the deployment.
        logs: the transaction's logs, if known.
        programs: the program of each top-level instruction, if known.
    """
    found = program_error(err, logs=logs, programs=programs, ids=ids)
    if found is not None:
        return f"{found[0]} refused with {found[1].name} ({found[1].code}): {found[1].message}"
    index, _ = _instruction_error(err)
    where = "" if index is None else f" in instruction {index}"
    return f"the chain refused the transaction{where}: {name_of(err, logs=logs, programs=programs, ids=ids)}"


def _instruction_error(err: Any) -> tuple[int | None, Any]:
    """Which instruction failed and why; what has another shape than a node's is a reason of its own."""
    match err:
        case {"InstructionError": [int(index), reason]}:
            return index, reason
        case _:
            return None, err


def _failed_in(logs: Sequence[str], number: int) -> Pubkey | None:
    """The innermost program that failed with this code is the first that the runtime reports."""
    for line in logs:
        match = _FAILED.fullmatch(line)
        if match is not None and int(match[2], 16) == number:
            return Pubkey.from_string(match[1])
    return None


def _called(err: Any, programs: Sequence[Pubkey]) -> Pubkey | None:
    index, _ = _instruction_error(err)
    return programs[index] if index is not None and 0 <= index < len(programs) else None


def _no_such_error(program: str, name: str) -> int:
    raise KeyError(f"{program} has no error {name}")
