"""`gridtokenx programs …` as an operator types it, against the embedded chain with our programs at genesis, not set up."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from solders.keypair import Keypair
from typer.testing import CliRunner

from core.runtime.clock import SystemClock
from deploy.chain import genesis_programs
from deploy.cli.app import app
from deploy.keys import KeyFolder
from programs.client.addresses import addresses_of
from programs.client.deployment.estimate import SETTING_UP_LAMPORTS
from programs.client.rpc import ChainClient
from programs.client.signer import write_keypair
from programs.localnet import GenesisProgram, Localnet, LocalnetConfig
from tests.support.svm import artifact

SOL: Final = 1_000_000_000


@dataclass
class Operator:
    """A terminal, a chain, and keys."""

    localnet: Localnet
    client: ChainClient
    keys: KeyFolder

    async def types(self, *words: str, code: int = 0, answers: str = "") -> str:
        """Run `gridtokenx programs …`; returns what it says, the refusal included."""
        where = ("--rpc", self.localnet.rpc_url, "--keys", str(self.keys.path))
        own = () if words[0] == "show" else where[2:]
        result = await asyncio.to_thread(lambda: CliRunner().invoke(app, ["programs", *words, *where[:2], *own], input=answers))
        said = f"{result.output}{result.exception or ''}"
        assert result.exit_code == code, said
        return said

    async def lamports(self) -> int:
        return await self.client.balance(self.keys.numbered("payer")[0].pubkey())


@pytest.fixture
async def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Operator]:
    monkeypatch.setenv("COLUMNS", "240")
    monkeypatch.setenv("GRIDTOKENX_DATA_DIR", str(tmp_path / "data"))
    keys = KeyFolder(path=tmp_path / "keys")
    keys.ensure(payers=1)
    async with chain_of(genesis_programs(keys.single("upgrade").pubkey())) as localnet, ChainClient(localnet.rpc_url) as client:
        localnet.chain.fund(keys.numbered("payer")[0].pubkey(), SOL)
        yield Operator(localnet, client, keys)


def chain_of(programs: tuple[GenesisProgram, ...]) -> Localnet:
    return Localnet(LocalnetConfig(now=SystemClock().now, port=0, slot_ms=20, programs=programs))


async def test_what_is_deployed_is_set_up_verified_and_then_left_alone(operator: Operator):
    before = await operator.lamports()

    planned = await operator.types("deploy", "--dry-run")
    assert await operator.lamports() == before
    done = await operator.types("deploy", "--yes")
    spent = before - await operator.lamports()
    verified, shown, again = [await operator.types(word) for word in ("verify", "show", "deploy")]

    assert planned.count("this build") == 3
    assert "then set up" in planned
    assert "WRONG" not in done + verified
    assert shown.count("this build") == 3
    assert "set up" not in again
    assert 0 < spent <= SETTING_UP_LAMPORTS
    assert before - spent == await operator.lamports()


async def test_nothing_is_sent_unless_the_operator_says_yes(operator: Operator):
    before = await operator.lamports()

    said = await operator.types("deploy", code=1, answers="n\n")

    assert "go on?" in said
    assert await operator.lamports() == before
    assert await operator.client.account(addresses_of().registry.config) is None


async def test_verification_names_what_is_not_set_up_and_who_is_not_the_authority(operator: Operator, tmp_path: Path):
    missing = await operator.types("verify", code=1)
    operator.keys = KeyFolder(path=tmp_path / "others")
    operator.keys.ensure(payers=1)
    foreign = await operator.types("verify", code=1)

    assert missing.count("not initialised") == 4
    assert foreign.count("upgraded by") == 3
    assert foreign.count("WRONG") == 3 + 4


async def test_another_authoritys_deployment_is_refused_before_anything_is_spent(operator: Operator):
    await operator.types("deploy", "--yes")
    (operator.keys.path / "authority.json").unlink()
    write_keypair(operator.keys.path / "authority.json", Keypair())
    before = await operator.lamports()

    said = await operator.types("deploy", "--yes", code=1)

    assert "not the authority key given" in said
    assert await operator.lamports() == before


async def test_another_cluster_is_refused_by_its_genesis_hash(operator: Operator):
    said = await operator.types("deploy", "--yes", "--genesis", "devnet", code=1)

    assert "it is another cluster" in said


async def test_a_different_build_is_named_and_replaced_only_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "240")
    monkeypatch.setenv("GRIDTOKENX_DATA_DIR", str(tmp_path / "data"))
    keys = KeyFolder(path=tmp_path / "keys")
    keys.ensure(payers=1)
    registry, oracle, token = genesis_programs(keys.single("upgrade").pubkey())
    stale = GenesisProgram(oracle.program_id, artifact("hostile_wrapper"), oracle.upgrade_authority)
    async with chain_of((registry, stale, token)) as localnet, ChainClient(localnet.rpc_url) as client:
        localnet.chain.fund(keys.numbered("payer")[0].pubkey(), SOL)
        operator = Operator(localnet, client, keys)

        refused = await operator.types("deploy", "--yes", code=1)
        done = await operator.types("deploy", "--yes", "--upgrade", "--program", "oracle")
        finished = await operator.types("deploy", "--yes")

    assert "oracle runs another build" in refused
    assert "got back" not in done
    assert "WRONG" not in finished


async def test_keys_are_drawn_once_and_printed_as_the_ids_file_wants_them(operator: Operator):
    first = await asyncio.to_thread(lambda: CliRunner().invoke(app, ["programs", "keys", "--keys", str(operator.keys.path)]))
    second = await asyncio.to_thread(lambda: CliRunner().invoke(app, ["programs", "keys", "--keys", str(operator.keys.path)]))

    own = {name: str(signer.pubkey) for name, signer in operator.keys.programs().items()}
    assert first.output == second.output == "".join(f'{name} = "{key}"\n' for name, key in own.items())
    assert own.keys() == {"registry", "oracle", "energy_token"}
