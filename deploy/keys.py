"""The authorities' keys: one file a role, in the form of Solana's own tools, in one folder."""

from dataclasses import dataclass
from pathlib import Path

from solders.keypair import Keypair

from core.domain.errors import InvalidInput
from programs.client.bootstrap import AuthorityKeys
from programs.client.deployment import PROGRAM_NAMES
from programs.client.signer import KeypairSigner, read_keypair, write_keypair

SINGLE_ROLES = ("upgrade", "authority", "auditor", "provisioner")
ATTESTERS = 3  # the largest threshold k; an operator sets his own number by the files he has


@dataclass(frozen=True, kw_only=True)
class KeyFolder:
    """Where the authorities' keys lie."""

    path: Path

    def ensure(self, payers: int) -> None:
        """Draw the keys that are missing: for the embedded chain, whose authorities are made on this machine."""
        numbered = [f"attester-{n}" for n in range(ATTESTERS)] + [f"payer-{n}" for n in range(payers)]
        for role in (*SINGLE_ROLES, *numbered):
            if not self._file(role).exists():
                write_keypair(self._file(role), Keypair())

    def single(self, role: str) -> Keypair:
        """The key of a role.

        Raises:
            InvalidInput: its file is missing or malformed.
        """
        return read_keypair(self._file(role))

    def numbered(self, role: str) -> tuple[Keypair, ...]:
        """All keys of a role that comes in numbers, such as `payer-0.json`, `payer-1.json`.

        Raises:
            InvalidInput: there is none.
        """
        found = sorted(self.path.glob(f"{role}-*.json"), key=lambda path: (len(path.name), path.name))  # 2 before 10
        if not found:
            raise InvalidInput(f"no {role}-0.json in {self.path}; put it there, or set GRIDTOKENX_CHAIN__KEYS_DIR")
        return tuple(read_keypair(path) for path in found)

    def programs(self) -> dict[str, KeypairSigner]:
        """The keys of the programs' own addresses that are there, by program: `program-registry.json` and so on.

        Raises:
            InvalidInput: a file is malformed or readable by others.
        """
        files = {name: self._file(f"program-{name}") for name in PROGRAM_NAMES}
        return {name: KeypairSigner(read_keypair(path)) for name, path in files.items() if path.exists()}

    def ensure_programs(self) -> dict[str, KeypairSigner]:
        """Draw the keys of the programs' addresses that are missing: an operator's own deployment begins with them.

        Raises:
            InvalidInput: a file is malformed or readable by others.
        """
        for name in PROGRAM_NAMES:
            if not self._file(f"program-{name}").exists():
                write_keypair(self._file(f"program-{name}"), Keypair())
        return self.programs()

    def authorities(self) -> AuthorityKeys:
        """All of them, as the bridge signs with them.

        Raises:
            InvalidInput: a file is missing or malformed.
        """
        return AuthorityKeys(
            upgrade=KeypairSigner(self.single("upgrade")),
            authority=KeypairSigner(self.single("authority")),
            auditor=KeypairSigner(self.single("auditor")),
            provisioner=KeypairSigner(self.single("provisioner")),
            attesters=tuple(KeypairSigner(key) for key in self.numbered("attester")),
            payers=tuple(KeypairSigner(key) for key in self.numbered("payer")),
        )

    def _file(self, role: str) -> Path:
        return self.path / f"{role}.json"
