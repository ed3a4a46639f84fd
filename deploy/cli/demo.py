"""`gridtokenx demo`: one simulated day, from signed reading to tokens, that must add up."""

import asyncio
import hashlib
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from core.runtime.logging import configure
from core.runtime.settings import Settings, load_settings
from deploy.cli.shown import console, show_endpoints
from deploy.demo.options import DemoOptions
from deploy.demo.run import live_a_day
from deploy.demo.summary import count, show
from deploy.folders import require_writable_file
from deploy.platform import Platform

MAX_METERS = 5_000
MAX_HOURS = 160  # readings older than seven days are refused


def demo(  # a command line has as many options as its users need
    meters: Annotated[int, typer.Option(min=1, max=MAX_METERS, help="Simulated meters.")] = 24,
    hours: Annotated[int, typer.Option(min=1, max=MAX_HOURS, help="Simulated hours before now.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Decides keys, registers, weather, faults and the genesis hash.")] = 1,
    faults: Annotated[bool, typer.Option(help="Lose, repeat, reorder and damage messages, skew clocks, cut lines.")] = True,
    serve: Annotated[bool, typer.Option(help="Keep everything running after the summary.")] = False,
    report: Annotated[Path, typer.Option(help="Where the figures go, as JSON.")] = Path("demo-report.json"),
    truth: Annotated[Path | None, typer.Option(help="Where to write what really flowed, for `gridtokenx audit --truth`.")] = None,
    http: Annotated[bool, typer.Option("--http", help="Let the devices post over HTTP instead of MQTT.")] = False,
) -> None:
    """Live through a simulated day on embedded parts, and end with a summary that adds up to the watt-hour.

    Exit code 0 only if it adds up.
    """
    options = DemoOptions(
        meters=meters,
        hours=hours,
        seed=seed,
        faults=faults,
        serve=serve,
        report=report,
        truth=truth,
        through="http" if http else "mqtt",
    )
    require_writable_file(report, "--report")
    if truth is not None:
        require_writable_file(truth, "--truth")
    with tempfile.TemporaryDirectory(prefix="gridtokenx-demo-") as folder:
        ok = asyncio.run(_run(_demo_settings(Path(folder), serve=serve), options))
    raise typer.Exit(0 if ok else 1)


def _demo_settings(folder: Path, *, serve: bool) -> Settings:
    """Embedded parts in a folder of their own; free ports unless people are to look around."""
    settings = load_settings()
    free = {} if serve else {"embedded_port": 0}
    return settings.model_copy(
        update={
            "data_dir": folder,
            "mqtt": settings.mqtt.model_copy(update={"url": None, **free}),
            "chain": settings.chain.model_copy(update={"rpc_url": None, "ws_url": None, "keys_dir": None, **free}),
            "database": settings.database.model_copy(update={"url": None}),
            "api": settings.api.model_copy(update={} if serve else {"port": 0}),
        }
    )


async def _run(settings: Settings, options: DemoOptions) -> bool:
    screen = console()
    configure("error", settings.log_format)
    seed = hashlib.sha256(f"gridtokenx-demo-genesis:{options.seed}".encode()).digest()
    screen.print(
        f"[bold]GridTokenX[/]: {options.meters} meters live through {options.hours} hours, seed {options.seed},"
        f" faults {'on' if options.faults else 'off'}"
    )
    async with Platform(settings, genesis_seed=seed) as platform:
        with _progress(screen) as progress:
            bar = progress.add_task("starting", total=1.0)
            lived = await live_a_day(platform, options, lambda stage, share: _tell(progress, bar, stage, share))
        if options.truth is not None:
            lived.truth.write(options.truth)
        counted = await count(platform, options, lived)
        counted.write(options.report)
        show(counted, screen)
        screen.print(f"figures: {options.report}")
        if options.serve:
            screen.print(f"try: {_audit_of(platform.settings.data_dir, options.truth)}", soft_wrap=True)
            show_endpoints(platform, screen, owner=lived.village.meters[0].owner)
            await platform.supervisor.until_signal()
    return counted.audit.ok


def _audit_of(folder: Path, truth: Path | None) -> str:
    """How to audit this demo from another terminal."""
    against = "" if truth is None else f" --truth {truth}"
    return f"GRIDTOKENX_DATA_DIR={folder} gridtokenx audit{against}"


def _progress(screen: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<22}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=screen,
    )


def _tell(progress: Progress, bar: TaskID, stage: str, share: float) -> None:
    progress.update(bar, description=stage, completed=share)
