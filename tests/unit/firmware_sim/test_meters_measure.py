from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.identity import parse_meter_id
from core.domain.readings import AssetKind, StatementKind
from devices.envelope import decode_binary
from devices.frame import verify
from devices.keys import DeviceKey
from firmware_sim.journal import FileJournal, Journal, MemoryJournal
from firmware_sim.meter import Base, Meter
from firmware_sim.profiles import PLATES, profile_of
from firmware_sim.registers import Registers
from firmware_sim.weather import Weather

T0 = 1_749_999_600
DAY_S = 86_400
BASE = Base(sequence=0, measured_at=T0, generation_wh=1_000, consumption_wh=2_000)


def meter(journal: Journal, *, kind: StatementKind = StatementKind.REGISTER, asset: AssetKind = AssetKind.RESIDENTIAL) -> Meter:
    return Meter(
        meter_id=parse_meter_id("MTR-001"),
        network=bytes(8),
        key=DeviceKey(bytes(range(32))),
        kind=kind,
        profile=profile_of(PLATES[asset], seed=3, weather=Weather(seed=1)),
        base=BASE,
        journal=journal,
    )


@pytest.mark.parametrize("asset", AssetKind)
@pytest.mark.parametrize("season_s", [0, 182 * DAY_S])
def test_no_profile_exceeds_its_plate_and_each_has_a_day(asset: AssetKind, season_s: int):
    plate = PLATES[asset]
    profile = profile_of(plate, seed=9, weather=Weather(seed=4))

    flows = [profile.flow(T0 + season_s + at) for at in range(0, 2 * DAY_S, 300)]

    assert all(0 <= flow.generation_w <= plate.rated_power_out_w for flow in flows)
    assert all(0 <= flow.consumption_w <= plate.rated_power_in_w for flow in flows)
    assert len({flow.generation_w or -flow.consumption_w for flow in flows}) > 2


def test_the_sun_does_not_shine_at_night_and_a_battery_gives_less_than_it_took():
    weather = Weather(seed=4)
    midnight = T0 - (T0 + weather.place.utc_offset_s) % DAY_S
    solar = profile_of(PLATES[AssetKind.SOLAR], seed=1, weather=weather)
    battery = profile_of(PLATES[AssetKind.BATTERY], seed=1, weather=weather)
    registers = Registers(generation_wh=0, consumption_wh=0)

    registers.run(battery, start=midnight, end=midnight + DAY_S)

    assert solar.flow(midnight).generation_w == 0
    assert solar.flow(midnight + DAY_S // 2).generation_w > 0
    assert 0 < registers.generation_wh < registers.consumption_wh


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=30))
def test_any_way_to_cut_the_time_gives_the_same_energy(steps: list[int]):
    profile = profile_of(PLATES[AssetKind.SOLAR], seed=9, weather=Weather(seed=4))
    whole, cut = Registers(generation_wh=0, consumption_wh=0), Registers(generation_wh=0, consumption_wh=0)
    noon = T0 - T0 % DAY_S + 5 * 3_600

    whole.run(profile, start=noon, end=noon + sum(steps))
    at = noon
    for step in steps:
        cut.run(profile, start=at, end=at + step)
        at += step

    assert cut == whole


@given(st.lists(st.integers(0, 10_000), max_size=50))
def test_what_is_less_than_one_wh_is_carried(parts_ws: list[int]):
    registers = Registers(generation_wh=0, consumption_wh=0)

    for part in parts_ws:
        registers.add(generation_ws=part, consumption_ws=0)

    assert registers.generation_wh * 3_600 + registers.generation_rest_ws == sum(parts_ws)


def test_statements_are_numbered_signed_and_in_the_journal_before_anyone_sees_them():
    journal = MemoryJournal()
    device = meter(journal)

    envelopes = [device.state(T0 + 900 * n) for n in (1, 2, 3)]

    assert list(journal.entries().values()) == envelopes
    frames = [decode_binary(envelope) for envelope in envelopes if envelope is not None]
    assert [frame.statement.sequence for frame in frames] == [1, 2, 3]
    assert all(verify(frame, [device.public_key]) is not None for frame in frames)
    last = frames[-1].statement
    assert last.generation_wh - BASE.generation_wh == device.truth.generation_wh
    assert last.consumption_wh - BASE.consumption_wh == device.truth.consumption_wh


@pytest.mark.parametrize("kind", StatementKind)
def test_a_restart_uses_no_number_twice_and_loses_no_energy(kind: StatementKind, tmp_path: Path):
    steady = meter(MemoryJournal(), kind=kind)
    expected = [steady.state(T0 + 900 * n) for n in range(1, 9)]

    told: list[bytes | None] = []
    for n in range(1, 9):
        with FileJournal(tmp_path / "m.journal", sync=False) as journal:
            restarted = meter(journal, kind=kind)
            restarted.measure(T0 + 900 * n - 100)
            told.append(restarted.state(T0 + 900 * n))
            journal.drop([restarted.sequence])

    assert told == expected


def test_intervals_add_up_to_the_truth_and_an_empty_one_is_not_said():
    device = meter(MemoryJournal(), kind=StatementKind.INTERVAL, asset=AssetKind.WIND)

    envelopes = [device.state(T0 + 60 * n) for n in range(1, 200)]
    statements = [decode_binary(envelope).statement for envelope in envelopes if envelope is not None]

    assert sum(statement.generation_wh for statement in statements) == device.truth.generation_wh
    assert sum(statement.consumption_wh for statement in statements) == device.truth.consumption_wh
    assert all(statement.generation_wh or statement.consumption_wh for statement in statements)
    assert [statement.sequence for statement in statements] == list(range(1, len(statements) + 1))


def test_a_meter_that_lost_its_journal_signs_nothing_until_it_knows_its_number():
    device = meter(MemoryJournal())
    device.state(T0 + 900)
    device.lose_its_journal(MemoryJournal())

    assert device.state(T0 + 1_800) is None
    device.go_on_after(41)

    envelope = device.state(T0 + 2_700)
    assert envelope is not None
    assert decode_binary(envelope).statement.sequence == 42
