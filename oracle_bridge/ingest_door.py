"""The door that arrivals go through, as the subscriber sees it."""

from collections.abc import Sequence
from typing import Protocol

from devices.receipts import ReceiptMessage
from oracle_bridge.ingest import Arrival


class Door(Protocol):
    """Commits arrivals of the channels `reading` and `journal`."""

    async def take(self, arrivals: Sequence[Arrival]) -> Sequence[ReceiptMessage]:
        """Commit all in one transaction and return what to tell the devices.

        Raises:
            Unavailable: nothing was stored; repeat later.
            OutcomeUnknown: something may have been stored; repeating does no harm.
        """
        ...

    async def refuse(self, arrival: Arrival, detail: str) -> None:
        """Keep a message that `take` cannot digest as a refusal, reason `malformed`.

        Raises:
            Unavailable: nothing was stored; repeat later.
        """
        ...
