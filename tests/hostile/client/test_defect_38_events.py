"""Defect 38: events read from forged or truncated logs, from failed transactions, or from another program."""

from base64 import b64encode
from dataclasses import replace

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey

from programs.client.conventions import EVENT_TAG, discriminator
from programs.client.events import decode_transaction_events
from programs.client.instructions.oracle import submit_meter_reading
from tests.support.grid import BUDGET, Grid

MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
FORGED = discriminator("event", "TokensMinted") + bytes(16) + (1).to_bytes(4, "little") + bytes(40)


def test_an_event_is_heard_though_memos_fill_the_log():
    grid = Grid.initialised()
    device = grid.meter()
    memos = [Instruction(MEMO, b"x", []) for _ in range(45)]
    pair = submit_meter_reading(
        grid.at,
        submitter=grid.attesters[0].pubkey(),
        readings=[device.reading(1, 5_000, measured_at=grid.now)],
        zones=grid.zones([1]),
        instruction_index=len(memos) + 2,
    )
    flooded = [BUDGET.instructions()[0], *memos, *pair]

    landed = grid.send(flooded, grid.attesters[0], check_size=False)

    assert "Log truncated" in landed.confirmed().logs
    assert [event.name for event in grid.events(landed)] == ["TokensMinted", "MeterBalanceSettled", "MeterReadingAccepted"]


def test_an_event_in_a_memo_is_not_heard():
    grid = Grid.initialised()
    memo = Instruction(MEMO, b64encode(FORGED), [])

    landed = grid.send([memo])

    assert grid.events(landed) == []


def test_a_stranger_cannot_make_our_program_say_something():
    grid = Grid.initialised()
    at = grid.at
    stranger = grid.chain.wallet()
    said = Instruction(
        at.energy_token.id, EVENT_TAG + FORGED, [AccountMeta(stranger.pubkey(), is_signer=True, is_writable=False)]
    )
    unsigned = Instruction(
        at.energy_token.id,
        EVENT_TAG + FORGED,
        [AccountMeta(at.energy_token.event_authority, is_signer=False, is_writable=False)],
    )

    assert grid.refused(said, stranger) is not None
    assert grid.refused(unsigned) is not None


def test_a_failed_transaction_is_not_heard():
    grid = Grid.initialised()
    device = grid.meter()
    landed = grid.submit(device.reading(1, 5_000, measured_at=grid.now)).confirmed()
    assert decode_transaction_events(landed)

    failed = replace(landed, err="InstructionError")

    assert decode_transaction_events(failed) == []
