"""What an audit found, as figures for Prometheus: the bridge's own and `gridtokenx audit --every` publish the same."""

from core.domain.clock import Clock
from core.runtime.metrics import Metrics
from oracle_bridge.audit import AuditReport


def publish(report: AuditReport, metrics: Metrics, clock: Clock) -> None:
    """An audit ended."""
    now = clock.now()
    metrics.audit_ok.set(1 if report.ok else 0)
    metrics.audit_last_run_timestamp_seconds.set(now)
    if report.ok:
        metrics.audit_last_ok_timestamp_seconds.set(now)
    metrics.audit_runs_total.labels(outcome="ok" if report.ok else "difference").inc()
    for term, count in report.findings.items():
        metrics.audit_findings.labels(term=term.value).set(count)
    for term, amount in report.differences_wh.items():
        metrics.audit_difference_wh.labels(term=term.value).set(amount)
    for name, amount in report.terms.items():
        metrics.audit_term_wh.labels(term=name).set(amount)


def publish_failure(metrics: Metrics) -> None:
    """An audit could not be done: what the last one found still stands, and grows old."""
    metrics.audit_runs_total.labels(outcome="failed").inc()
