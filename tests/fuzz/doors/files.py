"""What an operator hands in: import files in their three forms, and settings in an environment file."""

import contextlib
import csv
import io
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any, Final, final

from pydantic import BaseModel

from core.domain.errors import InvalidInput, NotFound
from core.runtime.settings import Settings, load_settings
from devices.provisioning.import_file import parse_import_file, to_json_line
from tests.fuzz.door import Door, Try
from tests.fuzz.mutations import VALUES, bent, bent_object, fields_of, noise
from tests.support.enrolled import Device, key_of, meter_import, wallet_of

LONGEST_SENTENCE: Final = 3_000
_NAMES: Final = (
    *(
        f"GRIDTOKENX_{group}__{name}".upper()
        for group, default in Settings.model_construct().__dict__.items()
        if isinstance(default, BaseModel)
        for name in type(default).model_fields
    ),
    "GRIDTOKENX_DATA_DIR",
    "GRIDTOKENX_FLEET",
    "GRIDTOKENX_LOG_LEVEL",
    "GRIDTOKENX_LOG_FORMAT",
    "GRIDTOKENX_MQTT__PASWORD",
)


@final
class FilesDoor(Door):
    """`i` for an import file, `s` for settings, then the file."""

    name = "files"
    share = 20
    labels = frozenset({"imported", "import refused", "settings", "settings refused"})
    least: Mapping[str, float] = {"imported": 10, "import refused": 20, "settings": 5, "settings refused": 5}

    async def open(self, random: Random) -> None:
        del random
        self._stack = contextlib.ExitStack()
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="gridtokenx-fuzz-")))
        self._stack.enter_context(contextlib.chdir(self._folder))
        self._rows: list[dict[str, Any]] = []
        for number in range(6):
            device = Device(meter_id=f"MTR-{number}", key=key_of(f"MTR-{number}"), wallet=wallet_of("w"))
            changes: dict[str, object] = {"legacy_id": "an old name, longer"} if number == 5 else {}
            self._rows.append(json.loads(to_json_line(meter_import(device, **changes))))

    async def close(self) -> None:
        self._stack.close()

    async def give(self, data: bytes) -> str:
        if data[:1] == b"s":
            return self._load(data[1:])
        try:
            meters = parse_import_file(data[1:])
        except (InvalidInput, NotFound) as problem:
            return _said("import refused", problem)
        lines = "\n".join(to_json_line(meter) for meter in meters).encode()
        assert parse_import_file(lines) == meters
        return "imported"

    def _load(self, content: bytes) -> str:
        (self._folder / ".env").write_bytes(content)
        try:
            settings = load_settings()
        except InvalidInput as problem:
            return _said("settings refused", problem)
        assert settings.database_url
        assert settings.keys_dir
        return "settings"

    def make(self, random: Random) -> Try:
        if random.random() < 0.4:
            return Try(b"s" + self._settings(random))
        rows = random.sample(self._rows, random.randrange(1, len(self._rows) + 1))
        form = random.choice((_lines, _array, _csv))
        choice = random.random()
        if choice < 0.3:
            return Try(b"i" + form(rows), "imported")
        if choice < 0.6:
            row = bent_object(random, fields_of(rows[0]))
            others = [json.dumps(other).encode() for other in rows[1:]]
            data = b"\n".join([row, *others]) if random.random() < 0.5 else b"[" + b",".join([row, *others]) + b"]"
            return Try(b"i" + data)
        if choice < 0.75:
            name = random.choice(list(rows[0]))
            return Try(b"i" + _csv([rows[0] | {name: random.choice(VALUES)}]))
        return Try(b"i" + (bent(random, form(rows)) if choice < 0.95 else noise(random)))

    def _settings(self, random: Random) -> bytes:
        names = random.sample(_NAMES, random.randrange(1, 4))
        values = (
            *VALUES,
            "1",
            "60",
            "home",
            "mqtt://a:1883",
            "sqlite+aiosqlite:///x",
            "true",
            "standard",
            "\u00fc",
            "'",
            '"a',
            "$(x)",
            "${HOME}",
        )
        text = "\n".join(f"{name}={random.choice(values)}" for name in names).encode("utf-8", "surrogatepass")
        return bent(random, text) if random.random() < 0.3 else text


def _said(label: str, problem: Exception) -> str:
    """A refusal is a sentence of bounded length, whatever was handed in."""
    length = len(str(problem))
    assert 0 < length < LONGEST_SENTENCE, f"{label} in {length} letters"
    return label


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return b"\n".join(json.dumps(row).encode() for row in rows)


def _array(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps(rows).encode()


def _csv(rows: list[dict[str, Any]]) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8", "surrogatepass")
