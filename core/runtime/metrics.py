"""Every figure that the platform publishes, in one place."""

from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")
"""Without the character set, which the web framework adds to text."""
LATENCY_BUCKETS_S: Final = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 900)
FAST_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class Metrics:
    """One process's figures in a registry of their own.

    Every metric's name is its attribute's with the prefix `gridtokenx_`; a unit other than a count is in the name.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.readings_total = self._counter("readings", "Readings by outcome", "verdict", "reason", "source")
        self.refusals_total = self._counter("refusals", "Frames that could not become a reading", "reason", "source")
        self.refusals_uncounted_total = self._counter("refusals_over_cap", "Refusals over the hourly cap, kept as a count only")
        self.settlement_transactions_total = self._counter(
            "settlement_transactions", "Transactions of the bridge by end", "kind", "status"
        )
        self.broker_messages_total = self._counter("broker_messages", "Messages taken from the broker", "topic")
        self.intake_seconds = self._histogram("intake_seconds", "From hand-over to commit of a micro-batch", FAST_BUCKETS_S)
        self.intake_batch_size = self._histogram(
            "intake_batch_frames", "Frames in a micro-batch", (1, 4, 16, 64, 256, 1024, 4096)
        )
        self.publish_to_mint_seconds = self._histogram(
            "publish_to_mint_seconds", "From receipt to confirmed mint", LATENCY_BUCKETS_S
        )
        self.ingest_backlog = self._gauge("ingest_backlog", "Messages received and not yet committed")
        self.outbox_pending = self._gauge("outbox_pending", "Transactions signed or sent, end unknown")
        self.review_pending = self._gauge("review_pending", "Settlements that wait for an operator")
        self.payer_balance_lamports = self._gauge("payer_balance_lamports", "Fee payer's balance", "payer")
        self.indexer_slot = self._gauge("indexer_slot", "Slot up to which events are indexed", "program")
        self.audit_ok = self._gauge("audit_ok", "1 while the books add up to the Wh")
        self.audit_term_wh = self._gauge("audit_term_wh", "Terms of the audit in Wh", "term")

    def render(self) -> bytes:
        """All figures in the text format of Prometheus; its type is `CONTENT_TYPE`."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"gridtokenx_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"gridtokenx_{name}", text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(f"gridtokenx_{name}", text, (), registry=self.registry, buckets=buckets)
