"""The composition's parts of `/ready` and of the figures: broker and database, embedded or by URL."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from importlib.metadata import version
from typing import Literal

from broker.embedded import EmbeddedBroker
from core.runtime.health import Check, HealthReport, Kind
from core.runtime.metrics import Metrics
from core.store import Store, engine
from oracle_bridge.subscriber import Subscriber


def kind_of(url: str | None) -> Kind:
    """A part without a URL is embedded."""
    return "embedded" if url is None else "real"


def broker_engine(url: str | None) -> str:
    """The embedded broker's name and version; somebody's tells its own, or nothing."""
    return f"amqtt {version('amqtt')}, hardened" if url is None else "an MQTT broker"


def broker_check(subscriber: Subscriber) -> Check:
    """Well while the subscription stands."""

    async def check() -> HealthReport:
        connected = subscriber.is_connected
        return HealthReport(ok=connected, detail="subscribed" if connected else "not subscribed", engine=subscriber.engine)

    return check


def database_check(store: Store) -> Check:
    """Well while it answers a query and its tables are those of this version."""

    async def check() -> HealthReport:
        async with store.read() as session:
            name = await engine.name_and_version(session)
            found = await engine.revision(session)
        wanted = engine.newest_revision()
        detail = f"tables at {found}" if found == wanted else f"tables at {found}, this version needs {wanted}"
        return HealthReport(ok=found == wanted, detail=detail, engine=name)

    return check


def watch_transactions(store: Store, metrics: Metrics) -> None:
    """Give the figures every transaction's time and end."""
    seconds = {kind: metrics.database_transaction_seconds.labels(kind) for kind in ("read", "write")}

    def ended(kind: Literal["read", "write"], end: str, took_s: float) -> None:
        seconds[kind].observe(took_s)
        if end != "ok":
            metrics.database_errors_total.labels(end).inc()

    store.on_end = ended


def tell_broker(broker: EmbeddedBroker, metrics: Metrics) -> Callable[[], None]:
    """Copy the embedded broker's counts at each scrape."""
    told: Counter[str] = Counter()

    def tell() -> None:
        metrics.embedded_broker_clients.set(broker.clients)
        for event, count in asdict(broker.counts).items():
            metrics.embedded_broker_events_total.labels(event).inc(max(0, count - told[event]))
            told[event] = count

    return tell
