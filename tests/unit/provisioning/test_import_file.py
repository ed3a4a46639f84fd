"""Import files: three formats, one meaning, errors by line."""

import csv
import io
import json
from pathlib import Path

import msgspec
import pytest

from core.domain.errors import InvalidInput, NotFound
from core.domain.readings import AssetKind, StatementKind
from devices.provisioning import MeterImport, binding_is_signed, generated_meter_id, parse_import_file
from devices.provisioning.import_file import to_json_line
from tests.support.enrolled import NETWORK, Device, key_of, meter_import


def _meter(name: str) -> MeterImport:
    return meter_import(Device(name, key_of(name)))


def _fields(name: str) -> dict[str, str | int]:
    return json.loads(to_json_line(_meter(name)))


def _csv(rows: list[dict[str, str | int]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def test_csv_array_and_lines_say_the_same(tmp_path: Path):
    rows = [_fields("ONE"), _fields("TWO")]
    file = tmp_path / "meters.csv"
    file.write_bytes(b"\xef\xbb\xbf" + _csv(rows))

    readings = [
        parse_import_file(file),
        parse_import_file(json.dumps(rows, indent=2).encode()),
        parse_import_file(b"\n".join(json.dumps(row).encode() for row in rows) + b"\n\n"),
    ]

    assert readings == [[_meter("ONE"), _meter("TWO")]] * 3
    assert (readings[0][0].asset_kind, readings[0][0].statement_kind) == (AssetKind.SOLAR, StatementKind.REGISTER)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"owner": "short"}, "field owner is not the base58 of a 32-byte key"),
        ({"public_key": "1" * 32}, "field public_key is no usable Ed25519 key"),
        ({"binding_signature": "x"}, "signature"),
        ({"asset_kind": "fusion"}, "field asset_kind is one of solar, wind, battery, residential, commercial"),
        ({"statement_kind": "SOLAR"}, "field statement_kind is one of"),
        ({"rated_power_out_w": -1}, "field rated_power_out_w is not an integer"),
        ({"rated_power_out_w": 1.0}, "field rated_power_out_w is not an integer"),
        ({"rated_power_out_w": True}, "field rated_power_out_w is not an integer"),
        ({"rated_power_out_w": 0, "rated_power_in_w": 0}, "rated power above zero"),
        ({"base_generation_wh": 2**63}, "field base_generation_wh is not an integer"),
        ({"zone": "\uff11"}, "field zone is not an integer"),
        ({"meter_id": ".."}, "meter id"),
        ({"meter_id": ""}, "meter id"),
        ({"surprise": 1}, "field 'surprise' is not known"),
    ],
)
def test_a_bad_row_is_refused_by_its_line(change: dict[str, object], why: str):
    rows = [json.dumps(_fields("ONE")), json.dumps(_fields("TWO") | change)]

    with pytest.raises(InvalidInput, match=r"^line 2: ") as refusal:
        parse_import_file("\n".join(rows).encode())

    assert why in str(refusal.value)


def test_a_missing_field_a_repeated_meter_and_a_repeated_key_are_told_together():
    without_zone = {name: value for name, value in _fields("ONE").items() if name != "zone"}
    same_key = _fields("THREE") | {"public_key": _fields("TWO")["public_key"]}
    rows = [without_zone, _fields("TWO"), _fields("TWO"), same_key]

    with pytest.raises(InvalidInput) as refusal:
        parse_import_file(_csv_free(rows))

    text = str(refusal.value)
    assert "line 1: field zone is missing" in text
    assert "line 3: meter TWO is already in line 2" in text
    assert "line 4: key" in text


def _csv_free(rows: list[dict[str, str | int]]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


@pytest.mark.parametrize("data", [b"", b"[]", b"[1]", b"{", b"\xff\xfe", b'"a\n', b"just words"])
def test_what_is_no_import_file_is_refused_with_a_sentence(data: bytes):
    with pytest.raises(InvalidInput):
        parse_import_file(data)


def test_a_file_beyond_the_limits_is_refused_before_it_is_read_whole(tmp_path: Path):
    with pytest.raises(InvalidInput, match="at most 32 MiB"):
        parse_import_file(b" " * (32 * 1024 * 1024 + 1))
    with pytest.raises(InvalidInput, match="50,000 meters"):
        parse_import_file(b"meter_id\n" + b"x\n" * 50_001)
    with pytest.raises(NotFound, match="there is no import file"):
        parse_import_file(tmp_path / "none.csv")


def test_a_long_foreign_id_becomes_always_the_same_short_one():
    foreign = "DE0001234567890000000000000012345"
    fields = _fields("ONE") | {"meter_id": foreign}

    (by_length,) = parse_import_file(json.dumps(fields).encode())
    (by_name,) = parse_import_file(
        json.dumps({name: value for name, value in fields.items() if name != "meter_id"} | {"legacy_id": foreign}).encode()
    )

    assert by_length == by_name
    assert (by_length.meter_id, by_length.legacy_id) == (generated_meter_id(foreign), foreign)
    assert len(by_length.meter_id) == 16
    assert parse_import_file(to_json_line(by_length).encode()) == [by_length]


def test_a_binding_counts_with_its_own_signature_on_its_own_network_only():
    meter = _meter("ONE")

    assert binding_is_signed(meter, network=NETWORK)
    assert not binding_is_signed(meter, network=b"othernet")
    assert not binding_is_signed(msgspec.structs.replace(meter, base_generation_wh=1), network=NETWORK)
    assert not binding_is_signed(msgspec.structs.replace(meter, owner=_meter("TWO").owner), network=NETWORK)
