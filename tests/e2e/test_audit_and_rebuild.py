"""`gridtokenx audit` and `gridtokenx rebuild` as an operator runs them, beside a platform and without one."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import httpx

from tests.support.platform import Grid, enrol, free_chain_port, free_port, running_grid
from tests.support.running_bridge import running

REPOSITORY: Final = Path(__file__).resolve().parents[2]
WITHIN_S: Final = 60.0


def environment(folder: Path, rpc_url: str) -> dict[str, str]:
    """The environment of a command for the platform in `folder`."""
    return {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(REPOSITORY),
        "GRIDTOKENX_DATA_DIR": str(folder),
        "GRIDTOKENX_CHAIN__RPC_URL": rpc_url,
    }


@asynccontextmanager
async def begun(folder: Path, environment: Mapping[str, str], *arguments: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A command that runs; killed at the end if it still does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from deploy.cli import main; main()",
        *arguments,
        env=dict(environment),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def gridtokenx(folder: Path, rpc_url: str, *arguments: str) -> tuple[int | None, str, str]:
    """Run a command on the platform in `folder`; its exit code and what it says."""
    async with begun(folder, environment(folder, rpc_url), *arguments) as process:
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()


async def said(process: asyncio.subprocess.Process, words: str) -> list[str]:
    """What a command says until it has said these words."""
    assert process.stdout is not None
    lines: list[str] = []
    async with asyncio.timeout(WITHIN_S):
        while words not in "".join(lines):
            line = await process.stdout.readline()
            assert line, lines
            lines.append(line.decode())
    return lines


async def stopped(process: asyncio.subprocess.Process) -> int | None:
    """The exit code after SIGINT."""
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(WITHIN_S):
        return await process.wait()


async def published(port: int, line: str) -> str:
    """The metrics, once they have a line."""
    async with asyncio.timeout(WITHIN_S), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        while True:
            try:
                metrics = (await http.get("/metrics")).text
            except httpx.TransportError:
                metrics = ""
            if f"\n{line}\n" in metrics:
                return metrics
            await asyncio.sleep(0.1)


async def settled(grid: Grid) -> None:
    meter = await enrol(grid.platform, "AUDITED")
    assert (await grid.door("http").send(meter, meter.states(10_500))).said == "accepted"
    await grid.minted(meter, 1)
    await grid.at_rest()


async def test_an_operator_audits_beside_a_bridge_and_rebuilds_only_without_one(tmp_path: Path):
    async with running_grid(tmp_path) as grid:
        await settled(grid)
        folder, url = grid.platform.settings.data_dir, grid.platform.endpoints.rpc_url
        (folder / "truth.json").write_text('{"AUDITED": {"generation_wh": 10499, "consumption_wh": 0}}')

        code, out, err = await gridtokenx(folder, url, "audit", "--json")
        assert (code, err) == (0, "")
        assert json.loads(out)["terms"]["attested_net"] == 10_500

        code, out, _ = await gridtokenx(folder, url, "audit", "--json", "--truth", "truth.json")
        assert (code, json.loads(out)["differences_wh"]) == (1, {"never_flowed": 1})

        code, _, err = await gridtokenx(folder, url, "rebuild")
        assert code == 2
        assert err.endswith("is at work on this database: stop it, then repeat\n")

    code, _, err = await gridtokenx(folder, url, "audit")
    assert code == 2
    assert err.startswith("gridtokenx: no chain answers at ")


async def test_an_operator_rebuilds_what_was_lost_and_nothing_is_left_behind(tmp_path: Path):
    async with running(tmp_path) as world:
        await world.store.close()
        url = world.chain.localnet.rpc_url

        code, out, _ = await gridtokenx(tmp_path, url, "rebuild", "--check")
        assert code == 1, "no row of the set-up was written yet"
        assert "chain_cursors registry: the row is missing" in out

        code, out, _ = await gridtokenx(tmp_path, url, "rebuild", "--json")
        assert (code, json.loads(out)["changed"]) == (0, True)

        code, out, _ = await gridtokenx(tmp_path, url, "rebuild", "--check")
        assert (code, out.splitlines()[-1].endswith("all are those of the chain")) == (0, True)
        assert list((tmp_path / "rebuild").iterdir()) == []


async def test_an_audit_goes_on_and_publishes_what_it_finds_while_parts_come_and_go(tmp_path: Path):
    port = free_port()
    async with AsyncExitStack() as parts:
        grid = await parts.enter_async_context(running_grid(tmp_path))
        await settled(grid)
        folder, url = grid.platform.settings.data_dir, grid.platform.endpoints.rpc_url
        taken = int(url.rsplit(":", 1)[1])

        code, _, err = await gridtokenx(folder, url, "audit", "--every", "1", "--metrics-port", str(taken))
        assert (code, err.splitlines()[0].split(";")[0]) == (2, f"gridtokenx: port {taken} is taken")

        again = ("audit", "--every", "1", "--metrics-port", str(port))
        async with begun(folder, environment(folder, url), *again) as audits:
            metrics = await published(port, "gridtokenx_audit_ok 1.0")
            assert 'gridtokenx_audit_term_wh{term="attested_net"} 10500.0\n' in metrics
            assert 'gridtokenx_audit_findings{term="ledgers"} 0.0\n' in metrics

            await parts.aclose()
            metrics = await published(port, 'gridtokenx_audit_runs_total{outcome="failed"} 2.0')
            assert "gridtokenx_audit_ok 1.0\n" in metrics, "what the last audit found still stands"
            assert await stopped(audits) == 0


async def test_a_demo_that_serves_is_audited_against_the_truth_that_it_wrote(tmp_path: Path):
    chain_port = free_chain_port()
    ports = {
        "GRIDTOKENX_CHAIN__EMBEDDED_PORT": str(chain_port),
        "GRIDTOKENX_CHAIN__SLOT_MS": "50",
        "GRIDTOKENX_MQTT__EMBEDDED_PORT": str(free_port()),
        "GRIDTOKENX_API__PORT": str(free_port()),
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(REPOSITORY),
    }
    options = ("--meters", "3", "--hours", "2", "--truth", "truth.json", "--serve")
    async with begun(tmp_path, ports, "demo", *options) as demo:
        lines = await said(demo, "Ctrl-C stops everything.")
        (hint,) = [line for line in lines if line.startswith("try: GRIDTOKENX_DATA_DIR=")]
        folder, command = hint.removeprefix("try: GRIDTOKENX_DATA_DIR=").strip().split(" ", 1)
        assert command == "gridtokenx audit --truth truth.json"
        truth = tmp_path / "truth.json"
        flowed = sum(one["generation_wh"] for one in json.loads(truth.read_text()).values())

        url = f"http://127.0.0.1:{chain_port}"
        code, out, err = await gridtokenx(Path(folder), url, "audit", "--json", "--truth", str(truth))
        assert (code, err) == (0, "")
        assert json.loads(out)["terms"]["truth_generation"] == flowed > 0
        assert await stopped(demo) == 0
