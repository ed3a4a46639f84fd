"""`gridtokenx device …`: meters from import to suspension."""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from broker.passwords import hash_password
from core.domain.errors import InvalidInput
from core.domain.identity import MeterId, parse_meter_id
from core.domain.readings import AssetKind, MeterStatus, ProofKind, StatementKind
from core.domain.units import kwh_from_wh
from core.runtime.clock import SystemClock
from core.runtime.settings import load_settings
from core.store.tables.meters import MeterRow
from deploy.cli.session import Session, open_session, open_store
from deploy.cli.shown import console
from deploy.enrolment import Enrolled, Enrolment
from deploy.folders import require_writable_file
from devices.provisioning import (
    DeviceCredential,
    list_meters,
    parse_import_file,
    renew_credential,
    set_status,
    show_meter,
)
from programs.client.accounts import MeterAccount
from programs.client.confirmation import send_confirmed
from programs.client.enrolment import read_meter
from programs.client.instructions import registry
from programs.client.signer import KeypairSigner, Signer, read_keypair

app = typer.Typer(
    help="Meters: import, list, show, suspend, new password.", no_args_is_help=True, pretty_exceptions_show_locals=False
)
_CONSOLE = console()
_MOST_LISTED = 10_000


@app.command("import")
def import_meters(
    file: Annotated[Path, typer.Argument(help="Meters as CSV, a JSON array, or one JSON object a line.")],
    owners: Annotated[
        Path | None, typer.Option(help="Folder of owners' key files, for owners and meters that are not on the chain yet.")
    ] = None,
    credentials: Annotated[
        Path, typer.Option(help="Where new devices' broker passwords go, one JSON object a line; they are told this once.")
    ] = Path("credentials.jsonl"),
) -> None:
    """Register a file's meters: on the chain by owner, platform and device, then in the database.

    Safe to repeat after an interruption. A line carries meter_id (or legacy_id), owner, asset_kind, statement_kind, proof_kind,
    zone, rated_power_out_w, rated_power_in_w, public_key, base_sequence, base_measured_at, base_generation_wh,
    base_consumption_wh and binding_signature, the device's signature over its binding.
    """
    raise typer.Exit(1 if asyncio.run(_import(file, owners, credentials)) else 0)


async def _import(file: Path, owners: Path | None, credentials: Path) -> int:
    meters = parse_import_file(file)
    signers = _owner_signers(owners)
    require_writable_file(credentials, "--credentials")  # a password is told once, and one that cannot be kept is lost
    failed = 0
    async with open_session() as session:
        enrolment = Enrolment(
            store=session.store,
            chain=session.chain,
            addresses=session.addresses,
            keys=session.keys.authorities(),
            network=session.network,
            fleet=session.fleet,
            clock=session.clock,
        )
        for meter in meters:
            done = await enrolment.enrol(meter, signers)
            failed += done.problem is not None
            if done.credential is not None:
                _keep(credentials, done.credential)
            _CONSOLE.print(_line_of(done))
    _CONSOLE.print(f"{len(meters) - failed} registered, {failed} refused")
    return failed


def _owner_signers(folder: Path | None) -> Mapping[str, Signer]:
    if folder is None:
        return {}
    if not folder.is_dir():
        raise InvalidInput(f"--owners: {folder} is no folder")
    signers = [KeypairSigner(read_keypair(path)) for path in sorted(folder.glob("*.json"))]
    return {str(signer.pubkey): signer for signer in signers}


