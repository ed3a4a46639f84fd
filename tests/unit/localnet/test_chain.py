import struct
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from programs.localnet import Chain, LocalnetError
from programs.localnet.blocks import MAX_BLOCKHASH_AGE, Commitment
from programs.localnet.execution import Refusal
from programs.localnet.fees import fee_for
from programs.localnet.transactions import Submission, TransactionRecord
from tests.unit.localnet.steps import NOON, SOL, config, execute, funded, landed, memo, pay, signed


def refused(outcome: TransactionRecord | Refusal) -> str:
    assert isinstance(outcome, Refusal), outcome
    return msgspec.json.decode(outcome.err)


def test_a_transfer_moves_lamports_and_costs_one_signature():
    chain = Chain(config())
    alice, bob = funded(chain, 10 * SOL), Keypair().pubkey()

    record = landed(chain, [pay(alice, bob, 3 * SOL)], alice)

    assert chain.balance(bob) == 3 * SOL
    assert chain.balance(alice.pubkey()) == 7 * SOL - 5000
    assert record.meta.fee == 5000


def test_a_failed_transaction_lands_with_its_error_and_pays_its_fee():
    chain = Chain(config())
    alice, bob = funded(chain, 10 * SOL), Keypair().pubkey()

    record = execute(chain, signed(chain, [pay(alice, bob, 99 * SOL)], alice))

    assert isinstance(record, TransactionRecord)
    assert record.meta.err == b'{"InstructionError":[0,{"Custom":1}]}'
    assert chain.balance(alice.pubkey()) == 10 * SOL - 5000
    assert chain.storage.transaction(record.signature) == record


def test_who_cannot_pay_the_fee_leaves_no_trace():
    chain = Chain(config())
    pauper = Keypair()

    outcome = execute(chain, signed(chain, [memo("hello")], pauper))

    assert refused(outcome) == "AccountNotFound"
    assert chain.storage.transactions_in(chain.open_slot) == []


def test_the_same_transaction_is_refused_the_second_time():
    chain = Chain(config())
    alice, bob = funded(chain), Keypair().pubkey()
    transaction = signed(chain, [pay(alice, bob, SOL)], alice)
    execute(chain, transaction)

    assert refused(execute(chain, transaction)) == "AlreadyProcessed"
    assert chain.balance(bob) == SOL


def test_the_same_message_under_another_signature_is_refused():
    chain = Chain(config())
    alice, bob = funded(chain), Keypair().pubkey()
    transaction = signed(chain, [pay(alice, bob, SOL)], alice)
    execute(chain, transaction)
    other = VersionedTransaction.populate(transaction.message, [Signature.new_unique()])

    assert refused(execute(chain, other)) == "AlreadyProcessed"


def test_a_blockhash_expires_by_block_height_and_not_a_block_earlier():
    chain = Chain(config())
    alice, bob = funded(chain), Keypair().pubkey()
    block = chain.blocks.last
    old = signed(chain, [pay(alice, bob, 1 * SOL)], alice, blockhash=block.blockhash)
    later = signed(chain, [pay(alice, bob, 2 * SOL)], alice, blockhash=block.blockhash)

    while chain.block_height(Commitment.PROCESSED) < block.last_valid_height:
        chain.close_slot()
    assert isinstance(execute(chain, old), TransactionRecord)
    chain.close_slot()

    assert chain.block_height(Commitment.PROCESSED) == block.height + MAX_BLOCKHASH_AGE + 1
    assert refused(execute(chain, later)) == "BlockhashNotFound"
    assert chain.balance(bob) == SOL


def test_a_blockhash_of_another_chain_is_unknown():
    chain, other = Chain(config()), Chain(config())
    alice = funded(chain)

    outcome = execute(chain, signed(chain, [memo("hi")], alice, blockhash=other.blocks.last.blockhash))

    assert refused(outcome) == "BlockhashNotFound"
    assert chain.identity.genesis_hash != other.identity.genesis_hash


def test_a_seed_makes_the_same_chain_again():
    first, second = Chain(config(seed=b"seed")), Chain(config(seed=b"seed"))

    assert first.identity.genesis_hash == second.identity.genesis_hash
    assert first.close_slot() == second.close_slot()


