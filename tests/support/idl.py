"""Instructions as the committed interface descriptions (IDL) say they are: an encoder of its own, to compare the client with."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

IDL = Path(__file__).parents[2] / "programs" / "idl"
PROGRAMS = ("registry", "oracle", "energy_token")
_INTEGERS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "u128": 16}


@cache
def load(program: str) -> dict[str, Any]:
    """A program's description."""
    return json.loads((IDL / f"{program}.json").read_text())


def named(program: str, part: str, name: str) -> dict[str, Any]:
    """One instruction, account, event or type."""
    return next(row for row in load(program)[part] if row["name"] == name)


def fields_of(program: str, type_name: str) -> list[tuple[str, Any]]:
    """Names and types of a struct's fields, in order."""
    return [(field["name"], field["type"]) for field in named(program, "types", type_name)["type"]["fields"]]


def instruction(program: str, name: str, arguments: dict[str, Any], accounts: dict[str, Pubkey]) -> Instruction:
    """An instruction by its description.

    Args:
        program: whose.
        name: in snake case.
        arguments: by name; structs as dictionaries.
        accounts: those whose address the description does not give; an optional one that is absent stands for none.
    """
    described = named(program, "instructions", name)
    data = bytes(described["discriminator"])
    data += b"".join(encode(program, argument["type"], arguments[argument["name"]]) for argument in described["args"])
    owner = Pubkey.from_string(load(program)["address"])
    resolved: dict[str, Pubkey] = {}
    metas: list[AccountMeta] = []
    for account in described["accounts"]:
        key = _address(program, owner, account, arguments, described, accounts | resolved)
        resolved[account["name"]] = key
        absent = account.get("optional", False) and account["name"] not in accounts
        is_signer = account.get("signer", False) and not absent
        metas.append(AccountMeta(key, is_signer=is_signer, is_writable=account.get("writable", False)))
    return Instruction(owner, data, metas)


def encode(program: str, kind: Any, value: Any) -> bytes:
    """A value as Borsh lays it out."""
    if isinstance(kind, str):
        return _encode_plain(kind, value)
    if "array" in kind:
        element, length = kind["array"]
        items = list(value) + [_zero(element)] * (length - len(value)) if element == "pubkey" else list(value)
        assert len(items) == length
        return b"".join(encode(program, element, item) for item in items)
    if "vec" in kind:
        return len(value).to_bytes(4, "little") + b"".join(encode(program, kind["vec"], item) for item in value)
    name = kind["defined"]["name"]
    assert [field for field, _ in fields_of(program, name)] == list(value)
    return b"".join(encode(program, field_type, value[field]) for field, field_type in fields_of(program, name))


def _encode_plain(kind: str, value: Any) -> bytes:
    if kind in _INTEGERS:
        return int(value).to_bytes(_INTEGERS[kind], "little")
    if kind == "i64":
        return int(value).to_bytes(8, "little", signed=True)
    if kind == "string":
        return len(value.encode()).to_bytes(4, "little") + value.encode()
    assert kind == "pubkey", kind
    return bytes(value)


def _zero(kind: str) -> Any:
    return Pubkey.default() if kind == "pubkey" else 0


def _address(
    program: str,
    owner: Pubkey,
    account: dict[str, Any],
    arguments: dict[str, Any],
    described: dict[str, Any],
    known: dict[str, Pubkey],
) -> Pubkey:
    if "address" in account:
        return Pubkey.from_string(account["address"])
    if "pda" in account:
        seeds = [_seed(program, seed, arguments, described, known) for seed in account["pda"]["seeds"]]
        return Pubkey.find_program_address(seeds, owner)[0]
    return known[account["name"]] if account["name"] in known else _none(owner, account)


def _none(owner: Pubkey, account: dict[str, Any]) -> Pubkey:
    assert account.get("optional"), f"no address for {account['name']}"
    return owner


def _seed(
    program: str, seed: dict[str, Any], arguments: dict[str, Any], described: dict[str, Any], known: dict[str, Pubkey]
) -> bytes:
    if seed["kind"] == "const":
        return bytes(seed["value"])
    if seed["kind"] == "account":
        return bytes(known[seed["path"]])
    first, *rest = seed["path"].split(".")
    kind = next(argument["type"] for argument in described["args"] if argument["name"] == first)
    value = arguments[first]
    for part in rest:
        kind = dict(fields_of(program, kind["defined"]["name"]))[part]
        value = value[part]
    return encode(program, kind, value)
