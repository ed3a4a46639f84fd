"""MQTT topics, built and parsed here alone, and the rights of a device on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.domain.errors import InvalidInput
from core.domain.identity import Fleet, MeterId, parse_fleet, parse_meter_id

ROOT: Final = "gtx/v1"
CLAIM_ROOT: Final = "gtxp/v1"
"""A root of its own: no meter id can collide with a provisioning topic."""
QOS: Final = 1
"""Every topic of the protocol."""


class Channel(StrEnum):
    """The last part of a meter's topics."""

    READING = "reading"
    JOURNAL = "journal"
    STATUS = "status"
    RECEIPT = "receipt"
    COMMAND = "command"
    COMMAND_REPLY = "command/reply"
    HELLO = "hello"


DEVICE_PUBLISHES: Final = frozenset({Channel.READING, Channel.JOURNAL, Channel.STATUS, Channel.COMMAND_REPLY, Channel.HELLO})
DEVICE_SUBSCRIBES: Final = frozenset({Channel.RECEIPT, Channel.COMMAND})
RETAINED: Final = frozenset({Channel.STATUS})

_CHANNEL_OF_NAME: Final[Mapping[str, Channel]] = {channel.value: channel for channel in Channel}


@dataclass(frozen=True, slots=True)
class MeterTopic:
    """A parsed topic of one meter."""

    fleet: Fleet
    meter_id: MeterId
    channel: Channel

    def __str__(self) -> str:
        return f"{ROOT}/{self.fleet}/{self.meter_id}/{self.channel.value}"


def meter_topic(fleet: Fleet, meter_id: MeterId, channel: Channel) -> str:
    """The topic of one meter's channel."""
    return str(MeterTopic(fleet, meter_id, channel))


def meter_prefix(fleet: Fleet, meter_id: MeterId) -> str:
    """What all topics of one meter begin with."""
    return f"{ROOT}/{fleet}/{meter_id}/"


def fleet_filter(fleet: Fleet, channel: Channel) -> str:
    """The filter that matches one channel of every meter of a fleet: the platform's side."""
    return f"{ROOT}/{fleet}/+/{channel.value}"


def parse_topic(topic: str) -> MeterTopic:
    """Read a concrete topic of a meter.

    Raises:
        InvalidInput: another root, a bad fleet or meter id, an unknown channel, or a wildcard.
    """
    parts = topic.split("/", 4)
    if len(parts) != 5 or f"{parts[0]}/{parts[1]}" != ROOT:
        raise InvalidInput("a meter's topic is gtx/v1/{fleet}/{meter_id}/{channel}")
    channel = _CHANNEL_OF_NAME.get(parts[4])
    if channel is None:
        raise InvalidInput("the topic's channel is not of this protocol")
    return MeterTopic(parse_fleet(parts[2]), parse_meter_id(parts[3]), channel)


def claim_request_topic(claim_id: str) -> str:
    """Where a device that joins asks."""
    return f"{CLAIM_ROOT}/{claim_id}/request"


def claim_response_topic(claim_id: str) -> str:
    """Where a device that joins is answered."""
    return f"{CLAIM_ROOT}/{claim_id}/response"
