"""The deployer against the embedded chain: the real loader's instructions, interrupted anywhere, upgraded, refused."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair

from core.domain.errors import Conflict, InvalidInput, Unavailable
from programs.client.confirmation import send_confirmed
from programs.client.deployment import (
    Build,
    Deployer,
    DeployerKeys,
    ProgramSurvey,
    Step,
    close_buffers,
    estimate,
    leftover_buffers,
    require_balance,
    survey,
)
from programs.client.deployment.estimate import Estimate
from programs.client.instructions import system, upgradeable_loader
from programs.client.rpc import ChainClient, Commitment, TransactionRefused
from programs.client.signer import KeypairSigner
from programs.localnet import Localnet
from tests.integration.localnet.steps import SOL, fast
from tests.support.svm import artifact

FIRST, NEXT = artifact("hostile_wrapper"), artifact("energy_token")
"""A program of 5.9 kB and one of 42 kB."""
TRANSACTIONS = 9
"""Of a whole deployment of the first: buffer, seven chunks, deployment."""


class PowerCut(Exception):  # noqa: N818  # named after what happens
    """The process ends here."""


class FailingWire(ChainClient):
    """A node that `left` transactions reach before the process dies; the rest of what was in flight goes down with it."""

    def __init__(self, url: str, left: int) -> None:
        super().__init__(url)
        self._left = left

    async def send(self, wire: bytes, *, skip_preflight: bool = False, max_retries: int = 0) -> str:
        if self._left == 0:
            raise PowerCut
        self._left -= 1
        return await super().send(wire, skip_preflight=skip_preflight, max_retries=max_retries)


class LossyWire(ChainClient):
    """A node that loses every other transaction and says nothing."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._count = 0

    async def send(self, wire: bytes, *, skip_preflight: bool = False, max_retries: int = 0) -> str:
        self._count += 1
        if self._count % 2 and skip_preflight:
            return "lost"
        return await super().send(wire, skip_preflight=skip_preflight, max_retries=max_retries)


class StaleWire(ChainClient):
    """A node some of whose blockhashes, by the order in which they are asked for, have expired before anything is sent."""

    def __init__(self, url: str, stale: set[int]) -> None:
        super().__init__(url)
        self._stale = stale
        self.asked = 0

    async def latest_blockhash(self, commitment: Commitment | None = None) -> tuple[Hash, int]:
        self.asked += 1
        return (Hash.new_unique(), 0) if self.asked in self._stale else await super().latest_blockhash(commitment)


class DeafWire(ChainClient):
    """A node that takes no program code, and whose every blockhash expires at once."""

    async def latest_blockhash(self, commitment: Commitment | None = None) -> tuple[Hash, int]:
        return (await super().latest_blockhash(commitment))[0], 0

    async def send(self, wire: bytes, *, skip_preflight: bool = False, max_retries: int = 0) -> str:
        return "lost" if skip_preflight else await super().send(wire, max_retries=max_retries)


@dataclass
class Site:
    """A chain without programs, an operator's keys, and a build."""

    localnet: Localnet
    client: ChainClient
    keys: DeployerKeys
    build: Build

    def deployer(self, client: ChainClient | None = None) -> Deployer:
        return Deployer(client or self.client, self.keys, lambda _program, _step, _share: None)

    async def seen(self) -> ProgramSurvey:
        return (await survey(self.client, [self.build], self.keys.authority.pubkey))[0]

    async def answer(self) -> str:
        """What the program says to a call without data: its own refusal, if it runs."""
        with pytest.raises(TransactionRefused) as refusal:
            await send_confirmed(self.client, self.keys.payer, [Instruction(self.build.program_id, b"", [])])
        return refusal.value.name

    async def cost(self) -> Estimate:
        payer, authority = self.keys.payer.pubkey, self.keys.authority.pubkey
        return await estimate(self.client, [await self.seen()], payer=payer, authority=authority, sets_up=False)

    async def lamports(self) -> int:
        return await self.client.balance(self.keys.payer.pubkey)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    payer, authority, program = KeypairSigner(Keypair()), KeypairSigner(Keypair()), KeypairSigner(Keypair())
    keys = DeployerKeys(payer=payer, authority=authority, programs={"registry": program})
    async with Localnet(fast(tmp_path)) as localnet, ChainClient(localnet.rpc_url) as client:
        localnet.chain.fund(payer.pubkey, 10 * SOL)
        yield Site(localnet, client, keys, Build("registry", program.pubkey, FIRST))


