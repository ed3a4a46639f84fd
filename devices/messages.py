"""What else travels between a device and the platform: hello, status, commands and their replies."""

from dataclasses import dataclass
from typing import Final

import msgspec

from core.domain.errors import InvalidInput
from devices.strict_json import check_fields, integer_field, load_object, text_field

MAX_MESSAGE_BYTES: Final = 4 * 1024
MAX_ID_LETTERS: Final = 64
_MAX_NUMBER: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """A device asks where it stands."""

    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A device is there, or its will says that it is gone."""

    online: bool
    firmware: str | None = None
    sequence: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resync:
    """Send these statements again, both ends included."""

    id: str
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Configure:
    """Change the cadence and the send slot within it, seconds."""

    id: str
    cadence_s: int
    slot_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RotateKey:
    """Make a new key that counts from `valid_from`, Unix seconds."""

    id: str
    valid_from: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """Sign a binding to this owner's wallet."""

    id: str
    owner: str


Command = Resync | Configure | RotateKey | Bind


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandReply:
    """What a device made of a command."""

    id: str
    ok: bool


def encode_hello(hello: Hello) -> bytes:
    """The payload of `hello`."""
    return msgspec.json.encode({"nonce": hello.nonce})


def decode_hello(payload: bytes) -> Hello:
    """Read a hello, or raise InvalidInput."""
    fields = _fields(payload)
    check_fields(fields, required=frozenset({"nonce"}))
    return Hello(nonce=_short(fields, "nonce"))


def encode_status(status: Status) -> bytes:
    """The payload of `status`, or of the will."""
    if not status.online:
        return b'{"online":false}'
    return msgspec.json.encode({"online": True, "firmware": status.firmware, "sequence": status.sequence})


def decode_status(payload: bytes) -> Status:
    """Read a status, or raise InvalidInput."""
    fields = _fields(payload)
    check_fields(fields, required=frozenset({"online"}), optional=frozenset({"firmware", "sequence"}))
    online = _flag(fields, "online")
    firmware = None if fields.get("firmware") is None else _short(fields, "firmware")
    sequence = None if fields.get("sequence") is None else integer_field(fields, "sequence", most=_MAX_NUMBER)
    return Status(online=online, firmware=firmware, sequence=sequence)


def encode_command(command: Command) -> bytes:
    """The payload of `command`."""
    match command:
        case Resync():
            wire: dict[str, object] = {"id": command.id, "do": "resync", "from": command.first, "to": command.last}
        case Configure():
            wire = {"id": command.id, "do": "configure", "cadence_s": command.cadence_s, "slot_s": command.slot_s}
        case RotateKey():
            wire = {"id": command.id, "do": "rotate_key", "valid_from": command.valid_from}
        case Bind():
            wire = {"id": command.id, "do": "bind", "owner": command.owner}
    return msgspec.json.encode(wire)


def decode_command(payload: bytes) -> Command:
    """Read a command, or raise InvalidInput; one of another `do` is refused."""
    fields = _fields(payload)
    check_fields(fields, required=frozenset({"id", "do"}), optional=frozenset(fields))
    name = _short(fields, "id")
    match text_field(fields, "do"):
        case "resync":
            check_fields(fields, required=frozenset({"id", "do", "from", "to"}))
            return Resync(id=name, first=_number(fields, "from"), last=_number(fields, "to"))
        case "configure":
            check_fields(fields, required=frozenset({"id", "do", "cadence_s", "slot_s"}))
            return Configure(id=name, cadence_s=_number(fields, "cadence_s"), slot_s=_number(fields, "slot_s"))
        case "rotate_key":
            check_fields(fields, required=frozenset({"id", "do", "valid_from"}))
            return RotateKey(id=name, valid_from=_number(fields, "valid_from"))
        case "bind":
            check_fields(fields, required=frozenset({"id", "do", "owner"}))
            return Bind(id=name, owner=_short(fields, "owner"))
        case _:
            raise InvalidInput("the command is none that this version knows")


def encode_command_reply(reply: CommandReply) -> bytes:
    """The payload of `command/reply`."""
    return msgspec.json.encode({"id": reply.id, "ok": reply.ok})


def decode_command_reply(payload: bytes) -> CommandReply:
    """Read a reply, or raise InvalidInput."""
    fields = _fields(payload)
    check_fields(fields, required=frozenset({"id", "ok"}))
    return CommandReply(id=_short(fields, "id"), ok=_flag(fields, "ok"))


def _fields(payload: bytes) -> dict[str, object]:
    if len(payload) > MAX_MESSAGE_BYTES:
        raise InvalidInput("the message is at most 4 KiB")
    return dict(load_object(payload))


def _short(fields: dict[str, object], name: str) -> str:
    text = text_field(fields, name)
    if not 1 <= len(text) <= MAX_ID_LETTERS:
        raise InvalidInput(f"field {name} is 1 to {MAX_ID_LETTERS} letters")
    return text


def _number(fields: dict[str, object], name: str) -> int:
    return integer_field(fields, name, most=_MAX_NUMBER)


def _flag(fields: dict[str, object], name: str) -> bool:
    value = fields[name]
    if not isinstance(value, bool):
        raise InvalidInput(f"field {name} is true or false")
    return value
