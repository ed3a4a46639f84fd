"""Every figure that the platform publishes, in one place."""

import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST.removesuffix("; charset=utf-8")
"""Without the character set, which the web framework adds to text."""
PREFIX: Final = "gridtokenx_"
LATENCY_BUCKETS_S: Final = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 900)
FAST_BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)


class Metrics:
    """One process's figures in a registry of their own.

    Every metric's name is its attribute's with the prefix `gridtokenx_`; a unit other than a count is in the name. Labels are
    from closed sets: never a meter, a wallet, a signature. `docs/watching.md` lists them all.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._hooks: list[Callable[[], None]] = []
        ProcessCollector(registry=self.registry)
        self._process()
        self._intake()
        self._broker()
        self._database()
        self._settlement()
        self._chain()
        self._books()
        self._http()

    def on_scrape(self, hook: Callable[[], None]) -> None:
        """Call `hook` before each rendering, for what is cheaper to look up than to keep; it must not raise."""
        self._hooks.append(hook)

    def render(self) -> bytes:
        """All figures in the text format of Prometheus; its type is `CONTENT_TYPE`."""
        for hook in self._hooks:
            hook()
        return generate_latest(self.registry)

    def _process(self) -> None:
        self.build_info = self._gauge("build_info", "1, with the platform's and Python's versions", "version", "python")
        self.build_info.labels(_version(), platform.python_version()).set(1)
        self.part_up = self._gauge("part_up", "1 while the part answers its check of /ready", "part")
        self.ready = self._gauge("ready", "1 while every essential part is well")
        self.loop_restarts_total = self._counter("loop_restarts", "Restarts of a loop whose part was away", "loop")
        self.figures_read_timestamp_seconds = self._gauge(
            "figures_read_timestamp_seconds", "When the figures below that come from rows and chain were read, Unix seconds"
        )

    def _intake(self) -> None:
        self.readings_total = self._counter("readings", "Readings by outcome", "verdict", "reason", "source")
        self.refusals_total = self._counter("refusals", "Frames that could not become a reading", "reason", "source")
        self.refusals_uncounted_total = self._counter("refusals_over_cap", "Refusals over the hourly cap, kept as a count only")
        self.intake_seconds = self._histogram("intake_seconds", "From hand-over to commit of a micro-batch", FAST_BUCKETS_S)
        self.intake_batch_size = self._histogram(
            "intake_batch_frames", "Frames in a micro-batch", (1, 4, 16, 64, 256, 1024, 4096)
        )
        self.intake_retries_total = self._counter("intake_retries", "Batches tried again because the database was away")
        self.ingest_backlog = self._gauge("ingest_backlog", "Messages received and not yet taken into a batch")
        self.ingest_backlog_limit = self._gauge("ingest_backlog_limit", "Messages at which the broker's line is no longer read")
        self.ingest_oldest_unacknowledged_seconds = self._gauge(
            "ingest_oldest_unacknowledged_seconds", "Age of the oldest message received and not yet acknowledged"
        )
        self.readings_in_doubt = self._gauge("readings_in_doubt", "Quarantined readings, by what is doubted", "reason")
        self.quarantined_wh = self._gauge(
            "quarantined_wh", "Energy that quarantined readings claim beyond what is accepted, Wh", "direction"
        )
        self.meters = self._gauge("meters", "Registered meters by status", "status")
        self.meters_with_gaps = self._gauge("meters_with_gaps", "Meters of which at least one number was never received")
        self.meters_silent = self._gauge("meters_silent", "Active meters of which nothing was accepted for a day")

    def _broker(self) -> None:
        self.broker_messages_total = self._counter("broker_messages", "Messages taken from the broker", "topic")
        self.broker_connected = self._gauge("broker_connected", "1 while the broker has granted the subscription")
        self.broker_connects_total = self._counter("broker_connects", "Connections to the broker that came to a subscription")
        self.receipts_dropped_total = self._counter("receipts_dropped", "Receipts not sent because the broker was away")
        self.embedded_broker_clients = self._gauge("embedded_broker_clients", "Connections to the embedded broker")
        self.embedded_broker_events_total = self._counter(
            "embedded_broker_events", "What the embedded broker took, refused and dropped", "event"
        )

    def _database(self) -> None:
        self.database_transaction_seconds = self._histogram(
            "database_transaction_seconds", "From begin to commit or end", FAST_BUCKETS_S, "kind"
        )
        self.database_errors_total = self._counter(
            "database_errors", "Transactions that did not commit: away, refused by a constraint, or failed", "outcome"
        )

    def _settlement(self) -> None:
        self.settlement_transactions_total = self._counter(
            "settlement_transactions", "Transactions of the bridge by end", "kind", "status"
        )
        self.settlement_compute_units_total = self._counter("settlement_compute_units", "Compute units of landed transactions")
        self.settlement_confirm_seconds = self._histogram(
            "settlement_confirm_seconds", "From draft to confirmed landing of a transaction", LATENCY_BUCKETS_S
        )
        self.settlement_resends_total = self._counter("settlement_resends", "Sendings of the same bytes again")
        self.settlement_work = self._gauge("settlement_work", "Meters by what settlement owes them", "state")
        self.settlement_oldest_due_seconds = self._gauge(
            "settlement_oldest_due_seconds", "How long the oldest due meter has been due"
        )
        self.settlement_attempts_most = self._gauge("settlement_attempts_most", "Failed attempts of the meter with most of them")
        self.review_pending = self._gauge("review_pending", "Settlements that wait for an operator")
        self.outbox_pending = self._gauge("outbox_pending", "Transactions signed or sent, end unknown")
        self.outbox_transactions = self._gauge("outbox_transactions", "Transactions without an end by state", "status")
        self.outbox_oldest_seconds = self._gauge("outbox_oldest_seconds", "Age of the oldest transaction without an end")
        self.lease_takeovers_total = self._counter("lease_takeovers", "Transactions taken over from a bridge that fell silent")
        self.publish_to_mint_seconds = self._histogram(
            "publish_to_mint_seconds", "From receipt to confirmed mint", LATENCY_BUCKETS_S
        )

    def _chain(self) -> None:
        self.payer_balance_lamports = self._gauge("payer_balance_lamports", "Fee payer's balance", "payer")
        self.payer_runway_seconds = self._gauge(
            "payer_runway_seconds",
            "How long the balance lasts at the last hour's rate; infinite when nothing was spent",
            "payer",
        )
        self.chain_slot = self._gauge("chain_slot", "Newest confirmed slot of the node")
        self.chain_clock_skew_seconds = self._gauge("chain_clock_skew_seconds", "This machine's clock less the chain's")
        self.indexer_slot = self._gauge("indexer_slot", "Slot of the newest transaction indexed", "program")
        self.indexer_read_timestamp_seconds = self._gauge(
            "indexer_read_timestamp_seconds", "When all events there were had been indexed, Unix seconds"
        )

    def _books(self) -> None:
        self.audit_ok = self._gauge("audit_ok", "1 while the books add up to the Wh")
        self.audit_last_run_timestamp_seconds = self._gauge(
            "audit_last_run_timestamp_seconds", "When the last audit ended, Unix seconds"
        )
        self.audit_last_ok_timestamp_seconds = self._gauge(
            "audit_last_ok_timestamp_seconds", "When an audit last added up, Unix seconds"
        )
        self.audit_findings = self._gauge("audit_findings", "Comparisons that do not add up, by term, how many", "term")
        self.audit_difference_wh = self._gauge(
            "audit_difference_wh", "By how much it does not add up, by term of energy, Wh", "term"
        )
        self.audit_runs_total = self._counter("audit_runs", "Audits by outcome: ok, difference, failed", "outcome")
        self.audit_term_wh = self._gauge("audit_term_wh", "Terms of the audit in Wh", "term")

    def _http(self) -> None:
        self.http_requests_total = self._counter(
            "http_requests", "Requests by route template and class of status", "route", "method", "status"
        )
        self.http_request_seconds = self._histogram(
            "http_request_seconds", "From request to the end of the answer", FAST_BUCKETS_S, "route"
        )
        self.http_requests_in_flight = self._gauge("http_requests_in_flight", "Requests being answered")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(PREFIX + name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(PREFIX + name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(PREFIX + name, text, labels, registry=self.registry, buckets=buckets)


def _version() -> str:
    try:
        return version("gridtokenx")
    except PackageNotFoundError:
        return "from source"
