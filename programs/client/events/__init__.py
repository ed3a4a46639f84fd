"""What the programs said, read from their calls to themselves and never from logs, which anyone can fill or forge."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from programs.client.addresses import addresses_of
from programs.client.conventions import EVENT_TAG
from programs.client.events import energy_token, oracle, registry
from programs.client.events.record import EventRecord, Json
from programs.client.ids import PROGRAM_IDS, ProgramIds
from programs.client.rpc import ConfirmedTransaction

UNKNOWN = "Unknown"
"""Name of an event that a newer program emits and this client does not know; its bytes are kept in `data`."""

_BY_PROGRAM: Mapping[str, Mapping[bytes, type[EventRecord]]] = {
    name: {event.tag: event for event in events}
    for name, events in (("registry", registry.EVENTS), ("oracle", oracle.EVENTS), ("energy_token", energy_token.EVENTS))
}


@dataclass(frozen=True, slots=True)
class ChainEvent:
    """One event of a successful transaction."""

    program: str
    """`registry`, `oracle`, `energy_token`."""
    name: str
    fields: dict[str, Json]
    """Integers, keys in base58, bytes in hexadecimal, meter ids as text, records as dictionaries."""
    index: int
    """Position among the transaction's inner instructions: with the signature it names the event for ever."""


def decode_transaction_events(transaction: ConfirmedTransaction, ids: ProgramIds = PROGRAM_IDS) -> list[ChainEvent]:
    """The events of a transaction, in order; none when it failed.

    Only calls of our programs to themselves count, signed by the event authority: no other program can make them.

    Raises:
        InvalidInput: an event of ours is shorter than its layout.
    """
    return [] if transaction.err is not None else list(_events(transaction, ids))


def _events(transaction: ConfirmedTransaction, ids: ProgramIds) -> Iterator[ChainEvent]:
    at = addresses_of(ids)
    authorities = {program.id: program.event_authority for program in (at.registry, at.oracle, at.energy_token)}
    for index, call in enumerate(transaction.inner_instructions):
        if call.data[:8] != EVENT_TAG or call.accounts[:1] != (authorities.get(call.program),):
            continue
        program = str(ids.name_of(call.program))
        event = _BY_PROGRAM[program].get(call.data[8:16])
        if event is None:
            yield ChainEvent(program, UNKNOWN, {"data": call.data[8:].hex()}, index)
        else:
            yield ChainEvent(program, event.idl_name, event.read(call.data[16:]), index)


__all__ = ["UNKNOWN", "ChainEvent", "decode_transaction_events"]
