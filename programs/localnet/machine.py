import msgspec
from solders.account import Account
from solders.clock import Clock
from solders.epoch_schedule import EpochSchedule
from solders.hash import Hash
from solders.litesvm import FeatureSet, LiteSVM
from solders.pubkey import Pubkey
from solders.rent import Rent
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata

from programs.localnet.accounts import AccountState
from programs.localnet.blocks import RecentBlocks

SLOTS_PER_EPOCH = 432_000
SLOT_HASHES = 512  # entries; what the SlotHashes sysvar of a real cluster holds
LAMPORTS_PER_BYTE_YEAR = 6960
UPGRADEABLE_LOADER = bytes(Pubkey.from_string("BPFLoaderUpgradeab1e11111111111111111111111"))
PROGRAM_TAG = (2).to_bytes(4, "little")
NO_MORE_DEPLOYMENTS = Pubkey.from_string("EmhbpdVtZ2hWRGFWBDjn2i3SJD8Z36z4mpMcZJEnebnP")
"""LiteSVM's one feature that no cluster has switched on: it would refuse every new program."""
SYSVAR_OWNER = bytes(Pubkey.from_string("Sysvar1111111111111111111111111111111111111"))
SLOT_HASHES_ADDRESS = Pubkey.from_string("SysvarS1otHashes111111111111111111111111111")


class Machine:
    """LiteSVM with its own checks of signatures, blockhashes and duplicates off: the chain does those."""

    def __init__(self) -> None:
        self._svm = LiteSVM().with_sigverify(False).with_blockhash_check(False).with_transaction_history(0)  # noqa: FBT003  # LiteSVM takes them by position
        self._svm.with_builtins(_features())
        self._svm.set_rent(Rent(LAMPORTS_PER_BYTE_YEAR, 1.0, 50))
        self._svm.set_epoch_schedule(EpochSchedule.custom(SLOTS_PER_EPOCH, SLOTS_PER_EPOCH, False))  # noqa: FBT003  # solders takes it by position: no warm-up
        self._clock = (-1, -1)
        self._slot_hashes: list[tuple[int, Hash]] = []

    def read(self, address: bytes) -> AccountState | None:
        """An account as the machine holds it; one without lamports does not exist."""
        account = self._svm.get_account(Pubkey(address))
        return None if account is None or account.lamports == 0 else AccountState.read(account)

    def balance(self, address: bytes) -> int:
        """Lamports at an address, 0 when there is nothing."""
        return self._svm.get_balance(Pubkey(address)) or 0

    def write(self, address: bytes, state: AccountState | None) -> None:
        """Put an account, past all rules."""
        account = Account(0, b"", Pubkey.default()) if state is None else state.to_account()
        self._svm.set_account(Pubkey(address), account)

    def execute(self, transaction: VersionedTransaction) -> tuple[bytes | None, TransactionMetadata]:
        """Run a transaction for good; the first part is its error in JSON, `None` for success."""
        return _split(self._svm.send_transaction(transaction))

    def simulate(
        self, transaction: VersionedTransaction
    ) -> tuple[bytes | None, TransactionMetadata, list[tuple[Pubkey, Account]]]:
        """Run a transaction without effect; the last part is the accounts it would leave behind."""
        result = self._svm.simulate_transaction(transaction)
        if isinstance(result, FailedTransactionMetadata):
            return (*_split(result), [])
        return None, result.meta(), result.post_accounts()

    def set_time(self, slot: int, unix_seconds: int) -> None:
        """Move the Clock sysvar."""
        if (slot, unix_seconds) == self._clock:
            return
        self._clock = (slot, unix_seconds)
        epoch = slot // SLOTS_PER_EPOCH
        self._svm.set_clock(Clock(slot, unix_seconds, epoch, epoch + 1, unix_seconds))

    def set_slot_hashes(self, recent: RecentBlocks) -> None:
        """Give programs (address lookup tables above all) the recent slots."""
        known = self._slot_hashes[0][0] if self._slot_hashes else -1
        if recent.last.slot == known:
            return
        new = [(block.slot, Hash(block.blockhash)) for block in recent.newest_first() if block.slot > known]
        self._slot_hashes = (new + self._slot_hashes)[:SLOT_HASHES]
        self._svm.set_slot_hashes(self._slot_hashes)


def _features() -> FeatureSet:
    active = {feature: slot for feature, slot in FeatureSet.all_enabled().active.items() if feature != NO_MORE_DEPLOYMENTS}
    return FeatureSet(active, {NO_MORE_DEPLOYMENTS})


def _split(result: TransactionMetadata | FailedTransactionMetadata) -> tuple[bytes | None, TransactionMetadata]:
    if isinstance(result, TransactionMetadata):
        return None, result
    parts = msgspec.json.decode(result.to_json(), type=dict[str, msgspec.Raw])
    return bytes(parts["err"]), result.meta()
