import pytest
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from core.domain.errors import InvalidInput
from programs.client import transactions
from programs.client.instructions import compute_budget, ed25519, lookup_table, system, token2022
from programs.client.signer import KeypairSigner

PAYER = Keypair()
BLOCKHASH = Hash(bytes([9] * 32))


async def test_a_signed_transaction_is_what_a_node_reads():
    body = await transactions.signed(
        KeypairSigner(PAYER), [compute_budget.set_price(7), system.transfer(PAYER.pubkey(), Pubkey.new_unique(), 5)], BLOCKHASH
    )
    parsed = VersionedTransaction.from_bytes(body)
    assert parsed.verify_with_results() == [True]


async def test_a_salt_in_the_price_makes_another_signature():
    bodies = [await transactions.signed(KeypairSigner(PAYER), [compute_budget.set_price(salt)], BLOCKHASH) for salt in (1, 2)]
    assert bodies[0][1:65] != bodies[1][1:65]


async def test_a_missing_signature_is_named():
    other = Keypair().pubkey()
    with pytest.raises(InvalidInput, match=str(other)):
        await transactions.signed(KeypairSigner(PAYER), [system.transfer(other, PAYER.pubkey(), 1)], BLOCKHASH)


async def test_a_transaction_over_a_packet_is_refused():
    instruction = Instruction(Pubkey.new_unique(), bytes(1_100), [])
    with pytest.raises(InvalidInput, match="of at most 1232"):
        await transactions.signed(KeypairSigner(PAYER), [instruction], BLOCKHASH)


async def test_a_transaction_over_64_accounts_is_refused():
    addresses = [Pubkey.new_unique() for _ in range(70)]
    table = lookup_table.decode(Pubkey.new_unique(), (1).to_bytes(4, "little") + bytes(52) + b"".join(map(bytes, addresses)))
    metas = [AccountMeta(key, is_signer=False, is_writable=True) for key in addresses]
    message = transactions.compile_v0(PAYER.pubkey(), [Instruction(Pubkey.new_unique(), b"", metas)], [table], BLOCKHASH)
    assert transactions.account_count(message) == 72
    assert not transactions.fits(message)
    with pytest.raises(InvalidInput, match="locks 72 accounts"):
        transactions.wire(message, [PAYER.sign_message(b"")])


def test_the_size_is_known_before_signing():
    message = transactions.compile_v0(PAYER.pubkey(), [system.transfer(PAYER.pubkey(), Pubkey.new_unique(), 5)], [], BLOCKHASH)
    body = transactions.wire(message, [PAYER.sign_message(transactions.message_bytes(message))])
    assert transactions.size_of(message) == len(body)


def test_too_many_accounts_for_a_message_is_one_sentence():
    metas = [AccountMeta(Pubkey.new_unique(), is_signer=False, is_writable=True) for _ in range(300)]
    with pytest.raises(InvalidInput):
        transactions.compile_v0(PAYER.pubkey(), [Instruction(Pubkey.new_unique(), b"", metas)], [], BLOCKHASH)


def test_the_ed25519_entries_point_into_the_other_instruction():
    instruction = ed25519.verify_elsewhere([ed25519.Place(signature=10, key=74, message=106, message_length=64)], 3)
    assert bytes(instruction.data).hex() == "0100" + "0a00" + "0300" + "4a00" + "0300" + "6a00" + "4000" + "0300"


def test_other_accounts_are_no_lookup_table():
    with pytest.raises(InvalidInput):
        lookup_table.decode(Pubkey.new_unique(), bytes(56))


def test_a_token_account_is_read():
    mint, owner, delegate = (bytes(Pubkey.new_unique()) for _ in range(3))
    data = (
        mint
        + owner
        + (5).to_bytes(8, "little")
        + b"\1\0\0\0"
        + delegate
        + b"\1"
        + bytes(12)
        + (3).to_bytes(8, "little")
        + bytes(36)
    )
    account = token2022.TokenAccount.decode(data)
    assert (account.amount, account.delegated, account.is_frozen) == (5, 3, False)
    assert account.delegate == Pubkey(delegate)
    with pytest.raises(InvalidInput):
        token2022.TokenAccount.decode(bytes(165))


def test_the_priority_fee_is_rounded_up():
    assert compute_budget.priority_fee(60_000, 1) == 1
    assert compute_budget.priority_fee(60_000, 65_535) == 3_933
