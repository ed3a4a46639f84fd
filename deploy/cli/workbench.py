"""`gridtokenx device new` and `device sign`: a meter of one's own, for trying the platform by hand."""

import asyncio
import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import typer
from solders.keypair import Keypair

from core.domain.errors import InvalidInput
from core.domain.identity import parse_meter_id
from core.domain.network import network_bytes
from core.domain.readings import AssetKind, ProofKind, Statement, StatementKind
from core.domain.units import wh_from_kwh
from core.runtime.clock import SystemClock
from core.runtime.settings import load_settings
from deploy.cli.session import open_chain
from devices.envelope import encode_binary, encode_json
from devices.keys import DeviceKey
from devices.provisioning import MeterImport, bound_by_device
from devices.provisioning.import_file import to_json_line
from devices.statement import encode_statement
from programs.client.ids import PROGRAM_IDS
from programs.client.signer import read_keypair, write_keypair

CADENCE_S = 900
HOUR_S = 3_600

app = typer.Typer(pretty_exceptions_show_locals=False)


@app.command("new")
def new_device(
    meter: Annotated[str, typer.Argument(help="Meter id: 1 to 16 of A–Z a–z 0–9 - _ .")],
    folder: Annotated[Path, typer.Option(help="Where the keys and the import file go.")],
    kind: Annotated[Literal["register", "interval"], typer.Option(help="What the meter states.")] = "register",
    asset: Annotated[
        Literal["solar", "wind", "battery", "residential", "commercial"], typer.Option(help="What stands behind it.")
    ] = "solar",
    power_out_w: Annotated[int, typer.Option(min=0, help="Rated power towards the grid, W.")] = 100_000,
    power_in_w: Annotated[int, typer.Option(min=0, help="Rated power from the grid, W.")] = 100_000,
    hours_ago: Annotated[int, typer.Option(min=0, max=160, help="How long ago its base was read; energy counts from then.")] = 24,
) -> None:
    """Draw keys for a meter and its owner, sign the binding, and write the line for `device import`."""
    meter_id = parse_meter_id(meter)
    network = asyncio.run(_network())
    device, owner = Keypair(), Keypair()
    write_keypair(folder / "device.json", device)
    write_keypair(folder / "owners" / "owner.json", owner)
    now = SystemClock().now()
    measured_at = now - now % CADENCE_S - hours_ago * HOUR_S
    statement_kind = StatementKind[kind.upper()]
    unsigned = MeterImport(
        meter_id=meter_id,
        legacy_id=None,
        owner=str(owner.pubkey()),
        asset_kind=AssetKind[asset.upper()],
        statement_kind=statement_kind,
        proof_kind=ProofKind.DEVICE if statement_kind is StatementKind.REGISTER else ProofKind.ATTESTED,
        zone=1,
        rated_power_out_w=power_out_w,
        rated_power_in_w=power_in_w,
        public_key=str(device.pubkey()),
        base_sequence=0,
        base_measured_at=measured_at,
        base_generation_wh=0,
        base_consumption_wh=0,
    )
    line = to_json_line(bound_by_device(unsigned, lambda message: bytes(device.sign_message(message)), network=network))
    (folder / "import.jsonl").write_text(line + "\n")
    typer.echo(f"owner   {owner.pubkey()}\ndevice  {device.pubkey()}\nimport  {folder / 'import.jsonl'}")


@app.command("sign")
def sign_reading(
    key: Annotated[Path, typer.Argument(help="The device's key file.")],
    meter: Annotated[str, typer.Option(help="Meter id.")],
    sequence: Annotated[int, typer.Option(min=1, help="Number of the statement; grows by one.")],
    generation: Annotated[str, typer.Option(help="kWh: the export register, or the interval's production.")] = "0",
    consumption: Annotated[str, typer.Option(help="kWh: the import register, or the interval's consumption.")] = "0",
    kind: Annotated[Literal["register", "interval"], typer.Option(help="What the numbers are.")] = "register",
    minutes_ago: Annotated[int, typer.Option(min=0, help="How long ago it was measured.")] = 0,
    binary: Annotated[bool, typer.Option("--binary", help="Write the 129-byte envelope instead of JSON.")] = False,
) -> None:
    """Sign one reading as the device would, and print its envelope."""
    network = asyncio.run(_network())
    device = DeviceKey(bytes(read_keypair(key))[:32])
    statement = Statement(
        kind=StatementKind[kind.upper()],
        network=network,
        meter_id=parse_meter_id(meter),
        sequence=sequence,
        measured_at=SystemClock().now() - minutes_ago * 60,
        generation_wh=_register("--generation", generation),
        consumption_wh=_register("--consumption", consumption),
    )
    signature = device.sign(encode_statement(statement))
    if binary:
        with os.fdopen(sys.stdout.fileno(), "wb", closefd=False) as out:
            out.write(encode_binary(statement, signature))
        return
    typer.echo(encode_json(statement, signature, public_key=device.public_key).decode())


def _register(option: str, kwh: str) -> int:
    wh = wh_from_kwh(kwh)
    if wh < 0:
        raise InvalidInput(f"{option}: {Decimal(kwh)} is negative; registers only grow")
    return wh


async def _network() -> bytes:
    async with open_chain(load_settings()) as chain:
        return network_bytes(await chain.genesis_hash(), bytes(PROGRAM_IDS.registry))
