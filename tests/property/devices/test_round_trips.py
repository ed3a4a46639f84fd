from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.errors import InvalidInput
from core.domain.identity import parse_meter_id
from core.domain.readings import Statement, StatementKind
from core.domain.units import MAX_WH, kwh_from_wh, wh_from_kwh
from core.domain.verdicts import Reason, Verdict
from devices.envelope import decode_journal, decode_reading, encode_binary, encode_json
from devices.frame import FrameRefused, verify
from devices.interval_body import decode_interval_body
from devices.keys import DeviceKey
from devices.messages import (
    Bind,
    Command,
    Configure,
    Hello,
    Resync,
    RotateKey,
    Status,
    decode_command,
    decode_hello,
    decode_status,
    encode_command,
    encode_hello,
    encode_status,
)
from devices.receipts import (
    MAX_MISSING_RANGES,
    MAX_RECEIPT_BYTES,
    HelloAnswer,
    ReceiptEntry,
    ReceiptMessage,
    decode_platform_message,
    encode_hello_answer,
    encode_receipt,
    missing_ranges,
)
from devices.statement import decode_statement, encode_statement
from devices.topics import Channel, MeterTopic, parse_topic

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
NAMES = st.text(ALPHABET, min_size=1, max_size=16).filter(lambda name: name not in {".", ".."})
U64 = st.integers(0, 2**64 - 1)
I63 = st.integers(0, 2**63 - 1)
SHORT = st.text("abcdef0123456789-", min_size=1, max_size=64)


def statements(network: st.SearchStrategy[bytes]) -> st.SearchStrategy[Statement]:
    return st.builds(
        Statement,
        kind=st.sampled_from(StatementKind),
        network=network,
        meter_id=NAMES.map(parse_meter_id),
        sequence=U64,
        measured_at=U64,
        generation_wh=U64,
        consumption_wh=U64,
    )


@given(statements(st.binary(min_size=8, max_size=8)))
def test_a_statement_goes_through_its_64_bytes(statement: Statement):
    assert decode_statement(encode_statement(statement)) == statement


@given(statements(st.just(bytes(8))), st.binary(min_size=32, max_size=32))
def test_both_envelopes_carry_the_same_signed_statement(statement: Statement, seed: bytes):
    key = DeviceKey(seed)
    signature = key.sign(encode_statement(statement))

    frames = [
        decode_reading(payload, network=bytes(8))
        for payload in (encode_binary(statement, signature), encode_json(statement, signature))
    ]

    assert [frame.statement for frame in frames] == [statement, statement]
    assert all(verify(frame, [bytes(32), key.public_key]) is not None for frame in frames)


@given(st.binary(max_size=300))
def test_no_bytes_bring_a_decoder_down(payload: bytes):
    for decode in (decode_reading, decode_journal, decode_interval_body):
        try:
            decode(payload, network=bytes(8))
        except FrameRefused as refusal:
            assert refusal.refused.reason in {Reason.MALFORMED, Reason.WALLET_INVALID}  # noqa: PT017  # both ends are fine


@given(st.integers(-MAX_WH, MAX_WH))
def test_wh_go_through_kwh_and_its_text(wh: int):
    assert wh_from_kwh(kwh_from_wh(wh)) == wh
    assert wh_from_kwh(str(kwh_from_wh(wh))) == wh


@given(st.decimals(allow_nan=True, allow_infinity=True))
def test_a_decimal_is_whole_wh_or_refused(kwh: Decimal):
    try:
        wh = wh_from_kwh(kwh)
    except InvalidInput:
        return
    assert kwh_from_wh(wh) == kwh


@given(NAMES, NAMES, st.sampled_from(Channel))
def test_a_topic_goes_there_and_back(fleet: str, meter_id: str, channel: Channel):
    parsed = parse_topic(f"gtx/v1/{fleet}/{meter_id}/{channel.value}")

    assert parsed == MeterTopic(parsed.fleet, parsed.meter_id, channel)
    assert str(parsed) == f"gtx/v1/{fleet}/{meter_id}/{channel.value}"


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "gtx/v1",
        "gtx/v1/home/A",
        "gtx/v1/home/A/",
        "gtx/v1/home/A/reading/x",
        "gtx/v1/home/+/reading",
        "gtx/v1/#",
        "gtx/v2/home/A/reading",
        "gtxp/v1/home/A/reading",
        "gtx/v1/../A/reading",
        "gtx/v1/home/./reading",
        "/gtx/v1/home/A/reading",
    ],
)
def test_another_topic_is_none_of_ours(topic: str):
    with pytest.raises(InvalidInput):
        parse_topic(topic)


ENTRIES = st.one_of(
    st.builds(ReceiptEntry, sequence=U64, verdict=st.sampled_from([Verdict.ACCEPTED, Verdict.REPEATED])),
    st.builds(
        ReceiptEntry,
        sequence=U64,
        verdict=st.sampled_from([Verdict.QUARANTINED, Verdict.REJECTED]),
        reason=st.sampled_from(Reason),
    ),
)


@given(NAMES, st.lists(ENTRIES, max_size=300), I63, st.lists(st.tuples(I63, I63), max_size=80))
def test_a_receipt_of_any_length_arrives_in_small_messages(
    meter_id: str, entries: list[ReceiptEntry], highest: int, missing: list[tuple[int, int]]
):
    receipt = ReceiptMessage(meter_id=meter_id, results=tuple(entries), highest=highest, missing=tuple(missing))

    payloads = encode_receipt(receipt)
    messages = [decode_platform_message(payload) for payload in payloads]

    assert all(len(payload) <= MAX_RECEIPT_BYTES for payload in payloads)
    results = [entry for message in messages if isinstance(message, ReceiptMessage) for entry in message.results]
    assert results == entries
    assert isinstance(messages[-1], ReceiptMessage)
    assert messages[-1].missing == receipt.missing[:MAX_MISSING_RANGES]


@given(I63, I63, st.binary(min_size=8, max_size=8))
def test_the_answer_to_a_hello_goes_there_and_back(highest: int, time: int, network: bytes):
    answer = HelloAnswer(highest=highest, time=time, network=network)

    assert decode_platform_message(encode_hello_answer(answer)) == answer


@given(st.sets(st.integers(1, 60)), st.integers(0, 20))
def test_missing_ranges_are_exactly_what_was_never_received(received: set[int], after: int):
    highest = max(received, default=after)

    ranges = missing_ranges(sorted(number for number in received if number > after), after=after, highest=highest)

    listed = {number for first, last in ranges for number in range(first, last + 1)}
    assert listed == set(range(after + 1, highest + 1)) - received
    assert list(ranges) == sorted(ranges)


@given(
    st.one_of(
        st.builds(Resync, id=SHORT, first=I63, last=I63),
        st.builds(Configure, id=SHORT, cadence_s=I63, slot_s=I63),
        st.builds(RotateKey, id=SHORT, valid_from=I63),
        st.builds(Bind, id=SHORT, owner=SHORT),
    )
)
def test_a_command_goes_there_and_back(command: Command):
    assert decode_command(encode_command(command)) == command


@given(SHORT, I63)
def test_hello_and_status_go_there_and_back(text: str, sequence: int):
    status = Status(online=True, firmware=text, sequence=sequence)

    assert decode_hello(encode_hello(Hello(nonce=text))) == Hello(nonce=text)
    assert decode_status(encode_status(status)) == status
    assert decode_status(b'{"online":false}') == Status(online=False)
