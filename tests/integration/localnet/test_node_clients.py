import hashlib
import os
import shutil
import subprocess
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from deploy.chain import genesis_programs
from deploy.keys import KeyFolder
from programs.localnet import Localnet
from tests.integration.localnet.steps import SOL, fast
from tests.support.layout_samples import every_layout
from tests.support.node_scripts import IDLS, LATER, NAMES, SCRIPTS, of_idl, require_driven, require_driven_by_kit, run

pytestmark = [pytest.mark.node, pytest.mark.timeout(300)]


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


@asynccontextmanager
async def _our_programs(folder: Path) -> AsyncGenerator[tuple[Localnet, Path]]:
    """A chain with our programs at genesis, and the keys of every role."""
    keys = KeyFolder(path=folder / "keys")
    keys.ensure(payers=1)
    async with Localnet(fast(programs=genesis_programs(keys.single("upgrade").pubkey()))) as localnet:
        for role in ("payer", "attester"):
            for keypair in keys.numbered(role):
                localnet.chain.fund(keypair.pubkey(), 100 * SOL)
        yield localnet, keys.path


async def test_anchor_and_kit_drive_our_programs_and_read_them_back_by_their_idls(tmp_path: Path, node_folder: Path):
    async with _our_programs(tmp_path) as (localnet, keys):
        where = (localnet.rpc_url, localnet.ws_url, str(IDLS), str(keys))
        report = await run(node_folder, "drive.mjs", *where, "ANCHOR-1")
        by_kit = await run(node_folder, "kit_drive.mjs", *where, "KIT-1")

    require_driven(report)
    require_driven_by_kit(by_kit)
    assert {name: parts["undecoded"] for name, parts in report["events"].items()} == dict.fromkeys(NAMES, 0)
    assert {name: set(parts["seen"]) for name, parts in report["events"].items()} == {
        name: of_idl(name, "events") - LATER.get(name, set()) for name in NAMES
    }


async def test_anchor_reads_the_same_in_every_account_and_every_event_as_our_client(node_folder: Path):
    asked = [sample for name in NAMES for sample in every_layout(name)]
    question = msgspec.json.encode([[row.program, row.kind, row.name, b64encode(row.data).decode()] for row in asked])

    answer = await run(node_folder, "decode.mjs", str(IDLS), heard=question)

    for row, decoded in zip(asked, answer["decoded"], strict=True):
        assert decoded == row.fields, f"{row.program} {row.name}"
    for name in NAMES:
        assert {row.name for row in asked if row.program == name} == of_idl(name, "accounts") | of_idl(name, "events")
