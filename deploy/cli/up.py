"""`gridtokenx up`: the platform, embedded parts unless a URL is given."""

import asyncio

from core.runtime.logging import configure
from core.runtime.settings import Settings, load_settings
from deploy.cli.shown import console, show_endpoints
from deploy.platform import Platform


def up() -> None:
    """Run the platform until interrupted: embedded parts, unless a setting names a real one.

    Settings come from the environment or .env; deploy/env.example lists them all.
    """
    settings = load_settings()
    configure(settings.log_level, settings.log_format)
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    async with Platform(settings) as platform:
        show_endpoints(platform, console())
        await platform.supervisor.until_signal()
