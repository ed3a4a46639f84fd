"""`gridtokenx up`: the platform, embedded parts unless a URL is given."""

import asyncio
from typing import Annotated

import typer

from core.runtime.logging import configure
from core.runtime.settings import Settings, load_settings
from deploy.cli.shown import console, show_endpoints
from deploy.platform import Part, Platform

ONLY_HELP = (
    "Run this part alone: `bridge` subscribes, settles and indexes; `api` serves HTTP and holds no keys."
    " Several of each may share one database, broker and chain, which settings name."
)


def up(only: Annotated[Part | None, typer.Option(help=ONLY_HELP)] = None) -> None:
    """Run the platform until interrupted: embedded parts, unless a setting names a real one.

    Settings come from the environment or .env; deploy/env.example lists them all.
    """
    settings = load_settings()
    configure(settings.log_level, settings.log_format)
    asyncio.run(_run(settings, only))


async def _run(settings: Settings, only: Part | None) -> None:
    async with Platform(settings, only=only) as platform:
        show_endpoints(platform, console())
        await platform.supervisor.until_signal()
