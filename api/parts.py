"""What the API is handed; it holds no key."""

from dataclasses import dataclass
from typing import Final

from core.domain.clock import Clock
from core.runtime.health import Health
from core.runtime.metrics import Metrics
from core.store import Store
from devices.intake import Intake
from programs.client.ids import ProgramIds
from programs.client.rpc import ChainClient

BODY_TIMEOUT_S: Final = 10.0  # a slow caller must not hold a connection for long


@dataclass(frozen=True, kw_only=True)
class ApiParts:
    """The real parts behind the routes, chosen by whoever composes the process."""

    store: Store
    intake: Intake
    chain: ChainClient
    ids: ProgramIds
    clock: Clock
    health: Health
    metrics: Metrics
    token_symbol: str
    token_name: str
    body_timeout_s: float = BODY_TIMEOUT_S
    """How long a request may take to send its body."""
