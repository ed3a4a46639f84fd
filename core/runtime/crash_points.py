"""Named moments at which a process may die: the fault harness ends it there; for everybody else they pass unnoticed."""

from collections.abc import Callable
from enum import StrEnum


class CrashPoint(StrEnum):
    """A step after which dying must lose nothing and repeat nothing. Each is reached from exactly one place."""

    INGEST_ARRIVED = "ingest arrived"
    """A batch was taken from the connection; nothing of it is known to anybody."""
    INTAKE_JUDGED = "intake judged"
    """Rows, verdicts and work are written, the transaction is still open."""
    INTAKE_COMMITTED = "intake committed"
    """The rows are there; neither broker nor device knows."""
    INGEST_ACKNOWLEDGED = "ingest acknowledged"
    """The broker forgets the batch; the devices have no receipt yet."""
    INGEST_ANSWERED = "ingest answered"
    """The receipts are on their way."""

    OUTBOX_DRAFTING = "outbox drafting"
    """Meters are leased and drafts written, the transaction is still open."""
    OUTBOX_DRAFTED = "outbox drafted"
    """The drafts are there; nothing is signed."""
    OUTBOX_COMPOSED = "outbox composed"
    """Signatures exist in memory alone."""
    OUTBOX_SIGNING = "outbox signing"
    """Signatures and bytes are written, the transaction is still open."""
    OUTBOX_SIGNED = "outbox signed"
    """Signatures and bytes are there; the node has seen none of them."""
    OUTBOX_TAKEN = "outbox taken"
    """The node has taken a transaction; its row does not say so."""
    OUTBOX_SENT = "outbox sent"
    """The rows say that the bytes are on their way."""
    OUTBOX_RESENT = "outbox resent"
    """The node got the same bytes again; the row does not say so."""
    OUTBOX_LANDING = "outbox landing"
    """What a transaction did is written, the transaction of the database is still open."""
    OUTBOX_LANDED = "outbox landed"
    """What a transaction did is there; the follower has not gone on."""
    OUTBOX_FOUND_DEAD = "outbox found dead"
    """A transaction expired and history does not know it; its row is still open."""
    OUTBOX_ENDING = "outbox ending"
    """The end of a transaction without effect is written with its consequences, the database's transaction is open."""
    OUTBOX_ENDED = "outbox ended"
    """The end of a transaction without effect is there: its meters may be signed for again."""
    OUTBOX_WITHDRAWN = "outbox withdrawn"
    """A draft that went nowhere was given back."""
    OUTBOX_KEPT = "outbox kept"
    """Leases are renewed, and what a silent bridge left was taken over."""

    INDEXER_LISTED = "indexer listed"
    """Unread transactions are known by name."""
    INDEXER_FETCHED = "indexer fetched"
    """Transactions were read; nothing of them is written."""
    INDEXER_WRITTEN = "indexer written"
    """Their events are written, the cursor is not moved, the transaction is open."""
    INDEXER_MOVED = "indexer moved"
    """The cursor is moved too, the transaction is open."""
    INDEXER_COMMITTED = "indexer committed"
    """Events and cursor are there; the ledgers' totals are not."""
    INDEXER_LOOKED = "indexer looked"
    """The ledgers' totals are there."""


Reached = Callable[[CrashPoint], None]
"""Told by a process that it has come to a point; it may not come back."""


def pass_by(point: CrashPoint) -> None:
    """Go on: what every process does outside of the fault harness."""
    del point
