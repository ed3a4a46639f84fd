from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.system_program import CreateAccountParams, create_account

from programs.localnet import GenesisProgram, Localnet
from programs.localnet.genesis import program_data_address
from tests.integration.localnet.steps import SOL, confirmed, fast, signed
from tests.unit.localnet.steps import associated_token_elf, memo_elf

LOADER = Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111")
CLOCK = Pubkey.from_string("SysvarC1ock11111111111111111111111111111111")
RENT = Pubkey.from_string("SysvarRent111111111111111111111111111111111")
CHUNK = 900  # bytes of a program that fit one transaction


@dataclass
class Deployment:
    """A program deployed at genesis, and who may upgrade it."""

    localnet: Localnet
    client: AsyncClient
    program: Pubkey
    authority: Keypair


@pytest.fixture
async def deployment(tmp_path: Path) -> AsyncIterator[Deployment]:
    program, authority = Pubkey.new_unique(), Keypair()
    config = fast(tmp_path, (GenesisProgram(program, memo_elf(), authority.pubkey()),))
    async with Localnet(config) as localnet, AsyncClient(localnet.rpc_url, Confirmed) as client:
        localnet.chain.fund(authority.pubkey(), 100 * SOL)
        yield Deployment(localnet, client, program, authority)


def meta(key: Pubkey, role: str) -> AccountMeta:
    return AccountMeta(key, is_signer="s" in role, is_writable="w" in role)


async def upload(deployment: Deployment, elf: bytes) -> Pubkey:
    """A loader buffer that holds a program."""
    authority, buffer, size = deployment.authority, Keypair(), 37 + len(elf)
    rent = (await deployment.client.get_minimum_balance_for_rent_exemption(size)).value
    payer = authority.pubkey()
    create = create_account(
        CreateAccountParams(from_pubkey=payer, to_pubkey=buffer.pubkey(), lamports=rent, space=size, owner=LOADER)
    )
    initialise = Instruction(LOADER, (0).to_bytes(4, "little"), [meta(buffer.pubkey(), "w"), meta(payer, "")])
    await confirmed(deployment.client, [create, initialise], authority, buffer)
    for start in range(0, len(elf), CHUNK):
        chunk = elf[start : start + CHUNK]
        data = (1).to_bytes(4, "little") + start.to_bytes(4, "little") + len(chunk).to_bytes(8, "little") + chunk
        write = Instruction(LOADER, data, [meta(buffer.pubkey(), "w"), meta(payer, "s")])
        await deployment.client.send_transaction(await signed(deployment.client, [write], authority))
    return buffer.pubkey()


def upgrade(program: Pubkey, buffer: Pubkey, authority: Pubkey) -> Instruction:
    data_account = program_data_address(program)
    metas = [meta(data_account, "w"), meta(program, "w"), meta(buffer, "w"), meta(authority, "w")]
    return Instruction(LOADER, (3).to_bytes(4, "little"), [*metas, meta(RENT, ""), meta(CLOCK, ""), meta(authority, "s")])


def extend(program: Pubkey, payer: Pubkey, more: int) -> Instruction:
    metas = [meta(program_data_address(program), "w"), meta(program, "w"), meta(SYSTEM_PROGRAM, ""), meta(payer, "sw")]
    return Instruction(LOADER, (6).to_bytes(4, "little") + more.to_bytes(4, "little"), metas)


async def test_the_upgrade_authority_can_be_read(deployment: Deployment):
    program = (await deployment.client.get_account_info(deployment.program)).value
    data = (await deployment.client.get_account_info(program_data_address(deployment.program))).value

    assert program is not None
    assert data is not None
    assert (program.owner, program.executable) == (LOADER, True)
    assert program.data == bytes([2, 0, 0, 0]) + bytes(program_data_address(deployment.program))
    assert data.data[:13] == bytes([3, 0, 0, 0]) + bytes(8) + b"\x01"
    assert data.data[13:45] == bytes(deployment.authority.pubkey())
    assert data.data[45:] == memo_elf()


async def test_the_program_runs(deployment: Deployment):
    memo = Instruction(deployment.program, b"hello", [])

    value = (await deployment.client.simulate_transaction(await signed(deployment.client, [memo], deployment.authority))).value

    assert 'Program log: Memo (len 5): "hello"' in (value.logs or [])


async def test_the_real_loader_upgrades_the_program_for_good(deployment: Deployment, tmp_path: Path):
    client, authority, program = deployment.client, deployment.authority, deployment.program
    new = associated_token_elf()
    buffer = await upload(deployment, new)
    await confirmed(client, [extend(program, authority.pubkey(), len(new) - len(memo_elf()))], authority)

    await confirmed(client, [upgrade(program, buffer, authority.pubkey())], authority)

    value = (await client.simulate_transaction(await signed(client, [Instruction(program, b"hello", [])], authority))).value
    assert "InvalidInstructionData" in str(value.err)  # the associated token program does not take memos
    await deployment.localnet.stop()
    async with Localnet(fast(tmp_path)) as again:
        data = again.chain.account(program_data_address(program))
        assert data is not None
        assert data.data[45:] == new


async def test_a_stranger_cannot_upgrade(deployment: Deployment):
    client, stranger = deployment.client, Keypair()
    deployment.localnet.chain.fund(stranger.pubkey(), 10 * SOL)
    buffer = await upload(deployment, memo_elf())

    attempt = await signed(client, [upgrade(deployment.program, buffer, stranger.pubkey())], stranger)
    value = (await client.simulate_transaction(attempt)).value

    assert "IncorrectAuthority" in str(value.err)
