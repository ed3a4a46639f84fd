from collections.abc import Iterator
from dataclasses import dataclass

from solders.account import Account
from solders.pubkey import Pubkey


@dataclass(frozen=True, slots=True)
class AccountState:
    """One account as it stands: lamports, owner program (32 bytes), data."""

    lamports: int
    owner: bytes
    data: bytes
    executable: bool
    rent_epoch: int

    @classmethod
    def read(cls, account: Account) -> "AccountState":
        """Copy what the virtual machine holds."""
        return cls(account.lamports, bytes(account.owner), account.data, account.executable, account.rent_epoch)

    def to_account(self) -> Account:
        """The same account as the virtual machine takes it."""
        return Account(self.lamports, self.data, Pubkey(self.owner), self.executable, self.rent_epoch)


Changes = dict[bytes, AccountState | None]
"""Accounts by address after a transaction or a slot; `None` is an account that is gone."""


class AccountIndex:
    """Every account that a transaction or the genesis ever wrote, by address and by owner program.

    LiteSVM cannot enumerate accounts, so this index answers `getProgramAccounts` and feeds the disk.
    """

    def __init__(self) -> None:
        self._by_address: dict[bytes, AccountState] = {}
        self._by_owner: dict[bytes, set[bytes]] = {}

    def get(self, address: bytes) -> AccountState | None:
        """The account at an address, when it is one of ours."""
        return self._by_address.get(address)

    def put(self, address: bytes, state: AccountState | None) -> None:
        """Remember an account as it is now; `None` forgets it."""
        before = self._by_address.get(address)
        if before is not None and (state is None or state.owner != before.owner):
            self._by_owner[before.owner].discard(address)
        if state is None:
            self._by_address.pop(address, None)
            return
        self._by_address[address] = state
        if before is None or before.owner != state.owner:
            self._by_owner.setdefault(state.owner, set()).add(address)

    def owned_by(self, program: bytes) -> list[tuple[bytes, AccountState]]:
        """All accounts of one program, ordered by address."""
        return [(address, self._by_address[address]) for address in sorted(self._by_owner.get(program, ()))]

    def total_lamports(self) -> int:
        """Lamports in all known accounts together."""
        return sum(state.lamports for state in self._by_address.values())

    def items(self) -> Iterator[tuple[bytes, AccountState]]:
        """Every account, in no particular order."""
        return iter(self._by_address.items())
