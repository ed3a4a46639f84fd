"""Reads through the API against a bare Litestar route behind the same listener: requests a second as a ratio, and latency.

API, bare route, chain and load each run in a process of their own; bare and real requests take turns, so that both meet the
same state of the machine. Prints one JSON object. Run it as `python -m benchmarks.bench_api`.
"""

import asyncio
import json
import secrets
import sys
import tempfile
from asyncio.subprocess import PIPE
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import httpx

from benchmarks.large_deployment import Deployment, deployment
from benchmarks.processes import start
from benchmarks.spoken import speak
from core.runtime import logging
from core.runtime.clock import SystemClock
from devices.acceptance import STANDARD
from devices.intake import Intake, SignatureVerifier
from tests.support.platform import free_port

METERS: Final = 20
READINGS: Final = 60
TURNS: Final = 5
TURN_S: Final = 1.5
OPEN_S: Final = 6.0
PER_S: Final = 500
READY_WITHIN_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Served:
    """Two servers that run."""

    api: int
    bare: int
    token: str


def main() -> None:
    """Measure and print."""
    logging.configure("error", "text")
    print(json.dumps(asyncio.run(measure()), indent=1))


async def measure() -> dict[str, object]:
    """Every route's ratio and latency."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gtx-api-")))
        made = await stack.enter_async_context(deployment(folder, meters=METERS))
        await _fill(made)
        served = await _serve(stack, folder, made)
        meter, wallet = made.specs[0].meter_id, str(made.prepared.keys.payers[0].pubkey)
        paths = {
            "health": "/health",
            "list of 50 readings": f"/api/meters/{meter}/readings",
            "one page of 5 readings": f"/api/meters/{meter}/readings?limit=5",
            "token balance": f"/api/tokens/balance/{wallet}",
            "token info": "/api/tokens/info",
        }
        figures: dict[str, object] = {}
        for name, path in paths.items():
            figures |= await _measure(served, name, path)
        return figures


async def _measure(served: Served, name: str, path: str) -> dict[str, object]:
    ratios: list[float] = []
    for _ in range(TURNS):
        bare = await _load(served.bare, "/bare", "closed", TURN_S, "-")
        real = await _load(served.api, path, "closed", TURN_S, served.token)
        ratios.append(real["per_s"] / bare["per_s"])
    calm = await _load(served.api, path, "open", OPEN_S, served.token, PER_S)
    return {
        f"API, {name}: of a bare route's requests a second": {"goal": "≥ 0.5", "measured": f"{median(ratios):.2f}"},
        f"API, {name}: p50, p99 at {PER_S} a second": {
            "goal": "p99 < 20 ms",
            "measured": f"{calm['p50_ms']:.1f}, {calm['p99_ms']:.1f} ms",
        },
    }


async def _load(port: int, path: str, kind: str, seconds: float, token: str, rate: float = 0) -> dict[str, float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.http_load", str(port), path, kind, str(seconds), token, str(rate), stdout=PIPE
    )
    out, _ = await process.communicate()
    taken = json.loads(out)
    if taken["failures"]:
        raise RuntimeError(f"{taken['failures']} requests to {path} failed")
    return taken


async def _fill(made: Deployment) -> None:
    """Let every meter have said something."""
    verifier = SignatureVerifier(threads=2)
    intake = Intake(store=made.store, clock=SystemClock(), network=made.prepared.network, profile=STANDARD, verifier=verifier)
    for number in range(1, READINGS + 1):
        await intake.submit([speak(made, spec, number) for spec in made.specs])
    verifier.close()


async def _serve(stack: AsyncExitStack, folder: Path, made: Deployment) -> Served:
    served = Served(api=free_port(), bare=free_port(), token=secrets.token_urlsafe(16))
    env = {
        "GRIDTOKENX_DATA_DIR": str(folder),
        "GRIDTOKENX_LOG_LEVEL": "warning",
        "GRIDTOKENX_CHAIN__RPC_URL": made.rpc_url,
        "GRIDTOKENX_MQTT__EMBEDDED_PORT": "0",
        "GRIDTOKENX_API__PORT": str(served.api),
        "GRIDTOKENX_API__OPERATOR_TOKEN": served.token,
    }
    command = ["-c", "from deploy.cli import main; main()", "up", "--only", "api"]
    for name, arguments in (("api", command), ("bare", ["-m", "benchmarks.bare_route", str(served.bare)])):
        part = await start(name, arguments, env=env, log=folder / f"{name}.log")
        stack.push_async_callback(part.stop)
    await _until_it_answers(f"http://127.0.0.1:{served.api}/health")
    await _until_it_answers(f"http://127.0.0.1:{served.bare}/bare")
    return served


async def _until_it_answers(url: str) -> None:
    async with asyncio.timeout(READY_WITHIN_S), httpx.AsyncClient(timeout=5) as http:
        while True:
            try:
                (await http.get(url)).raise_for_status()
            except httpx.HTTPError:
                await asyncio.sleep(0.1)
            else:
                return


if __name__ == "__main__":
    main()
