"""Every command group under one name, and one way to end with a sentence instead of a traceback."""

import sys
from typing import Never

import typer
from pydantic_settings import SettingsError

from core.domain.errors import DomainError
from core.runtime.logging import configure
from deploy.cli import audit, broker, chain, demo, device, localnet, programs, rebuild, settlement, trace, up, workbench
from programs.localnet.errors import LocalnetError

app = typer.Typer(
    name="gridtokenx",
    help="Turns metered energy into tokens on Solana, and proves every watt-hour.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    pretty_exceptions_show_locals=False,
)
app.command("up")(up.up)
app.command("demo")(demo.demo)
app.command("localnet")(localnet.localnet)
app.command("audit")(audit.audit)
app.command("trace")(trace.trace)
app.command("rebuild")(rebuild.rebuild)
device.app.add_typer(workbench.app)
app.add_typer(device.app, name="device")
app.add_typer(chain.app, name="chain")
app.add_typer(programs.app, name="programs")
app.add_typer(broker.app, name="broker")
app.add_typer(settlement.app, name="settlement")


def main() -> None:
    """Run the command line; an expected failure ends with one sentence and exit code 2.

    Logs are configured before anything runs, so that no command logs without what withholds secrets; settings come later.
    """
    configure("warning", "text")
    try:
        app()
    except (DomainError, LocalnetError) as problem:
        _stop(f"{problem}")
    except SettingsError as problem:
        _stop(f"{problem}; set its fields one by one, as GRIDTOKENX_<GROUP>__<FIELD>")
    except OSError as problem:
        if problem.filename is None:
            raise
        _stop(f"{problem.filename}: {problem.strerror}; correct it, or name another file")


def _stop(sentence: str) -> Never:
    typer.echo(f"gridtokenx: {sentence}", err=True)
    sys.exit(2)
