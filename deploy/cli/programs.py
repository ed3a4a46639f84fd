"""`gridtokenx programs …`: the on-chain programs on any cluster."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from core.domain.errors import Unavailable
from core.runtime.settings import Settings, load_settings
from deploy.cli.session import rpc_url
from deploy.cli.shown import console
from deploy.keys import KeyFolder
from deploy.listening import require_tls_beyond_loopback
from deploy.programs import Deployment, Order, Plan
from programs.client.addresses import addresses_of
from programs.client.bootstrap import TokenFace
from programs.client.deployment import PROGRAM_NAMES, Finding, Step, committed_builds, survey, verify
from programs.client.deployment.estimate import sol
from programs.client.ids import PROGRAM_IDS
from programs.client.rpc import ChainClient
from programs.client.signer import FileSigner

app = typer.Typer(
    help="The on-chain programs: deploy, upgrade, verify.", no_args_is_help=True, pretty_exceptions_show_locals=False
)
_CONSOLE = console()

RpcOption = Annotated[str | None, typer.Option("--rpc", help="JSON-RPC URL; by default GRIDTOKENX_CHAIN__RPC_URL.")]
KeysOption = Annotated[
    Path | None, typer.Option("--keys", help="Folder of the authorities' keys; by default GRIDTOKENX_CHAIN__KEYS_DIR.")
]


@app.command("keys")
def keys(folder: KeysOption = None) -> None:
    """Draw the keys that an own deployment begins with, and print the lines for programs/program-ids.toml.

    Keys that are there stay. After changing the ids: `bash programs/build.sh`.
    """
    settings = load_settings()
    found = KeyFolder(path=folder or settings.keys_dir)
    found.ensure(settings.chain.payers)
    for name, signer in found.ensure_programs().items():
        typer.echo(f'{name} = "{signer.pubkey}"')


@app.command("deploy")
def deploy(  # a command line has as many options as its users need
    rpc: RpcOption = None,
    keys: KeysOption = None,
    keypair: Annotated[Path | None, typer.Option(help="Who pays; by default payer-0.json of the keys.")] = None,
    program: Annotated[list[str] | None, typer.Option(help="Only this one; may be given several times.")] = None,
    upgrade: Annotated[bool, typer.Option("--upgrade", help="Replace programs that run another build.")] = False,
    genesis: Annotated[
        str | None, typer.Option(help="The genesis hash, or mainnet-beta, testnet, devnet: refuse others.")
    ] = None,
    close_buffers: Annotated[
        bool,
        typer.Option(
            "--close-buffers", help="Close the upgrade authority's buffers of other builds; the payer gets their lamports."
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and its cost, and stop.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Deploy the committed builds, set them up, and verify all of it. Interrupted anywhere: run it again."""
    settings = load_settings()
    order = Order(programs=tuple(program or PROGRAM_NAMES), may_upgrade=upgrade, closes_buffers=close_buffers, genesis=genesis)
    payer = None if keypair is None else FileSigner(keypair)

    async def run() -> bool:
        async with _chain(settings, rpc) as chain:
            face = TokenFace(name=settings.token.name, symbol=settings.token.symbol, uri=settings.token.uri)
            deployment = Deployment(chain, KeyFolder(path=keys or settings.keys_dir), payer, face, order)
            plan = await deployment.plan()
            _show_plan(plan)
            if dry_run:
                return True
            plan.require_balance()
            if not plan.is_empty:
                if not yes:
                    typer.confirm("go on?", abort=True)
                await deployment.run(plan, _tell)
            spent = plan.balance - await chain.balance(plan.payer)
            _CONSOLE.print(f"spent {sol(spent)} SOL" if spent >= 0 else f"got back {sol(-spent)} SOL")
            return order.programs != PROGRAM_NAMES or _show_findings(await deployment.findings())

    raise typer.Exit(0 if asyncio.run(run()) else 1)


@app.command("verify")
def verify_programs(rpc: RpcOption = None, keys: KeysOption = None) -> None:
    """Compare code, authorities and settings on a chain with the committed builds; exit code 1 when something differs.

    Needs no keys; with the upgrade authority's in the folder, that is compared too.
    """
    settings = load_settings()
    folder = KeyFolder(path=keys or settings.keys_dir)
    authority = folder.single("upgrade").pubkey() if (folder.path / "upgrade.json").exists() else None

    async def run() -> list[Finding]:
        async with _chain(settings, rpc) as chain:
            return await verify(chain, committed_builds(), addresses_of(PROGRAM_IDS), upgrade_authority=authority)

    raise typer.Exit(0 if _show_findings(asyncio.run(run())) else 1)


@app.command("show")
def show(rpc: RpcOption = None) -> None:
    """Show each program: its address, what runs there, since when, and who can replace it."""
    settings = load_settings()

    async def run() -> None:
        async with _chain(settings, rpc) as chain:
            seen = await survey(chain, committed_builds(), addresses_of(PROGRAM_IDS).registry.id)
        table = Table("program", "address", "runs", "since slot", "upgraded by", box=None)
        for row in seen:
            slot, may = ("-", "-") if row.data is None else (str(row.data.slot), str(row.data.upgrade_authority or "nobody"))
            runs = "this build" if row.is_current else row.deployed_checksum or "not deployed"
            table.add_row(row.build.name, str(row.build.program_id), runs, slot, may)
        _CONSOLE.print(table)

    asyncio.run(run())


@asynccontextmanager
async def _chain(settings: Settings, rpc: str | None) -> AsyncGenerator[ChainClient]:
    url = rpc or rpc_url(settings)
    require_tls_beyond_loopback("--rpc", url, plain="http")
    async with ChainClient(url) as chain:
        try:
            await chain.slot()
        except Unavailable as problem:
            raise Unavailable(f"no chain answers at {url}; give its JSON-RPC URL with --rpc") from problem
        yield chain


def _show_plan(plan: Plan) -> None:
    table = Table("program", "address", "on the chain", "to do", box=None)
    for seen in plan.surveys:
        to_do = {Step.NOTHING: "nothing"}.get(seen.next_step, "deploy" if seen.data is None else "upgrade")
        there = "nothing" if seen.data is None else "this build" if seen.is_current else "another build"
        table.add_row(seen.build.name, str(seen.build.program_id), there + (", a buffer" if seen.buffer else ""), to_do)
    _CONSOLE.print(f"chain {plan.genesis}, payer {plan.payer} with {sol(plan.balance)} SOL", soft_wrap=True)
    _CONSOLE.print(table)
    if plan.sets_up:
        _CONSOLE.print("then set up: roles, attesters, mint, zone 1")
    for buffer in plan.leftovers:
        _CONSOLE.print(f"close the buffer {buffer.address}: {sol(buffer.lamports)} SOL come back", soft_wrap=True)
    cost = plan.cost
    if not plan.is_empty:
        _CONSOLE.print(
            f"at most {sol(cost.stays + cost.fees)} SOL: {sol(cost.stays)} stay as rent, {sol(cost.fees)} are fees;"
            f" {sol(cost.returns)} more are lent to buffers and come back",
            soft_wrap=True,
        )


def _tell(program: str, step: Step, share: float) -> None:
    _CONSOLE.print(f"{program}: {step.value}" + (f", {share:.0%}" if step is Step.WRITE else ""))


def _show_findings(findings: list[Finding]) -> bool:
    table = Table(box=None, show_header=False)
    for finding in findings:
        table.add_row("ok" if finding.ok else "WRONG", finding.part, finding.says)
    _CONSOLE.print(table)
    return all(finding.ok for finding in findings)
