from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed, Processed
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.system_program import TransferParams, transfer

from programs.localnet import Localnet
from tests.integration.localnet.steps import SOL, confirmed, funded, signed

TABLE_PROGRAM = Pubkey.from_string("AddressLookupTab1e1111111111111111111111111")


def create_table(authority: Pubkey, slot: int) -> tuple[Pubkey, Instruction]:
    table, bump = Pubkey.find_program_address([bytes(authority), slot.to_bytes(8, "little")], TABLE_PROGRAM)
    data = (0).to_bytes(4, "little") + slot.to_bytes(8, "little") + bytes([bump])
    metas = [
        AccountMeta(table, is_signer=False, is_writable=True),
        AccountMeta(authority, is_signer=True, is_writable=False),
        AccountMeta(authority, is_signer=True, is_writable=True),
        AccountMeta(SYSTEM_PROGRAM, is_signer=False, is_writable=False),
    ]
    return table, Instruction(TABLE_PROGRAM, data, metas)


def extend_table(table: Pubkey, authority: Pubkey, addresses: list[Pubkey]) -> Instruction:
    data = (2).to_bytes(4, "little") + len(addresses).to_bytes(8, "little") + b"".join(map(bytes, addresses))
    metas = [
        AccountMeta(table, is_signer=False, is_writable=True),
        AccountMeta(authority, is_signer=True, is_writable=False),
        AccountMeta(authority, is_signer=True, is_writable=True),
        AccountMeta(SYSTEM_PROGRAM, is_signer=False, is_writable=False),
    ]
    return Instruction(TABLE_PROGRAM, data, metas)


async def test_a_transaction_reaches_accounts_through_a_table(localnet: Localnet, client: AsyncClient):
    alice, others = await funded(client, 100 * SOL), [Keypair().pubkey() for _ in range(20)]
    table, create = create_table(alice.pubkey(), (await client.get_slot(Confirmed)).value)
    await confirmed(client, [create], alice)
    await confirmed(client, [extend_table(table, alice.pubkey(), others)], alice)
    known = AddressLookupTableAccount(table, others)
    payments = [transfer(TransferParams(from_pubkey=alice.pubkey(), to_pubkey=o, lamports=SOL)) for o in others]

    signature = await confirmed(client, payments, alice, tables=[known])

    found = (await client.get_transaction(signature, "json", Confirmed, 0)).value
    assert found is not None
    assert found.transaction.meta is not None
    loaded = found.transaction.meta.loaded_addresses
    assert loaded is not None
    assert set(loaded.writable) == set(others)
    assert localnet.chain.balance(others[-1]) == SOL
    assert [line.signature for line in (await client.get_signatures_for_address(others[7], commitment=Confirmed)).value] == [
        signature
    ]


async def test_a_table_that_does_not_exist_fails_preflight_by_name(client: AsyncClient):
    alice, bob = await funded(client), Keypair().pubkey()
    nowhere = AddressLookupTableAccount(Pubkey.new_unique(), [bob])
    payment = transfer(TransferParams(from_pubkey=alice.pubkey(), to_pubkey=bob, lamports=SOL))

    value = (
        await client.simulate_transaction(await signed(client, [payment], alice, tables=[nowhere]), commitment=Processed)
    ).value

    assert str(value.err) == "TransactionErrorFieldless.AddressLookupTableNotFound"
