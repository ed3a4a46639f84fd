"""An hour (or as long as you say) at half of peak with flat memory: `python -m benchmarks soak --minutes 60 --seed 1`.

The whole platform runs, each part in a process of its own: the embedded chain, Mosquitto where it is installed, bridge and API,
and a swarm of meters; on SQLite, or with `--database postgresql` on a PostgreSQL of its own. Its peak on this machine is found
first. Every ten seconds a line goes into a CSV; at the end the books must add up to the Wh and no part may grow.

Exit code 0 only if both hold.
"""

import argparse
import asyncio
import csv
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from benchmarks.memory import trend_of
from benchmarks.postgres_part import postgres
from benchmarks.town import Town, TownPlan, town
from core.runtime import logging
from oracle_bridge import audit
from oracle_bridge.audit import AuditReport

SAMPLE_EVERY_S: Final = 10.0
WARM_UP_S: Final = 5.0
PEAK_S: Final = 30.0
DAY_S: Final = 86_400
HISTORY_S: Final = 6 * DAY_S
MINTED: Final = "gridtokenx_publish_to_mint_seconds"
MIB: Final = 1_024


@dataclass(frozen=True, slots=True)
class Counts:
    """What the platform has done until now."""

    accepted: float
    minted: float
    buckets: tuple[tuple[float, float], ...]
    """Receipt → minted: upper bound in seconds, readings at or below it."""


def main(arguments: Sequence[str] = ()) -> None:
    """Soak, print, exit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60, help="how long, after the peak was found")
    parser.add_argument("--seed", type=int, default=1, help="decides keys, registers and weather")
    parser.add_argument("--meters", type=int, default=480)
    parser.add_argument("--rate", type=float, help="readings a second; without it half of the peak is found and taken")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--csv", type=Path, default=Path("build/soak.csv"), help="where the samples go")
    parser.add_argument("--folder", type=Path, help="keep the data here instead of in a temporary folder")
    options = parser.parse_args(arguments)
    logging.configure("error", "text")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the parts are stopped
    sys.exit(0 if asyncio.run(_soak(options)) else 1)


async def _soak(options: argparse.Namespace) -> bool:
    async with AsyncExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gtx-soak-")))
        url, database = stack.enter_context(postgres()) if options.database == "postgresql" else (None, None)
        plan = TownPlan(folder=folder, meters=options.meters, seed=options.seed, history_s=HISTORY_S, database_url=url)
        running = await stack.enter_async_context(town(plan, _say))
        if database is not None:
            running.parts["database"] = database
        rate = options.rate or await _half_of_peak(running)
        await running.tell(do="rate", per_s=rate)
        _say(f"{rate:.1f} readings a second for {options.minutes:g} minutes")
        rows = await _watch(running, options.minutes * 60, options.csv)
        report = await _settle_and_audit(running)
        return _judge(rows, report, options)


async def _half_of_peak(running: Town) -> float:
    """Let every meter speak as fast as its receipts allow; half of what is accepted a second then is the soak's rate."""
    await running.tell(do="rate", per_s=0)
    await asyncio.sleep(WARM_UP_S)
    loop = asyncio.get_running_loop()
    before, started = await _counts(running), loop.time()
    await asyncio.sleep(PEAK_S)
    after, took_s = await _counts(running), loop.time() - started
    await running.tell(do="pause")
    peak = (after.accepted - before.accepted) / took_s
    await running.at_rest()
    _say(
        f"peak: {peak:.0f} readings a second accepted; all of them settled {loop.time() - started - took_s:.1f} s after the last"
    )
    return peak / 2


