"""Logs: an event and its facts, never a key or a payload."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from typing import Any, Final, Literal

import structlog
from structlog.stdlib import BoundLogger
from structlog.typing import Processor

SECRET_WORDS: Final = ("password", "secret", "token", "private_key", "seed", "authorization", "claim", "credential")
PAYLOAD_WORDS: Final = ("payload", "raw", "wire", "statement", "body")
WITHHELD: Final = "(withheld)"
_LOGIN_IN_URL: Final = re.compile(r"://[^/\s@]+@")
QUIET: Final = ("amqtt", "transitions", "httpx", "httpcore", "websockets", "asyncio", "aiosqlite", "passlib")
"""Libraries whose chatter below WARNING is theirs, not ours."""


def configure(level: str, fmt: Literal["text", "json"]) -> None:
    """Send all logs of the process, ours and the libraries', to standard error.

    Args:
        level: the least severe level logged: debug, info, warning or error.
        fmt: `text` for people, `json` for machines.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        withhold,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(shared, fmt))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def _until_configured() -> None:
    """What logs before `configure` withholds as much: structlog's own defaults print the local variables of a traceback."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            withhold,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def get_logger(name: str) -> BoundLogger:
    """The logger of one module."""
    return structlog.stdlib.get_logger(name)


def carrying(**facts: str) -> AbstractContextManager[None]:
    """Within this block every line carries these facts, whoever writes it: a request's id, a batch's."""
    return structlog.contextvars.bound_contextvars(**facts)


def withhold(logger: object, method: str, event: MutableMapping[str, object]) -> Mapping[str, object]:
    """Replace what must never be logged: secrets by the end of their name, logins in URLs, every byte string by its length.

    Dictionaries and lists are searched too.
    """
    del logger, method
    for name, value in event.items():
        if name.lower().endswith(SECRET_WORDS + PAYLOAD_WORDS):
            event[name] = WITHHELD
        elif isinstance(value, bytes | bytearray | memoryview):
            event[name] = f"({len(value)} bytes)"
        else:
            event[name] = _searched(value)
    return event


def _searched(value: Any) -> Any:
    """The value without secrets inside it."""
    match value:
        case str():
            return _LOGIN_IN_URL.sub(f"://{WITHHELD}@", value) if "@" in value else value
        case dict():
            return withhold(None, "", {str(name): part for name, part in value.items()})
        case list() | tuple():
            return [f"({len(part)} bytes)" if isinstance(part, bytes) else _searched(part) for part in value]
        case _:
            return value


def _formatter(shared: list[Processor], fmt: Literal["text", "json"]) -> logging.Formatter:
    """Tracebacks carry no local variables: those may hold keys."""
    if fmt == "json":
        render: list[Processor] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        render = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
    )


if not structlog.is_configured():
    _until_configured()
