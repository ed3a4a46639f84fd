from hashlib import sha256
from typing import Any

import pytest

from core.runtime.metrics import Metrics
from core.store.work import LONGEST_BACK_OFF_MS, back_off_ms
from oracle_bridge import merkle
from oracle_bridge.latency import MintLatency
from oracle_bridge.leftovers import can_move
from oracle_bridge.refusals import Meaning, meaning_of
from programs.client.ids import PROGRAM_IDS
from programs.client.instructions import token2022
from programs.client.rpc import AccountInfo
from tests.support.fake_chain import OWNER


@pytest.mark.parametrize(
    ("err", "meaning"),
    [
        ("BlockhashNotFound", Meaning.FOLLOW),
        ("AlreadyProcessed", Meaning.FOLLOW),
        ("AccountInUse", Meaning.FOLLOW),
        ("AccountNotFound", Meaning.WAIT),
        ("InsufficientFundsForFee", Meaning.WAIT),
        ({"InsufficientFundsForRent": {"account_index": 0}}, Meaning.WAIT),
        ({"InstructionError": [3, {"Custom": 6012}]}, Meaning.WAIT),
        ({"InstructionError": [3, {"Custom": 6043}]}, Meaning.FAILED),
        ({"InstructionError": [2, "InvalidInstructionData"]}, Meaning.FAILED),
        ("SanitizeFailure", Meaning.FAILED),
    ],
)
def test_a_refusal_is_sorted_by_what_to_do(err: Any, meaning: Meaning):
    assert meaning_of(err) is meaning


def test_waiting_doubles_and_ends_at_five_minutes():
    assert [back_off_ms(attempts) for attempts in (1, 2, 3, 4)] == [1_000, 2_000, 4_000, 8_000]
    assert back_off_ms(10) == back_off_ms(1_000) == LONGEST_BACK_OFF_MS


def test_leaves_and_nodes_are_hashed_apart_and_a_lonely_node_moves_up():
    leaves = [merkle.leaf(bytes([number]) * 64, bytes(64), bytes(32)) for number in range(3)]
    pair = sha256(b"\1" + leaves[0] + leaves[1]).digest()

    assert leaves[0] == sha256(b"\0" + bytes(64) + bytes(64) + bytes(32)).digest()
    assert merkle.root([]) == bytes(32)
    assert merkle.root(leaves[:1]) == leaves[0]
    assert merkle.root(leaves[:2]) == pair
    assert merkle.root(leaves) == sha256(b"\1" + pair + leaves[2]).digest()


def test_latency_pairs_readings_with_the_transaction_that_was_drafted_after_them():
    latency = MintLatency(Metrics())
    latency.accepted({"M1"}, at_ms=1_000)
    latency.accepted({"M1"}, at_ms=1_200)
    latency.accepted({"M1"}, at_ms=1_900)  # after the draft: it waits for the next transaction

    latency.settled("M1", drafted_at_ms=1_500, now_ms=2_000)
    assert (latency.samples, latency.percentile_ms(50), latency.percentile_ms(95)) == (2, 800, 1_000)
    latency.settled("M1", drafted_at_ms=2_100, now_ms=2_600)

    assert (latency.samples, latency.percentile_ms(50)) == (3, 800)


def test_there_is_no_percentile_before_the_first_sample():
    assert MintLatency(Metrics()).percentile_ms(50) is None


def _token_account(*, amount: int = 0, delegated: int = 0, frozen: bool = False) -> AccountInfo:
    state = bytes([2 if frozen else 1])
    delegate = (1).to_bytes(4, "little") + bytes(32)
    data = bytes(OWNER) * 2 + amount.to_bytes(8, "little") + delegate + state + bytes(12)
    data += delegated.to_bytes(8, "little") + bytes(36)
    return AccountInfo(1, token2022.PROGRAM, data, executable=False)


def test_a_settlement_is_tried_only_when_the_token_account_lets_something_move():
    rich = _token_account(amount=5_000_000, delegated=9_000_000)

    assert can_move(100, _token_account())
    assert can_move(-100, rich)
    assert not can_move(-100, _token_account(amount=999_999, delegated=9_000_000))
    assert not can_move(-100, _token_account(amount=5_000_000, delegated=0))
    assert not can_move(100, _token_account(frozen=True))
    assert not can_move(100, None)
    assert not can_move(100, AccountInfo(1, PROGRAM_IDS.registry, b"closed", executable=False))