async def _watch(running: Town, seconds: float, path: Path) -> list[dict[str, float]]:
    """Sample until the time is over; returns what was written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    loop = asyncio.get_running_loop()
    started, rows = loop.time(), list[dict[str, float]]()
    before = await _counts(running)
    with path.open("w", newline="") as file:
        writer: csv.DictWriter[str] | None = None
        while (now := loop.time()) < started + seconds:
            await asyncio.sleep(min(SAMPLE_EVERY_S, started + seconds - now))
            running.require_alive()
            after = await _counts(running)
            row = await _sample(running, before, after, loop.time() - started)
            before = after
            rows.append(row)
            if writer is None:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
            writer.writerow(row)
            file.flush()
    return rows


async def _counts(running: Town) -> Counts:
    figures = await running.figures()
    accepted = sum(
        value for name, value in figures.items() if name.startswith("gridtokenx_readings_total{") and '"accepted"' in name
    )
    buckets = sorted(
        (float(name.split('le="')[1].split('"')[0]), value)
        for name, value in figures.items()
        if name.startswith(f"{MINTED}_bucket")
    )
    return Counts(accepted=accepted, minted=figures[f"{MINTED}_count"], buckets=tuple(buckets))


async def _sample(running: Town, before: Counts, after: Counts, at_s: float) -> dict[str, float]:
    said = await running.tell(do="count")
    figures = await running.figures()
    row: dict[str, float] = {
        "at_s": round(at_s, 1),
        "stated": _number(said["stated"]),
        "accepted": after.accepted,
        "minted": after.minted,
        "ingest_backlog": figures["gridtokenx_ingest_backlog"],
        "settlement_backlog": await running.backlog(),
        "mint_p50_ms": percentile_ms(before, after, 0.50),
        "mint_p95_ms": percentile_ms(before, after, 0.95),
    }
    for name, path in _files(running.plan.folder).items():
        row[f"{name}_mib"] = round(path.stat().st_size / MIB / MIB, 2) if path.exists() else 0
    for name, part in running.parts.items():
        usage = part.usage()
        row |= {
            f"{name}_memory_mib": round(usage.memory_kib / MIB, 2),
            f"{name}_files": usage.files,
            f"{name}_threads": usage.threads,
            f"{name}_cpu_s": round(usage.cpu_s, 2),
        }
    return row


def _files(folder: Path) -> dict[str, Path]:
    chain = folder / "chain" / "localnet.sqlite3"
    rows = folder / "platform.db"
    found = {"chain_disk": chain, "chain_wal": chain.with_name(chain.name + "-wal")}
    return found | ({"rows_disk": rows, "rows_wal": rows.with_name(rows.name + "-wal")} if rows.exists() else {})


def percentile_ms(before: Counts, after: Counts, share: float) -> float:
    """A percentile of what was minted between two looks, read from the histogram; 0 when nothing was."""
    earlier = dict(before.buckets)
    grown = [(bound, count - earlier.get(bound, 0)) for bound, count in after.buckets]
    wanted = share * (grown[-1][1] if grown else 0)
    if not wanted:
        return 0
    for (low, below), (high, until) in pairwise([(0.0, 0.0), *grown]):
        if until >= wanted:
            part = (wanted - below) / (until - below)
            return round(1_000 * (low if high == float("inf") else low + part * (high - low)), 1)
    return 0


async def _settle_and_audit(running: Town) -> AuditReport:
    """Drain, wait for the last settlement, and compare with what the meters know really flowed."""
    said = await running.tell(do="drain")
    await running.at_rest()
    truth = await running.tell(do="truth")
    flowed = {name: (pair[0], pair[1]) for name, pair in truth.items() if isinstance(pair, list)}
    report = await audit.run(running.store, running.chain, flowed)
    if said["waiting"]:
        report.failures.append(f"meters without a receipt: {said['waiting']}")
    return report


def _judge(rows: Sequence[dict[str, float]], report: AuditReport, options: argparse.Namespace) -> bool:
    """Print the summary; whether the soak is passed."""
    last = rows[-1]
    _say(f"{last['accepted']:.0f} readings accepted, {last['minted']:.0f} minted; samples in {options.csv}")
    print("\n| part | first, MiB | last, MiB | growth, MiB / 10 min | files | threads | cores | flat |")
    print("|---|---|---|---|---|---|---|---|")
    trends = [trend_of(name, rows) for name in _parts(last)]
    for trend in trends:
        print(trend.row(), flush=True)
    p50, p95 = (_median([row[f"mint_{name}_ms"] for row in rows]) for name in ("p50", "p95"))
    backlog = max(row["settlement_backlog"] for row in rows)
    print(f"\nreceipt → minted, median of the samples: p50 {p50:.0f} ms, p95 {p95:.0f} ms; largest backlog {backlog:.0f} meters")
    for name in ("rows_disk", "rows_wal", "chain_disk", "chain_wal"):
        if f"{name}_mib" in last:
            print(f"{name.replace('_', ', ')}: {rows[0][f'{name}_mib']:.1f} → {last[f'{name}_mib']:.1f} MiB")
    for failure in report.failures:
        print(f"does not add up: {failure}")
    grown = [trend.name for trend in trends if not trend.is_flat]
    print("it adds up to the watt-hour" if report.ok else "it does NOT add up")
    print("memory is flat" if not grown else f"memory GROWS: {', '.join(grown)}")
    return report.ok and not grown


def _parts(row: dict[str, float]) -> list[str]:
    return [name.removesuffix("_memory_mib") for name in row if name.endswith("_memory_mib")]


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"the swarm counts {value!r}")
    return float(value)


def _say(sentence: str) -> None:
    print(sentence, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
