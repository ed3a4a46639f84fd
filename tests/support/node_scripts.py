"""The clients in JavaScript: how their scripts are run, and what the one that drives our programs must say."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any, Final

import msgspec

REPOSITORY: Final = Path(__file__).parents[2]
SCRIPTS: Final = REPOSITORY / "tests" / "node"
IDLS: Final = REPOSITORY / "programs" / "idl"
NAMES: Final = ("registry", "oracle", "energy_token")
LATER: Final = {"registry": {"DeviceKeyRotated"}}
"""Events that a chain of today cannot show: a key is rotated a week after it was bound."""
SCRIPT_DEADLINE_S: Final = 120
MOST_OF_ITS_ACCOUNTS: Final = 10


async def run(folder: Path, script: str, *arguments: str, heard: bytes = b"") -> dict[str, Any]:
    """Run a script beside its packages; returns what it prints.

    Args:
        folder: the scripts with their packages.
        script: its file name.
        arguments: of the command line.
        heard: its standard input.
    """
    node = shutil.which("node")
    assert node is not None, "node is needed: apt-get install nodejs npm"
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(node, script, *arguments, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(SCRIPT_DEADLINE_S):
        printed, complaints = await process.communicate(heard)
    assert process.returncode == 0, complaints.decode()
    return msgspec.json.decode(printed)


def of_idl(program: str, part: str) -> set[str]:
    """The names of a program's events, accounts or instructions, as its IDL lists them."""
    return {entry["name"] for entry in json.loads((IDLS / f"{program}.json").read_text())[part]}


def require_driven(report: dict[str, Any]) -> None:
    """What `drive.mjs` reports on any chain, whatever else lives there."""
    assert report["repeated"] == "AlreadyInitialized"
    assert (report["minted"], report["settledByOwner"], report["burned"]) == (5_000_000_000, 8_000_000_000, 7_000_000_000)
    assert report["twice"] == "InsufficientBalance"
    assert report["stranger"] == "Unauthorized"
    assert report["unsettled"] == "simulated"
    assert report["meter"] == {"owner": True, "generationWh": 8_000, "settledNetWh": 7_000}
    assert report["byOwner"] == [True]
    for name in NAMES:
        assert report["accounts"][name].keys() == of_idl(name, "accounts")
        assert min(report["accounts"][name].values()) >= 1
        assert report["events"][name]["undecoded"] == 0


def require_driven_by_kit(report: dict[str, Any]) -> None:
    """What `kit_drive.mjs` reports on any chain that is set up."""
    assert (report["minted"], report["left"]) == (3_000_000_000, 2_000_000_000)
    assert report["fits"] is True
    assert report["lookedUp"] > MOST_OF_ITS_ACCOUNTS
    assert report["found"] == [True]
    assert report["ownerRead"] is True
    assert report["metersBySize"] >= 1
