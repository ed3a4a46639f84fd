"""A meter: registers run, statements are numbered, signed and written down. It knows nothing of the network."""

from dataclasses import dataclass

from core.domain.identity import MeterId
from core.domain.readings import Statement, StatementKind
from devices.envelope import encode_binary
from devices.keys import DeviceKey
from devices.statement import encode_statement
from firmware_sim.journal import Checkpoint, Journal
from firmware_sim.profiles import PowerProfile
from firmware_sim.registers import Registers
from firmware_sim.truth import MeterTruth


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What the binding says: nothing at or before it counts."""

    sequence: int
    measured_at: int
    generation_wh: int
    consumption_wh: int


class Meter:
    """One metering point.

    Args:
        meter_id: its name.
        network: the 8 bytes of the deployment that it was provisioned for.
        key: its private key.
        kind: register or interval.
        profile: what flows.
        base: where its life on the platform begins.
        journal: its persistent memory; opened before, so that a restart goes on from there.
        clock_skew_s: how wrong its clock is.
    """

    def __init__(
        self,
        *,
        meter_id: MeterId,
        network: bytes,
        key: DeviceKey,
        kind: StatementKind,
        profile: PowerProfile,
        base: Base,
        journal: Journal,
        clock_skew_s: int = 0,
    ) -> None:
        self.meter_id = meter_id
        self.network = network
        self.kind = kind
        self.journal = journal
        self.clock_skew_s = clock_skew_s
        self.knows_its_number = True
        self._key = key
        self._profile = profile
        self._base = base
        self._registers = Registers(generation_wh=base.generation_wh, consumption_wh=base.consumption_wh)
        self._stated = Registers(generation_wh=base.generation_wh, consumption_wh=base.consumption_wh)
        self._measured_until = base.measured_at
        self._sequence = base.sequence
        self._wake_up(journal.checkpoint)

    @property
    def sequence(self) -> int:
        """The last number used."""
        return self._sequence

    @property
    def truth(self) -> MeterTruth:
        """What really flowed since the base, whole Wh."""
        return MeterTruth(
            generation_wh=self._registers.generation_wh - self._base.generation_wh,
            consumption_wh=self._registers.consumption_wh - self._base.consumption_wh,
        )

    def measure(self, until: int) -> None:
        """Let the registers run up to `until` (true time, Unix seconds)."""
        self._registers.run(self._profile, start=self._measured_until, end=until)
        self._measured_until = max(self._measured_until, until)

    def add_energy(self, *, generation_wh: int = 0, consumption_wh: int = 0) -> None:
        """Let so much flow at once: for scenarios that name their energy."""
        self._registers.generation_wh += generation_wh
        self._registers.consumption_wh += consumption_wh

    def state(self, at: int) -> bytes | None:
        """Measure up to `at`, then sign and write down what there is to say.

        Returns:
            The binary envelope; None when an interval holds no energy, or while the meter does not know its number.
        """
        self.measure(at)
        if not self.knows_its_number:
            return None
        generation_wh, consumption_wh = self._to_state()
        if self.kind is StatementKind.INTERVAL and generation_wh == 0 and consumption_wh == 0:
            return None
        statement = Statement(
            kind=self.kind,
            network=self.network,
            meter_id=self.meter_id,
            sequence=self._sequence + 1,
            measured_at=at + self.clock_skew_s,
            generation_wh=generation_wh,
            consumption_wh=consumption_wh,
        )
        envelope = encode_binary(statement, self._key.sign(encode_statement(statement)))
        self.journal.append(self._checkpoint(statement.sequence), envelope)
        self._sequence = statement.sequence
        self._stated.generation_wh = self._registers.generation_wh
        self._stated.consumption_wh = self._registers.consumption_wh
        return envelope

    def sign(self, message: bytes) -> bytes:
        """Sign a message of another purpose: a binding, a provisioning, a rotation."""
        return self._key.sign(message)

    @property
    def public_key(self) -> bytes:
        """The 32 bytes of its public key."""
        return self._key.public_key

    def lose_its_journal(self, empty: Journal) -> None:
        """The memory is gone: measure on, but sign nothing until the platform told the highest number."""
        self.journal = empty
        self.knows_its_number = False

    def go_on_after(self, highest: int) -> None:
        """The platform's highest number: never reuse one."""
        self._sequence = max(self._sequence, highest)
        self.knows_its_number = True

    def _to_state(self) -> tuple[int, int]:
        if self.kind is StatementKind.REGISTER:
            return self._registers.generation_wh, self._registers.consumption_wh
        return (
            self._registers.generation_wh - self._stated.generation_wh,
            self._registers.consumption_wh - self._stated.consumption_wh,
        )

    def _checkpoint(self, sequence: int) -> Checkpoint:
        return Checkpoint(
            sequence=sequence,
            measured_until=self._measured_until,
            generation_wh=self._registers.generation_wh,
            consumption_wh=self._registers.consumption_wh,
            generation_rest_ws=self._registers.generation_rest_ws,
            consumption_rest_ws=self._registers.consumption_rest_ws,
        )

    def _wake_up(self, checkpoint: Checkpoint | None) -> None:
        """After a power loss: go on from the last statement; what flowed since is measured again, and the same."""
        if checkpoint is None:
            return
        self._sequence = checkpoint.sequence
        self._measured_until = checkpoint.measured_until
        for registers in (self._registers, self._stated):
            registers.generation_wh = checkpoint.generation_wh
            registers.consumption_wh = checkpoint.consumption_wh
        self._registers.generation_rest_ws = checkpoint.generation_rest_ws
        self._registers.consumption_rest_ws = checkpoint.consumption_rest_ws
