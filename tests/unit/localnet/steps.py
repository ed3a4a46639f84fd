import itertools
from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from programs.localnet import Chain, GenesisProgram, LocalnetConfig
from programs.localnet.execution import Refusal
from programs.localnet.rpc.dispatch import Dispatcher
from programs.localnet.transactions import Submission, TransactionRecord

SOL = 10**9
NOON = 1_750_000_000
MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
_request_ids = itertools.count(1)


def config(
    data_dir: Path | None = None,
    *,
    programs: tuple[GenesisProgram, ...] = (),
    finality_slots: int = 3,
    seed: bytes | None = None,
    redeploy: bool = False,
    now: Callable[[], int] = lambda: NOON,
) -> LocalnetConfig:
    return LocalnetConfig(
        now=now, data_dir=data_dir, programs=programs, finality_slots=finality_slots, genesis_seed=seed, redeploy=redeploy
    )


def funded(chain: Chain, lamports: int = 100 * SOL) -> Keypair:
    keypair = Keypair()
    chain.fund(keypair.pubkey(), lamports)
    return keypair


def pay(source: Keypair, recipient: Pubkey, lamports: int) -> Instruction:
    return transfer(TransferParams(from_pubkey=source.pubkey(), to_pubkey=recipient, lamports=lamports))


def memo(text: str) -> Instruction:
    return Instruction(MEMO, text.encode(), [])


def signed(
    chain: Chain,
    instructions: Sequence[Instruction],
    *signers: Keypair,
    blockhash: bytes | None = None,
    tables: Sequence[AddressLookupTableAccount] = (),
) -> VersionedTransaction:
    recent = Hash(blockhash or chain.blocks.last.blockhash)
    message = MessageV0.try_compile(signers[0].pubkey(), list(instructions), list(tables), recent)
    return VersionedTransaction(message, list(signers))


def execute(chain: Chain, transaction: VersionedTransaction) -> TransactionRecord | Refusal:
    outcome = chain.execute(Submission(transaction))
    chain.commit()
    return outcome


def landed(chain: Chain, instructions: Sequence[Instruction], *signers: Keypair) -> TransactionRecord:
    outcome = execute(chain, signed(chain, instructions, *signers))
    assert isinstance(outcome, TransactionRecord), outcome
    assert outcome.meta.err is None, outcome.meta
    return outcome


def rpc(chain: Chain, method: str, *params: Any) -> dict[str, Any]:
    request = {"jsonrpc": "2.0", "id": next(_request_ids), "method": method, "params": list(params)}
    answer = Dispatcher(chain).answer(msgspec.json.encode(request))
    assert answer is not None
    return msgspec.json.decode(answer)


def wire(transaction: VersionedTransaction) -> str:
    return b64encode(bytes(transaction)).decode()


def program_bytes(program: str) -> bytes:
    account = LiteSVM().get_account(Pubkey.from_string(program))
    assert account is not None
    return account.data


def memo_elf() -> bytes:
    return program_bytes(str(MEMO))


def associated_token_elf() -> bytes:
    return program_bytes("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
