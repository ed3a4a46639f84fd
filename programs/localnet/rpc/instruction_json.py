"""The `parsed` form of the few instructions that explorers show most; all others are given by address and data."""

from collections.abc import Callable
from typing import Any

SYSTEM = "11111111111111111111111111111111"
MEMOS = ("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr", "Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo")
TOKENS = {
    "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA": "spl-token",
    "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb": "spl-token-2022",
}
Parsed = tuple[str, dict[str, Any]] | None


def parse_instruction(program: str, accounts: list[str], data: bytes) -> dict[str, Any] | None:
    """`program` and `parsed` of a well-known instruction, `None` when it is not one."""
    if program in MEMOS:
        return {"program": "spl-memo", "parsed": data.decode(errors="replace")}
    parser: Callable[[list[str], bytes], Parsed]
    if program == SYSTEM:
        name, parser = "system", _system
    elif program in TOKENS:
        name, parser = TOKENS[program], _token
    else:
        return None
    try:
        parsed = parser(accounts, data)
    except IndexError:  # fewer accounts than the instruction needs: it failed on chain too
        return None
    return None if parsed is None else {"program": name, "parsed": {"type": parsed[0], "info": parsed[1]}}


def _u64(data: bytes, start: int) -> int:
    return int.from_bytes(data[start : start + 8], "little")


def _system(accounts: list[str], data: bytes) -> Parsed:
    if data[:4] == b"\x02\0\0\0" and len(data) == 12:
        return "transfer", {"source": accounts[0], "destination": accounts[1], "lamports": _u64(data, 4)}
    return None


def _token(accounts: list[str], data: bytes) -> Parsed:
    match data[0] if data else None:
        case 3:
            info = {"source": accounts[0], "destination": accounts[1], "authority": accounts[2], "amount": str(_u64(data, 1))}
            return "transfer", info
        case 7:
            info = {"mint": accounts[0], "account": accounts[1], "mintAuthority": accounts[2], "amount": str(_u64(data, 1))}
            return "mintTo", info
        case 8:
            info = {"account": accounts[0], "mint": accounts[1], "authority": accounts[2], "amount": str(_u64(data, 1))}
            return "burn", info
        case 9:
            return "closeAccount", {"account": accounts[0], "destination": accounts[1], "owner": accounts[2]}
        case _:
            return None
