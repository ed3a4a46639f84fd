"""Ten thousand live simulated meters on one broker: `python -m benchmarks swarm --meters 10000`.

Each meter has its own connection, credentials, keys and journal. Mosquitto, the swarm, the bridge with the API, and the chain run
as processes of their own. All connect, then every meter speaks `--rounds` times, spread over `--over` seconds a round as real
meters spread their quarters of an hour; every reading must be received, answered and settled, and add up to the Wh.

Exit code 0 only if nothing is missing.
"""

import argparse
import asyncio
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from benchmarks.town import Town, TownPlan, town
from core.runtime import logging
from oracle_bridge import audit

SPARE_FILES: Final = 512
HISTORY_S: Final = 86_400
KIB_A_MIB: Final = 1_024
ANSWERED_WITHIN_S: Final = 600.0


def main(arguments: Sequence[str] = ()) -> None:
    """Run, print Markdown rows, exit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks swarm", description=__doc__)
    parser.add_argument("--meters", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=2, help="statements of each meter")
    parser.add_argument("--over", type=float, default=60.0, help="seconds over which a round is spread")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    logging.configure("error", "text")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the parts are stopped
    _raise_file_limit(options.meters)
    sys.exit(0 if asyncio.run(_swarm(options)) else 1)


def _raise_file_limit(meters: int) -> None:
    """The swarm and the broker need a file a meter; children inherit the limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if 0 <= hard < meters + SPARE_FILES:
        sys.exit(f"{meters} meters need {meters + SPARE_FILES} open files, and this machine allows {hard}: raise `ulimit -Hn`")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _swarm(options: argparse.Namespace) -> bool:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gtx-swarm-")))
        plan = TownPlan(folder=folder, meters=options.meters, seed=options.seed, history_s=HISTORY_S, connects=False)
        running = await stack.enter_async_context(town(plan, _say))
        before = {name: part.usage() for name, part in running.parts.items()}
        said = await running.tell(do="connect")
        print("| figure | measured |\n|---|---|", flush=True)
        _print_row("meters connected", f"{said['connected']} of {options.meters} in {said['took_s']} s")
        for name in ("swarm", "broker"):
            if name in running.parts:
                grown = running.parts[name].usage().memory_kib - before[name].memory_kib
                _print_row(f"memory a meter, {name}", f"{grown / options.meters:.1f} KiB")
        stated, answered, took_s = await _speak(running, options)
        _print_row("readings stated and answered", f"{stated}, {answered} in {took_s:.0f} s")
        return _judge(said, stated, answered, options, await _audited(running))


async def _speak(running: Town, options: argparse.Namespace) -> tuple[int, int, float]:
    """Let all meters speak; returns statements, final answers, and how long it took."""
    started, wanted = time.perf_counter(), options.meters * options.rounds
    await running.tell(do="rate", per_s=options.meters / options.over, most=wanted)
    async with asyncio.timeout(options.rounds * options.over + ANSWERED_WITHIN_S):
        while True:
            said = await running.tell(do="count")
            if said["spoken"] == wanted and said["open"] == 0:
                break
            running.require_alive()
            await asyncio.sleep(0.5)
    drained = await running.tell(do="drain")
    said = await running.tell(do="count")
    stated = said["stated"]
    answered = said["accepted"]
    if drained["waiting"] or not isinstance(stated, int) or not isinstance(answered, int):
        raise RuntimeError(f"meters without a receipt: {drained['waiting']}")
    return stated, answered, time.perf_counter() - started


async def _audited(running: Town) -> list[str]:
    """Everything settled, and equal to what the meters know; returns what does not add up."""
    started = time.perf_counter()
    await running.at_rest()
    _print_row("all settled after the last answer", f"{time.perf_counter() - started:.0f} s")
    truth = await running.tell(do="truth")
    report = await audit.run(
        running.store, running.chain, {name: (p[0], p[1]) for name, p in truth.items() if isinstance(p, list)}
    )
    for name, part in running.parts.items():
        usage = part.usage()
        _print_row(f"{name}: memory, processor time", f"{usage.memory_kib / KIB_A_MIB:.0f} MiB, {usage.cpu_s:.0f} s")
    return report.failures


def _judge(said: dict[str, object], stated: int, answered: int, options: argparse.Namespace, failures: Sequence[str]) -> bool:
    for failure in failures[:10]:
        _say(f"does not add up: {failure}")
    _print_row("it adds up to the watt-hour", "yes" if not failures else "NO")
    return said["connected"] == options.meters and answered == stated == options.meters * options.rounds and not failures


def _print_row(figure: str, measured: str) -> None:
    print(f"| {figure} | {measured} |", flush=True)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
