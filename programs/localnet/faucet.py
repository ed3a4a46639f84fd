from solders.compute_budget import set_compute_unit_limit
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from programs.localnet.transactions import Submission

AIRDROP_UNITS = 1_000  # compute units; a transfer and its limit need 300
SALTS = 1_000_000  # distinct limits, so that equal airdrops in one slot stay distinct transactions


def faucet_transfer(faucet: Keypair, recipient: Pubkey, lamports: int, blockhash: bytes, salt: int) -> Submission:
    """The faucet's signed transfer; a new salt makes a new signature."""
    instructions = [
        set_compute_unit_limit(AIRDROP_UNITS + salt % SALTS),
        transfer(TransferParams(from_pubkey=faucet.pubkey(), to_pubkey=recipient, lamports=lamports)),
    ]
    message = Message.new_with_blockhash(instructions, faucet.pubkey(), Hash(blockhash))
    return Submission(VersionedTransaction(message, [faucet]))