def test_another_seed_on_an_existing_chain_is_refused(tmp_path: Path):
    Chain(config(tmp_path, seed=b"one")).close()

    with pytest.raises(LocalnetError, match="another genesis seed"):
        Chain(config(tmp_path, seed=b"two"))


def test_two_chains_cannot_share_a_directory(tmp_path: Path):
    chain = Chain(config(tmp_path))

    with pytest.raises(LocalnetError, match="stop the other localnet"):
        Chain(config(tmp_path))
    chain.close()


def test_naming_an_account_twice_is_refused():
    chain = Chain(config())
    alice = funded(chain)
    message = signed(chain, [pay(alice, Keypair().pubkey(), SOL)], alice).message
    keys = [message.account_keys[0], message.account_keys[2], message.account_keys[2]]
    twice = MessageV0(message.header, keys, message.recent_blockhash, message.instructions, [])
    transaction = VersionedTransaction.populate(twice, [alice.sign_message(to_bytes_versioned(twice))])

    assert refused(execute(chain, transaction)) == "AccountLoadedTwice"


def test_more_than_64_accounts_are_refused():
    chain = Chain(config())
    alice = funded(chain)
    metas = [AccountMeta(Pubkey.new_unique(), is_signer=False, is_writable=False) for _ in range(64)]
    message = Message.new_with_blockhash([Instruction(memo("").program_id, b"x", metas)], alice.pubkey(), _recent(chain))

    assert refused(execute(chain, VersionedTransaction(message, [alice]))) == "TooManyAccountLocks"


def _recent(chain: Chain) -> Hash:
    return signed(chain, [], Keypair()).message.recent_blockhash


