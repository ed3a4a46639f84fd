import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec

from programs.localnet.accounts import AccountState, Changes
from programs.localnet.blocks import Block
from programs.localnet.errors import LocalnetError
from programs.localnet.transactions import TransactionMeta, TransactionRecord

SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS accounts (
    address BLOB PRIMARY KEY, lamports INTEGER NOT NULL, owner BLOB NOT NULL, executable INTEGER NOT NULL,
    rent_epoch BLOB NOT NULL, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS blocks (
    slot INTEGER PRIMARY KEY, height INTEGER NOT NULL, blockhash BLOB NOT NULL, parent_slot INTEGER NOT NULL,
    previous_blockhash BLOB NOT NULL, time INTEGER NOT NULL, transaction_count INTEGER NOT NULL,
    total_transactions INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS transactions (
    slot INTEGER NOT NULL, position INTEGER NOT NULL, signature BLOB NOT NULL, message_hash BLOB NOT NULL,
    wire BLOB NOT NULL, meta BLOB NOT NULL, PRIMARY KEY (slot, position)) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS transactions_by_signature ON transactions (signature);
CREATE INDEX IF NOT EXISTS transactions_by_message ON transactions (message_hash);
CREATE TABLE IF NOT EXISTS mentions (
    address BLOB NOT NULL, slot INTEGER NOT NULL, position INTEGER NOT NULL,
    PRIMARY KEY (address, slot, position)) WITHOUT ROWID;
"""
LAYOUT = b"1"
TRANSACTION_COLUMNS = "slot, position, signature, message_hash, wire, meta"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(TransactionMeta).decode


class Storage:
    """State and history of one chain in one SQLite file (or in memory).

    What is written becomes durable with `commit`; the chain commits before it answers.

    Raises:
        LocalnetError: The directory is in use by another process or holds an unknown layout.
    """

    def __init__(self, data_dir: Path | None) -> None:
        if data_dir is not None:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)  # the faucet's key is inside
        path = ":memory:" if data_dir is None else str(data_dir / "localnet.sqlite3")
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except sqlite3.OperationalError as error:
            self._db.close()
            raise LocalnetError(
                f"{path} cannot be opened ({error}): stop the other localnet or choose another data_dir"
            ) from error
        except LocalnetError:
            self._db.close()
            raise

    def _prepare(self) -> None:
        for pragma in ("busy_timeout=0", "locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=NORMAL"):
            self._db.execute(f"PRAGMA {pragma}").close()
        self._db.execute("BEGIN EXCLUSIVE")
        for statement in SCHEMA.split(";"):
            self._db.execute(statement)
        self._db.execute("COMMIT")
        if (self.fact("layout") or LAYOUT) != LAYOUT:
            raise LocalnetError("this data_dir was written by another version of localnet: choose another one")
        self.put_fact("layout", LAYOUT)
        self.commit()

    def begin(self) -> None:
        """Open a unit of writes unless one is open."""
        if not self._db.in_transaction:
            self._db.execute("BEGIN")

    def commit(self) -> None:
        """Make everything written so far durable."""
        if self._db.in_transaction:
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Commit, fold the write-ahead log in and let go of the file."""
        self.commit()
        self._db.close()

    def fact(self, name: str) -> bytes | None:
        """A value kept once per chain."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else row[0]

    def put_fact(self, name: str, value: bytes) -> None:
        """Keep a value once per chain."""
        self.begin()
        self._db.execute("INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value))

    def put_accounts(self, changes: Changes) -> None:
        """Write changed accounts, delete those that are gone."""
        self.begin()
        gone = [(address,) for address, state in changes.items() if state is None]
        self._db.executemany("DELETE FROM accounts WHERE address = ?", gone)
        rows = [
            (address, s.lamports, s.owner, s.executable, s.rent_epoch.to_bytes(8, "big"), s.data)
            for address, s in changes.items()
            if s is not None
        ]
        self._db.executemany("INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?, ?)", rows)

    def accounts(self) -> Iterator[tuple[bytes, AccountState]]:
        """Every account on disk."""
        for address, lamports, owner, executable, rent_epoch, data in self._db.execute("SELECT * FROM accounts"):
            yield address, AccountState(lamports, owner, data, bool(executable), int.from_bytes(rent_epoch, "big"))

    def put_transaction(self, record: TransactionRecord, addresses: list[bytes]) -> None:
        """Write a landed transaction and index it by every account it names, loaded ones included."""
        self.begin()
        row = (record.slot, record.index, record.signature, record.message_hash, record.wire, _encode(record.meta))
        self._db.execute("INSERT INTO transactions VALUES (?, ?, ?, ?, ?, ?)", row)
        mentions = [(address, record.slot, record.index) for address in set(addresses)]
        self._db.executemany("INSERT INTO mentions VALUES (?, ?, ?)", mentions)

    def transaction(self, signature: bytes) -> TransactionRecord | None:
        """A landed transaction by signature."""
        query = f"SELECT {TRANSACTION_COLUMNS} FROM transactions WHERE signature = ?"  # noqa: S608  # constant columns
        row = self._db.execute(query, (signature,)).fetchone()
        return None if row is None else _record(row)

    def position_of(self, signature: bytes) -> tuple[int, int] | None:
        """Slot and index of a landed transaction."""
        query = "SELECT slot, position FROM transactions WHERE signature = ?"
        row = self._db.execute(query, (signature,)).fetchone()
        return None if row is None else (row[0], row[1])

    def has_landed(self, signature: bytes, message_hash: bytes) -> bool:
        """Whether this signature, or the same message under another, landed before."""
        query = (
            "SELECT 1 FROM transactions WHERE signature = ? UNION ALL SELECT 1 FROM transactions WHERE message_hash = ? LIMIT 1"
        )
        return self._db.execute(query, (signature, message_hash)).fetchone() is not None

    def transactions_in(self, slot: int) -> list[TransactionRecord]:
        """A slot's transactions in order."""
        query = f"SELECT {TRANSACTION_COLUMNS} FROM transactions WHERE slot = ? ORDER BY position"  # noqa: S608  # constant columns
        return [_record(row) for row in self._db.execute(query, (slot,))]

    def transactions_of(
        self, address: bytes, before: tuple[int, int], until: tuple[int, int], limit: int
    ) -> list[TransactionRecord]:
        """Transactions that name an address, newest first, strictly between two positions (slot, index)."""
        query = """
            SELECT t.slot, t.position, t.signature, t.message_hash, t.wire, t.meta
            FROM mentions m JOIN transactions t ON t.slot = m.slot AND t.position = m.position
            WHERE m.address = ? AND (m.slot, m.position) < (?, ?) AND (m.slot, m.position) > (?, ?)
            ORDER BY m.slot DESC, m.position DESC LIMIT ?"""
        return [_record(row) for row in self._db.execute(query, (address, *before, *until, limit))]

    def put_block(self, block: Block) -> None:
        """Write a closed block."""
        self.begin()
        row = (block.slot, block.height, block.blockhash, block.parent_slot, block.previous_blockhash)
        counts = (block.time, block.transaction_count, block.total_transactions)
        self._db.execute("INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, *counts))

    def block(self, slot: int) -> Block | None:
        """The block of a slot."""
        row = self._db.execute("SELECT * FROM blocks WHERE slot = ?", (slot,)).fetchone()
        return None if row is None else Block(*row)

    def last_blocks(self, count: int) -> list[Block]:
        """The newest blocks, oldest of them first."""
        rows = self._db.execute("SELECT * FROM blocks ORDER BY slot DESC LIMIT ?", (count,)).fetchall()
        return [Block(*row) for row in reversed(rows)]

    def block_slots(self, first: int, last: int, limit: int) -> list[int]:
        """Slots with a block between two slots, both included."""
        query = "SELECT slot FROM blocks WHERE slot BETWEEN ? AND ? ORDER BY slot LIMIT ?"
        return [row[0] for row in self._db.execute(query, (first, last, limit))]

    def forget_empty_blocks(self, before_slot: int) -> None:
        """Let go of old blocks without transactions; the genesis block stays."""
        self.begin()
        self._db.execute("DELETE FROM blocks WHERE slot > 0 AND slot < ? AND transaction_count = 0", (before_slot,))


def _record(row: tuple[int, int, bytes, bytes, bytes, bytes]) -> TransactionRecord:
    slot, index, signature, message_hash, wire, meta = row
    return TransactionRecord(slot, index, signature, message_hash, wire, _decode(meta))
