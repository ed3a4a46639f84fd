from functools import cache
from typing import Any

import msgspec
from solders.pubkey import Pubkey

from programs.localnet.chain import Chain
from programs.localnet.machine import SLOTS_PER_EPOCH
from programs.localnet.rpc.errors import NODE_UNHEALTHY, RpcError, invalid_params
from programs.localnet.rpc.params import CommitmentConfig, Params, reached, with_context
from programs.localnet.rpc.token_json import address_text

CORE_VERSION = "2.3.0"
FEATURE_SET = 3640012085
MAX_SLOT_LEADERS = 5000


def _slot(chain: Chain, params: Params, index: int = 0) -> int:
    return chain.slot(reached(chain, params.config(index, CommitmentConfig)))


def get_genesis_hash(chain: Chain, _params: Params) -> Any:
    """Which chain this is."""
    return address_text(chain.identity.genesis_hash)


def get_health(chain: Chain, _params: Params) -> Any:
    """Well unless the disk failed: one node is never behind itself."""
    if chain.halted:
        raise RpcError(NODE_UNHEALTHY, f"Node is unhealthy: {chain.halted}")
    return "ok"


def get_version(_chain: Chain, _params: Params) -> Any:
    """The validator release whose interface this follows."""
    return {"solana-core": CORE_VERSION, "feature-set": FEATURE_SET}


def get_identity(chain: Chain, _params: Params) -> Any:
    """The node's key."""
    return {"identity": str(chain.identity.node)}


def get_slot(chain: Chain, params: Params) -> Any:
    """The newest slot."""
    return _slot(chain, params)


def get_block_height(chain: Chain, params: Params) -> Any:
    """The newest block's height."""
    return chain.block_height(reached(chain, params.config(0, CommitmentConfig)))


def get_epoch_info(chain: Chain, params: Params) -> Any:
    """Where in the epoch the chain stands."""
    commitment = reached(chain, params.config(0, CommitmentConfig))
    slot = chain.slot(commitment)
    return {
        "absoluteSlot": slot,
        "blockHeight": chain.block_height(commitment),
        "epoch": slot // SLOTS_PER_EPOCH,
        "slotIndex": slot % SLOTS_PER_EPOCH,
        "slotsInEpoch": SLOTS_PER_EPOCH,
        "transactionCount": chain.transaction_count,
    }


def get_epoch_schedule(_chain: Chain, _params: Params) -> Any:
    """Epochs of equal length, without warm-up."""
    return {
        "slotsPerEpoch": SLOTS_PER_EPOCH,
        "leaderScheduleSlotOffset": SLOTS_PER_EPOCH,
        "warmup": False,
        "firstNormalEpoch": 0,
        "firstNormalSlot": 0,
    }


def get_transaction_count(chain: Chain, _params: Params) -> Any:
    """Transactions since genesis."""
    return chain.transaction_count


def get_first_available_block(_chain: Chain, _params: Params) -> Any:
    """History goes back to genesis."""
    return 0


def get_slot_leader(chain: Chain, _params: Params) -> Any:
    """The one node leads every slot."""
    return str(chain.identity.node)


def get_slot_leaders(chain: Chain, params: Params) -> Any:
    """Leaders of a range of slots."""
    _first, limit = params.natural(0), params.natural(1)
    if not 0 < limit <= MAX_SLOT_LEADERS:
        raise invalid_params(f"Invalid limit; max {MAX_SLOT_LEADERS}")
    return [str(chain.identity.node)] * limit


def get_leader_schedule(chain: Chain, _params: Params) -> Any:
    """The one node leads every slot of the epoch."""
    return {str(chain.identity.node): _every_slot()}


@cache
def _every_slot() -> msgspec.Raw:
    """Three megabytes of numbers, written once."""
    return msgspec.Raw(msgspec.json.encode(list(range(SLOTS_PER_EPOCH))))


def get_cluster_nodes(chain: Chain, _params: Params) -> Any:
    """The one node; it gossips with nobody."""
    node = {"pubkey": str(chain.identity.node), "gossip": None, "tpu": None, "rpc": None}
    return [node | {"version": CORE_VERSION, "featureSet": FEATURE_SET, "shredVersion": 0}]


def get_vote_accounts(_chain: Chain, _params: Params) -> Any:
    """Nobody votes on a chain of one node."""
    return {"current": [], "delinquent": []}


def get_supply(chain: Chain, params: Params) -> Any:
    """Lamports in existence; the faucet's do not circulate."""
    config = params.config(0, CommitmentConfig)
    total, faucet = chain.accounts.total_lamports(), chain.identity.faucet.pubkey()
    idle = chain.balance(faucet)
    value = {"total": total, "circulating": total - idle, "nonCirculating": idle, "nonCirculatingAccounts": [str(faucet)]}
    return with_context(chain, reached(chain, config), value)


def get_largest_accounts(chain: Chain, params: Params) -> Any:
    """The 20 richest accounts."""
    config = params.config(0, CommitmentConfig)
    richest = sorted(chain.accounts.items(), key=lambda entry: -entry[1].lamports)[:20]
    value = [{"address": str(Pubkey(key)), "lamports": state.lamports} for key, state in richest]
    return with_context(chain, reached(chain, config), value)


def get_performance_samples(_chain: Chain, _params: Params) -> Any:
    """None are taken."""
    return []


def get_inflation_rate(chain: Chain, _params: Params) -> Any:
    """There is none."""
    return {"total": 0.0, "validator": 0.0, "foundation": 0.0, "epoch": chain.open_slot // SLOTS_PER_EPOCH}


def get_inflation_governor(_chain: Chain, _params: Params) -> Any:
    """There is none."""
    return {"initial": 0.0, "terminal": 0.0, "taper": 0.0, "foundation": 0.0, "foundationTerm": 0.0}


def get_inflation_reward(_chain: Chain, params: Params) -> Any:
    """Nobody earns any."""
    return [None] * len(params.required(0, list[str]))


METHODS = {
    "getGenesisHash": get_genesis_hash,
    "getHealth": get_health,
    "getVersion": get_version,
    "getIdentity": get_identity,
    "getSlot": get_slot,
    "getBlockHeight": get_block_height,
    "getEpochInfo": get_epoch_info,
    "getEpochSchedule": get_epoch_schedule,
    "getTransactionCount": get_transaction_count,
    "getFirstAvailableBlock": get_first_available_block,
    "minimumLedgerSlot": get_first_available_block,
    "getSlotLeader": get_slot_leader,
    "getSlotLeaders": get_slot_leaders,
    "getLeaderSchedule": get_leader_schedule,
    "getClusterNodes": get_cluster_nodes,
    "getVoteAccounts": get_vote_accounts,
    "getSupply": get_supply,
    "getLargestAccounts": get_largest_accounts,
    "getRecentPerformanceSamples": get_performance_samples,
    "getInflationRate": get_inflation_rate,
    "getInflationGovernor": get_inflation_governor,
    "getInflationReward": get_inflation_reward,
}
