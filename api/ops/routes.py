"""Is it alive, is it ready, what does it measure."""

from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE

from api.parts import ApiParts
from api.problems import described_problems
from core.runtime.health import is_ready
from core.runtime.metrics import CONTENT_TYPE


@get("/health", tags=["operations"], sync_to_thread=False)
def health() -> dict[str, str]:
    """Tell that the process answers; it asks nothing else."""
    return {"status": "ok"}


@get(
    "/ready",
    tags=["operations"],
    responses={
        503: ResponseSpec(dict[str, Any], generate_examples=False, description="not ready: a part that is essential is unwell")
    },
)
async def ready(parts: NamedDependency[ApiParts]) -> Response[dict[str, Any]]:
    """Tell the state of each part: `ready`, `degraded` while one that is not essential is unwell, else 503 `not ready`."""
    reports = await parts.health.report()
    essential = is_ready(reports)
    everything = all(report.ok for report in reports.values())
    body: dict[str, Any] = {
        "status": "not ready" if not essential else "ready" if everything else "degraded",
        "parts": {name: asdict(report) for name, report in reports.items()},
    }
    return Response(body, status_code=HTTP_200_OK if essential else HTTP_503_SERVICE_UNAVAILABLE)


@get(
    "/metrics",
    tags=["operations"],
    sync_to_thread=False,
    responses=described_problems(HTTPStatus.UNAUTHORIZED),
    media_type=CONTENT_TYPE,
)
def metrics(parts: NamedDependency[ApiParts]) -> Response[bytes]:
    """Give Prometheus its figures."""
    return Response(parts.metrics.render(), media_type=CONTENT_TYPE)