async def test_a_program_is_deployed_under_the_upgradeable_loader_and_runs(site: Site):
    before, cost = await site.lamports(), await site.cost()

    await site.deployer().run([site.build])

    seen = await site.seen()
    assert seen.is_current
    assert seen.data is not None
    assert seen.data.upgrade_authority == site.keys.authority.pubkey
    assert seen.deployed_checksum == site.build.checksum
    assert await site.answer() == "InvalidInstructionData"
    assert 0 < before - await site.lamports() <= cost.stays + cost.fees
    assert await leftover_buffers(site.client, [site.build], site.keys.authority.pubkey) == []


@pytest.mark.parametrize("landed", range(TRANSACTIONS))
async def test_a_deployment_cut_anywhere_is_finished_by_the_next_and_nothing_is_paid_twice(site: Site, landed: int):
    before, cost = await site.lamports(), await site.cost()
    async with FailingWire(site.localnet.rpc_url, landed) as failing:
        with pytest.raises((PowerCut, ExceptionGroup)):
            await site.deployer(failing).run([site.build])

    await site.deployer().run([site.build])

    assert (await site.seen()).next_step is Step.NOTHING
    assert before - await site.lamports() <= cost.stays + cost.fees
    assert await leftover_buffers(site.client, [site.build], site.keys.authority.pubkey) == []


async def test_lost_chunks_are_written_again(site: Site):
    async with LossyWire(site.localnet.rpc_url) as lossy:
        await site.deployer(lossy).run([site.build])

    assert (await site.seen()).is_current


@pytest.mark.parametrize("stale", [{1}, {2}, {2, 3}, {1, 3, 4}], ids=["buffer", "code", "code twice", "every step"])
async def test_an_expired_blockhash_is_replaced_by_block_height(site: Site, stale: set[int]):
    async with StaleWire(site.localnet.rpc_url, stale) as late:
        await site.deployer(late).run([site.build])

    assert late.asked == len(stale) + 3, "buffer, code and deployment take one each that is valid"
    assert (await site.seen()).is_current


async def test_a_chain_that_takes_no_code_is_given_up_with_one_sentence(site: Site):
    async with DeafWire(site.localnet.rpc_url) as deaf:
        with pytest.raises(Unavailable, match="goes on from there"):
            await site.deployer(deaf).run([site.build])

    await site.deployer().run([site.build])

    assert (await site.seen()).is_current


