"""What a reading costs, by the number of meters: processor time of the bridge (taking it in, settling it), of the database,
of the chain, and the fee that the chain takes.

The bridge runs in this process, the chain in its own, PostgreSQL (where it is installed) too; on SQLite the database's time is in
the bridge's. Every meter speaks once in a round, all at the same moment; a round ends when the bridge has nothing left to do.
Prints one JSON object. Run it as `python -m benchmarks.bench_cost`; `--meters 480 --profile` shows where the time goes.
"""

import argparse
import asyncio
import cProfile
import json
import pstats
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.large_deployment import Deployment, deployment
from benchmarks.postgres_part import is_installed, postgres
from benchmarks.processes import Part
from benchmarks.spoken import speak
from core.runtime import logging
from core.runtime.clock import SystemClock
from core.runtime.health import Health
from core.runtime.metrics import Metrics
from core.runtime.settings import SettlementSettings
from core.runtime.supervisor import Supervisor
from devices.acceptance import STANDARD
from devices.intake import Intake, SignatureVerifier
from oracle_bridge.service import Bridge, BridgeSigners
from programs.client.subscribe import Subscriptions

SIZES: Final = (100, 1_000)
"""Meters."""
FULL_SIZES: Final = {"sqlite": (100, 1_000, 10_000), "postgresql": (100, 1_000)}
"""Meters; PostgreSQL shows in fewer whether it grows otherwise."""
READINGS: Final = 2_000
"""At least so many in all, and two rounds."""
BATCH: Final = 256
IDLE_WITHIN_S: Final = 900.0


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Per reading; processor time in microseconds."""

    ingest_us: float
    settle_us: float
    database_us: float
    chain_us: float
    fee_lamports: float
    per_s: float

    @property
    def whole_us(self) -> float:
        """Bridge and database together."""
        return self.ingest_us + self.settle_us + self.database_us


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, nargs="*")
    parser.add_argument("--full", action="store_true", help="10,000 meters too")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), nargs="*", default=("sqlite", "postgresql"))
    parser.add_argument("--profile", action="store_true", help="profile the rounds and print the costliest functions")
    options = parser.parse_args()
    logging.configure("error", "text")
    figures: dict[str, object] = {}
    for database in options.database:
        if database == "postgresql" and not is_installed():
            continue
        costs = {
            meters: asyncio.run(measure(meters, database, profiled=options.profile))
            for meters in options.meters or (FULL_SIZES[database] if options.full else SIZES)
        }
        figures |= _figures(database, costs)
    print(json.dumps(figures, indent=1))


def _figures(database: str, costs: dict[int, Cost]) -> dict[str, object]:
    smallest = costs[min(costs)]
    figures: dict[str, object] = {}
    for meters, cost in costs.items():
        name = f"{database}, {meters} meters"
        figures |= {
            f"{name}: bridge µs a reading, ingest + settlement": f"{cost.ingest_us:.0f} + {cost.settle_us:.0f}",
            f"{name}: database, chain µs a reading": f"{cost.database_us:.0f}, {cost.chain_us:.0f}",
            f"{name}: fee, lamports a reading": f"{cost.fee_lamports:.0f}",
            f"{name}: settled a second": f"{cost.per_s:.0f}",
        }
        if cost is not smallest:
            grown = {"goal": "< 1.10", "measured": f"{cost.whole_us / smallest.whole_us:.2f}"}
            figures[f"{name}: cost over that at {min(costs)} meters"] = grown
    return figures


async def measure(meters: int, database: str, *, profiled: bool = False) -> Cost:
    """Run rounds on a deployment of so many meters."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gtx-cost-")))
        url, server = stack.enter_context(postgres()) if database == "postgresql" else (None, None)
        made = await stack.enter_async_context(deployment(folder, meters=meters, database_url=url))
        rounds = max(2, -(-READINGS // meters))
        verifier = SignatureVerifier(threads=2)
        stack.callback(verifier.close)
        bridge = bridge_of(made)
        supervisor = await stack.enter_async_context(Supervisor(stop_deadline_s=5))
        await bridge.start(supervisor)
        intake = Intake(
            store=made.store,
            clock=SystemClock(),
            network=made.prepared.network,
            profile=STANDARD,
            verifier=verifier,
            wake=bridge.wake,
        )
        await _round(made, bridge, intake, 1)  # the first creates what the later ones only change
        return await _measured(made, bridge, intake, server, rounds, profiled=profiled)


async def _measured(
    made: Deployment, bridge: Bridge, intake: Intake, server: Part | None, rounds: int, *, profiled: bool
) -> Cost:
    before = await _spent(made, server)
    profiler = cProfile.Profile()
    ingest_s, started = 0.0, time.perf_counter()
    if profiled:
        profiler.enable()
    for number in range(2, rounds + 2):
        ingest_s += await _round(made, bridge, intake, number)
    profiler.disable()
    took_s = time.perf_counter() - started
    after = await _spent(made, server)
    readings = rounds * len(made.specs)
    if profiled:
        pstats.Stats(profiler, stream=sys.stderr).sort_stats("tottime").print_stats(40)
        pstats.Stats(profiler, stream=sys.stderr).sort_stats("cumtime").print_stats(120)
    own_s = after.own_s - before.own_s
    return Cost(
        ingest_us=ingest_s / readings * 1e6,
        settle_us=(own_s - ingest_s) / readings * 1e6,
        database_us=(after.database_s - before.database_s) / readings * 1e6,
        chain_us=(after.chain_s - before.chain_s) / readings * 1e6,
        fee_lamports=(before.lamports - after.lamports) / readings,
        per_s=readings / took_s,
    )


async def _round(made: Deployment, bridge: Bridge, intake: Intake, number: int) -> float:
    """Every meter speaks once; returns the processor time of the intake, seconds."""
    messages = [speak(made, spec, number) for spec in made.specs]
    ingest_s = 0.0
    for start in range(0, len(messages), BATCH):
        before = time.process_time()
        result = await intake.submit(messages[start : start + BATCH])
        ingest_s += time.process_time() - before
        refused = [outcome for message in result.outcomes for outcome in message if outcome.verdict.value != "accepted"]
        if refused:
            raise RuntimeError(f"a prepared reading was not accepted: {refused[0]}")
    async with asyncio.timeout(IDLE_WITHIN_S):
        while not await bridge.is_idle():  # noqa: ASYNC110  # rows tell, no event does
            await asyncio.sleep(0.25)
    return ingest_s


def bridge_of(made: Deployment, **settings: int) -> Bridge:
    """A bridge on a deployment, with some of its settings changed."""
    return Bridge(
        store=made.store,
        chain=made.client,
        ids=made.prepared.at.ids,
        keys=BridgeSigners(attesters=made.prepared.keys.attesters, payers=made.prepared.keys.payers),
        settings=SettlementSettings.model_validate(settings),
        clock=SystemClock(),
        metrics=Metrics(),
        health=Health(),
        notices=Subscriptions(made.rpc_url.replace("http", "ws").replace(*_next_port(made.rpc_url))),
    )


def _next_port(url: str) -> tuple[str, str]:
    port = url.rpartition(":")[2]
    return port, str(int(port) + 1)


@dataclass(frozen=True, slots=True)
class _Spent:
    own_s: float
    database_s: float
    chain_s: float
    lamports: int


async def _spent(made: Deployment, server: Part | None) -> _Spent:
    payers = [signer.pubkey for signer in (*made.prepared.keys.payers, *made.prepared.keys.attesters)]
    return _Spent(
        own_s=time.process_time(),
        database_s=0.0 if server is None else server.usage().cpu_s,
        chain_s=made.chain.usage().cpu_s,
        lamports=sum([await made.client.balance(key) for key in payers]),
    )


if __name__ == "__main__":
    main()