@given(price=st.integers(0, 10_000_000), limit=st.none() | st.integers(1_000, 1_400_000), memos=st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_the_fee_foretold_is_the_fee_charged(price: int, limit: int | None, memos: int):
    chain = Chain(config())
    alice = funded(chain)
    instructions = [set_compute_unit_price(price), *(memo(f"memo {number}") for number in range(memos))]
    if limit is not None:
        instructions.append(set_compute_unit_limit(limit))
    transaction = signed(chain, instructions, alice)

    record = execute(chain, transaction)

    assert isinstance(record, TransactionRecord)
    assert record.meta.fee == fee_for(transaction.message)


def test_lamports_are_neither_made_nor_lost_but_for_fees():
    chain = Chain(config())
    before = chain.accounts.total_lamports()
    alice = funded(chain)
    fees = sum(record.meta.fee for record in chain.storage.transactions_in(chain.open_slot))

    record = landed(chain, [pay(alice, Keypair().pubkey(), SOL)], alice)

    assert chain.accounts.total_lamports() == before - fees - record.meta.fee


def test_the_faucet_gives_the_same_amount_twice_in_one_slot():
    chain = Chain(config())
    bob = Keypair().pubkey()

    signatures = {chain.fund(bob, SOL), chain.fund(bob, SOL)}

    assert len(signatures) == 2
    assert chain.balance(bob) == 2 * SOL


def test_the_faucet_says_so_when_it_cannot_give():
    with pytest.raises(LocalnetError, match="cannot give"):
        Chain(config()).fund(Keypair().pubkey(), 1)  # less than the rent minimum


def test_a_transfer_may_not_leave_an_account_below_the_rent_minimum():
    chain = Chain(config())
    alice, bob = funded(chain, 10 * SOL), Keypair().pubkey()

    record = execute(chain, signed(chain, [pay(alice, bob, 1)], alice))

    assert isinstance(record, TransactionRecord)
    assert record.meta.err == b'{"InsufficientFundsForRent":{"account_index":1}}'
    assert (chain.balance(bob), chain.balance(alice.pubkey())) == (0, 10 * SOL - 5000)


def test_an_account_may_be_emptied():
    chain = Chain(config())
    alice, bob = funded(chain, 10 * SOL), funded(chain, SOL)

    landed(chain, [pay(bob, alice.pubkey(), SOL)], alice, bob)

    assert chain.account(bob.pubkey()) is None
    assert landed(chain, [pay(alice, bob.pubkey(), SOL)], alice).meta.post_balances[1] == SOL


def test_a_failed_transaction_pays_its_priority_fee_too():
    chain = Chain(config())
    alice = funded(chain, 10 * SOL)
    instructions = [set_compute_unit_price(10_000_000), set_compute_unit_limit(100_000), pay(alice, Keypair().pubkey(), 99 * SOL)]

    record = execute(chain, signed(chain, instructions, alice))

    assert isinstance(record, TransactionRecord)
    assert record.meta.fee == 1_005_000
    assert chain.balance(alice.pubkey()) == 10 * SOL - 1_005_000


def test_a_simulation_leaves_the_payer_as_he_was():
    chain = Chain(config())
    alice = funded(chain, 10 * SOL)
    transaction = signed(chain, [set_compute_unit_price(10_000_000), memo("x")], alice)

    assert chain.simulate(Submission(transaction)).err is None
    assert isinstance(execute(chain, transaction), TransactionRecord)
    assert chain.balance(alice.pubkey()) == 10 * SOL - fee_for(transaction.message)


def test_the_clock_follows_the_wall_clock_and_never_runs_back():
    times = iter([NOON, NOON + 60, NOON + 30, NOON + 90])
    chain = Chain(config(now=lambda: next(times)))

    assert [chain.unix_time() for _ in range(3)] == [NOON + 60, NOON + 60, NOON + 90]


def test_commitments_follow_the_slots():
    chain = Chain(config(finality_slots=3))
    alice = funded(chain)
    slot = landed(chain, [memo("hi")], alice).slot

    levels = [chain.commitment_of(slot)]
    for _ in range(4):
        chain.close_slot()
        levels.append(chain.commitment_of(slot))

    confirmed = [Commitment.CONFIRMED] * 3
    assert levels == [Commitment.PROCESSED, *confirmed, Commitment.FINALIZED]


def test_blocks_chain_by_their_hashes_and_count_transactions():
    chain = Chain(config())
    alice = funded(chain)
    landed(chain, [memo("hi")], alice)

    first, second = chain.close_slot(), chain.close_slot()

    assert second.previous_blockhash == first.blockhash
    assert (second.parent_slot, second.height) == (first.slot, first.height + 1)
    assert (first.transaction_count, second.transaction_count, second.total_transactions) == (2, 0, 2)


@given(junk=st.binary(max_size=64), accounts=st.lists(st.integers(0, 3), max_size=6))
@settings(max_examples=60, deadline=None)
def test_no_instruction_stops_the_chain(junk: bytes, accounts: list[int]):
    chain = Chain(config())
    alice, bob = funded(chain), Keypair()
    known = [alice.pubkey(), bob.pubkey(), Pubkey.default(), Pubkey.from_string("SysvarC1ock11111111111111111111111111111111")]
    metas = [AccountMeta(known[index], is_signer=False, is_writable=index < 2) for index in accounts]
    programs = (Pubkey.default(), memo("").program_id, Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111"))

    for program in programs:
        execute(chain, signed(chain, [Instruction(program, junk, metas)], alice))

    assert isinstance(chain.simulate(Submission(signed(chain, [memo("still here")], alice))).meta, object)


@pytest.mark.parametrize("genuine", [True, False])
def test_the_ed25519_program_still_checks_signatures(*, genuine: bool):
    chain, device = Chain(config()), Keypair()
    alice = funded(chain)
    said = b"a meter's statement"
    signature = bytes(device.sign_message(said if genuine else b"something else"))
    offsets = struct.pack("<7H", 48, 0xFFFF, 16, 0xFFFF, 112, len(said), 0xFFFF)
    data = b"\x01\x00" + offsets + bytes(device.pubkey()) + signature + said
    check = Instruction(Pubkey.from_string("Ed25519SigVerify111111111111111111111111111"), data, [])
    transaction = signed(chain, [check], alice)

    record = execute(chain, transaction)

    assert isinstance(record, TransactionRecord)
    assert (record.meta.err is None) is genuine
    assert record.meta.fee == fee_for(transaction.message) == 10_000
