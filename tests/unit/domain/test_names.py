import pytest

from core.domain.errors import InvalidInput
from core.domain.identity import meter_id_bytes, meter_id_from_bytes, parse_fleet, parse_meter_id


@pytest.mark.parametrize("text", ["A", "MTR-001", "a.b_c-9", "ABCDEFGHIJKLMNOP", "..."])
def test_a_good_name_goes_through_its_sixteen_bytes(text: str):
    meter_id = parse_meter_id(text)

    assert len(meter_id_bytes(meter_id)) == 16
    assert meter_id_from_bytes(meter_id_bytes(meter_id)) == meter_id
    assert parse_fleet(text) == text


@pytest.mark.parametrize("text", ["", ".", "..", "A" * 17, "a/b", "a+b", "#", "a b", "a\n", "\u00e9", "a\0", "$SYS"])
def test_a_bad_name_is_refused(text: str):
    with pytest.raises(InvalidInput):
        parse_meter_id(text)
    with pytest.raises(InvalidInput):
        parse_fleet(text)


@pytest.mark.parametrize("padded", [b"", b"\0" * 16, b"A" * 17, b"A\0B" + b"\0" * 13, b"\xff" + b"\0" * 15, b"A" * 15])
def test_bad_padding_is_refused(padded: bytes):
    with pytest.raises(InvalidInput):
        meter_id_from_bytes(padded)
