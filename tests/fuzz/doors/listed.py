"""All doors, the longest runs first."""

from typing import Final

from tests.fuzz.door import Door
from tests.fuzz.doors.chain_answers import ChainAnswersDoor
from tests.fuzz.doors.codecs import FramesDoor
from tests.fuzz.doors.device import DeviceDoor

DOORS: Final[tuple[type[Door], ...]] = (FramesDoor, DeviceDoor, ChainAnswersDoor)
