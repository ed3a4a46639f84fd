"""`gridtokenx localnet`: the embedded chain alone."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from core.runtime.clock import SystemClock
from core.runtime.settings import load_settings
from core.runtime.supervisor import Supervisor
from deploy.chain import embedded_chain, fund_payers
from deploy.folders import ready_folder
from deploy.keys import KeyFolder
from programs.client.rpc import ChainClient
from programs.localnet import Localnet


def localnet(
    port: Annotated[int | None, typer.Option(min=0, max=65534, help="RPC port; WebSocket is the next one; 0 takes any.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where the chain lives; a restart with the same folder goes on.")] = None,
    slot_ms: Annotated[int | None, typer.Option(min=10, max=10_000, help="Slot time in milliseconds.")] = None,
) -> None:
    """Run the embedded chain alone, with the programs deployed: Solana JSON-RPC and WebSocket on loopback."""
    settings = load_settings()
    folder = data_dir or settings.data_dir
    chain = settings.chain.model_copy(
        update={
            "embedded_port": settings.chain.embedded_port if port is None else port,
            "slot_ms": slot_ms or settings.chain.slot_ms,
        }
    )
    keys = KeyFolder(path=folder / "keys" if data_dir else settings.keys_dir)
    ready_folder(folder, "--data-dir" if data_dir else "GRIDTOKENX_DATA_DIR")
    keys.ensure(chain.payers)
    asyncio.run(_serve(embedded_chain(folder / "chain", chain, keys, SystemClock()), keys))


async def _serve(chain: Localnet, keys: KeyFolder) -> None:
    await chain.start()
    try:
        async with ChainClient(chain.rpc_url) as client:
            await fund_payers(client, keys.authorities())
        typer.echo(f"Solana JSON-RPC  {chain.rpc_url}\nWebSocket        {chain.ws_url}\nCtrl-C stops it.")
        async with Supervisor() as supervisor:
            await supervisor.until_signal()
    finally:
        await chain.stop()
