import json
from typing import Any

import pytest

from core.domain.errors import InvalidInput
from core.domain.identity import parse_meter_id
from core.domain.readings import Statement, StatementKind
from core.domain.verdicts import Reason
from devices.frame import FrameRefused, verify
from devices.interval_body import decode_interval_body, encode_interval_body, parse_timestamp, timestamp_text
from devices.keys import DeviceKey, key_text
from devices.statement import encode_statement

NETWORK = bytes(range(8))
KEY = DeviceKey(bytes(range(32)))
WALLET = key_text(DeviceKey(bytes(32)).public_key)
STATEMENT = Statement(
    kind=StatementKind.INTERVAL,
    network=NETWORK,
    meter_id=parse_meter_id("MTR-002"),
    sequence=7,
    measured_at=1_700_000_900,
    generation_wh=10_500,
    consumption_wh=0,
)
FIELDS: dict[str, Any] = encode_interval_body(
    STATEMENT, KEY.sign(encode_statement(STATEMENT)), wallet_address=WALLET, public_key=KEY.public_key
)


def body(**changes: Any) -> bytes:
    return json.dumps({name: value for name, value in {**FIELDS, **changes}.items() if value is not ...}).encode()


@pytest.mark.parametrize("amount", ["10.5", "10.500", 10.5, "1.05e1"])
def test_the_body_is_rebuilt_into_what_was_signed_from_the_text_of_its_amount(amount: object):
    frame = decode_interval_body(body(kwh_amount=amount), network=NETWORK)

    assert frame.statement == STATEMENT
    assert frame.wallet_address == WALLET
    assert verify(frame, [KEY.public_key]) is not None


def test_a_negative_amount_is_consumption():
    statement = decode_interval_body(body(kwh_amount="-3.5"), network=NETWORK).statement

    assert (statement.generation_wh, statement.consumption_wh) == (0, 3_500)


def test_an_amount_that_a_float_would_round_is_read_exactly():
    payload = body(kwh_amount=1).replace(b'"kwh_amount": 1', b'"kwh_amount": 9007199254740.993')

    assert decode_interval_body(payload, network=NETWORK).statement.generation_wh == 9_007_199_254_740_993


def test_a_wallet_that_is_no_key_has_its_own_reason():
    with pytest.raises(FrameRefused) as caught:
        decode_interval_body(body(wallet_address="not a wallet"), network=NETWORK)

    assert caught.value.refused.reason is Reason.WALLET_INVALID
    assert caught.value.refused.claimed_meter_id == "MTR-002"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        body(kwh_amount="0.0001"),
        body(kwh_amount=True),
        body(kwh_amount=None),
        body(kwh_amount="1e99"),
        body(kwh_amount=1).replace(b'"kwh_amount": 1', b'"kwh_amount": 1e9999999999999999999'),
        body(kwh_amount="NaN"),
        body(wallet_address=5),
        body(sequence=1.0),
        body(sequence=...),
        body(surprise=1),
        body(reading_timestamp="2026-01-31"),
        body(reading_timestamp="2026-01-31T12:15:00"),
        body(reading_timestamp="2026-01-31T12:15:00.5Z"),
        body(reading_timestamp="2026-02-31T12:15:00Z"),
        body(reading_timestamp="1969-12-31T23:59:59Z"),
        body(reading_timestamp="2026-01-31T12:15:60Z"),
        body(reading_timestamp=1_700_000_900),
        body(x="y" * 5_000),
    ],
)
def test_anything_else_is_malformed(payload: bytes):
    with pytest.raises(FrameRefused) as caught:
        decode_interval_body(payload, network=NETWORK)
    assert caught.value.refused.reason is Reason.MALFORMED


def test_times_go_there_and_back():
    assert parse_timestamp("2023-11-14T22:28:20Z") == parse_timestamp("2023-11-15T05:28:20+07:00") == 1_700_000_900
    assert timestamp_text(1_700_000_900) == "2023-11-14T22:28:20Z"


@pytest.mark.parametrize("text", ["1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "0001-01-01T00:00:00Z"])
def test_a_time_before_1970_is_refused_by_its_own_sentence(text: str):
    with pytest.raises(InvalidInput, match="not before 1970"):
        parse_timestamp(text)
    assert parse_timestamp("1970-01-01T00:00:00Z") == 0
