"""What one session is owed."""

import asyncio

from broker import packets
from broker.mailbox import Delivery, Mailbox, MailboxLimits

LIMITS = MailboxLimits(window=2, messages=4, bytes=1_000)


def _delivery(number: int) -> Delivery:
    return Delivery(packets.topic_field("t"), str(number).encode())


def test_the_window_holds_until_acknowledged():
    mailbox = Mailbox(LIMITS)
    for number in range(3):
        assert mailbox.offer(_delivery(number))

    assert len(list(mailbox.due())) == 2
    assert list(mailbox.due()) == []
    mailbox.acknowledge(1)
    assert len(list(mailbox.due())) == 1


def test_exactly_the_unacknowledged_are_sent_again_in_order_and_marked():
    mailbox = Mailbox(LIMITS)
    for number in range(2):
        mailbox.offer(_delivery(number))
    list(mailbox.due())
    mailbox.acknowledge(1)

    (again,) = mailbox.unacknowledged()

    assert again == packets.publish(packets.topic_field("t"), b"1", packet_id=2, again=True)
    assert again[0] & 0x08


def test_a_full_mailbox_takes_nothing_and_says_when_it_does_again():
    mailbox = Mailbox(LIMITS)
    assert [mailbox.offer(_delivery(number)) for number in range(5)] == [True, True, True, True, False]

    list(mailbox.due())
    mailbox.acknowledge(1)

    assert mailbox.offer(_delivery(9))


def test_bytes_fill_a_mailbox_too():
    mailbox = Mailbox(LIMITS)
    assert mailbox.offer(Delivery(b"\0\x01t", bytes(1_000)))
    assert not mailbox.offer(_delivery(1))


def test_a_full_mailbox_has_no_room_before_a_quarter_is_free():
    """Otherwise each small acknowledgement lets a large message in, and the bound in bytes is none."""
    mailbox = Mailbox(LIMITS)
    assert mailbox.offer(_delivery(1))
    assert mailbox.offer(Delivery(b"\0\x01t", bytes(1_000)))
    list(mailbox.due())

    mailbox.acknowledge(1)
    assert not mailbox.offer(_delivery(2))

    mailbox.acknowledge(2)
    assert mailbox.offer(_delivery(2))


async def test_those_who_wait_go_on_when_there_is_room():
    mailbox = Mailbox(LIMITS)
    for number in range(4):
        mailbox.offer(_delivery(number))
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(mailbox.wait_for_room())
        await asyncio.sleep(0)
        assert not waiting.done()
        list(mailbox.due())
        mailbox.acknowledge(1)


def test_an_unknown_acknowledgement_is_nothing():
    mailbox = Mailbox(LIMITS)
    mailbox.acknowledge(7)
    assert len(mailbox) == 0
