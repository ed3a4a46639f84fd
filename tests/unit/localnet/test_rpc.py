import os
from base64 import b64encode
from typing import Any

import base58
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.compute_budget import set_compute_unit_limit
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from programs.localnet import Chain, LocalnetError
from programs.localnet.rpc.dispatch import Dispatcher
from programs.localnet.rpc.methods import METHODS
from tests.unit.localnet.steps import SOL, config, funded, landed, memo, pay, rpc, signed, wire

BASE64 = {"encoding": "base64"}


def error_of(answer: dict[str, Any]) -> tuple[int, str]:
    return answer["error"]["code"], answer["error"]["message"]


@pytest.fixture
def chain() -> Chain:
    return Chain(config())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b"1", -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"getSlot"}', -32600),
        (b'{"jsonrpc":"2.0","id":1}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"getNothing"}', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"getBalance","params":{"a":1}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"getBalance","params":[]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"getBalance","params":[5]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"getBalance","params":["oil"]}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"method":"getSlot","params":[{"commitment":"sure"}]}', -32602),
    ],
)
def test_a_wrong_request_gets_the_right_code(chain: Chain, body: bytes, code: int):
    answer = Dispatcher(chain).answer(body)

    assert answer is not None
    assert error_of(msgspec.json.decode(answer))[0] == code


def test_a_batch_is_answered_in_order_and_notifications_are_not(chain: Chain):
    calls = [{"jsonrpc": "2.0", "id": 7, "method": "getHealth"}, {"jsonrpc": "2.0", "method": "getHealth"}]
    calls.append({"jsonrpc": "2.0", "id": "x", "method": "nothing"})

    answer = Dispatcher(chain).answer(msgspec.json.encode(calls))

    assert answer is not None
    first, second = msgspec.json.decode(answer)
    assert first == {"jsonrpc": "2.0", "result": "ok", "id": 7}
    assert (second["id"], second["error"]["code"]) == ("x", -32601)
    assert Dispatcher(chain).answer(msgspec.json.encode(calls[1])) is None


