"""`gridtokenx rebuild`: the derived rows, once more from the chain."""

import asyncio
import json
import resource
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from core.domain.network import network_bytes
from core.runtime.clock import SystemClock
from core.runtime.settings import Settings, load_settings
from core.store import Store
from deploy.chain import require_initialised
from deploy.cli.session import open_chain, open_store
from deploy.cli.shown import console
from deploy.folders import ready_folder
from oracle_bridge.differences import Differences
from oracle_bridge.rebuild import IncompleteHistory, Rebuild
from programs.client.addresses import addresses_of
from programs.client.ids import PROGRAM_IDS

_CONSOLE = console()
SHOWN: Final = 50
SIDE_FILES: Final = ("", "-wal", "-shm")
"""What SQLite keeps beside its database."""


def rebuild(
    check: Annotated[bool, typer.Option("--check", help="Only say where the rows differ; change nothing.")] = False,
    rpc: Annotated[str | None, typer.Option("--rpc", help="A node that keeps the whole history; else the one in force.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what an interrupted rebuild has read already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Write all rows that follow from the chain again: events, cursors, ledgers, which readings are minted, and by what.

    Stop the bridge first. An interruption changes nothing, and the next run goes on reading where it ended. Exit code 0: the
    rows are those of the chain; 1 (--check): they are not; 2: it could not be done, and nothing was changed.
    """
    settings = load_settings()
    if rpc is not None:
        settings = settings.model_copy(update={"chain": settings.chain.model_copy(update={"rpc_url": rpc})})
    clock = SystemClock()
    begun_ms = clock.now_ms()
    found = asyncio.run(_rebuild(settings, clock, check=check, fresh=fresh, quiet=as_json))
    _show(found, check=check, as_json=as_json, took_ms=clock.now_ms() - begun_ms)
    raise typer.Exit(1 if check and found.total else 0)


async def _rebuild(settings: Settings, clock: SystemClock, *, check: bool, fresh: bool, quiet: bool) -> Differences:
    async with open_chain(settings, commitment="finalized") as chain, open_store(settings) as store:
        await require_initialised(chain)
        network = network_bytes(await chain.genesis_hash(), bytes(PROGRAM_IDS.registry))
        async with _scratch(settings.data_dir / "rebuild", network.hex(), fresh=fresh) as scratch:
            job = Rebuild(
                store=store,
                scratch=scratch,
                chain=chain,
                at=addresses_of(PROGRAM_IDS),
                clock=clock,
                tell=(lambda _: None) if quiet else _CONSOLE.print,
            )
            return await (job.check() if check else job.mend())


@asynccontextmanager
async def _scratch(folder: Path, network: str, *, fresh: bool) -> AsyncGenerator[Store]:
    """The rebuild's own database; it stays when the rebuild is interrupted, and goes when it is done or worth nothing."""
    ready_folder(folder, "GRIDTOKENX_DATA_DIR")
    path = folder / f"{network}.db"
    if fresh:
        _remove(path)
    scratch = Store(f"sqlite+aiosqlite:///{path}")
    keep = True
    try:
        await scratch.migrate()
        yield scratch
        keep = False
    except IncompleteHistory:
        keep = False
        raise
    finally:
        await scratch.close()
        if not keep:
            _remove(path)


def _remove(path: Path) -> None:
    for suffix in SIDE_FILES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _show(found: Differences, *, check: bool, as_json: bool, took_ms: int) -> None:
    if as_json:
        outcome = {
            "identical": found.total == 0,
            "changed": not check and found.total > 0,
            "rows_compared": found.rows_compared,
            "differences": dict(sorted(found.counted.items())),
            "named": [str(one) for one in found.named],
            "took_ms": took_ms,
            "peak_memory_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        }
        typer.echo(json.dumps(outcome, indent=1))
        return
    for one in found.named[:SHOWN]:
        _CONSOLE.print(f"{one}", soft_wrap=True, markup=False)
    for name, count in sorted(found.counted.items()):
        _CONSOLE.print(f"{count:>8} {name}", markup=False)
    done = "differ from the chain" if check else "differed from the chain and were written again"
    outcome = f"{found.total} {done}" if found.total else "all are those of the chain"
    _CONSOLE.print(f"{found.rows_compared} rows compared in {took_ms / 1_000:.1f} s: {outcome}")
