import asyncio
import hashlib
import os
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from programs.localnet import GenesisProgram, Localnet
from tests.integration.localnet.steps import SOL, fast

pytestmark = [pytest.mark.node, pytest.mark.timeout(300)]

SCRIPTS = Path(__file__).parents[2] / "node"
PROGRAMS = Path(__file__).parents[3] / "programs"
SCRIPT_DEADLINE_S = 60


@pytest.fixture(scope="session")
def node_folder(request: pytest.FixtureRequest) -> Path:
    """The scripts beside their packages, installed once for each lock file."""
    lock = (SCRIPTS / "package-lock.json").read_bytes()
    cache = request.config.cache
    assert cache is not None, "the packages are kept in pytest's cache: run without -p no:cacheprovider"
    installed = cache.mkdir("node") / hashlib.sha256(lock).hexdigest()[:16]
    if not installed.exists():
        fresh = installed.with_name(f"{installed.name}.{os.getpid()}")
        shutil.copytree(SCRIPTS, fresh, ignore=shutil.ignore_patterns("node_modules"))
        npm = shutil.which("npm")
        assert npm is not None, "npm is needed: apt-get install nodejs npm"
        subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=fresh, check=True, capture_output=True
        )  # our own lock file
        fresh.rename(installed)
    for script in SCRIPTS.glob("*.mjs"):
        shutil.copy(script, installed)
    return installed


async def run(folder: Path, script: str, *arguments: str) -> dict[str, Any]:
    node = shutil.which("node")
    assert node is not None, "node is needed: apt-get install nodejs npm"
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(node, script, *arguments, cwd=folder, stdout=pipe, stderr=pipe)
    async with asyncio.timeout(SCRIPT_DEADLINE_S):
        printed, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    return msgspec.json.decode(printed)


async def test_kit_sends_confirms_simulates_subscribes_and_reads(localnet: Localnet, node_folder: Path):
    report = await run(node_folder, "kit.mjs", localnet.rpc_url, localnet.ws_url)

    assert report["balance"] == report["notifiedLamports"] == SOL
    assert report["refusal"]["cause"] == 1
    assert report["refusal"]["units"] == 150
    assert report["refusal"]["logs"][-1].endswith("custom program error: 0x1")
    assert report["simulation"] == {"err": None, "units": 150}
    assert (report["fee"], report["transactionVersion"], report["parsedType"]) == (5000, 0, "transfer")
    assert report["blockHolds"] is True
    assert report["history"] == [True]
    assert report["rent"] == 2_039_280
    assert report["ownedCount"] == 3
    assert report["accountOwner"] == "11111111111111111111111111111111"


async def test_anchor_provider_sends_confirms_simulates_subscribes_and_reads(localnet: Localnet, node_folder: Path):
    report = await run(node_folder, "anchor.mjs", localnet.rpc_url)

    assert report["balance"] == report["heard"] == SOL
    assert report["logged"] == report["simulatedLogs"] == 2
    assert report["refusal"]["name"] == "SendTransactionError"
    assert report["refusal"]["logs"][-1].endswith("custom program error: 0x1")
    assert (report["fee"], report["parsedType"], report["blockHolds"]) == (5000, "transfer", True)
    assert report["tableAddresses"] == [True]
    assert report["history"] == [True]
    assert report["readsIdls"] is True


async def test_anchor_drives_our_programs_by_their_idls(node_folder: Path):
    authority, ids = Keypair(), tomllib.loads((PROGRAMS / "program-ids.toml").read_text())
    deployed = tuple(
        GenesisProgram(Pubkey.from_string(ids[name]), (PROGRAMS / "artifacts" / f"{name}.so").read_bytes(), authority.pubkey())
        for name in ("registry", "oracle", "energy_token")
    )
    async with Localnet(fast(programs=deployed)) as localnet:
        localnet.chain.fund(authority.pubkey(), 100 * SOL)
        secret = msgspec.json.encode(list(bytes(authority))).decode()
        report = await run(node_folder, "anchor_program.mjs", localnet.rpc_url, str(PROGRAMS / "idl"), secret)

    assert report["oracle"]["authority"] is True
    assert report["energy_token"]["authority"] is True
    assert len(report["oracle"]["events"]) == len(report["energy_token"]["events"]) == 1
    assert report["repeated"] != "accepted"
