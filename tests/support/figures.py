"""The figures as a reader of `/metrics` sees them: names in the text format, with their labels."""

from collections.abc import Mapping

from prometheus_client.metrics import MetricWrapperBase

from core.runtime.metrics import Metrics

OF_THE_PROCESS = frozenset({"process_open_fds", "process_max_fds", "process_resident_memory_bytes"})
"""Those of prometheus_client's own that the rules use."""
_SAMPLES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}


def declared(metrics: Metrics) -> dict[str, MetricWrapperBase]:
    """Each metric of ours under its name in the documentation: a counter with `_total`."""
    found: dict[str, MetricWrapperBase] = {}
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            assert metric._type is not None
            found[metric._name + ("_total" if metric._type == "counter" else "")] = metric
    return found


def sample_labels(metrics: Metrics) -> Mapping[str, frozenset[str]]:
    """The labels of each name that a rule may use."""
    found = {name: frozenset[str]() for name in OF_THE_PROCESS}
    for metric in declared(metrics).values():
        for suffix in _SAMPLES[str(metric._type)]:
            more = {"le"} if suffix == "_bucket" else set[str]()
            found[metric._name + suffix] = frozenset({*metric._labelnames, *more})
    return found
