"""The audit again and again: cheap each time, and over a while as thorough as one that looks at everything."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from core.domain.clock import Clock
from core.domain.errors import DomainError
from core.runtime.logging import get_logger
from core.runtime.metrics import Metrics
from core.store.unit_of_work import Store
from oracle_bridge import audit
from oracle_bridge.audit import AuditReport
from oracle_bridge.audit_metrics import publish, publish_failure
from oracle_bridge.books import Chain, Signatures
from programs.client.addresses import Addresses

EVENTS_A_TIME: Final = 2_560
"""Ten questions to the node."""
DEEP_EVERY: Final = 60
"""Every minted reading is looked at by the first audit and by each sixtieth after it: once an hour by the bridge."""
NAMED_IN_THE_LOG: Final = 10

_log = get_logger(__name__)


class ContinuousAudit:
    """A row of audits; each publishes what it found.

    Args:
        store: the database.
        chain: the node.
        at: the deployment's addresses.
        clock: the present.
        metrics: get the outcome.
    """

    def __init__(self, *, store: Store, chain: Chain, at: Addresses, clock: Clock, metrics: Metrics) -> None:
        self._store = store
        self._chain = chain
        self._at = at
        self._clock = clock
        self._metrics = metrics
        self._signatures = Signatures(EVENTS_A_TIME)
        self._turn = 0

    async def once(
        self, truth: Mapping[str, tuple[int, int]] | None = None, *, first: Callable[[], Awaitable[None]] | None = None
    ) -> AuditReport:
        """Do the next audit.

        Args:
            truth: what really flowed, when it is known.
            first: what belongs to the audit and comes before it.

        Raises:
            DomainError: it could not be done; that is counted, too.
        """
        deep = self._turn % DEEP_EVERY == 0
        try:
            if first is not None:
                await first()
            report = await audit.run(
                self._store, self._chain, truth, at=self._at, signatures=self._signatures, deep=deep or truth is not None
            )
        except DomainError:
            publish_failure(self._metrics)
            raise
        self._turn += 1
        publish(report, self._metrics, self._clock)
        if not report.ok:
            _log.error("audit_failed", failures=len(report.failures), first=report.failures[:NAMED_IN_THE_LOG])
        return report
