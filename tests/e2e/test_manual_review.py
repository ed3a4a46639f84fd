"""A settlement that keeps failing goes to manual review, which an operator sees and can retry (R3.3)."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.domain.readings import MeterStatus
from deploy.cli.app import app
from programs.client.confirmation import send_confirmed
from programs.client.instructions import registry
from tests.support.platform import running_grid, settings_in


async def test_a_settlement_that_keeps_failing_waits_for_an_operator_who_retries_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRIDTOKENX_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    async with running_grid(tmp_path, settings_in(tmp_path, settlement={"max_attempts": 1})) as grid:
        meter, healthy = await grid.enrol("SICK-1"), await grid.enrol("WELL-1")
        keys = grid.platform.authorities
        suspend = registry.set_meter_status(
            grid.at, authorities=[keys.provisioner.pubkey], meter_id="SICK-1", status=int(MeterStatus.SUSPENDED)
        )
        await send_confirmed(grid.platform.chain, keys.payers[0], [suspend], [keys.provisioner])

        assert (await grid.door("mqtt").send(meter, meter.states(2_000))).said == "accepted"
        assert (await grid.door("mqtt").send(healthy, healthy.states(3_000))).said == "accepted"

        await grid.minted(healthy, 1)
        assert "SICK-1" in await until_review()
        settlement = (await grid.http.get("/ready")).json()["parts"]["settlement"]
        assert "1 in manual review" in settlement["detail"]
        assert await grid.tokens(meter.owner.pubkey()) == 0

        resume = registry.set_meter_status(
            grid.at,
            authorities=[keys.authority.pubkey, keys.auditor.pubkey],
            meter_id="SICK-1",
            status=int(MeterStatus.ACTIVE),
        )
        await send_confirmed(grid.platform.chain, keys.payers[0], [resume], [keys.authority, keys.auditor])
        assert "1 back to work: SICK-1" in await types("settlement", "retry", "SICK-1")
        await grid.minted(meter, 1)
        assert await grid.tokens(meter.owner.pubkey()) == 2_000_000_000
        assert "nothing waits" in await types("settlement", "review")
        await grid.at_rest()


async def until_review() -> str:
    async with asyncio.timeout(20):
        while "nothing waits" in (said := await types("settlement", "review")):  # noqa: ASYNC110  # rows tell, no event does
            await asyncio.sleep(0.2)
    return said


async def types(*words: str) -> str:
    """Run `gridtokenx …` beside the platform."""
    result = await asyncio.to_thread(lambda: CliRunner().invoke(app, words))
    assert result.exit_code == 0, result.output
    return result.output