async def test_lamports_that_somebody_sent_ahead_to_both_addresses_stop_nothing(site: Site):
    seen = await site.seen()
    gifts = [system.transfer(site.keys.payer.pubkey, key, SOL // 100) for key in (seen.buffer_address, site.build.program_id)]
    await send_confirmed(site.client, site.keys.payer, gifts)

    await site.deployer().run([site.build])

    assert (await site.seen()).is_current


async def test_an_upgrade_to_a_longer_program_makes_room_and_gives_the_buffers_rent_back(site: Site):
    await site.deployer().run([site.build])
    site.build = replace(site.build, code=NEXT)
    before, cost = await site.lamports(), await site.cost()

    await site.deployer().run([site.build])

    seen = await site.seen()
    assert seen.is_current
    assert seen.deployed_checksum == site.build.checksum
    assert before - await site.lamports() <= cost.stays + cost.fees
    assert await site.answer() != "InvalidInstructionData", "the other program answers now"


async def test_an_upgrade_to_a_shorter_program_leaves_zeros_behind_it(site: Site):
    await site.deployer().run([replace(site.build, code=NEXT)])

    await site.deployer().run([site.build])

    assert (await site.seen()).is_current
    assert await site.answer() == "InvalidInstructionData"


async def test_an_upgrade_is_refused_unless_it_is_asked_for(site: Site):
    await site.deployer().run([site.build])
    site.build = replace(site.build, code=NEXT)

    with pytest.raises(Conflict, match="give --upgrade"):
        site.deployer().require_possible([await site.seen()], may_upgrade=False)


async def test_an_upgrade_by_another_key_is_refused_before_anything_is_sent(site: Site):
    await site.deployer().run([site.build])
    site.build = replace(site.build, code=NEXT)
    site.keys = replace(site.keys, authority=KeypairSigner(Keypair()))
    before = await site.lamports()

    with pytest.raises(Conflict, match="not by the key given"):
        site.deployer().require_possible([await site.seen()], may_upgrade=True)

    assert await site.lamports() == before


@pytest.mark.parametrize(("key", "sentence"), [(None, "gridtokenx programs keys"), (Keypair(), "program-ids.toml says")])
async def test_a_new_program_needs_the_key_of_its_address(site: Site, key: Keypair | None, sentence: str):
    site.keys = replace(site.keys, programs={} if key is None else {"registry": KeypairSigner(key)})

    with pytest.raises(InvalidInput, match=sentence):
        site.deployer().require_possible([await site.seen()], may_upgrade=False)


async def test_a_program_address_that_something_else_holds_is_refused(site: Site):
    held = replace(site.build, program_id=site.keys.payer.pubkey, name="registry")
    occupied = Keypair()
    rent = await site.client.minimum_balance(1)
    taken = [system.transfer(site.keys.payer.pubkey, occupied.pubkey(), rent), system.allocate(occupied.pubkey(), 1)]
    await send_confirmed(site.client, site.keys.payer, taken, [KeypairSigner(occupied)])

    assert (await survey(site.client, [held], site.keys.authority.pubkey))[0].data is None, "a wallet is not taken for a program"
    with pytest.raises(Conflict, match="is no program"):
        await survey(site.client, [replace(held, program_id=occupied.pubkey())], site.keys.authority.pubkey)


async def test_a_payer_with_too_little_is_refused_with_what_is_missing(site: Site):
    cost = await site.cost()

    with pytest.raises(InvalidInput, match=r"send it 0\.000000001 more"):
        require_balance(cost.needed - 1, cost, site.keys.payer.pubkey)


async def test_a_half_written_buffer_is_found_and_closed_and_its_lamports_come_back(site: Site):
    before = await site.lamports()
    async with FailingWire(site.localnet.rpc_url, 3) as failing:
        with pytest.raises((PowerCut, ExceptionGroup)):
            await site.deployer(failing).run([site.build])
    authority = site.keys.authority
    found = await leftover_buffers(site.client, [site.build], authority.pubkey)

    await close_buffers(site.client, found, site.keys.payer, authority)

    fees = 100_000
    assert [row.address for row in found] == [(await site.seen()).buffer_address]
    assert await leftover_buffers(site.client, [site.build], authority.pubkey) == []
    assert before - await site.lamports() < fees


async def test_a_buffer_cannot_be_deployed_by_another_authority(site: Site):
    async with FailingWire(site.localnet.rpc_url, TRANSACTIONS - 1) as failing:
        with pytest.raises((PowerCut, ExceptionGroup)):
            await site.deployer(failing).run([site.build])
    stranger, program = KeypairSigner(Keypair()), KeypairSigner(Keypair())
    buffer, payer = (await site.seen()).buffer_address, site.keys.payer
    rent = await site.client.minimum_balance(36)
    theft = [
        system.transfer(payer.pubkey, program.pubkey, rent),
        system.allocate(program.pubkey, 36),
        system.assign(program.pubkey, upgradeable_loader.PROGRAM),
        upgradeable_loader.deploy(payer.pubkey, program.pubkey, buffer, stranger.pubkey, len(FIRST)),
    ]

    with pytest.raises(TransactionRefused, match="IncorrectAuthority"):
        await send_confirmed(site.client, payer, theft, [stranger, program])
