"""The fault harness itself: it passes a sound bridge, and no bridge that is wrong in a way that counts."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from core.runtime.crash_points import CrashPoint
from tests.faults.broken import Breakage
from tests.faults.rounds import Ground, play
from tests.faults.schedule import Kind, Plan
from tests.faults.template import make_template

pytestmark = pytest.mark.timeout(175)
PLAN = Plan(
    number=0,
    seed=5,
    victim="bridge",
    point=CrashPoint.OUTBOX_DRAFTED,
    nth=2,
    kind=Kind.QUIET,
    target="",
    database="sqlite",
    begins_at_tick=2,
    lasts_s=1.5,
    skew_s=0,
    comes_back_after_s=0.1,
)
LATE = replace(PLAN, kind=Kind.LATE)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    folder: Path = tmp_path_factory.mktemp("faults")
    (folder / "template").mkdir()
    with asyncio.Runner() as runner:
        template = runner.run(make_template(folder / "template", seed=5, postgres_url=None))
    return Ground(template=template, server=None, may_mount=False, folder=folder)


async def test_a_sound_bridge_that_dies_while_transactions_land_late_passes(ground: Ground):
    outcome = await play(ground, LATE)

    assert outcome.ok, outcome.found.failures
    assert outcome.found.transactions > 0


@pytest.mark.parametrize(
    ("breakage", "plan", "complaint"),
    [
        (Breakage.SIGNS_AGAIN, LATE, "is expired for the outbox, and landed on the chain"),
        (Breakage.LEAVES_DRAFTS, PLAN, "work is leased"),
        (Breakage.FORGETS, PLAN, "rows for "),
    ],
)
async def test_a_broken_bridge_fails_its_round(ground: Ground, breakage: Breakage, plan: Plan, complaint: str):
    outcome = await play(replace(ground, broken=breakage, rests_within_s=6.0), plan)

    assert any(complaint in failure for failure in outcome.found.failures), outcome.found.failures
