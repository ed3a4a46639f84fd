"""Is it alive, is it ready, what does it measure."""

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE

from api.parts import ApiParts
from core.runtime.metrics import CONTENT_TYPE


@get("/health", tags=["operations"], sync_to_thread=False)
def health() -> dict[str, str]:
    """Tell that the process answers; it asks nothing else."""
    return {"status": "ok"}


@get("/ready", tags=["operations"])
async def ready(parts: NamedDependency[ApiParts]) -> Response[dict[str, Any]]:
    """Tell the state of each part the platform needs; 503 when one is missing."""
    reports = await parts.health.report()
    everything = all(report.ok for report in reports.values())
    body: dict[str, Any] = {
        "status": "ready" if everything else "not ready",
        "parts": {name: {"ok": report.ok, "detail": report.detail} for name, report in reports.items()},
    }
    return Response(body, status_code=HTTP_200_OK if everything else HTTP_503_SERVICE_UNAVAILABLE)


@get("/metrics", tags=["operations"], sync_to_thread=False)
def metrics(parts: NamedDependency[ApiParts]) -> Response[bytes]:
    """Give Prometheus its figures."""
    return Response(parts.metrics.render(), media_type=CONTENT_TYPE)
