"""All doors, the longest runs first."""

from typing import Final

from tests.fuzz.door import Door
from tests.fuzz.doors.broker import BrokerDoor
from tests.fuzz.doors.chain_answers import ChainAnswersDoor
from tests.fuzz.doors.codecs import FramesDoor
from tests.fuzz.doors.device import DeviceDoor
from tests.fuzz.doors.files import FilesDoor
from tests.fuzz.doors.http import HttpDoor
from tests.fuzz.doors.intake import IntakeDoor
from tests.fuzz.doors.localnet import LocalnetDoor
from tests.fuzz.doors.programs import ProgramsDoor, ProofsDoor
from tests.fuzz.doors.sockets import SocketsDoor

DOORS: Final[tuple[type[Door], ...]] = (
    FramesDoor,
    DeviceDoor,
    ChainAnswersDoor,
    IntakeDoor,
    ProgramsDoor,
    ProofsDoor,
    HttpDoor,
    SocketsDoor,
    LocalnetDoor,
    BrokerDoor,
    FilesDoor,
)
