from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed
from solana.rpc.types import MemcmpOpts, TokenAccountOpts
from solders.account_decoder import ParsedAccount
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import CreateAccountParams, create_account
from solders.token.associated import get_associated_token_address
from spl.token.constants import TOKEN_2022_PROGRAM_ID, TOKEN_PROGRAM_ID
from spl.token.instructions import (
    ApproveParams,
    BurnParams,
    CloseAccountParams,
    InitializeMintParams,
    MintToParams,
    TransferCheckedParams,
    approve,
    burn,
    close_account,
    create_associated_token_account,
    initialize_mint,
    mint_to,
    transfer_checked,
)

from tests.integration.localnet.steps import confirmed, funded

DECIMALS = 9
MINT_SIZE = 82
KWH = 10**DECIMALS


@dataclass
class Tokens:
    """A mint, and two holders of which the first has everything."""

    client: AsyncClient
    program: Pubkey
    alice: Keypair
    bob: Keypair
    mint: Pubkey

    def account_of(self, owner: Keypair) -> Pubkey:
        return get_associated_token_address(owner.pubkey(), self.mint, self.program)

    async def transfer(self, amount: int):
        params = TransferCheckedParams(
            program_id=self.program,
            source=self.account_of(self.alice),
            mint=self.mint,
            dest=self.account_of(self.bob),
            owner=self.alice.pubkey(),
            amount=amount,
            decimals=DECIMALS,
        )
        return await confirmed(self.client, [transfer_checked(params)], self.alice)


@pytest.fixture(params=[TOKEN_PROGRAM_ID, TOKEN_2022_PROGRAM_ID], ids=["spl-token", "spl-token-2022"])
async def tokens(request: pytest.FixtureRequest, client: AsyncClient) -> Tokens:
    program: Pubkey = request.param
    alice, bob, mint = await funded(client), await funded(client), Keypair()
    rent = (await client.get_minimum_balance_for_rent_exemption(MINT_SIZE)).value
    created = Tokens(client, program, alice, bob, mint.pubkey())
    instructions = [
        create_account(
            CreateAccountParams(
                from_pubkey=alice.pubkey(), to_pubkey=mint.pubkey(), lamports=rent, space=MINT_SIZE, owner=program
            )
        ),
        initialize_mint(
            InitializeMintParams(
                decimals=DECIMALS, program_id=program, mint=mint.pubkey(), mint_authority=alice.pubkey(), freeze_authority=None
            )
        ),
        create_associated_token_account(alice.pubkey(), alice.pubkey(), mint.pubkey(), program),
        create_associated_token_account(alice.pubkey(), bob.pubkey(), mint.pubkey(), program),
        mint_to(MintToParams(program, mint.pubkey(), created.account_of(alice), alice.pubkey(), 5 * KWH)),
    ]
    await confirmed(client, instructions, alice, mint)
    return created


def parsed_info(data: ParsedAccount) -> dict[str, Any]:
    """What a parsed account says of itself."""
    return msgspec.json.decode(data.to_json())["parsed"]["info"]


async def test_a_transfer_shows_in_balances_supply_and_history(tokens: Tokens, client: AsyncClient):
    signature = await tokens.transfer(2 * KWH)

    held = (await client.get_token_account_balance(tokens.account_of(tokens.bob))).value
    supply = (await client.get_token_supply(tokens.mint)).value
    found = (await client.get_transaction(signature, "jsonParsed", Confirmed, 0)).value

    assert (held.amount, held.ui_amount_string, held.decimals) == (str(2 * KWH), "2", DECIMALS)
    assert supply.amount == str(5 * KWH)
    assert found is not None
    meta = found.transaction.meta
    assert meta is not None
    before = {balance.owner: balance.ui_token_amount.amount for balance in meta.pre_token_balances or []}
    after = {balance.owner: balance.ui_token_amount.amount for balance in meta.post_token_balances or []}
    assert before == {tokens.alice.pubkey(): str(5 * KWH), tokens.bob.pubkey(): "0"}
    assert after == {tokens.alice.pubkey(): str(3 * KWH), tokens.bob.pubkey(): str(2 * KWH)}