@given(
    body=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
@settings(max_examples=40, deadline=None)
def test_no_parameters_make_a_method_fail_inside(body: Any):
    chain = Chain(config())
    for method in METHODS:
        params = body if isinstance(body, list) else [body]
        answer = rpc(chain, method, *params)
        assert answer.get("error", {}).get("code") != -32603, answer


def test_preflight_failure_has_the_shape_of_a_real_validator(chain: Chain):
    alice = funded(chain)
    poor = signed(chain, [pay(alice, Keypair().pubkey(), 10**15)], alice)

    error = rpc(chain, "sendTransaction", wire(poor), BASE64)["error"]

    assert error["code"] == -32002
    assert error["message"] == "Transaction simulation failed: Error processing Instruction 0: custom program error: 0x1"
    data = error["data"]
    assert data["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert data["logs"][0] == "Program 11111111111111111111111111111111 invoke [1]"
    assert data["logs"][-1] == "Program 11111111111111111111111111111111 failed: custom program error: 0x1"
    assert data["unitsConsumed"] == 150
    assert data["accounts"] is None
    assert data["returnData"] is None
    assert chain.balance(alice.pubkey()) == 100 * SOL


def test_an_unknown_blockhash_fails_preflight_by_name(chain: Chain):
    alice = funded(chain)
    stale = signed(chain, [memo("hi")], alice, blockhash=os.urandom(32))

    error = rpc(chain, "sendTransaction", wire(stale), BASE64)["error"]

    assert (error["code"], error["message"]) == (-32002, "Transaction simulation failed: Blockhash not found")
    assert (error["data"]["err"], error["data"]["logs"]) == ("BlockhashNotFound", [])


def test_a_repeated_transaction_fails_preflight_by_name_and_moves_nothing_without(chain: Chain):
    alice, bob = funded(chain), Keypair().pubkey()
    transaction = signed(chain, [pay(alice, bob, SOL)], alice)
    first = rpc(chain, "sendTransaction", wire(transaction), BASE64)

    again = rpc(chain, "sendTransaction", wire(transaction), BASE64)
    blind = rpc(chain, "sendTransaction", wire(transaction), BASE64 | {"skipPreflight": True})

    assert again["error"]["message"] == "Transaction simulation failed: This transaction has already been processed"
    assert blind["result"] == first["result"]
    assert chain.balance(bob) == SOL


def test_a_false_signature_is_refused_even_without_preflight(chain: Chain):
    alice, mallory = funded(chain), Keypair()
    forged = type(signed(chain, [], alice)).populate(
        signed(chain, [pay(alice, mallory.pubkey(), SOL)], alice).message, [mallory.sign_message(b"anything")]
    )

    answer = rpc(chain, "sendTransaction", wire(forged), BASE64 | {"skipPreflight": True})

    assert error_of(answer) == (-32003, "Transaction signature verification failure")
    assert chain.balance(mallory.pubkey()) == 0


def test_a_transaction_of_1232_bytes_is_taken_and_one_more_is_not(chain: Chain):
    alice = funded(chain)
    units = set_compute_unit_limit(1_400_000)
    room = 1232 - len(bytes(signed(chain, [units, memo("x" * 200)], alice))) + 200
    fits, larger = (signed(chain, [units, memo("x" * (room + extra))], alice) for extra in (0, 1))

    taken = rpc(chain, "sendTransaction", wire(fits), BASE64)
    refused = rpc(chain, "sendTransaction", wire(larger), BASE64)
    refused_base58 = rpc(chain, "sendTransaction", base58.b58encode(bytes(larger)).decode())

    assert len(bytes(fits)) == 1232
    assert "result" in taken
    assert refused["error"]["code"] == refused_base58["error"]["code"] == -32602
    assert "too large: 1233 bytes (max: 1232 bytes)" in refused["error"]["message"]


@given(junk=st.binary(min_size=1, max_size=300))
@settings(max_examples=100, deadline=None)
def test_bytes_that_are_no_transaction_are_invalid_params(junk: bytes):
    answer = rpc(Chain(config()), "sendTransaction", b64encode(junk).decode(), BASE64)

    assert answer["error"]["code"] == -32602


def test_simulation_moves_nothing_and_can_replace_the_blockhash(chain: Chain):
    alice, bob = funded(chain), Keypair().pubkey()
    stale = signed(chain, [pay(alice, bob, SOL)], alice, blockhash=os.urandom(32))
    wanted = {"addresses": [str(bob)], "encoding": "base64"}
    options = BASE64 | {"replaceRecentBlockhash": True, "accounts": wanted, "innerInstructions": True}

    plain = rpc(chain, "simulateTransaction", wire(stale), BASE64)["result"]["value"]
    replaced = rpc(chain, "simulateTransaction", wire(stale), options)["result"]["value"]

    assert plain["err"] == "BlockhashNotFound"
    assert replaced["err"] is None
    assert replaced["accounts"][0]["lamports"] == SOL
    assert replaced["replacementBlockhash"]["blockhash"]
    assert replaced["innerInstructions"] == []
    assert chain.balance(bob) == 0


def test_simulation_checks_signatures_only_when_asked(chain: Chain):
    alice = funded(chain)
    genuine = signed(chain, [memo("hi")], alice)
    unsigned = type(genuine).populate(genuine.message, [Keypair().sign_message(b"x")])

    assert rpc(chain, "simulateTransaction", wire(unsigned), BASE64)["result"]["value"]["err"] is None
    checked = rpc(chain, "simulateTransaction", wire(unsigned), BASE64 | {"sigVerify": True})
    assert checked["error"]["code"] == -32003


def test_signatures_of_an_address_come_newest_first_in_pages(chain: Chain):
    alice = funded(chain)
    for number in range(5):
        landed(chain, [memo(f"number {number}")], alice)
        chain.close_slot()
    address, confirmed = str(alice.pubkey()), {"commitment": "confirmed"}

    everything = rpc(chain, "getSignaturesForAddress", address, confirmed)["result"]
    page = rpc(chain, "getSignaturesForAddress", address, confirmed | {"limit": 2})["result"]
    rest = rpc(chain, "getSignaturesForAddress", address, confirmed | {"before": page[-1]["signature"]})["result"]
    newer = rpc(chain, "getSignaturesForAddress", address, confirmed | {"until": rest[0]["signature"]})["result"]

    assert [line["memo"] for line in everything] == [*(f"[8] number {n}" for n in (4, 3, 2, 1, 0)), None]
    assert page + rest == everything
    assert newer == page


def test_history_shows_only_what_reached_the_commitment(chain: Chain):
    alice = funded(chain)
    record = landed(chain, [memo("hi")], alice)
    signature = str(record.transaction().signatures[0])

    def seen(commitment: str) -> bool:
        options = {"commitment": commitment, "maxSupportedTransactionVersion": 0}
        return rpc(chain, "getTransaction", signature, options)["result"] is not None

    assert not seen("confirmed")
    chain.close_slot()
    assert seen("confirmed")
    assert not seen("finalized")
    for _ in range(3):
        chain.close_slot()
    assert seen("finalized")
    assert rpc(chain, "getTransaction", signature, {"commitment": "processed"})["error"]["code"] == -32602


def test_a_versioned_transaction_needs_a_client_that_knows_versions(chain: Chain):
    alice = funded(chain)
    record = landed(chain, [memo("hi")], alice)
    chain.close_slot()

    answer = rpc(chain, "getTransaction", str(record.transaction().signatures[0]), {"commitment": "confirmed"})

    assert answer["error"]["code"] == -32015


def test_statuses_tell_level_and_error(chain: Chain):
    alice = funded(chain)
    good = landed(chain, [memo("hi")], alice)
    bad = signed(chain, [pay(alice, Keypair().pubkey(), 10**15)], alice)
    rpc(chain, "sendTransaction", wire(bad), BASE64 | {"skipPreflight": True})
    asked = [str(good.transaction().signatures[0]), str(bad.signatures[0]), str(Keypair().sign_message(b""))]

    fine, failed, unknown = rpc(chain, "getSignatureStatuses", asked)["result"]["value"]

    assert (fine["confirmationStatus"], fine["err"], fine["confirmations"]) == ("processed", None, 0)
    assert failed["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert failed["status"] == {"Err": failed["err"]}
    assert unknown is None


def test_a_block_lists_its_transactions_in_each_detail(chain: Chain):
    alice = funded(chain)
    record = landed(chain, [memo("hi")], alice)
    chain.close_slot()
    options = {"commitment": "confirmed", "maxSupportedTransactionVersion": 0}

    full = rpc(chain, "getBlock", record.slot, options)["result"]
    brief = rpc(chain, "getBlock", record.slot, options | {"transactionDetails": "signatures"})["result"]
    accounts = rpc(chain, "getBlock", record.slot, options | {"transactionDetails": "accounts"})["result"]
    none = rpc(chain, "getBlock", record.slot, options | {"transactionDetails": "none"})["result"]

    assert len(full["transactions"]) == 2
    assert brief["signatures"][1] == str(record.transaction().signatures[0])
    assert accounts["transactions"][1]["transaction"]["accountKeys"][0]["pubkey"] == str(alice.pubkey())
    assert "transactions" not in none
    assert rpc(chain, "getBlock", record.slot + 9, options)["error"]["code"] == -32004
    assert rpc(chain, "getBlocks", 0, options)["result"] == [0, record.slot]


def test_an_airdrop_is_a_transaction_of_the_faucet(chain: Chain):
    bob = Keypair().pubkey()

    signature = rpc(chain, "requestAirdrop", str(bob), 2 * SOL)["result"]

    assert chain.balance(bob) == 2 * SOL
    assert rpc(chain, "getSignatureStatuses", [signature])["result"]["value"][0]["err"] is None
    assert rpc(chain, "requestAirdrop", str(bob), 0)["error"]["code"] == -32602


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("getBlock", [-1]),
        ("getBlock", [2**70]),
        ("getBlocks", [2**63]),
        ("getBlocksWithLimit", [0, 2**64]),
        ("getBlockTime", [2**64]),
        ("getMinimumBalanceForRentExemption", [-1]),
        ("getMinimumBalanceForRentExemption", [2**64]),
        ("getAccountInfo", [str(Pubkey.default()), {"dataSlice": {"offset": -1, "length": 2}, "encoding": "base64"}]),
        ("getProgramAccounts", [str(Pubkey.default()), {"filters": [{"memcmp": {"offset": -2, "bytes": ""}}]}]),
        ("getProgramAccounts", [str(Pubkey.default()), {"filters": [{"memcmp": {"offset": 2, "bytes": "0OIl"}}]}]),
        ("getProgramAccounts", [str(Pubkey.default()), {"filters": [{"dataSize": 1}] * 5}]),
        ("getProgramAccounts", [str(Pubkey.default()), {"filters": [{}]}]),
        ("getSignaturesForAddress", [str(Pubkey.default()), {"limit": 1001}]),
        ("getSignatureStatuses", [["1"] * 257]),
        ("requestAirdrop", [str(Pubkey.default()), 2**64]),
    ],
)
def test_numbers_and_lists_out_of_range_are_invalid_params(chain: Chain, method: str, params: list[Any]):
    assert rpc(chain, method, *params)["error"]["code"] == -32602


def test_a_failed_disk_halts_the_chain_and_says_so(chain: Chain):
    alice, bob = funded(chain), Keypair().pubkey()
    transaction = signed(chain, [pay(alice, bob, SOL)], alice)
    chain.storage._db.execute("DROP TABLE transactions")

    answers = [rpc(chain, "sendTransaction", wire(transaction), BASE64), rpc(chain, "getHealth")]

    assert [answer["error"]["code"] for answer in answers] == [-32005, -32005]
    with pytest.raises(LocalnetError, match="make room and start it again"):
        chain.close_slot()


def test_the_minimum_context_slot_is_honoured(chain: Chain):
    answer = rpc(chain, "getBalance", str(Keypair().pubkey()), {"minContextSlot": 1000})

    assert (answer["error"]["code"], answer["error"]["data"]) == (-32016, {"contextSlot": 0})


def test_more_than_a_hundred_accounts_are_too_many(chain: Chain):
    keys = [str(Pubkey.new_unique()) for _ in range(101)]

    assert rpc(chain, "getMultipleAccounts", keys)["error"]["code"] == -32602
    assert rpc(chain, "getMultipleAccounts", keys[:100])["result"]["value"] == [None] * 100


def test_the_latest_blockhash_says_how_long_it_lives(chain: Chain):
    chain.close_slot()
    value = rpc(chain, "getLatestBlockhash", {"commitment": "confirmed"})["result"]["value"]

    assert value["lastValidBlockHeight"] == rpc(chain, "getBlockHeight", {"commitment": "confirmed"})["result"] + 150
    assert rpc(chain, "isBlockhashValid", value["blockhash"])["result"]["value"] is True
    assert rpc(chain, "isBlockhashValid", str(Pubkey.new_unique()))["result"]["value"] is False


@pytest.mark.parametrize(
    "method",
    [
        "getGenesisHash", "getHealth", "getVersion", "getIdentity", "getSlot", "getBlockHeight", "getEpochInfo",
        "getEpochSchedule", "getTransactionCount", "getFirstAvailableBlock", "minimumLedgerSlot", "getSlotLeader",
        "getLeaderSchedule", "getClusterNodes", "getVoteAccounts", "getSupply", "getLargestAccounts",
        "getRecentPerformanceSamples", "getInflationRate", "getInflationGovernor", "getRecentPrioritizationFees",
        "getBlockProduction", "getLatestBlockhash",
    ],
)  # fmt: skip
def test_questions_about_the_cluster_have_answers(chain: Chain, method: str):
    assert "result" in rpc(chain, method)
