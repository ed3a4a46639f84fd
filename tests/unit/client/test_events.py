from dataclasses import replace

import pytest
from solders.pubkey import Pubkey

from core.domain.errors import InvalidInput
from programs.client.addresses import addresses_of
from programs.client.conventions import EVENT_TAG, discriminator
from programs.client.events import UNKNOWN, decode_transaction_events
from programs.client.ids import PROGRAM_IDS
from programs.client.rpc import ConfirmedTransaction, InnerInstruction

AT = addresses_of()
HOLDER = Pubkey(bytes([7] * 32))
BODY = bytes(HOLDER) + (5).to_bytes(8, "little") + (95).to_bytes(8, "little") + (1_700_000_000).to_bytes(8, "little")
TEXTS = (3).to_bytes(4, "little") + b"Ana" + (4).to_bytes(4, "little") + b"2026"
RETIRED = EVENT_TAG + discriminator("event", "TokensRetired") + BODY + TEXTS


def call(
    data: bytes, program: Pubkey = AT.energy_token.id, authority: Pubkey = AT.energy_token.event_authority
) -> InnerInstruction:
    return InnerInstruction(0, program, (authority,), data, 2)


def landed(*calls: InnerInstruction, err: str | None = None, logs: tuple[str, ...] = ()) -> ConfirmedTransaction:
    return ConfirmedTransaction("sig", 1, None, err, 5_000, None, logs, (), (), calls, (), (), b"")


def test_an_event_is_read_with_its_texts():
    (event,) = decode_transaction_events(landed(call(b"\7"), call(RETIRED)))

    assert (event.program, event.name, event.index) == ("energy_token", "TokensRetired", 1)
    assert event.fields == {
        "holder": str(HOLDER),
        "amount": 5,
        "new_total_supply": 95,
        "timestamp": 1_700_000_000,
        "beneficiary": "Ana",
        "reason": "2026",
    }


def test_a_failed_transaction_has_no_events():
    assert decode_transaction_events(landed(call(RETIRED), err="AccountInUse")) == []


def test_another_program_with_the_same_discriminator_is_not_heard():
    assert decode_transaction_events(landed(call(RETIRED, program=Pubkey.new_unique()))) == []


def test_a_call_without_the_event_authority_is_not_heard():
    assert decode_transaction_events(landed(call(RETIRED, authority=Pubkey.new_unique()))) == []
    assert decode_transaction_events(landed(InnerInstruction(0, AT.energy_token.id, (), RETIRED, 2))) == []
    assert decode_transaction_events(landed(call(RETIRED, authority=AT.registry.event_authority))) == []


def test_logs_are_never_read():
    assert decode_transaction_events(landed(logs=("Program data: " + RETIRED[8:].hex(),))) == []


def test_an_event_that_this_client_does_not_know_is_kept():
    (event,) = decode_transaction_events(landed(call(EVENT_TAG + b"newevent" + b"\1\2")))
    assert (event.name, event.fields) == (UNKNOWN, {"data": (b"newevent" + b"\1\2").hex()})


@pytest.mark.parametrize("length", [len(RETIRED) - 1, len(RETIRED) - 5, len(RETIRED) - 9, 40, 16])
def test_an_event_that_is_too_short_is_refused(length: int):
    with pytest.raises(InvalidInput):
        decode_transaction_events(landed(call(RETIRED[:length])))


def test_a_text_that_is_no_utf8_is_refused():
    with pytest.raises(InvalidInput):
        decode_transaction_events(landed(call(RETIRED.replace(b"Ana", b"\xff\xfe\xfd"))))


def test_a_count_beyond_the_data_is_refused():
    tail = EVENT_TAG + discriminator("event", "TokensMinted") + bytes(16) + (2**32 - 1).to_bytes(4, "little")
    with pytest.raises(InvalidInput):
        decode_transaction_events(landed(call(tail)))


def test_another_deployment_has_its_own_events():
    ids = replace(PROGRAM_IDS, energy_token=Pubkey.new_unique())
    assert decode_transaction_events(landed(call(RETIRED)), ids) == []