async def test_creating_an_associated_account_shows_its_inner_calls_with_their_depth(tokens: Tokens, client: AsyncClient):
    carol = Keypair()
    instruction = create_associated_token_account(tokens.alice.pubkey(), carol.pubkey(), tokens.mint, tokens.program)
    signature = await confirmed(client, [instruction], tokens.alice)

    found = (await client.get_transaction(signature, "json", Confirmed, 0)).value

    assert found is not None
    assert found.transaction.meta is not None
    inner = found.transaction.meta.inner_instructions
    assert inner is not None
    assert inner[0].index == 0
    assert {getattr(call, "stack_height", None) for call in inner[0].instructions} == {2}


async def test_token_accounts_are_found_by_owner_mint_program_and_delegate(tokens: Tokens, client: AsyncClient):
    spender = Keypair().pubkey()
    account = tokens.account_of(tokens.alice)
    await confirmed(client, [approve(ApproveParams(tokens.program, account, spender, tokens.alice.pubkey(), KWH))], tokens.alice)
    owner = tokens.alice.pubkey()

    by_mint = (await client.get_token_accounts_by_owner(owner, TokenAccountOpts(mint=tokens.mint))).value
    by_program = (await client.get_token_accounts_by_owner_json_parsed(owner, TokenAccountOpts(program_id=tokens.program))).value
    by_delegate = (await client.get_token_accounts_by_delegate_json_parsed(spender, TokenAccountOpts(mint=tokens.mint))).value
    largest = (await client.get_token_largest_accounts(tokens.mint)).value

    assert [entry.pubkey for entry in by_mint] == [account]
    info, delegated = parsed_info(by_program[0].account.data), parsed_info(by_delegate[0].account.data)
    assert (info["owner"], info["tokenAmount"]["amount"], info["state"]) == (str(owner), str(5 * KWH), "initialized")
    assert delegated["delegatedAmount"]["amount"] == str(KWH)
    assert largest[0].address == account


async def test_program_accounts_are_filtered_by_bytes_and_size(tokens: Tokens, client: AsyncClient):
    filters = [MemcmpOpts(offset=0, bytes=str(tokens.mint)), MemcmpOpts(offset=32, bytes=str(tokens.bob.pubkey()))]

    found = (await client.get_program_accounts(tokens.program, filters=filters, encoding="base64")).value
    mints = (await client.get_program_accounts(tokens.program, filters=[MINT_SIZE], encoding="base64")).value
    none = (await client.get_program_accounts(tokens.program, filters=[*filters, MINT_SIZE], encoding="base64")).value

    assert [entry.pubkey for entry in found] == [tokens.account_of(tokens.bob)]
    assert [entry.pubkey for entry in mints] == [tokens.mint]
    assert none == []


async def test_a_mint_is_read_parsed(tokens: Tokens, client: AsyncClient):
    account = (await client.get_account_info_json_parsed(tokens.mint)).value

    assert account is not None
    assert isinstance(account.data, ParsedAccount)
    info = parsed_info(account.data)
    assert (info["supply"], info["mintAuthority"], info["decimals"]) == (str(5 * KWH), str(tokens.alice.pubkey()), DECIMALS)


async def test_a_closed_token_account_is_gone_and_can_come_back_empty(tokens: Tokens, client: AsyncClient):
    account, alice = tokens.account_of(tokens.alice), tokens.alice
    await confirmed(
        client,
        [
            burn(BurnParams(tokens.program, account, tokens.mint, alice.pubkey(), 5 * KWH)),
            close_account(CloseAccountParams(tokens.program, account, alice.pubkey(), alice.pubkey())),
        ],
        alice,
    )
    gone = (await client.get_account_info(account)).value

    await confirmed(client, [create_associated_token_account(alice.pubkey(), alice.pubkey(), tokens.mint, tokens.program)], alice)

    assert gone is None
    assert (await client.get_token_account_balance(account)).value.amount == "0"
    assert (await client.get_token_supply(tokens.mint)).value.amount == "0"
