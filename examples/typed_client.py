"""A dApp's view of the registry: anchorpy over the committed interface description, nothing of the platform's own client.

    python examples/typed_client.py http://127.0.0.1:8899 MTR-001

shows a meter's ledger; with a key file as third argument it also turns the crank and pays the fee.
"""  # noqa: INP001  # a folder of scripts, not a package

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anchorpy import Context, Idl, Program, Provider, Wallet
from solana.rpc.async_api import AsyncClient
from solders.instruction import AccountMeta
from solders.keypair import Keypair
from solders.pubkey import Pubkey

PROGRAMS = Path(__file__).parents[1] / "programs"
TOKEN_2022 = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")


@dataclass(frozen=True)
class MeterLedger:
    """What the chain knows of a meter; energy in Wh."""

    meter_id: str
    owner: Pubkey
    token_account: Pubkey
    zone: int
    credited_generation_wh: int
    credited_consumption_wh: int
    correction_net_wh: int
    settled_net_wh: int

    @property
    def unsettled_wh(self) -> int:
        """Above zero: production not yet minted; below: consumption not yet burned."""
        return self.credited_generation_wh - self.credited_consumption_wh + self.correction_net_wh - self.settled_net_wh


class RegistryClient:
    """The registry program, typed.

    Args:
        rpc: a Solana node.
        payer: pays the fees; only needed to send.
    """

    def __init__(self, rpc: AsyncClient, payer: Keypair | None = None) -> None:
        provider = Provider(rpc, Wallet(payer or Keypair()))
        self._registry = _program("registry", provider)
        self._token = _program("energy_token", provider)

    def meter_address(self, meter_id: str) -> Pubkey:
        """Where a meter's account lies."""
        return _derived(self._registry, b"meter", meter_id.encode("ascii").ljust(16, b"\0"))

    async def meter(self, meter_id: str) -> MeterLedger:
        """Read a meter's ledger."""
        found = await self._registry.account["Meter"].fetch(self.meter_address(meter_id))
        return MeterLedger(
            meter_id=bytes(found.meter_id).rstrip(b"\0").decode("ascii"),
            owner=found.owner,
            token_account=found.token_account,
            zone=found.zone,
            credited_generation_wh=found.credited_generation_wh,
            credited_consumption_wh=found.credited_consumption_wh,
            correction_net_wh=found.correction_net_wh,
            settled_net_wh=found.settled_net_wh,
        )

    async def settle(self, meter_id: str) -> str:
        """Turn the crank: anyone may, and the tokens go to the owner. Returns the transaction's signature."""
        meter = await self.meter(meter_id)
        zone = _derived(self._registry, b"zone", meter.zone.to_bytes(4, "little"))
        places = (zone, self.meter_address(meter_id), meter.token_account)
        rest = [AccountMeta(key, is_signer=False, is_writable=True) for key in places]
        accounts = {
            "config": _derived(self._registry, b"config"),
            "event_authority": _derived(self._registry, b"__event_authority"),
            "program": self._registry.program_id,
            "registry_authority": _derived(self._registry, b"authority"),
            "energy_token_program": self._token.program_id,
            "energy_token_config": _derived(self._token, b"config"),
            "mint": _derived(self._token, b"mint"),
            "energy_token_event_authority": _derived(self._token, b"__event_authority"),
            "token_program": TOKEN_2022,
        }
        context = Context(accounts=accounts, remaining_accounts=rest)
        return str(await self._registry.rpc["settle_meter_balance"](1, ctx=context))


def _program(name: str, provider: Provider) -> Program:
    idl = Idl.from_json((PROGRAMS / "idl" / "legacy" / f"{name}.json").read_text())
    address = json.loads((PROGRAMS / "idl" / f"{name}.json").read_text())["address"]
    return Program(idl, Pubkey.from_string(address), provider)


def _derived(program: Program, *seeds: bytes) -> Pubkey:
    return Pubkey.find_program_address(list(seeds), program.program_id)[0]


async def main(url: str, meter_id: str, key_file: str | None = None) -> None:
    """Show a meter, and settle it when there is a key to pay with."""
    payer = None if key_file is None else Keypair.from_json(await asyncio.to_thread(Path(key_file).read_text))
    async with AsyncClient(url) as rpc:
        client = RegistryClient(rpc, payer)
        meter: Any = await client.meter(meter_id)
        sys.stdout.write(f"{meter}\nunsettled: {meter.unsettled_wh} Wh\n")
        if payer is not None:
            sys.stdout.write(f"settled in {await client.settle(meter_id)}\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
