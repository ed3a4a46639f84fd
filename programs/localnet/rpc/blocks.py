from enum import StrEnum
from typing import Any

from solders.signature import Signature

from programs.localnet.blocks import Block, Commitment
from programs.localnet.chain import Chain
from programs.localnet.rpc.errors import BLOCK_NOT_AVAILABLE, SLOT_SKIPPED, RpcError, invalid_params
from programs.localnet.rpc.history import settled
from programs.localnet.rpc.params import CommitmentConfig, Params
from programs.localnet.rpc.token_json import address_text
from programs.localnet.rpc.transaction_json import (
    TransactionEncoding,
    account_keys_json,
    check_version,
    compiled_instruction,
    meta_json,
    transaction_json,
)
from programs.localnet.transactions import Submission, TransactionRecord

MAX_BLOCK_RANGE = 500_000
BRIEF_META = ("err", "status", "fee", "preBalances", "postBalances", "preTokenBalances", "postTokenBalances")


class TransactionDetails(StrEnum):
    """How much of a block's transactions to return."""

    FULL = "full"
    ACCOUNTS = "accounts"
    SIGNATURES = "signatures"
    NONE = "none"


class BlockConfig(CommitmentConfig, rename="camel", frozen=True):
    """Options of `getBlock`."""

    encoding: TransactionEncoding = TransactionEncoding.JSON
    transaction_details: TransactionDetails = TransactionDetails.FULL
    max_supported_transaction_version: int | None = None
    rewards: bool = True


def _block(chain: Chain, slot: int, commitment: Commitment) -> Block:
    if slot > chain.slot(commitment):
        raise RpcError(BLOCK_NOT_AVAILABLE, f"Block not available for slot {slot}")
    block = chain.storage.block(slot)
    if block is None:
        raise RpcError(SLOT_SKIPPED, f"Slot {slot} was skipped, or missing due to ledger jump to recent snapshot")
    return block


def get_block(chain: Chain, params: Params) -> Any:
    """A block with its transactions."""
    slot, config = params.natural(0), params.config(1, BlockConfig)
    block = _block(chain, slot, settled(chain, config))
    body: dict[str, Any] = {
        "blockhash": address_text(block.blockhash),
        "previousBlockhash": address_text(block.previous_blockhash),
        "parentSlot": block.parent_slot,
        "blockHeight": block.height,
        "blockTime": block.time,
    }
    if config.rewards:
        body |= {"rewards": [], "numRewardPartitions": None}
    records = chain.storage.transactions_in(slot)
    match config.transaction_details:
        case TransactionDetails.FULL:
            version = config.max_supported_transaction_version
            body["transactions"] = [transaction_json(record, config.encoding, version) for record in records]
        case TransactionDetails.ACCOUNTS:
            body["transactions"] = [_by_accounts(record, config.max_supported_transaction_version) for record in records]
        case TransactionDetails.SIGNATURES:
            body["signatures"] = [str(Signature(record.signature)) for record in records]
        case TransactionDetails.NONE:
            pass
    return body


def _by_accounts(record: TransactionRecord, max_version: int | None) -> dict[str, Any]:
    submission = Submission(record.transaction())
    version = check_version(submission.transaction, max_version)
    meta = meta_json(record.meta, compiled_instruction)
    body: dict[str, Any] = {
        "transaction": {
            "signatures": [str(signature) for signature in submission.transaction.signatures],
            "accountKeys": account_keys_json(submission, record.meta),
        },
        "meta": {name: meta[name] for name in BRIEF_META},
    }
    return body if max_version is None else body | {"version": version}


def get_blocks(chain: Chain, params: Params) -> Any:
    """Slots that have a block, between two slots."""
    first = params.natural(0)
    last = None if params.is_object(1) or params.optional(1, int) is None else params.natural(1)
    config = params.config(1 if params.is_object(1) else 2, CommitmentConfig)
    newest = chain.slot(settled(chain, config))
    end = newest if last is None else min(last, newest)
    if end - first > MAX_BLOCK_RANGE:
        raise invalid_params(f"Slot range too large; max {MAX_BLOCK_RANGE}")
    return chain.storage.block_slots(first, end, MAX_BLOCK_RANGE + 1)


def get_blocks_with_limit(chain: Chain, params: Params) -> Any:
    """Slots that have a block, from a slot on."""
    first, limit, config = params.natural(0), params.natural(1), params.config(2, CommitmentConfig)
    if limit > MAX_BLOCK_RANGE:
        raise invalid_params(f"Limit too large; max {MAX_BLOCK_RANGE}")
    return chain.storage.block_slots(first, chain.slot(settled(chain, config)), limit)


def get_block_time(chain: Chain, params: Params) -> Any:
    """When a block closed, in Unix seconds."""
    return _block(chain, params.natural(0), Commitment.CONFIRMED).time


def get_block_commitment(_chain: Chain, params: Params) -> Any:
    """Stake behind a block: nobody votes here."""
    params.natural(0)
    return {"commitment": None, "totalStake": 0}


def get_block_production(chain: Chain, _params: Params) -> Any:
    """The one node made every block."""
    slot = chain.slot(Commitment.CONFIRMED)
    value = {"byIdentity": {str(chain.identity.node): [slot + 1, slot + 1]}, "range": {"firstSlot": 0, "lastSlot": slot}}
    return {"context": {"slot": slot}, "value": value}


METHODS = {
    "getBlock": get_block,
    "getBlocks": get_blocks,
    "getBlocksWithLimit": get_blocks_with_limit,
    "getBlockTime": get_block_time,
    "getBlockCommitment": get_block_commitment,
    "getBlockProduction": get_block_production,
}
