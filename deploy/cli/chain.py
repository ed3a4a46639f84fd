"""`gridtokenx chain …`: the chain by hand, for development and for a look around."""

import asyncio
from enum import Enum
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.table import Table
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from core.domain.errors import InvalidInput
from core.domain.identity import parse_meter_id
from core.domain.readings import AssetKind, MeterStatus, ProofKind, StatementKind
from core.domain.units import kwh_from_wh, tokens_from_base_units, wh_from_kwh
from core.runtime.settings import load_settings
from deploy.cli.session import Session, open_chain, open_session
from deploy.cli.shown import console
from deploy.funds import require_funds
from deploy.keys import KeyFolder
from devices.provisioning import find_meter
from programs.client import by_hand
from programs.client.bootstrap import TokenFace, initialise
from programs.client.by_hand import MeterPlate, MeterView
from programs.client.enrolment import register_user, verify_user
from programs.client.signer import KeypairSigner, read_keypair, write_keypair

app = typer.Typer(
    help="The chain by hand: past broker and bridge, on any RPC.", no_args_is_help=True, pretty_exceptions_show_locals=False
)
_CONSOLE = console()
_Kind = TypeVar("_Kind", bound=Enum)
_LAMPORTS_PER_SOL = 1_000_000_000

MeterArgument = Annotated[str, typer.Argument(help="Meter id.")]
DeviceOption = Annotated[Path, typer.Option(help="The device's key file.")]
OwnerOption = Annotated[Path, typer.Option(help="The owner's key file.")]


@app.command("initialise")
def initialise_programs() -> None:
    """Set the deployed programs up on the chain given by URL: authorities, attesters, mint, zone 1. Safe to repeat."""
    settings = load_settings()

    async def run() -> None:
        async with open_chain(settings) as chain:
            face = TokenFace(name=settings.token.name, symbol=settings.token.symbol, uri=settings.token.uri)
            keys = KeyFolder(path=settings.keys_dir).authorities()
            await require_funds(chain, keys.payers[0].pubkey, "payer")
            await initialise(chain, keys, token=face)

    asyncio.run(run())
    _CONSOLE.print("the programs are set up")


@app.command("airdrop")
def airdrop(
    wallet: Annotated[str, typer.Argument(help="A wallet's address, or its key file.")],
    sol: Annotated[int, typer.Option(min=1, max=1_000, help="How much, in SOL.")] = 1,
) -> None:
    """Ask a test chain's faucet for lamports."""
    path = Path(wallet)
    address = read_keypair(path).pubkey() if path.is_file() else _address(wallet)

    async def run() -> str:
        async with open_chain(load_settings()) as chain:
            return await chain.airdrop(address, sol * _LAMPORTS_PER_SOL)

    _CONSOLE.print(f"{sol} SOL for {address}: {asyncio.run(run())}", soft_wrap=True)


def _address(text: str) -> Pubkey:
    try:
        return Pubkey.from_string(text)
    except ValueError as problem:
        raise InvalidInput(f"{text!r} is neither a wallet's address nor a key file") from problem


@app.command("register-meter")
def register_meter(  # a meter has this many properties
    meter: MeterArgument,
    owner: OwnerOption,
    device: DeviceOption,
    kind: Annotated[str, typer.Option(help="register or interval.")] = "register",
    proof: Annotated[str, typer.Option(help="device or attested.")] = "device",
    power_out_w: Annotated[int, typer.Option(min=0, help="Rated power towards the grid, W.")] = 100_000,
    power_in_w: Annotated[int, typer.Option(min=0, help="Rated power from the grid, W.")] = 100_000,
    hours_ago: Annotated[int, typer.Option(min=0, max=10_000, help="How long ago its base was read.")] = 24,
) -> None:
    """Register a meter with base zero, and its owner when he is not registered and verified yet.

    The device's key file is drawn when it does not exist. Only the chain learns of the meter; `device import` is the whole way.
    """
    plate = MeterPlate(
        meter_id=meter,
        rated_power_out_w=power_out_w,
        rated_power_in_w=power_in_w,
        statement_kind=_named(StatementKind, kind, "--kind"),
        proof=_named(ProofKind, proof, "--proof"),
    )
    parse_meter_id(meter)
    if not device.exists():
        write_keypair(device, Keypair())
    signature = asyncio.run(_register(plate, owner, device, hours_ago))
    _CONSOLE.print(signature or f"{meter} is registered already", soft_wrap=True)


