"""Who may do what on the broker, as pure rules (protocol §3): every broker is configured from, or tested against, these."""

from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from core.domain.errors import InvalidInput
from core.domain.identity import Fleet, MeterId
from devices import topics

CLAIM_USER_PREFIX: Final = "claim-"
"""A device that joins connects as `claim-{claim_id}` (protocol §5)."""
BRIDGE_CLIENT_SEPARATOR: Final = ":"
"""Not a letter of meter ids, so no meter can be named like a bridge's further client."""


@dataclass(frozen=True, slots=True)
class Device:
    """A meter's device: it owns its prefix, and its client id is its meter id."""

    fleet: Fleet
    meter_id: MeterId


@dataclass(frozen=True, slots=True)
class Bridge:
    """The oracle bridge: it reads what devices say and answers them."""

    username: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A device that is being provisioned, until its claim is spent."""

    claim_id: str


Identity: TypeAlias = Device | Bridge | Claim
"""Who a connection has proven to be."""


def may_connect(identity: Identity, username: str, client_id: str) -> bool:
    """Whether the identity may use this client id: only its own, so that nobody takes over another's session."""
    match identity:
        case Device(meter_id=meter_id):
            return username == client_id == meter_id
        case Bridge(username=own):
            return username == own and (client_id == own or client_id.startswith(own + BRIDGE_CLIENT_SEPARATOR))
        case Claim(claim_id=claim_id):
            return username == client_id == f"{CLAIM_USER_PREFIX}{claim_id}"
        case _:
            assert_never(identity)


def session_key(identity: Identity, client_id: str) -> str:
    """The name of a session on the broker: a meter named like the bridge's client still gets a session of its own."""
    return f"{type(identity).__name__.lower()}/{client_id}"


def may_publish(identity: Identity, topic: str) -> bool:
    """Whether the identity may publish to this topic name; a will counts as a publish."""
    match identity:
        case Device(fleet=fleet, meter_id=meter_id):
            prefix = topics.meter_prefix(fleet, meter_id)
            return topic.startswith(prefix) and topic[len(prefix) :] in topics.DEVICE_PUBLISHES
        case Bridge():
            return _answers_a_device(topic)
        case Claim(claim_id=claim_id):
            return topic == topics.claim_request_topic(claim_id)
        case _:
            assert_never(identity)


def may_retain(identity: Identity, topic: str) -> bool:
    """Whether a message may stay on the broker: only a device's own status."""
    if not isinstance(identity, Device):
        return False
    prefix = topics.meter_prefix(identity.fleet, identity.meter_id)
    return topic.startswith(prefix) and topic[len(prefix) :] in topics.RETAINED


def may_subscribe(identity: Identity, topic_filter: str) -> bool:
    """Whether the identity may subscribe: devices to their exact topics, the bridge under the protocol's roots."""
    match identity:
        case Device(fleet=fleet, meter_id=meter_id):
            prefix = topics.meter_prefix(fleet, meter_id)
            return topic_filter.startswith(prefix) and topic_filter[len(prefix) :] in topics.DEVICE_SUBSCRIBES
        case Bridge():
            return is_filter(topic_filter) and topic_filter.startswith((f"{topics.ROOT}/", f"{topics.CLAIM_ROOT}/"))
        case Claim(claim_id=claim_id):
            return topic_filter == topics.claim_response_topic(claim_id)
        case _:
            assert_never(identity)


def is_topic_name(text: str) -> bool:
    """Whether MQTT allows this name in a publish: not empty, no wildcard, no NUL."""
    return bool(text) and not any(letter in text for letter in "+#\0")


def is_filter(text: str) -> bool:
    """Whether MQTT allows this filter: `+` fills a level, `#` fills the last."""
    levels = text.split("/")
    return (
        bool(text)
        and "\0" not in text
        and all(level == "+" or "+" not in level for level in levels)
        and all("#" not in level for level in levels[:-1])
        and (levels[-1] == "#" or "#" not in levels[-1])
    )


def _answers_a_device(topic: str) -> bool:
    claim_id, _, rest = topic.removeprefix(f"{topics.CLAIM_ROOT}/").partition("/")
    if rest and topic == topics.claim_response_topic(claim_id):
        return is_topic_name(topic) and bool(claim_id)
    try:
        return topics.parse_topic(topic).channel in topics.DEVICE_SUBSCRIBES
    except InvalidInput:
        return False
