"""What a stranger does after reading the README: a meter of his own, by the command line alone (R4.9, R7.1, R7.4)."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiomqtt
import pytest
import pytest_asyncio
from solders.pubkey import Pubkey
from typer.testing import CliRunner

from core.runtime.settings import Settings
from deploy.cli.app import app
from deploy.platform import Platform
from programs.client.signer import read_keypair
from tests.support.fleet_day import returning_settings
from tests.support.platform import READING_PATH, Grid, clients_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]
REPOSITORY: Final = Path(__file__).resolve().parents[2]
GRIDTOKENX: Final = [sys.executable, "-c", "from deploy.cli import main; main()"]


@dataclass
class Terminal:
    """A shell in the folder in which the platform was started."""

    grid: Grid
    folder: Path
    settings: Settings
    environment: dict[str, str]

    async def types(self, *words: str, fails: bool = False) -> str:
        """Run `gridtokenx …` beside the platform; returns what it says."""
        result = await asyncio.to_thread(lambda: CliRunner().invoke(app, words))
        said = f"{result.output}{result.exception or ''}"
        assert (result.exit_code != 0) is fails, said
        return said

    async def starts(self, *words: str) -> str:
        """Run `gridtokenx …` as a process of its own, which must end with one sentence; returns it."""
        process = await asyncio.create_subprocess_exec(
            *GRIDTOKENX,
            *words,
            cwd=self.folder,
            env={"PATH": os.defpath, "PYTHONPATH": str(REPOSITORY), **self.environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said = (await process.communicate())[0].decode()
        assert process.returncode == 2, said
        assert said.startswith("gridtokenx: ")
        assert len(said.splitlines()) == 1, said
        return said


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def terminal(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Terminal]:
    """A platform as `gridtokenx up` runs it, and a shell beside it."""
    folder = tmp_path_factory.mktemp("stranger")
    settings = returning_settings(folder / ".gridtokenx")
    environment = {
        "COLUMNS": "200",
        "GRIDTOKENX_DATA_DIR": str(settings.data_dir),
        "GRIDTOKENX_CHAIN__EMBEDDED_PORT": str(settings.chain.embedded_port),
    }
    with pytest.MonkeyPatch.context() as shell:
        shell.chdir(folder)
        for name, value in environment.items():
            shell.setenv(name, value)
        async with Platform(settings) as platform, clients_of(platform) as grid:
            yield Terminal(grid, folder, settings, environment)


async def test_a_stranger_makes_a_meter_sends_readings_and_finds_the_tokens(terminal: Terminal):
    grid, folder = terminal.grid, terminal.folder
    await terminal.types("device", "new", "MTR-001", "--folder", "my-meter")
    owner = read_keypair(folder / "my-meter" / "owners" / "owner.json").pubkey()
    await terminal.types("chain", "airdrop", "my-meter/owners/owner.json")
    assert "1 registered, 0 refused" in await terminal.types(
        "device", "import", "my-meter/import.jsonl", "--owners", "my-meter/owners"
    )

    over_http = await signed(terminal, sequence=1, generation="12.5", minutes_ago=30)
    answer = await grid.http.post(READING_PATH, content=over_http)
    assert (answer.status_code, answer.json()["verdict"]) == (201, "accepted")

    over_mqtt = await signed(terminal, sequence=2, generation="20", minutes_ago=0)
    password = json.loads((folder / "credentials.jsonl").read_text())["password"]
    async with aiomqtt.Client(
        "127.0.0.1",
        terminal.settings.mqtt.embedded_port,
        username="MTR-001",
        password=password,
        identifier="MTR-001",
    ) as client:
        await client.publish("gtx/v1/home/MTR-001/reading", over_mqtt, qos=1)
    await until_tokens(grid, owner, 20_000_000_000)

    shown = await terminal.types("chain", "show", "MTR-001")
    assert "20.000 kWh" in shown
    assert "active" in await terminal.types("device", "show", "MTR-001")
    assert "MTR-001" in await terminal.types("device", "list")
    assert "it adds up" in await terminal.types("audit")
    assert "nothing waits" in await terminal.types("settlement", "review")
    assert "known" in await terminal.types("device", "import", "my-meter/import.jsonl", "--owners", "my-meter/owners")

    said = await terminal.starts("chain", "submit-reading", "MTR-001", "--device", "my-meter/device.json", "--production", "1")
    assert "the platform's" in said

    await terminal.types("device", "suspend", "MTR-001", "--reason", "moved out")
    late = await signed(terminal, sequence=3, generation="21", minutes_ago=0)
    refused = await grid.http.post(READING_PATH, content=late)
    assert (refused.status_code, refused.json()["reason"]) == (409, "meter_not_active")
    assert await grid.tokens(owner) == 20_000_000_000


async def test_the_chain_by_hand_registers_submits_settles_and_shows(terminal: Terminal):
    await terminal.types("device", "new", "KEYS-ONLY", "--folder", "by-hand")
    owner = "by-hand/owners/owner.json"
    await terminal.types("chain", "airdrop", owner)
    await terminal.types("chain", "register-meter", "HAND-1", "--owner", owner, "--device", "by-hand/device.json")

    signature = await terminal.types(
        "chain", "submit-reading", "HAND-1", "--device", "by-hand/device.json", "--production", "25", "--consumption", "10"
    )

    assert re.search(r"[1-9A-HJ-NP-Za-km-z]{80,90}", signature)
    wallet = read_keypair(terminal.folder / owner).pubkey()
    assert await terminal.grid.tokens(wallet) == 15_000_000_000
    shown = await terminal.types("chain", "show", "HAND-1")
    assert "25.000 kWh" in shown
    assert "10.000 kWh" in shown
    assert "15.000 kWh" in shown
    assert "NoUnsettledBalance" in await terminal.starts("chain", "settle", "HAND-1")
    assert "InsufficientBalance" in await terminal.types("chain", "settle", "HAND-1", "--owner", owner, fails=True)


async def test_a_foreign_id_longer_than_16_characters_is_mapped_at_import(terminal: Terminal):
    await terminal.types("device", "new", "PLAIN-1", "--folder", "foreign")
    path = terminal.folder / "foreign" / "import.jsonl"
    line = json.loads(path.read_text())
    line["legacy_id"] = "METER/2024/BANGKOK-0000017"
    del line["meter_id"]
    path.write_text(json.dumps(line) + "\n")

    said = await terminal.types("device", "import", "foreign/import.jsonl", "--owners", "foreign/owners", fails=True)

    assert "METER/2024/BANGKOK-0000017" in said, "the table names both ids"
    assert "binding" in said, "its device signed another id, so it is refused"


async def signed(terminal: Terminal, *, sequence: int, generation: str, minutes_ago: int) -> str:
    return await terminal.types(
        *("device", "sign", "my-meter/device.json", "--meter", "MTR-001", "--sequence", str(sequence)),
        *("--generation", generation, "--minutes-ago", str(minutes_ago)),
    )


async def until_tokens(grid: Grid, owner: Pubkey, base_units: int) -> None:
    async with asyncio.timeout(20):
        while await grid.tokens(owner) != base_units:  # noqa: ASYNC110  # the chain tells, no event does
            await asyncio.sleep(0.1)
