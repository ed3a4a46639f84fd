"""Settlement throughput on the embedded chain against LiteSVM's own limit: the very same transactions, fed straight to LiteSVM.

All meters of a deployment speak at once, a few times; the bridge settles them on a chain in a process of its own. Then what
landed is executed once more by LiteSVM alone, in one process, from the same state: no network, no signatures, no disk, no rows.
Prints one JSON object. Run it as `python -m benchmarks.bench_throughput`.
"""

import asyncio
import json
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from solders.transaction import VersionedTransaction

from benchmarks.bench_cost import bridge_of
from benchmarks.large_deployment import BEFORE, deployment
from benchmarks.spoken import speak
from core.runtime import logging
from core.runtime.clock import SystemClock
from core.runtime.supervisor import Supervisor
from devices.acceptance import STANDARD
from devices.intake import Intake, SignatureVerifier
from programs.localnet import LocalnetConfig
from programs.localnet.chain import Chain
from programs.localnet.storage import Storage

METERS: Final = 480
ROUNDS: Final = 3
TRANSACTIONS_A_ROUND: Final = 60
IDLE_WITHIN_S: Final = 600.0


def main() -> None:
    """Measure and print."""
    logging.configure("error", "text")
    print(json.dumps(asyncio.run(measure()), ensure_ascii=False, indent=1))


async def measure() -> dict[str, object]:
    """Readings a second: settled by the platform, and executed by LiteSVM alone."""
    with tempfile.TemporaryDirectory(prefix="gtx-throughput-") as place:
        folder = Path(place)
        platform_s, since = await _settle(folder)
        readings = METERS * ROUNDS
        wires = _landed(folder / "chain", since)
        alone_s = _replay(folder / BEFORE, wires)
        return {
            "settlement, readings a second, platform": round(readings / platform_s),
            "settlement, readings a second, LiteSVM alone": round(readings / alone_s),
            "settlement, share of LiteSVM's own limit": round(alone_s / platform_s, 3),
            "settlement, transactions": len(wires),
        }


async def _settle(folder: Path) -> tuple[float, int]:
    """Seconds that the rounds took, and the slot before which nothing of them landed."""
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(deployment(folder, meters=METERS))
        verifier = SignatureVerifier(threads=2)
        stack.callback(verifier.close)
        bridge = bridge_of(made, max_transactions_per_round=TRANSACTIONS_A_ROUND, max_readings_per_batch=METERS)
        supervisor = await stack.enter_async_context(Supervisor(stop_deadline_s=5))
        await bridge.start(supervisor)
        intake = Intake(
            store=made.store,
            clock=SystemClock(),
            network=made.prepared.network,
            profile=STANDARD,
            verifier=verifier,
            wake=bridge.wake,
        )
        since, started = await made.client.slot(), time.perf_counter()
        for number in range(1, ROUNDS + 1):
            await intake.submit([speak(made, spec, number) for spec in made.specs])
            async with asyncio.timeout(IDLE_WITHIN_S):
                while not await bridge.is_idle():  # noqa: ASYNC110  # rows tell, no event does
                    await asyncio.sleep(0.05)
        return time.perf_counter() - started, since


def _landed(chain: Path, since: int) -> list[bytes]:
    """The bytes of what landed, in order."""
    storage = Storage(chain)
    try:
        last = storage.last_blocks(1)[0].slot
        return [record.wire for slot in range(since, last + 1) for record in storage.transactions_in(slot)]
    finally:
        storage.close()


def _replay(before: Path, wires: list[bytes]) -> float:
    """Seconds that LiteSVM alone takes for them, from the state before.

    Raises:
        RuntimeError: one did not do what it did on the chain.
    """
    chain = Chain(LocalnetConfig(data_dir=before, now=SystemClock().now))
    machine = chain._machine  # noqa: SLF001  # LiteSVM itself, with the accounts of the chain
    machine.set_time(chain.open_slot + 1, chain.unix_time())
    transactions = [VersionedTransaction.from_bytes(wire) for wire in wires]
    started = time.perf_counter()
    failed = [err for err, _ in map(machine.execute, transactions) if err is not None]
    took_s = time.perf_counter() - started
    chain.close()
    if failed:
        raise RuntimeError(f"{len(failed)} of {len(wires)} transactions fail when repeated: {failed[0].decode()}")
    return took_s


if __name__ == "__main__":
    main()
