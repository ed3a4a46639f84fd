"""The public face: routes, guards and the problem map put together."""

from collections.abc import Sequence

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from api.auth import OperatorGuard
from api.ops import routes as ops
from api.parts import ApiParts
from api.problems import on_domain_error, on_http_error, on_unexpected_error, schema_not_found
from api.readings import routes as readings
from api.requests import WatchedRequests
from api.tokens import routes as tokens
from core.domain.errors import DomainError

MAX_BODY_BYTES = 65_536


def build_app(parts: ApiParts, *, operator_token: str) -> Litestar:
    """Put the application together.

    Args:
        parts: what the routes work with.
        operator_token: bearer token that everything not public asks for.
    """
    public = Router(path="/", route_handlers=[readings.submit_reading, tokens.token_info, ops.health, ops.ready])
    operators = Router(
        path="/",
        guards=[OperatorGuard(operator_token)],
        security=[{"operator": []}],
        route_handlers=[
            readings.meter_readings,
            readings.unminted,
            readings.refusals,
            tokens.token_balance,
            ops.metrics,
        ],
    )
    return _application(parts, [public, operators])


def build_operations_app(parts: ApiParts, *, operator_token: str) -> Litestar:
    """The face of a process that is not the API: whether it lives, whether it is ready, what it measures."""
    public = Router(path="/", route_handlers=[ops.health, ops.ready])
    operators = Router(path="/", guards=[OperatorGuard(operator_token)], route_handlers=[ops.metrics])
    return _application(parts, [public, operators])


def _application(parts: ApiParts, routers: Sequence[Router]) -> Litestar:
    application = Litestar(
        route_handlers=routers,
        dependencies={"parts": Provide(lambda: parts, sync_to_thread=False)},
        exception_handlers={DomainError: on_domain_error, HTTPException: on_http_error, Exception: on_unexpected_error},
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
        openapi_config=OpenAPIConfig(
            title="GridTokenX",
            version="1",
            use_handler_docstrings=True,
            openapi_router=Router("/schema", route_handlers=[], include_in_schema=False, after_request=schema_not_found),
            render_plugins=[JsonRenderPlugin(path=["/", "/openapi.json"])],
            components=Components(
                security_schemes={"operator": SecurityScheme(type="http", scheme="bearer", description="the operator token")}
            ),
        ),
    )
    application.asgi_handler = WatchedRequests(application.asgi_handler, parts.metrics)  # in front of the routing: 404 counts too
    return application