def _keep(path: Path, credential: DeviceCredential) -> None:
    """Append a credential to a file that its owner alone can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "a") as file:
        row = {
            "username": credential.username,
            "password": credential.password,
            "publishes": credential.publishes,
            "subscribes": credential.subscribes,
        }
        file.write(json.dumps(row) + "\n")


def _line_of(done: Enrolled) -> str:
    name = done.meter.meter_id if done.meter.legacy_id is None else f"{done.meter.meter_id} ({done.meter.legacy_id})"
    if done.problem is not None:
        return f"[red]refused[/]     {name}: {done.problem}"
    return f"registered  {name}" if done.credential is not None else f"known       {name}"


@app.command("credential")
def renew(
    meter: Annotated[str, typer.Argument(help="Meter id.")],
    credentials: Annotated[Path, typer.Option(help="Where the new password goes, as at the import.")] = Path("credentials.jsonl"),
) -> None:
    """Give a device a new broker password, for one that was lost; the old one is refused from now on."""
    require_writable_file(credentials, "--credentials")
    _keep(credentials, asyncio.run(_renew(parse_meter_id(meter))))
    _CONSOLE.print(f"{meter} has a new password, in {credentials}", soft_wrap=True)


async def _renew(meter: MeterId) -> DeviceCredential:
    async with open_store(load_settings()) as store, store.begin() as rows:
        return await renew_credential(rows, meter, hash_password=hash_password, clock=SystemClock())


@app.command("list")
def list_devices(
    status: Annotated[str | None, typer.Option(help="Only those pending, active, suspended or retired.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=_MOST_LISTED, help="At most this many.")] = 100,
) -> None:
    """List meters in the order of their ids."""
    for_status = None if status is None else _status_named(status)
    rows = asyncio.run(_list(for_status, limit))
    table = Table("meter", "owner", "kind", "statement", "status", "sequence", "generated kWh", "consumed kWh", box=None)
    for row in rows:
        table.add_row(
            row.meter_id,
            row.wallet_address,
            AssetKind(row.asset_kind).name.lower(),
            StatementKind(row.statement_kind).name.lower(),
            MeterStatus(row.status).name.lower(),
            str(row.last_sequence),
            str(kwh_from_wh(row.credited_generation_wh)),
            str(kwh_from_wh(row.credited_consumption_wh)),
        )
    _CONSOLE.print(table)


def _status_named(name: str) -> MeterStatus:
    try:
        return MeterStatus[name.upper()]
    except KeyError as problem:
        raise InvalidInput("--status: one of pending, active, suspended, retired") from problem


async def _list(status: MeterStatus | None, limit: int) -> Sequence[MeterRow]:
    async with open_session() as session, session.store.read() as rows:
        return await list_meters(rows, fleet=session.fleet, status=status, limit=limit)


@app.command("show")
def show_device(meter: Annotated[str, typer.Argument(help="Meter id, or the foreign id it was imported under.")]) -> None:
    """Show one meter: its row beside its account on the chain."""
    row, account = asyncio.run(_show(meter))
    table = Table("", "platform", "chain", box=None)
    status = MeterStatus(row.status).name.lower() + (f" ({row.status_reason})" if row.status_reason else "")
    on_chain = None if account is None else account
    table.add_row("status", status, "" if on_chain is None else MeterStatus(on_chain.status).name.lower())
    table.add_row("owner", row.wallet_address, "" if on_chain is None else str(on_chain.owner))
    table.add_row(
        "proof", ProofKind(row.proof_kind).name.lower(), "" if on_chain is None else ProofKind(on_chain.proof).name.lower()
    )
    table.add_row("last sequence", str(row.last_sequence), "" if on_chain is None else str(on_chain.last_sequence))
    for direction, stored, credited in (
        ("generated kWh", row.credited_generation_wh, None if on_chain is None else on_chain.credited_generation_wh),
        ("consumed kWh", row.credited_consumption_wh, None if on_chain is None else on_chain.credited_consumption_wh),
    ):
        table.add_row(direction, str(kwh_from_wh(stored)), "" if credited is None else str(kwh_from_wh(credited)))
    if on_chain is not None:
        table.add_row("settled net kWh", "", str(kwh_from_wh(on_chain.settled_net_wh)))
    table.add_row("held from", "nothing held" if row.held_from_sequence is None else str(row.held_from_sequence), "")
    table.add_row("tokens go to", row.token_account, "" if on_chain is None else str(on_chain.token_account))
    _CONSOLE.print(table)


async def _show(name: str) -> tuple[MeterRow, MeterAccount | None]:
    async with open_session() as session:
        async with session.store.read() as rows:
            row = await show_meter(rows, name)
        return row, await read_meter(session.chain, session.addresses, row.meter_id)


@app.command("suspend")
def suspend_device(
    meter: Annotated[str, typer.Argument(help="Meter id.")],
    reason: Annotated[str, typer.Option(help="Why, for the audit.", prompt=True)],
) -> None:
    """Suspend a meter on the chain and in the database: nothing it says is credited from now on."""
    asyncio.run(_suspend(meter, reason))
    _CONSOLE.print(f"{meter} is suspended")


async def _suspend(name: str, reason: str) -> None:
    async with open_session() as session:
        async with session.store.begin() as rows:
            row = await set_status(rows, parse_meter_id(name), MeterStatus.SUSPENDED, reason=reason, clock=session.clock)
        await _suspend_on_chain(session, row.meter_id)


async def _suspend_on_chain(session: Session, meter_id: str) -> None:
    """The database first: what is received from now on is refused, whatever becomes of the transaction."""
    account = await read_meter(session.chain, session.addresses, meter_id)
    if account is None or account.status == MeterStatus.SUSPENDED:
        return
    keys = session.keys.authorities()
    instruction = registry.set_meter_status(
        session.addresses, authorities=[keys.provisioner.pubkey], meter_id=meter_id, status=int(MeterStatus.SUSPENDED)
    )
    await send_confirmed(session.chain, keys.payers[0], [instruction], [keys.provisioner])
