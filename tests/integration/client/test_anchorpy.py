"""anchorpy, as a dApp would use it, over the committed legacy descriptions."""

import json
from pathlib import Path

import pytest
from anchorpy import Idl, Program, Provider, Wallet
from solana.rpc.async_api import AsyncClient
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from examples.typed_client import RegistryClient
from programs.client import by_hand, enrolment
from programs.client.accounts import MeterAccount
from programs.client.bootstrap import ensure_balance, initialise
from programs.client.by_hand import MeterPlate
from programs.client.confirmation import send_confirmed
from programs.client.instructions import registry
from programs.client.instructions.oracle import submit_meter_reading
from programs.client.signer import KeypairSigner
from tests.support.deployed import SOL, deployed
from tests.support.grid import Grid

IDL = Path(__file__).parents[3] / "programs" / "idl"
WH = 1_000_000


def _program(name: str) -> Program:
    address = json.loads((IDL / f"{name}.json").read_text())["address"]
    idl = Idl.from_json((IDL / "legacy" / f"{name}.json").read_text())
    return Program(idl, Pubkey.from_string(address), Provider(AsyncClient("http://127.0.0.1:9"), Wallet(Keypair())))


@pytest.mark.parametrize("name", ["registry", "oracle", "energy_token"])
def test_the_legacy_description_is_read_and_has_every_instruction(name: str):
    described = {row["name"] for row in json.loads((IDL / f"{name}.json").read_text())["instructions"]}

    assert set(_program(name).rpc) == described


def test_our_meter_account_is_decoded_as_our_own_client_does():
    grid = Grid.initialised()
    device = grid.meter()
    grid.submit(device.reading(1, 15_500, 2_000, measured_at=grid.now))
    data = grid.chain.data(device.address)
    assert data is not None

    theirs = _program("registry").coder.accounts.decode(data)

    ours = MeterAccount.decode(data)
    for name, wire in ours.wires:
        value = getattr(theirs, name)
        assert (bytes(value) if isinstance(wire.idl, dict) else value) == (
            ours.meter_id.encode().ljust(16, b"\0") if name == "meter_id" else getattr(ours, name)
        )


async def test_the_typed_client_reads_a_ledger_and_turns_the_crank():
    async with deployed() as chain:
        await initialise(chain.client, chain.keys)
        payer, attester = chain.keys.payers[0], chain.keys.attesters[0]
        device, owner = Keypair(), KeypairSigner(Keypair())
        await ensure_balance(chain.client, owner.pubkey, SOL)
        await enrolment.register_user(chain.client, chain.at, wallet=owner)
        await enrolment.verify_user(
            chain.client, chain.at, payer=payer, authority=chain.keys.authority, wallet=owner.pubkey, zone=1
        )
        grid_time = 1_700_000_000
        await by_hand.register_meter(
            chain.client,
            chain.at,
            MeterPlate(meter_id="MTR-001"),
            device=device,
            owner=owner,
            provisioner=chain.keys.provisioner,
            payer=payer,
            measured_at=grid_time,
        )
        statement = by_hand.next_statement(
            (await by_hand.registry_config(chain.client, chain.at)).network,
            (await by_hand.show(chain.client, chain.at, "MTR-001")).meter,
            production_wh=12_000,
            consumption_wh=0,
            measured_at=grid_time + 86_400,
        )
        place = registry.MeterAccounts(chain.at.meter("MTR-001"), chain.at.token_account(owner.pubkey))
        reading = by_hand.proven(device, statement, place)
        pair = submit_meter_reading(chain.at, submitter=attester.pubkey, readings=[reading], zones=None, instruction_index=1)
        await send_confirmed(chain.client, attester, pair)

        key = Keypair()
        await ensure_balance(chain.client, key.pubkey(), SOL)
        async with AsyncClient(chain.localnet.rpc_url) as rpc:
            client = RegistryClient(rpc, key)
            before = await client.meter("MTR-001")
            assert (before.owner, before.unsettled_wh) == (owner.pubkey, 12_000)
            await client.settle("MTR-001")
            assert (await client.meter("MTR-001")).unsettled_wh == 0

        assert await chain.client.token_balance(place.token_account) == 12_000 * WH
