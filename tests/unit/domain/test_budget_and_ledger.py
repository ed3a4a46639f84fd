from core.domain.budget import WS_PER_WH, EnergyBudget, cap_ws, covers, refilled_ws, spent_ws
from core.domain.ledger import Ledger, burnable_wh, settlement_wh

KW = 1_000
WEEK_S = 7 * 86_400


def test_a_minute_at_full_power_and_a_tenth_is_covered_and_no_more():
    budget = refilled_ws(0, rated_power_w=6 * KW, elapsed_s=60)

    assert covers(budget, 110 + 1)
    assert not covers(budget, 110 + 2)
    assert spent_ws(budget, 111) == -WS_PER_WH


def test_a_silent_meter_saves_up_seven_days_at_most():
    assert refilled_ws(0, rated_power_w=KW, elapsed_s=100 * WEEK_S) == cap_ws(KW) == KW * WEEK_S


def test_time_that_runs_backwards_adds_nothing():
    assert refilled_ws(5, rated_power_w=KW, elapsed_s=-1) == 5


def test_the_tolerated_wh_does_not_add_up_over_many_steps():
    budget = EnergyBudget(generation_ws=0, consumption_ws=0, at=0)

    taken = 0
    for step in range(1, 11):
        budget = budget.refilled(rated_power_out_w=0, rated_power_in_w=0, at=step * 900)
        if budget.covers(generation_wh=1, consumption_wh=0):
            budget = budget.spent(generation_wh=1, consumption_wh=0)
            taken += 1

    assert taken == 1


def ledger(generation_wh: int, consumption_wh: int, settled_wh: int = 0) -> Ledger:
    return Ledger(
        credited_generation_wh=generation_wh,
        credited_consumption_wh=consumption_wh,
        correction_net_wh=0,
        settled_net_wh=settled_wh,
    )


def test_registers_of_1000_and_300_kwh_with_400_settled_mint_300():
    book = ledger(1_000_000, 300_000, 400_000)

    moved = settlement_wh(book, balance=0, delegated=0, mint_room_wh=10**9)

    assert moved == 300_000
    assert book.settled_by(moved).delta_wh == 0


def test_what_cannot_be_burned_stays_owed_and_is_netted_later():
    book = ledger(0, 10_000)

    moved = settlement_wh(book, balance=4_000_999_999, delegated=10**12, mint_room_wh=0)
    book = book.settled_by(moved)

    assert moved == -4_000
    assert book.owed_wh == 6_000
    assert book.unsettled_wh == 0
    assert burnable_wh(balance=10**12, delegated=999_999) == 0


def test_what_the_zones_cap_leaves_waits():
    book = ledger(10_000, 0)

    book = book.settled_by(settlement_wh(book, balance=0, delegated=0, mint_room_wh=3_000))

    assert book.unsettled_wh == 7_000
