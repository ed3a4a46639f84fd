"""The rights of a device, the bridge and a claim."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.access import Bridge, Claim, Device, is_filter, is_topic_name, may_connect, may_publish, may_retain, may_subscribe
from broker.access import session_key as key_of
from core.domain.identity import parse_fleet, parse_meter_id

DEVICE = Device(parse_fleet("home"), parse_meter_id("MTR-1"))
BRIDGE = Bridge("oracle-bridge")
CLAIM = Claim("0123456789abcdef")
OWN = "gtx/v1/home/MTR-1/"


@pytest.mark.parametrize("channel", ["reading", "journal", "status", "command/reply", "hello"])
def test_a_device_publishes_what_the_protocol_lists(channel: str):
    assert may_publish(DEVICE, OWN + channel)


@pytest.mark.parametrize(
    "topic",
    [
        OWN + "receipt",
        OWN + "command",
        OWN,
        OWN + "reading/",
        OWN + "reading/more",
        OWN + "Reading",
        OWN + "command/reply/x",
        "gtx/v1/home/MTR-1",
        "gtx/v1/home/MTR-2/reading",
        "gtx/v1/home/MTR-11/reading",
        "gtx/v1/away/MTR-1/reading",
        "gtx/v1/home/+/reading",
        "gtx/v1/home/#",
        "gtx/v1/home/MTR-1/+",
        "gtx/v1/home/MTR-1/#",
        "gtx/v1/home/MTR-1/../MTR-2/reading",
        "/gtx/v1/home/MTR-1/reading",
        "gtx/v1//MTR-1/reading",
        "gtx/v1/home/MTR\u20111/reading",
        "gtx/v1/home/MTR-1\u200b/reading",
        "gtx/v1/home/MTR-1/reading\0",
        "$SYS/broker/version",
        "$share/g/gtx/v1/home/MTR-1/reading",
        "gtxp/v1/0123456789abcdef/request",
        "",
        "#",
    ],
)
def test_a_device_publishes_nothing_else(topic: str):
    assert not may_publish(DEVICE, topic)


@pytest.mark.parametrize("channel", ["receipt", "command"])
def test_a_device_subscribes_to_what_the_protocol_lists(channel: str):
    assert may_subscribe(DEVICE, OWN + channel)


@pytest.mark.parametrize(
    "topic_filter",
    [
        OWN + "#",
        OWN + "+",
        OWN + "reading",
        OWN + "command/reply",
        OWN + "command/#",
        "gtx/v1/home/+/receipt",
        "gtx/v1/+/MTR-1/receipt",
        "+/v1/home/MTR-1/receipt",
        "gtx/v1/home/MTR-2/receipt",
        "gtx/v1/home/MTR-2/command",
        "#",
        "+/#",
        "$SYS/#",
        "$share/group/gtx/v1/home/MTR-1/receipt",
        "$queue/gtx/v1/home/MTR-1/receipt",
        "gtxp/v1/+/response",
        "",
    ],
)
def test_a_device_subscribes_to_nothing_else(topic_filter: str):
    assert not may_subscribe(DEVICE, topic_filter)


@given(st.text(max_size=60))
def test_no_text_but_the_seven_topics_is_a_right_of_a_device(text: str):
    own = {OWN + name for name in ("reading", "journal", "status", "command/reply", "hello")}
    assert may_publish(DEVICE, text) == (text in own)
    assert may_subscribe(DEVICE, text) == (text in {OWN + "receipt", OWN + "command"})


def test_only_a_devices_own_status_is_retained():
    assert may_retain(DEVICE, OWN + "status")
    assert not may_retain(DEVICE, OWN + "reading")
    assert not may_retain(DEVICE, "gtx/v1/home/MTR-2/status")
    assert not may_retain(BRIDGE, OWN + "receipt")


def test_the_bridge_answers_devices_and_speaks_for_none():
    assert may_publish(BRIDGE, OWN + "receipt")
    assert may_publish(BRIDGE, OWN + "command")
    assert may_publish(BRIDGE, "gtxp/v1/0123456789abcdef/response")
    for topic in (
        OWN + "reading",
        OWN + "journal",
        OWN + "status",
        "gtxp/v1/+/response",
        "gtxp/v1//response",
        "gtx/v1/+/+/receipt",
    ):
        assert not may_publish(BRIDGE, topic)


def test_the_bridge_reads_under_the_protocols_roots_alone():
    for topic_filter in ("gtx/v1/home/+/reading", "gtx/v1/+/+/journal", "gtx/v1/#", "gtxp/v1/+/request"):
        assert may_subscribe(BRIDGE, topic_filter)
    for topic_filter in ("#", "+/#", "$SYS/#", "$share/g/gtx/v1/#", "gtx/v1/#/reading", "gtx/v1/a+/reading", "gtx/v10/#"):
        assert not may_subscribe(BRIDGE, topic_filter)


def test_a_claim_has_two_topics_of_its_own():
    assert may_publish(CLAIM, "gtxp/v1/0123456789abcdef/request")
    assert may_subscribe(CLAIM, "gtxp/v1/0123456789abcdef/response")
    for topic in ("gtxp/v1/0123456789abcdef/response", "gtxp/v1/fedcba9876543210/request", OWN + "reading"):
        assert not may_publish(CLAIM, topic)
    for topic_filter in ("gtxp/v1/+/response", "gtxp/v1/fedcba9876543210/response", OWN + "receipt"):
        assert not may_subscribe(CLAIM, topic_filter)


def test_a_client_id_belongs_to_its_user():
    assert may_connect(DEVICE, "MTR-1", "MTR-1")
    assert not may_connect(DEVICE, "MTR-1", "MTR-2")
    assert not may_connect(DEVICE, "MTR-2", "MTR-1")
    assert not may_connect(DEVICE, "MTR-1", "oracle-bridge")
    assert may_connect(BRIDGE, "oracle-bridge", "oracle-bridge")
    assert may_connect(BRIDGE, "oracle-bridge", "oracle-bridge:2")
    assert not may_connect(BRIDGE, "oracle-bridge", "oracle-bridge-2")
    assert not may_connect(BRIDGE, "oracle-bridge", "MTR-1")
    assert may_connect(CLAIM, "claim-0123456789abcdef", "claim-0123456789abcdef")
    assert not may_connect(CLAIM, "claim-0123456789abcdef", "MTR-1")


def test_a_meter_named_like_the_bridge_has_a_session_of_its_own():
    impostor = Device(parse_fleet("home"), parse_meter_id("oracle-bridge"))

    assert key_of(impostor, "oracle-bridge") != key_of(BRIDGE, "oracle-bridge")


@pytest.mark.parametrize("name", ["reading", "receipt", "command", "status", "hello", "journal", "v1", "gtx", "request"])
def test_a_meter_named_like_a_reserved_word_owns_only_its_prefix(name: str):
    device = Device(parse_fleet("home"), parse_meter_id(name))

    assert may_publish(device, f"gtx/v1/home/{name}/reading")
    assert not may_publish(device, f"gtx/v1/home/MTR-1/{name}")
    assert not may_publish(device, f"gtx/v1/{name}/reading")
    assert not may_subscribe(device, f"gtx/v1/home/MTR-1/{name}")


def test_filters_and_names_follow_mqtt():
    assert all(is_filter(text) for text in ("#", "+", "a/#", "+/a", "a//b", "/"))
    assert not any(is_filter(text) for text in ("", "a#", "#/a", "a+/b", "a/b#", "a\0"))
    assert is_topic_name("a/b")
    assert not any(is_topic_name(text) for text in ("", "a/+", "#", "a\0"))
