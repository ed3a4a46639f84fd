"""`gridtokenx settlement …`: what waits for an operator."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from core.runtime.clock import SystemClock
from core.runtime.settings import load_settings
from core.store.work import Review
from deploy.cli.session import open_store
from deploy.cli.shown import console
from oracle_bridge import review as reviews

app = typer.Typer(
    help="Settlements that failed too often and wait for an operator.", no_args_is_help=True, pretty_exceptions_show_locals=False
)
_CONSOLE = console()


@app.command("review")
def review(limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most this many.")] = 100) -> None:
    """List the meters whose settlement waits for an operator, with the last error."""
    rows = asyncio.run(_reviews(limit))
    table = Table("meter", "attempts", "since", "sequence", "last error", box=None)
    for row in rows:
        since = datetime.fromtimestamp(row.updated_at_ms / 1000, UTC).isoformat(timespec="seconds")
        table.add_row(row.meter_id, str(row.attempts), since, str(row.target_sequence), row.last_error or "")
    _CONSOLE.print(table if rows else "nothing waits for review")


async def _reviews(limit: int) -> list[Review]:
    async with open_store(load_settings()) as store:
        return await reviews.list_reviews(store, limit=limit)


@app.command("retry")
def retry(
    meters: Annotated[list[str] | None, typer.Argument(help="Meter ids.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All meters in review.")] = False,
) -> None:
    """Send settlements in review back to work; the bridge takes them in its next round."""
    if not meters and not everything:
        raise typer.BadParameter("name meters, or give --all")
    sent = asyncio.run(_retry(None if everything else meters))
    _CONSOLE.print(f"{len(sent)} back to work: {', '.join(sent)}" if sent else "none of them is in review")


async def _retry(meters: list[str] | None) -> list[str]:
    async with open_store(load_settings()) as store:
        return await reviews.retry(store, SystemClock(), meters)
