"""`python -m tests.faults`: seeded rounds of trouble, each of which must end in truth = ledger = supply, to the Wh."""

import argparse
import asyncio
import logging
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from core.runtime.logging import configure
from tests.faults.database_part import PostgresPart
from tests.faults.disk import own_mounts
from tests.faults.rounds import Ground, Outcome, play, told
from tests.faults.schedule import DEATHS, Kind, plan_of
from tests.faults.template import make_template
from tests.support import postgres
from tests.support.postgres import PostgresServer

ROUNDS: Final = 100
DURABLE: Final = tuple(option for option in postgres.OPTIONS if not option.startswith("synchronous_commit"))
"""A server that is killed keeps what it called committed; a server whose machine loses its power is not tried here."""


def main() -> None:
    """Play the rounds; exit code 1 if one of them failed."""
    options = _options()
    may_mount = own_mounts()
    configure("error", "text")
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # broken lines are what the rounds are made of
    folder = Path(tempfile.mkdtemp(prefix="gtx-faults-"))
    with ExitStack() as stack:
        server = stack.enter_context(PostgresServer(DURABLE)) if postgres.binaries() is not None and not options.sqlite else None
        try:
            outcomes = asyncio.run(_play_all(options, folder, server, may_mount=may_mount))
        except asyncio.CancelledError:
            sys.exit("interrupted")
    failed = [outcome for outcome in outcomes if not outcome.ok]
    _summary(options, outcomes, failed)
    if options.keep:
        print(f"logs: {folder}")
    elif not failed:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(1 if failed else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how many rounds")
    parser.add_argument("--seed", type=int, default=1, help="decides what goes wrong when")
    parser.add_argument("--first", type=int, default=0, help="number of the first round")
    parser.add_argument("--round", type=int, default=None, help="play this round alone, as printed")
    parser.add_argument("--only", choices=[kind.value for kind in Kind], default=None, help="this kind of trouble alone")
    parser.add_argument("--keep", action="store_true", help="keep the logs of rounds that went well, too")
    parser.add_argument("--sqlite", action="store_true", help="leave PostgreSQL out")
    return parser.parse_args()


async def _play_all(
    options: argparse.Namespace, folder: Path, server: PostgresServer | None, *, may_mount: bool
) -> list[Outcome]:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    url = None if server is None else server.new_database()
    (folder / "template").mkdir()
    template = await make_template(folder / "template", seed=options.seed, postgres_url=url)
    part = None if server is None else PostgresPart(server)
    ground = Ground(template=template, server=part, may_mount=may_mount, folder=folder)
    kinds = tuple(Kind) if options.only is None else (Kind(options.only),)
    numbers = range(options.first, options.first + options.rounds) if options.round is None else [options.round]
    outcomes: list[Outcome] = []
    for number in numbers:
        outcome = await play(ground, plan_of(number, options.seed, kinds=kinds, real_database=server is not None))
        outcomes.append(outcome)
        print(*told(outcome), sep="\n", flush=True)
        if outcome.ok and not options.keep:
            _forget(folder, number)
    return outcomes


def _forget(folder: Path, number: int) -> None:
    for one in folder.glob(f"round-{number}-*"):
        shutil.rmtree(one, ignore_errors=True)


def _summary(options: argparse.Namespace, outcomes: Sequence[Outcome], failed: Sequence[Outcome]) -> None:
    points = {(outcome.plan.victim, outcome.plan.point) for outcome in outcomes}
    kinds = {outcome.plan.kind for outcome in outcomes}
    seconds = sum(outcome.seconds for outcome in outcomes)
    print(
        f"{len(outcomes)} rounds in {seconds:.0f} s: {len(points)} of {len(DEATHS)} deaths at named points,"
        f" {len(kinds)} of {len(Kind)} kinds of trouble, {len(failed)} failed"
    )
    for outcome in failed:
        only = f" --only '{options.only}'" if options.only else ""
        print(f"again: python -m tests.faults --seed {options.seed} --round {outcome.plan.number}{only}")


if __name__ == "__main__":
    main()
