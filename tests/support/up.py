"""`gridtokenx up` as a process of its own, to be killed and started again."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx

from core.runtime.settings import Settings

REPOSITORY: Final = Path(__file__).resolve().parents[2]
GRIDTOKENX: Final = [sys.executable, "-c", "from deploy.cli import main; main()"]
READY_WITHIN_S: Final = 60.0


def environment(settings: Settings) -> dict[str, str]:
    """The environment in which a command finds these settings, and nothing else."""
    chain = settings.chain
    urls = {"GRIDTOKENX_CHAIN__RPC_URL": chain.rpc_url, "GRIDTOKENX_CHAIN__WS_URL": chain.ws_url}
    return {
        "PATH": os.defpath,
        "PYTHONPATH": str(REPOSITORY),
        "GRIDTOKENX_DATA_DIR": str(settings.data_dir),
        "GRIDTOKENX_LOG_LEVEL": "warning",
        "GRIDTOKENX_MQTT__EMBEDDED_PORT": str(settings.mqtt.embedded_port),
        "GRIDTOKENX_CHAIN__EMBEDDED_PORT": str(chain.embedded_port),
        "GRIDTOKENX_CHAIN__SLOT_MS": str(chain.slot_ms),
        "GRIDTOKENX_CHAIN__KEYS_DIR": str(settings.keys_dir),
        "GRIDTOKENX_API__PORT": str(settings.api.port),
        **{name: url for name, url in urls.items() if url is not None},
    }


@asynccontextmanager
async def gridtokenx_up(settings: Settings, folder: Path) -> AsyncGenerator[asyncio.subprocess.Process]:
    """`gridtokenx up` in a folder, ready; killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *GRIDTOKENX, "up", cwd=folder, env=environment(settings), stdout=asyncio.subprocess.DEVNULL
    )
    try:
        await _ready(f"http://127.0.0.1:{settings.api.port}", process)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _ready(url: str, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(READY_WITHIN_S), httpx.AsyncClient(base_url=url) as http:
        while True:
            assert process.returncode is None, "gridtokenx up ended"
            try:
                if (await http.get("/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)
