import secrets
from dataclasses import dataclass
from hashlib import sha256

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from programs.localnet.accounts import AccountState, Changes
from programs.localnet.blocks import Block, next_blockhash
from programs.localnet.config import GenesisProgram
from programs.localnet.execution import minimum_balance
from programs.localnet.machine import PROGRAM_TAG, UPGRADEABLE_LOADER

FAUCET_LAMPORTS = 500_000_000 * 10**9
SYSTEM_PROGRAM = bytes(32)
PROGRAM_DATA_TAG = (3).to_bytes(4, "little")
PROGRAM_DATA_HEADER = 45  # bytes before the ELF: tag u32, slot u64, Option<Pubkey> at fixed width


@dataclass(frozen=True, slots=True)
class ChainIdentity:
    """What makes one chain different from every other."""

    secret: bytes
    """32 bytes from which blockhashes, faucet and node identity derive."""

    @classmethod
    def create(cls, seed: bytes | None) -> "ChainIdentity":
        """Draw a new chain, or derive it from a seed."""
        return cls(secrets.token_bytes(32) if seed is None else sha256(b"localnet-seed" + seed).digest())

    def _derive(self, purpose: bytes) -> bytes:
        return sha256(purpose + self.secret).digest()

    @property
    def genesis_hash(self) -> bytes:
        """What `getGenesisHash` answers."""
        return self._derive(b"localnet-genesis")

    @property
    def faucet(self) -> Keypair:
        """Holds the lamports that airdrops hand out."""
        return Keypair.from_seed(self._derive(b"localnet-faucet"))

    @property
    def node(self) -> Pubkey:
        """The identity of the one node."""
        return Keypair.from_seed(self._derive(b"localnet-node")).pubkey()

    def genesis_block(self, time: int) -> Block:
        """Slot 0."""
        blockhash = next_blockhash(self.secret, self.genesis_hash, 0, [])
        return Block(0, 0, blockhash, 0, self.genesis_hash, time, 0, 0)


def program_data_address(program_id: Pubkey) -> Pubkey:
    """Where the upgradeable loader keeps a program's bytes and authority."""
    return Pubkey.find_program_address([bytes(program_id)], Pubkey(UPGRADEABLE_LOADER))[0]


def program_data(elf: bytes, authority: Pubkey | None, slot: int) -> bytes:
    """The ProgramData account's content."""
    tail = bytes(33) if authority is None else b"\x01" + bytes(authority)
    return PROGRAM_DATA_TAG + slot.to_bytes(8, "little") + tail + elf


def program_accounts(program: GenesisProgram, slot: int) -> Changes:
    """The two accounts of a deployed program; ProgramData comes first, as the machine needs it."""
    data = program_data(program.elf, program.upgrade_authority, slot)
    address = bytes(program_data_address(program.program_id))
    pointer = PROGRAM_TAG + address
    return {
        address: AccountState(minimum_balance(len(data)), UPGRADEABLE_LOADER, data, executable=False, rent_epoch=0),
        bytes(program.program_id): AccountState(
            minimum_balance(len(pointer)), UPGRADEABLE_LOADER, pointer, executable=True, rent_epoch=0
        ),
    }


def faucet_account() -> AccountState:
    """The faucet's opening balance."""
    return AccountState(FAUCET_LAMPORTS, SYSTEM_PROGRAM, b"", executable=False, rent_epoch=0)
