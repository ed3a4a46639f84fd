"""`gridtokenx audit`: whether it adds up, once or continuously."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from prometheus_client import start_http_server

from core.domain.errors import DomainError, InvalidInput
from core.runtime.logging import configure
from core.runtime.metrics import Metrics
from core.runtime.settings import load_settings
from core.runtime.supervisor import Supervisor
from core.store import duties
from deploy.cli.session import Session, open_session
from deploy.cli.shown import console
from deploy.listening import require_free_port
from oracle_bridge import audit as books
from oracle_bridge.audit import AuditReport
from oracle_bridge.continuous_audit import ContinuousAudit
from oracle_bridge.indexer import Indexer

_CONSOLE = console()
Truth = Mapping[str, tuple[int, int]]


class _Flowed(msgspec.Struct, forbid_unknown_fields=True):
    generation_wh: int
    consumption_wh: int


def audit(
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON, one line an audit with --every.")] = False,
    truth: Annotated[
        Path | None, typer.Option("--truth", help="What really flowed: a file that `gridtokenx demo --truth` wrote.")
    ] = None,
    every: Annotated[int | None, typer.Option("--every", min=1, max=86_400, help="Again every so many seconds.")] = None,
    metrics_port: Annotated[
        int | None, typer.Option("--metrics-port", min=1, max=65_535, help="With --every: Prometheus metrics on loopback.")
    ] = None,
) -> None:
    """Compare rows, on-chain ledgers, supply and, when there is one, the simulator's truth, to the watt-hour.

    Exit code 0: they add up; 1: they do not; 2: it could not be done.
    """
    if metrics_port is not None and every is None:
        raise typer.BadParameter("--metrics-port goes with --every")
    flowed = None if truth is None else read_truth(truth)
    if every is not None:
        asyncio.run(_again_and_again(every, flowed, metrics_port, as_json=as_json))
        return
    report = asyncio.run(_once(flowed))
    _show(report, as_json=as_json)
    raise typer.Exit(0 if report.ok else 1)


def read_truth(path: Path) -> Truth:
    """What a simulator knows.

    Raises:
        InvalidInput: the file is none of a simulator's.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, _Flowed])
    except msgspec.DecodeError as problem:
        raise InvalidInput(f"{path} is no truth file: {problem}; `gridtokenx demo --truth FILE` writes one") from problem
    return {meter_id: (one.generation_wh, one.consumption_wh) for meter_id, one in found.items()}


async def _once(truth: Truth | None) -> AuditReport:
    async with open_session() as session:
        await _read_news(session)
        return await books.run(session.store, session.chain, truth, at=session.addresses)


async def _read_news(session: Session) -> None:
    """Without a bridge at work nobody has read the newest events."""
    async with session.store.read() as rows:
        if await duties.holder(rows, duties.INDEXER, now_ms=session.clock.now_ms()) is not None:
            return
    indexer = Indexer(store=session.store, chain=session.chain, at=session.addresses, clock=session.clock, metrics=Metrics())
    await indexer.catch_up()


async def _again_and_again(every_s: int, truth: Truth | None, port: int | None, *, as_json: bool) -> None:
    """Until SIGINT or SIGTERM; a part that is away is said, and tried again."""
    settings = load_settings()
    configure(settings.log_level, settings.log_format)
    metrics = Metrics()
    if port is not None:
        require_free_port("--metrics-port", "127.0.0.1", port)
    async with open_session() as session, Supervisor() as supervisor:
        if port is not None:
            start_http_server(port, addr="127.0.0.1", registry=metrics.registry)
        audits = ContinuousAudit(
            store=session.store, chain=session.chain, at=session.addresses, clock=session.clock, metrics=metrics
        )

        async def audit_for_ever() -> None:
            while True:
                await _one_more(session, audits, truth, as_json=as_json)
                await asyncio.sleep(every_s)

        supervisor.run("audit", audit_for_ever)
        await supervisor.until_signal()


async def _one_more(session: Session, audits: ContinuousAudit, truth: Truth | None, *, as_json: bool) -> None:
    try:
        report = await audits.once(truth, first=lambda: _read_news(session))
    except DomainError as problem:
        typer.echo(f"gridtokenx: {problem}", err=True)
    else:
        typer.echo(json.dumps(_plain(report)) if as_json else _line(report))


def _plain(report: AuditReport) -> dict[str, object]:
    return {
        "ok": report.ok,
        "terms": report.terms,
        "differences_wh": {term.value: amount for term, amount in report.differences_wh.items() if amount},
        "findings": {term.value: count for term, count in report.findings.items() if count},
        "failures": report.failures,
    }


def _line(report: AuditReport) -> str:
    said = "it adds up" if report.ok else f"it does NOT add up: {'; '.join(report.failures[:3])}"
    return f"{report.terms.get('attested_net', 0)} Wh net attested: {said}"


def _show(report: AuditReport, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_plain(report), indent=1))
        return
    for term, amount in report.terms.items():
        unit = "base units" if term.endswith("_base_units") else "Wh"
        _CONSOLE.print(f"{term.removesuffix('_base_units').replace('_', ' '):<28}{amount:>24} {unit}")
    for failure in report.failures:
        _CONSOLE.print(f"[bold red]does not add up:[/] {failure}")
    _CONSOLE.print("it adds up" if report.ok else "it does NOT add up")
