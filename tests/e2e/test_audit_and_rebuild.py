"""`gridtokenx audit` and `gridtokenx rebuild` as an operator runs them, beside a platform and without one."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Final

from tests.support.platform import Grid, enrol, running_grid
from tests.support.running_bridge import running

REPOSITORY: Final = Path(__file__).resolve().parents[2]


async def gridtokenx(folder: Path, rpc_url: str, *arguments: str) -> tuple[int | None, str, str]:
    """Run a command on the platform in `folder`; its exit code and what it says."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(REPOSITORY),
        "GRIDTOKENX_DATA_DIR": str(folder),
        "GRIDTOKENX_CHAIN__RPC_URL": rpc_url,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from deploy.cli import main; main()",
        *arguments,
        env=environment,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


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
