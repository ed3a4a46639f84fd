"""Import files: CSV with a header, a JSON array, or one JSON object a line."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from core.domain.errors import InvalidInput, NotFound
from core.domain.identity import METER_ID_SIZE, parse_meter_id
from core.domain.readings import AssetKind, ProofKind, StatementKind
from core.domain.units import MAX_WH
from devices.keys import is_usable_public_key, parse_key, parse_signature
from devices.provisioning.meter_import import MeterImport, generated_meter_id
from devices.strict_json import as_object, load_json

MAX_FILE_BYTES: Final = 32 * 1024 * 1024
MAX_METERS: Final = 50_000
MAX_LEGACY_ID: Final = 128
MAX_POWER_W: Final = 10**12
"""A terawatt: no plant on earth comes near, and a week of it in W·s still fits 64 bits."""
MAX_ZONE: Final = 2**32 - 1
TOLD: Final = 10
"""Errors named at once."""

_TEXT_FIELDS: Final = frozenset(
    {"meter_id", "legacy_id", "owner", "asset_kind", "statement_kind", "proof_kind", "public_key", "binding_signature"}
)
_NUMBER_FIELDS: Final[Mapping[str, int]] = {
    "zone": MAX_ZONE,
    "rated_power_out_w": MAX_POWER_W,
    "rated_power_in_w": MAX_POWER_W,
    "base_sequence": MAX_WH,
    "base_measured_at": MAX_WH,
    "base_generation_wh": MAX_WH,
    "base_consumption_wh": MAX_WH,
}
_OPTIONAL: Final = frozenset({"meter_id", "legacy_id"})
_ALL: Final = _TEXT_FIELDS | _NUMBER_FIELDS.keys()

Row = tuple[int, Mapping[str, object]]
"""Where it stands, counted from 1, and its fields."""


def parse_import_file(source: Path | bytes) -> list[MeterImport]:
    """Read and check a whole file.

    Args:
        source: the file, or its bytes.

    Raises:
        NotFound: there is no such file.
        InvalidInput: too large, of no known format, or with bad rows; names their lines, at most ten.
    """
    data = source if isinstance(source, bytes) else _read(source)
    if len(data) > MAX_FILE_BYTES:
        raise InvalidInput("an import file is at most 32 MiB: split it")
    meters: list[MeterImport] = []
    errors: list[str] = []
    seen: dict[str, int] = {}
    for line, fields in _rows(data):
        try:
            meter = _meter(fields)
            _check_new(meter, seen, line)
            meters.append(meter)
        except InvalidInput as problem:
            errors.append(f"line {line}: {problem}")
        if len(meters) + len(errors) > MAX_METERS:
            raise InvalidInput("an import file holds at most 50,000 meters: split it")
    if errors:
        more = f"; and {len(errors) - TOLD} more" if len(errors) > TOLD else ""
        raise InvalidInput("; ".join(errors[:TOLD]) + more)
    if not meters:
        raise InvalidInput("the import file holds no meter")
    return meters


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as problem:
        raise NotFound(f"there is no import file {path}") from problem
    except OSError as problem:
        raise InvalidInput(f"the import file {path} cannot be read") from problem


def _rows(data: bytes) -> Iterator[Row]:
    start = data.lstrip()[:1]
    if start == b"[":
        return _json_array(data)
    if start == b"{":
        return _json_lines(data)
    return _csv(data)


def _json_array(data: bytes) -> Iterator[Row]:
    rows = load_json(data)
    if isinstance(rows, list):
        yield from ((number, _object(row)) for number, row in enumerate(rows, start=1))


def _json_lines(data: bytes) -> Iterator[Row]:
    for number, line in enumerate(data.splitlines(), start=1):
        if line.strip():
            try:
                yield number, _object(load_json(line))
            except InvalidInput:
                yield number, {}


def _object(value: object) -> Mapping[str, object]:
    return as_object(value) if isinstance(value, dict) else {}


def _csv(data: bytes) -> Iterator[Row]:
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        for row in reader:
            yield reader.line_num, {name: value for name, value in row.items() if value != ""}
    except (UnicodeDecodeError, csv.Error) as problem:
        raise InvalidInput("the import file is neither CSV, a JSON array nor JSON lines") from problem


def _check_new(meter: MeterImport, seen: dict[str, int], line: int) -> None:
    """One key serves one meter, and a meter comes once."""
    for name in (f"meter {meter.meter_id}", f"key {meter.public_key}"):
        if (before := seen.setdefault(name, line)) != line:
            raise InvalidInput(f"{name} is already in line {before}")


def _meter(fields: Mapping[str, object]) -> MeterImport:
    if not fields:
        raise InvalidInput("the row is not readable")
    if missing := _ALL - _OPTIONAL - fields.keys():
        raise InvalidInput(f"field {min(missing)} is missing")
    if unknown := fields.keys() - _ALL:
        raise InvalidInput(f"field {str(min(map(str, unknown)))[:40]!r} is not known")
    given_id, legacy_id = _text(fields, "meter_id"), _text(fields, "legacy_id")
    if given_id is not None and len(given_id) > METER_ID_SIZE and legacy_id is None:
        given_id, legacy_id = None, given_id
    meter_id = parse_meter_id(given_id) if given_id is not None else generated_meter_id(_legacy(legacy_id))
    numbers = {name: _number(fields, name, most) for name, most in _NUMBER_FIELDS.items()}
    if numbers["rated_power_out_w"] + numbers["rated_power_in_w"] == 0:
        raise InvalidInput("a meter has a rated power above zero in one direction at least")
    return MeterImport(
        meter_id=meter_id,
        legacy_id=None if legacy_id is None else _legacy(legacy_id),
        owner=_key(fields, "owner"),
        asset_kind=AssetKind[_choice(fields, "asset_kind", (kind.name for kind in AssetKind))],
        statement_kind=StatementKind[_choice(fields, "statement_kind", (kind.name for kind in StatementKind))],
        proof_kind=ProofKind[_choice(fields, "proof_kind", (kind.name for kind in ProofKind))],
        public_key=_device_key(fields),
        binding_signature=_signature(fields),
        **numbers,
    )


def _text(fields: Mapping[str, object], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidInput(f"field {name} is not text")
    return value


def _required(fields: Mapping[str, object], name: str) -> str:
    value = _text(fields, name)
    if value is None:
        raise InvalidInput(f"field {name} is missing")
    return value


def _legacy(legacy_id: str | None) -> str:
    if legacy_id is None or not 1 <= len(legacy_id) <= MAX_LEGACY_ID or not legacy_id.isprintable():
        raise InvalidInput("a meter needs meter_id (1 to 16 characters) or legacy_id (1 to 128 printable ones)")
    return legacy_id


def _number(fields: Mapping[str, object], name: str, most: int) -> int:
    """CSV has text, JSON has integers."""
    value = fields[name]
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:
        value = int(value)
    if type(value) is not int or not 0 <= value <= most:
        raise InvalidInput(f"field {name} is not an integer from 0 to {most}")
    return value


def _choice(fields: Mapping[str, object], name: str, names: Iterable[str]) -> str:
    known = [known_name.lower() for known_name in names]
    value = _required(fields, name)
    if value not in known:
        raise InvalidInput(f"field {name} is one of {', '.join(known)}")
    return value.upper()


def _key(fields: Mapping[str, object], name: str) -> str:
    value = _required(fields, name)
    try:
        parse_key(value)
    except InvalidInput as problem:
        raise InvalidInput(f"field {name} is not the base58 of a 32-byte key") from problem
    return value


def _device_key(fields: Mapping[str, object]) -> str:
    value = _key(fields, "public_key")
    if not is_usable_public_key(parse_key(value)):
        raise InvalidInput("field public_key is no usable Ed25519 key")
    return value


def _signature(fields: Mapping[str, object]) -> str:
    value = _required(fields, "binding_signature")
    parse_signature(value)
    return value


def to_json_line(meter: MeterImport) -> str:
    """A row as a line of JSON, as `parse_import_file` reads it."""
    row: dict[str, str | int] = {
        "meter_id": meter.meter_id,
        "owner": meter.owner,
        "asset_kind": meter.asset_kind.name.lower(),
        "statement_kind": meter.statement_kind.name.lower(),
        "proof_kind": meter.proof_kind.name.lower(),
        "public_key": meter.public_key,
        "binding_signature": meter.binding_signature,
        **{name: getattr(meter, name) for name in _NUMBER_FIELDS},
    }
    if meter.legacy_id is not None:
        del row["meter_id"]
        row["legacy_id"] = meter.legacy_id
    return json.dumps(row, separators=(",", ":"))
