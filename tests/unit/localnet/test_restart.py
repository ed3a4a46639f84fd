import shutil
from pathlib import Path

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from programs.localnet import Chain, GenesisProgram
from programs.localnet.blocks import Commitment
from programs.localnet.execution import Refusal
from programs.localnet.genesis import program_data_address
from programs.localnet.transactions import TransactionRecord
from tests.unit.localnet.steps import SOL, associated_token_elf, config, execute, funded, landed, memo, memo_elf, pay, signed


def crash(chain: Chain, data_dir: Path, copy: Path) -> Path:
    """What the disk holds when the process dies now: nothing is closed, nothing is flushed."""
    shutil.copytree(data_dir, copy)
    chain.storage.close()
    return copy


def test_a_restart_loses_nothing(tmp_path: Path):
    chain = Chain(config(tmp_path))
    alice, bob = funded(chain), Keypair().pubkey()
    record = landed(chain, [pay(alice, bob, SOL)], alice)
    block = chain.close_slot()
    genesis, balances = chain.identity.genesis_hash, dict(chain.accounts.items())
    chain.close()

    again = Chain(config(tmp_path))

    assert again.identity.genesis_hash == genesis
    assert dict(again.accounts.items()) == balances
    assert again.balance(bob) == SOL
    assert again.storage.transaction(record.signature) == record
    assert again.storage.block(block.slot) == block
    assert again.open_slot == block.slot + 1
    again.close()


def test_a_crash_loses_nothing_that_was_answered(tmp_path: Path):
    chain = Chain(config(tmp_path / "live"))
    alice, bob = funded(chain), Keypair().pubkey()
    chain.close_slot()
    record = landed(chain, [pay(alice, bob, SOL)], alice)

    again = Chain(config(crash(chain, tmp_path / "live", tmp_path / "dead")))

    assert again.balance(bob) == SOL
    assert again.storage.transaction(record.signature) == record
    follower = landed(again, [memo("after the crash")], alice)
    assert (follower.slot, follower.index) == (record.slot, record.index + 1)
    block = again.close_slot()
    assert (block.slot, block.transaction_count) == (record.slot, 2)
    again.close()


def test_a_restart_refuses_what_landed_before_it(tmp_path: Path):
    chain = Chain(config(tmp_path))
    alice, bob = funded(chain), Keypair().pubkey()
    transaction = signed(chain, [pay(alice, bob, SOL)], alice)
    execute(chain, transaction)
    chain.close()

    again = Chain(config(tmp_path))
    outcome = execute(again, transaction)

    assert isinstance(outcome, Refusal)
    assert outcome.err == b'"AlreadyProcessed"'
    assert again.balance(bob) == SOL
    again.close()


def test_a_blockhash_lives_across_a_restart_and_still_expires_by_height(tmp_path: Path):
    chain = Chain(config(tmp_path))
    alice = funded(chain)
    first = signed(chain, [memo("first")], alice)
    second = signed(chain, [memo("second")], alice)
    block = chain.blocks.last
    chain.close()

    again = Chain(config(tmp_path))
    assert isinstance(execute(again, first), TransactionRecord)
    while again.block_height(Commitment.PROCESSED) <= block.last_valid_height:
        again.close_slot()
    again.close()
    last = Chain(config(tmp_path))

    assert execute(last, second) == Refusal(b'"BlockhashNotFound"')
    last.close()


def test_blockhashes_after_a_restart_are_new_ones(tmp_path: Path):
    chain = Chain(config(tmp_path))
    seen = {chain.close_slot().blockhash for _ in range(5)}
    chain.close()

    again = Chain(config(tmp_path))

    assert again.close_slot().blockhash not in seen
    again.close()


def test_another_build_of_a_program_is_kept_out_unless_redeploy_is_asked_for(tmp_path: Path):
    program_id, authority = Pubkey.new_unique(), Keypair().pubkey()
    old = (GenesisProgram(program_id, memo_elf(), authority),)
    new = (GenesisProgram(program_id, associated_token_elf(), authority),)
    Chain(config(tmp_path, programs=old)).close()

    kept = Chain(config(tmp_path, programs=new))
    kept_data = kept.account(program_data_address(program_id))
    kept.close()
    replaced = Chain(config(tmp_path, programs=new, redeploy=True))
    replaced_data = replaced.account(program_data_address(program_id))
    replaced.close()

    assert kept_data is not None
    assert replaced_data is not None
    assert kept_data.data[45:] == memo_elf()
    assert replaced_data.data[45:] == associated_token_elf()
