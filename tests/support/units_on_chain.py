"""What instructions cost on a chain that is reached over RPC: read from the logs of what landed there."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from programs.client.addresses import Addresses
from programs.client.conventions import discriminator
from programs.client.rpc import ChainClient, ConfirmedTransaction, SignatureInfo
from tests.support.node_scripts import IDLS, NAMES

_TOP = re.compile(r"Program (\w+) invoke \[1\]")
_CONSUMED = re.compile(r"Program (\w+) consumed (\d+) of \d+ compute units")
CREDIT_ONLY: Final = 255


async def units_on(client: ChainClient, at: Addresses) -> dict[str, list[int]]:
    """Compute units of every top-level call of our programs that succeeded, by `program.instruction`.

    Asked by the programs' own addresses: a message always names them itself, and not every node's history knows looked-up ones.
    """
    programs = {getattr(at, name).id: name for name in NAMES}
    named = {name: {discriminator("global", entry["name"]): entry["name"] for entry in _instructions(name)} for name in NAMES}
    signatures = {row.signature for program in programs for row in await _history(client, program)}
    units: dict[str, list[int]] = defaultdict(list)
    for signature in sorted(signatures):
        landed = await client.transaction(signature)
        if landed is not None and landed.err is None:
            for program, data, used in _calls(landed, set(programs)):
                name = programs[program]
                units[_circumstances(f"{name}.{named[name][data[:8]]}", data)].append(used)
    return dict(sorted(units.items()))


def _instructions(name: str) -> list[dict[str, str]]:
    return json.loads((IDLS / f"{name}.json").read_text())["instructions"]


async def _history(client: ChainClient, key: Pubkey) -> list[SignatureInfo]:
    rows = await client.signatures_for(key)
    page = rows
    while len(page) == 1_000:
        page = await client.signatures_for(key, before=page[-1].signature)
        rows += page
    return [row for row in rows if row.err is None]


def _calls(landed: ConfirmedTransaction, ours: set[Pubkey]) -> Iterator[tuple[Pubkey, bytes, int]]:
    message = VersionedTransaction.from_bytes(landed.wire).message
    calls = [
        (program, bytes(call.data))
        for call, program in zip(message.instructions, landed.programs, strict=True)
        if program in ours
    ]
    texts = {str(program) for program in ours}
    used: list[int] = []
    depth = 0
    for line in landed.logs:
        if _TOP.fullmatch(line):
            depth = 1
        elif " invoke [" in line:
            depth += 1
        elif (match := _CONSUMED.fullmatch(line)) and depth == 1 and match[1] in texts:
            used.append(int(match[2]))
        elif re.fullmatch(r"Program \w+ success", line):
            depth -= 1
    for (program, data), units in zip(calls, used, strict=True):
        yield program, data, units


def _circumstances(name: str, data: bytes) -> str:
    if name != "oracle.submit_meter_reading":
        return name
    meters = int.from_bytes(data[9:13], "little")
    plural = "meter" if meters == 1 else "meters"
    return f"{name} ({meters} {plural}, {'credit' if data[8] == CREDIT_ONLY else 'credit and mint'})"
