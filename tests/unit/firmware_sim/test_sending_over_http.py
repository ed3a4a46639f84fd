import json

import httpx
import pytest

from core.domain.identity import parse_meter_id
from core.domain.readings import Statement, StatementKind
from core.domain.verdicts import Reason, Verdict
from devices.envelope import decode_reading, encode_binary
from devices.interval_body import decode_interval_body
from devices.keys import DeviceKey, key_text
from devices.receipts import ReceiptMessage, decode_platform_message
from devices.statement import encode_statement
from devices.topics import Channel
from firmware_sim.http import HttpSender, HttpTransport
from firmware_sim.transport import LinkDown

NETWORK = bytes(8)
KEY = DeviceKey(bytes(range(32)))
WALLET = key_text(KEY.public_key)
METER = parse_meter_id("MTR-001")


class Door:
    """The platform's door: answers what it is told, in turn."""

    def __init__(self, *answers: httpx.Response | httpx.TransportError) -> None:
        self.answers = list(answers)
        self.bodies: list[bytes] = []
        self.pauses: list[float] = []
        self.alerts: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(request.content)
        answer = self.answers.pop(0)
        if isinstance(answer, httpx.TransportError):
            raise answer
        return answer

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def sender(self) -> HttpSender:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer), base_url="http://127.0.0.1")
        return HttpSender(client, alert=self.alerts.append, sleep=self.sleep)


def envelope(kind: StatementKind = StatementKind.REGISTER, *, generation_wh: int = 5, consumption_wh: int = 0) -> bytes:
    statement = Statement(
        kind=kind,
        network=NETWORK,
        meter_id=METER,
        sequence=7,
        measured_at=1_700_000_900,
        generation_wh=generation_wh,
        consumption_wh=consumption_wh,
    )
    return encode_binary(statement, KEY.sign(encode_statement(statement)))


async def test_a_reading_is_tried_five_times_with_1_2_4_8_seconds_between_then_an_alert():
    door = Door(*[httpx.ConnectError("away")] * 2, *[httpx.Response(503)] * 3)

    with pytest.raises(LinkDown):
        await door.sender().send(b"{}", meter_id=METER, sequence=7)

    assert len(door.bodies) == 5
    assert door.pauses == [1.0, 2.0, 4.0, 8.0]
    assert len(door.alerts) == 1
    assert "MTR-001" in door.alerts[0]


async def test_a_verdict_ends_the_tries():
    door = Door(httpx.Response(500), httpx.Response(201, json={"verdict": "accepted", "reason": None, "final": True}))

    entry = await door.sender().send(b"{}", meter_id=METER, sequence=7)

    assert (entry.sequence, entry.verdict, door.pauses, door.alerts) == (7, Verdict.ACCEPTED, [1.0], [])


async def test_a_problem_document_with_a_reason_is_a_verdict_too():
    door = Door(httpx.Response(422, json={"type": "about:blank", "reason": "over_limit"}))

    entry = await door.sender().send(b"{}", meter_id=METER, sequence=7)

    assert (entry.verdict, entry.reason, entry.final) == (Verdict.REJECTED, Reason.OVER_LIMIT, True)


async def test_both_kinds_travel_as_their_bodies_and_the_answer_is_their_receipt():
    accepted = {"verdict": "accepted"}
    door = Door(*[httpx.Response(201, json=accepted) for _ in range(3)])
    transport = HttpTransport(door.sender(), wallets={METER: WALLET})
    heard: list[bytes] = []
    await transport.connect(METER, lambda _, payload: heard.append(payload), lambda: None)

    both_ways = envelope(StatementKind.INTERVAL, generation_wh=5, consumption_wh=3)
    await transport.publish(METER, Channel.JOURNAL, envelope() + envelope(StatementKind.INTERVAL) + both_ways)
    await transport.publish(METER, Channel.HELLO, b"{}")

    register, interval, two_way = door.bodies
    assert decode_reading(register, network=NETWORK).signed_bytes == envelope()[1:65]
    assert decode_interval_body(interval, network=NETWORK).signed_bytes == envelope(StatementKind.INTERVAL)[1:65]
    assert decode_reading(two_way, network=NETWORK).signed_bytes == both_ways[1:65]
    assert json.loads(interval)["kwh_amount"] == "0.005"
    receipts = [decode_platform_message(payload) for payload in heard]
    assert [message.results[0].sequence for message in receipts if isinstance(message, ReceiptMessage)] == [7, 7, 7]


async def test_a_copy_damaged_on_its_way_drops_nothing():
    problem = {"type": "about:blank", "reason": "malformed"}
    door = Door(*[httpx.Response(422, json=problem) for _ in range(2)])
    transport = HttpTransport(door.sender(), wallets={})
    heard: list[bytes] = []
    await transport.connect(METER, lambda _, payload: heard.append(payload), lambda: None)

    unreadable = b"\x01X" + envelope()[2:]
    await transport.publish(METER, Channel.READING, unreadable)
    await transport.publish(METER, Channel.READING, envelope())

    assert door.bodies[0] == unreadable
    receipts = [decode_platform_message(payload) for payload in heard]
    assert [message.results[0].sequence for message in receipts if isinstance(message, ReceiptMessage)] == [0, 0]
