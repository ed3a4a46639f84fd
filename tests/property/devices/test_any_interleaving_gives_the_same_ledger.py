from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.identity import parse_meter_id
from core.domain.readings import Statement, StatementKind
from devices.acceptance import Mark
from tests.support.memory_platform import MeterBook, active_meter

T0 = 1_749_999_600
RATED_W = 400_000
MOST_WH = 100_000


@st.composite
def lives(draw: st.DrawFn) -> tuple[Mark, list[tuple[int, int]]]:
    """A base anywhere in [0, 2^63) and what flows in each quarter of an hour."""
    flows = draw(st.lists(st.tuples(st.integers(0, MOST_WH), st.integers(0, MOST_WH)), min_size=1, max_size=12))
    room = 2**63 - 1 - MOST_WH * len(flows)
    base = Mark(
        sequence=draw(st.integers(0, 2**40)),
        measured_at=T0,
        generation_wh=draw(st.integers(0, room)),
        consumption_wh=draw(st.integers(0, room)),
    )
    return base, flows


def told(kind: StatementKind, base: Mark, flows: list[tuple[int, int]]) -> list[Statement]:
    generation_wh, consumption_wh = base.generation_wh, base.consumption_wh
    statements: list[Statement] = []
    for number, (produced, consumed) in enumerate(flows, start=1):
        generation_wh, consumption_wh = generation_wh + produced, consumption_wh + consumed
        is_register = kind is StatementKind.REGISTER
        statements.append(
            Statement(
                kind=kind,
                network=bytes(8),
                meter_id=parse_meter_id("MTR-001"),
                sequence=base.sequence + number,
                measured_at=base.measured_at + 900 * number,
                generation_wh=generation_wh if is_register else produced,
                consumption_wh=consumption_wh if is_register else consumed,
            )
        )
    return statements


def arrivals(draw: st.DrawFn, statements: list[Statement]) -> list[Statement]:
    """Any order, with repeats and losses; then what is missing again, as a device does."""
    first = draw(st.lists(st.sampled_from(statements), max_size=3 * len(statements)))
    return first + draw(st.permutations(statements))


@settings(max_examples=150, deadline=None)
@given(st.data(), lives(), st.sampled_from(StatementKind))
def test_repeats_losses_and_reorderings_end_in_the_same_credited_totals(
    data: st.DataObject, life: tuple[Mark, list[tuple[int, int]]], kind: StatementKind
):
    base, flows = life
    statements = told(kind, base, flows)
    state = active_meter(kind=kind, rated_power_out_w=RATED_W, rated_power_in_w=RATED_W, base=base)
    book = MeterBook(state)
    now = T0 + 900 * len(flows)

    credited = [0, 0]
    for statement in data.draw(st.composite(arrivals)(statements)):
        decision = book.take(statement, received_at=now)
        credited[0] += decision.energy_generation_wh
        credited[1] += decision.energy_consumption_wh

    assert credited == [sum(flow[0] for flow in flows), sum(flow[1] for flow in flows)]
    assert (book.state.credited_generation_wh, book.state.credited_consumption_wh) == tuple(credited)
    assert book.missing() == ()
    zero = sum(1 for flow in flows if kind is StatementKind.INTERVAL and flow == (0, 0))
    assert book.state.accepted_count == len(flows) - zero
    assert book.state.last.sequence == max(
        (s.sequence for s, flow in zip(statements, flows, strict=True) if kind is StatementKind.REGISTER or flow != (0, 0)),
        default=base.sequence,
    )


@settings(max_examples=150, deadline=None)
@given(st.data(), lives())
def test_a_register_meter_is_never_credited_beyond_its_last_register_or_its_plate(
    data: st.DataObject, life: tuple[Mark, list[tuple[int, int]]]
):
    base, flows = life
    statements = told(StatementKind.REGISTER, base, flows)
    rated_w = data.draw(st.integers(0, RATED_W))
    book = MeterBook(active_meter(rated_power_out_w=rated_w, rated_power_in_w=RATED_W, base=base))

    for statement in data.draw(st.composite(arrivals)(statements)):
        book.take(statement, received_at=T0 + 900 * len(flows))

    assert book.state.credited_generation_wh == book.state.last.generation_wh - base.generation_wh
    elapsed_s = book.state.last.measured_at - T0
    assert book.state.credited_generation_wh * 3_600 <= rated_w * elapsed_s * 11 // 10 + 3_600
