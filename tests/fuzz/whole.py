"""The whole platform, running, with its application at hand and honest meters that must come out right."""

import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final
from unittest import mock

from litestar import Litestar

import deploy.platform
from core.domain.readings import Statement, StatementKind
from deploy.http import HttpFace
from programs.client.accounts import MeterAccount
from programs.client.instructions.token2022 import TokenAccount
from tests.support.platform import CADENCE_S, EnrolledMeter, Grid, at_rest, enrol, running_grid, settings_in

AGE_S: Final = 6 * 86_400
METERS: Final = 12
SETTLED_WITHIN_S: Final = 600.0


@dataclass(slots=True)
class Truth:
    """What an honest meter said and the platform must have."""

    meter: EnrolledMeter
    generation_wh: int = 0
    consumption_wh: int = 0
    credited_wh: int = 0
    sent: list[Statement] = field(default_factory=list[Statement])

    def has_more(self, now: int) -> bool:
        """Whether its next quarter of an hour is over."""
        return self.meter.base_at + CADENCE_S * (self.meter.sequence + 1) <= now

    def next(self, random: Random) -> Statement:
        """Its next statement."""
        made = random.randrange(1, 9_000)
        self.generation_wh += made
        self.credited_wh += made
        register = self.meter.kind is StatementKind.REGISTER
        statement = self.meter.states(self.generation_wh if register else made)
        self.sent = [*self.sent[-20:], statement]
        return statement


@dataclass(slots=True)
class Whole:
    """What the doors of a running platform need."""

    grid: Grid
    app: Litestar
    truths: list[Truth]

    def next(self, random: Random) -> tuple[Truth, Statement] | None:
        """An honest meter's next statement; None when all have said everything."""
        now = self.grid.platform.clock.now()
        ready = [truth for truth in self.truths if truth.has_more(now)]
        if not ready:
            return None
        truth = random.choice(ready)
        return truth, truth.next(random)

    async def check(self) -> None:
        """Everything that honest meters said is on the chain and in the tokens, and nothing else."""
        await at_rest(self.grid.platform, within_s=SETTLED_WITHIN_S)
        report = await self.grid.platform.bridge.audit()
        assert report.ok, f"the audit fails: {report.failures}"
        total = 0
        for truth in self.truths:
            account = await self.grid.platform.chain.account(self.grid.at.meter(truth.meter.meter_id))
            assert account is not None
            credited = MeterAccount.decode(account.data).credited_generation_wh
            assert credited == truth.credited_wh, f"{truth.meter.meter_id}: {credited} Wh on the chain, {truth.credited_wh} said"
            total += credited
        supply = await self.grid.platform.chain.token_supply(self.grid.at.mint)
        assert supply == total * 1_000_000, f"{supply} base units exist for {total} Wh"
        for truth in self.truths:
            token = await self.grid.platform.chain.account(self.grid.at.token_account(truth.meter.owner.pubkey()))
            assert token is not None
            assert TokenAccount.decode(token.data).amount == truth.credited_wh * 1_000_000


@asynccontextmanager
async def whole_platform(*, meters: int = METERS, slot_ms: int = 100) -> AsyncGenerator[Whole]:
    """Start a platform in a temporary folder and let honest meters in."""
    apps: list[Litestar] = []

    class Face(HttpFace):
        def __init__(self, app: Litestar, **where: Any) -> None:
            apps.append(app)
            super().__init__(app, **where)

    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gridtokenx-fuzz-")))
        stack.enter_context(mock.patch.object(deploy.platform, "HttpFace", Face))
        settings = settings_in(folder, chain={"embedded_port": 0, "slot_ms": slot_ms}, log_level="error")
        grid = await stack.enter_async_context(running_grid(folder, settings))
        base_at = grid.platform.clock.now() // CADENCE_S * CADENCE_S - AGE_S
        truths = [
            Truth(
                await enrol(
                    grid.platform,
                    f"MTR-{number}",
                    base_at=base_at,
                    kind=StatementKind.INTERVAL if number % 4 == 3 else StatementKind.REGISTER,
                )
            )
            for number in range(meters)
        ]
        yield Whole(grid, apps[0], truths)