async def _register(plate: MeterPlate, owner: Path, device: Path, hours_ago: int) -> str | None:
    wallet = KeypairSigner(read_keypair(owner))
    async with open_session() as session:
        keys = session.keys.authorities()
        payer = keys.payers[0]
        await require_funds(session.chain, wallet.pubkey, "owner")
        await register_user(session.chain, session.addresses, wallet=wallet)
        await verify_user(
            session.chain, session.addresses, payer=payer, authority=keys.authority, wallet=wallet.pubkey, zone=plate.zone
        )
        return await by_hand.register_meter(
            session.chain,
            session.addresses,
            plate,
            device=read_keypair(device),
            owner=wallet,
            provisioner=keys.provisioner,
            payer=payer,
            measured_at=session.clock.now() - hours_ago * 3_600,
        )


@app.command("submit-reading")
def submit_reading(
    meter: MeterArgument,
    device: DeviceOption,
    production: Annotated[str, typer.Option(help="kWh produced since the last reading.")] = "0",
    consumption: Annotated[str, typer.Option(help="kWh consumed since the last reading.")] = "0",
) -> None:
    """Sign the next reading of a meter made by `register-meter`, submit it and settle it in one transaction."""
    energy = wh_from_kwh(production), wh_from_kwh(consumption)

    async def run() -> str:
        async with open_session() as session:
            await _require_not_the_platforms(session, meter)
            attesters = session.keys.authorities().attesters[:1]
            await require_funds(session.chain, attesters[0].pubkey, "attester")
            return await by_hand.submit_reading(
                session.chain,
                session.addresses,
                meter,
                production_wh=energy[0],
                consumption_wh=energy[1],
                device=read_keypair(device),
                attesters=attesters,
                measured_at=session.clock.now(),
            )

    _CONSOLE.print(asyncio.run(run()), soft_wrap=True)


async def _require_not_the_platforms(session: Session, meter: str) -> None:
    """A number used up by hand would be missing in the platform's rows for ever."""
    async with session.store.read() as rows:
        if await find_meter(rows, meter) is not None:
            raise InvalidInput(
                f"{meter} is the platform's: sign its reading with `gridtokenx device sign`, and send it by MQTT or HTTP"
            )


@app.command("settle")
def settle(
    meter: MeterArgument,
    owner: Annotated[Path | None, typer.Option(help="Settle as the owner, by his key file; left out, anyone's crank.")] = None,
) -> None:
    """Mint or burn what the meter's ledger is owed."""

    async def run() -> str:
        async with open_session() as session:
            payer = session.keys.authorities().payers[0]
            as_owner = None if owner is None else KeypairSigner(read_keypair(owner))
            return await by_hand.settle(session.chain, session.addresses, meter, payer=payer, owner=as_owner)

    _CONSOLE.print(asyncio.run(run()), soft_wrap=True)


@app.command("show")
def show(meter: MeterArgument) -> None:
    """Show a meter's account, its ledger, and its owner's tokens."""

    async def run() -> MeterView:
        async with open_session() as session:
            return await _view(session, meter)

    _print(asyncio.run(run()))


async def _view(session: Session, meter: str) -> MeterView:
    return await by_hand.show(session.chain, session.addresses, meter)


def _print(view: MeterView) -> None:
    meter = view.meter
    table = Table(show_header=False, box=None)
    tokens = "account closed" if view.owner_base_units is None else f"{tokens_from_base_units(view.owner_base_units):f}"
    for name, value in (
        ("account", str(view.address)),
        ("owner", str(meter.owner)),
        ("owner's tokens", f"{tokens} in {meter.token_account}"),
        ("device key", str(meter.device_key)),
        ("status", MeterStatus(meter.status).name.lower()),
        ("states", f"{StatementKind(meter.statement_kind).name.lower()}, proven by {ProofKind(meter.proof).name.lower()}"),
        ("asset", AssetKind(meter.asset_kind).name.lower()),
        ("last sequence", f"{meter.last_sequence} at {meter.last_measured_at}"),
        ("generated", f"{kwh_from_wh(meter.credited_generation_wh)} kWh"),
        ("consumed", f"{kwh_from_wh(meter.credited_consumption_wh)} kWh"),
        ("settled net", f"{kwh_from_wh(meter.settled_net_wh)} kWh"),
        ("supply", f"{tokens_from_base_units(view.supply_base_units):f}"),
    ):
        table.add_row(name, value)
    _CONSOLE.print(table)


def _named(kinds: type[_Kind], name: str, option: str) -> _Kind:
    try:
        return kinds[name.upper()]
    except KeyError as problem:
        raise InvalidInput(f"{option}: one of {', '.join(kind.name.lower() for kind in kinds)}") from problem
