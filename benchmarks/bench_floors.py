"""One row a floor of the requirements (R3.7): what must be reached at least, and what this machine does.

The platform runs on embedded parts in this process, with the slots of a real chain (400 ms); batches at once run on a deployment
whose chain is a process of its own. Prints one JSON object. Run it as `python -m benchmarks.bench_floors`.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlmodel import select

from benchmarks import bench_intake
from benchmarks.bench_cost import bridge_of
from benchmarks.large_deployment import deployment
from benchmarks.spoken import speak
from core.runtime import logging
from core.runtime.clock import SystemClock
from core.runtime.supervisor import Supervisor
from core.store import outbox as outbox_rows
from core.store.tables.settlement import OutboxItemRow, OutboxRow
from devices.acceptance import STANDARD
from devices.intake import Intake, SignatureVerifier
from tests.support.platform import EnrolledMeter, Grid, running_grid, settings_in

READINGS: Final = 24
SLOT_MS: Final = 400
BATCHES: Final = 50
MANY_METERS: Final = 420
"""Enough for more than fifty transactions of five to twenty meters."""
CALLS: Final = 200
LOOK_S: Final = 0.005
WITHIN_S: Final = 60.0


@dataclass(slots=True)
class Times:
    """What a reading took, seconds, one entry a reading."""

    to_api: list[float] = field(default_factory=list[float])
    to_database: list[float] = field(default_factory=list[float])
    detected: list[float] = field(default_factory=list[float])
    transaction: list[float] = field(default_factory=list[float])
    synced: list[float] = field(default_factory=list[float])
    to_token: list[float] = field(default_factory=list[float])
    calls: list[float] = field(default_factory=list[float])


def main() -> None:
    """Measure and print."""
    logging.configure("error", "text")
    print(json.dumps(asyncio.run(measure()), ensure_ascii=False, indent=1))


async def measure() -> dict[str, dict[str, str]]:
    """Each floor with its figure."""
    times = await _one_after_the_other()
    open_at_once, batches_s = await _batches_at_once()
    events = await bench_intake.measure()
    rate = events["binary_envelope_per_s"]
    return {
        "readings a minute": _row("≥ 50", f"{60 * rate:,.0f}"),
        "meter → API, p95": _row("< 1 s", _ms(times.to_api)),
        "API → database, p95": _row("< 100 ms", _ms(times.to_database)),
        "detection: committed → in a transaction, p95": _row("< 2 min", _ms(times.detected)),
        "mint transaction: sent → confirmed and written down, p95": _row("< 1 s", _ms(times.transaction)),
        "database sync: confirmed → row says minted, p95": _row("< 500 ms", _ms(times.synced)),
        "meter → token, p95": _row("< 5 min", _ms(times.to_token)),
        "mint batches at once": _row(f"≥ {BATCHES}", f"{open_at_once} open together, all settled in {batches_s:.1f} s"),
        "events a second": _row("≥ 1,000", f"{rate:,.0f}"),
        "API, list of readings, p99": _row("< 300 ms", _ms(times.calls, 0.99)),
        "trades a minute": _row("≥ 100", "trading is not built yet"),
        "trade settlement": _row("< 2 s", "trading is not built yet"),
    }


def _row(goal: str, measured: str) -> dict[str, str]:
    return {"goal": goal, "measured": measured}


def _ms(times_s: Sequence[float], share: float = 0.95) -> str:
    ordered = sorted(times_s)
    return f"{1_000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))]:,.0f} ms"


async def _one_after_the_other() -> Times:
    """Readings of one meter, alternately by MQTT and HTTP, each followed to its token."""
    times = Times()
    with tempfile.TemporaryDirectory(prefix="gtx-floors-") as folder:
        settings = settings_in(Path(folder), chain={"embedded_port": 0, "slot_ms": SLOT_MS})
        async with running_grid(Path(folder), settings) as grid:
            meter = await grid.enrol("FLOOR-1")
            await grid.platform.bridge.meters_joined()
            for number in range(READINGS):
                await _follow(grid, meter, times, by_mqtt=number % 2 == 0)
            for _ in range(CALLS):
                started = time.perf_counter()
                (await grid.operator.get(f"/api/meters/{meter.meter_id}/readings")).raise_for_status()
                times.calls.append(time.perf_counter() - started)
            await grid.at_rest()
    return times


async def _follow(grid: Grid, meter: EnrolledMeter, times: Times, *, by_mqtt: bool) -> None:
    statement = meter.states(1_000 * (meter.sequence + 1))
    before = await grid.tokens(meter.owner.pubkey()) if statement.sequence > 1 else 0
    started = time.perf_counter()
    answer = await grid.door("mqtt" if by_mqtt else "http").send(meter, statement)
    if answer.said != "accepted":
        raise RuntimeError(f"a reading was not accepted: {answer.said}")
    if by_mqtt:
        await _shown(grid, meter, statement.sequence)
        times.to_api.append(time.perf_counter() - started)
    else:
        times.to_database.append(time.perf_counter() - started)
    committed = time.perf_counter()
    row = await _drafted(grid, meter, statement.sequence)
    times.detected.append(time.perf_counter() - committed)
    await _confirmed(grid, row)
    confirmed = time.perf_counter()
    await grid.minted(meter, statement.sequence)
    times.synced.append(time.perf_counter() - confirmed)
    async with asyncio.timeout(WITHIN_S):
        while await grid.tokens(meter.owner.pubkey()) <= before:  # noqa: ASYNC110  # the chain sets no event
            await asyncio.sleep(LOOK_S)
    times.to_token.append(time.perf_counter() - started)
    ended = await _outbox(grid, row)
    times.transaction.append(((ended.ended_at_ms or 0) - (ended.sent_at_ms or ended.created_at_ms)) / 1_000)


async def _shown(grid: Grid, meter: EnrolledMeter, sequence: int) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not any(row["sequence"] == sequence for row in await grid.readings(meter)):  # noqa: ASYNC110  # as a caller sees it
            await asyncio.sleep(LOOK_S)


async def _drafted(grid: Grid, meter: EnrolledMeter, sequence: int) -> int:
    """The number of the transaction that carries a reading."""
    carrying = select(OutboxItemRow.outbox_id).where(OutboxItemRow.meter_id == meter.meter_id, OutboxItemRow.sequence == sequence)
    async with asyncio.timeout(WITHIN_S):
        while True:
            async with grid.platform.store.read() as session:
                if (number := (await session.exec(carrying)).first()) is not None:
                    return number
            await asyncio.sleep(LOOK_S)


async def _confirmed(grid: Grid, number: int) -> None:
    async with asyncio.timeout(WITHIN_S):
        while True:
            row = await _outbox(grid, number)
            if row.signature is not None:
                (status,) = await grid.platform.chain.statuses([row.signature])
                if status is not None and status.is_confirmed:
                    return
            await asyncio.sleep(LOOK_S)


async def _outbox(grid: Grid, number: int) -> OutboxRow:
    async with grid.platform.store.read() as session:
        row = await session.get(OutboxRow, number)
    if row is None:
        raise RuntimeError(f"transaction {number} is not in the outbox")
    return row


async def _batches_at_once() -> tuple[int, float]:
    """All meters of a deployment speak at once: how many transactions were open together, and how long until all had settled."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gtx-floors-")))
        made = await stack.enter_async_context(deployment(folder, meters=MANY_METERS))
        verifier = SignatureVerifier(threads=2)
        stack.callback(verifier.close)
        bridge = bridge_of(made, max_transactions_per_round=2 * BATCHES, max_readings_per_batch=MANY_METERS)
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
        await intake.submit([speak(made, spec, 1) for spec in made.specs])
        started, most = time.perf_counter(), 0
        async with asyncio.timeout(4 * WITHIN_S):
            while not await bridge.is_idle():
                async with made.store.read() as session:
                    most = max(most, await outbox_rows.count_open(session))
                await asyncio.sleep(0.02)
        return most, time.perf_counter() - started


if __name__ == "__main__":
    main()
