from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from solders.pubkey import Pubkey
from solders.signature import Signature

from programs.localnet.accounts import AccountState, Changes
from programs.localnet.blocks import Commitment
from programs.localnet.chain import Chain, SlotLog
from programs.localnet.rpc.account_json import AccountConfig, account_json
from programs.localnet.rpc.accounts import CompiledFilters
from programs.localnet.rpc.error_text import error_json
from programs.localnet.transactions import TransactionRecord

Send = Callable[["Subscription", Any], None]


class Subscription:
    """One thing a client wants to hear about, at one commitment."""

    notification: str
    """The method name of its notifications."""
    commitment: Commitment = Commitment.PROCESSED
    done = False
    """It has said all it will ever say."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain

    def on_subscribed(self) -> Iterable[Any]:
        """What to say at once."""
        return ()

    def on_slot_closed(self) -> Iterable[Any]:
        """What to say when a slot has closed."""
        return ()

    def on_transactions(self, _log: SlotLog) -> Iterable[Any]:
        """What to say about transactions that reached the commitment."""
        return ()

    def contextual(self, slot: int, value: Any) -> dict[str, Any]:
        """A value with the slot it belongs to."""
        return {"context": {"slot": slot}, "value": value}


class AccountSubscription(Subscription):
    """Changes of one account."""

    notification = "accountNotification"

    def __init__(self, chain: Chain, address: Pubkey, config: AccountConfig) -> None:
        super().__init__(chain)
        self.commitment, self._address, self._config = config.level, bytes(address), config

    def on_transactions(self, log: SlotLog) -> Iterable[Any]:
        """The account as it then was."""
        if self._address in log.changes:
            state = log.changes[self._address] or CLOSED
            yield self.contextual(log.slot, account_json(self.chain, state, self._config))


class ProgramSubscription(Subscription):
    """Changes of a program's accounts."""

    notification = "programNotification"

    def __init__(self, chain: Chain, program: Pubkey, config: AccountConfig, filters: CompiledFilters) -> None:
        super().__init__(chain)
        self.commitment, self._program, self._config, self._filters = config.level, bytes(program), config, filters

    def on_transactions(self, log: SlotLog) -> Iterable[Any]:
        """Each changed account that meets the filters."""
        for address, state in log.changes.items():
            if state is not None and state.owner == self._program and self._filters.match(state):
                account = account_json(self.chain, state, self._config)
                yield self.contextual(log.slot, {"pubkey": str(Pubkey(address)), "account": account})


class LogsSubscription(Subscription):
    """Logs of all transactions, or of those that name an address."""

    notification = "logsNotification"

    def __init__(self, chain: Chain, mentions: Pubkey | None, commitment: Commitment) -> None:
        super().__init__(chain)
        self.commitment, self._mentions = commitment, None if mentions is None else bytes(mentions)

    def on_transactions(self, log: SlotLog) -> Iterable[Any]:
        """Each transaction's logs."""
        for record in log.records:
            if self._mentions is None or self._mentions in record.addresses():
                signature = str(Signature(record.signature))
                meta = record.meta
                yield self.contextual(log.slot, {"signature": signature, "err": error_json(meta.err), "logs": meta.logs})


class SignatureSubscription(Subscription):
    """One transaction reaching a commitment; says so once."""

    notification = "signatureNotification"

    def __init__(self, chain: Chain, signature: Signature, commitment: Commitment, *, received: bool) -> None:
        super().__init__(chain)
        self.commitment, self._signature, self._received = commitment, bytes(signature), received
        self._landed: TransactionRecord | None = None

    def on_subscribed(self) -> Iterable[Any]:
        """It may have happened already."""
        self._landed = self.chain.storage.transaction(self._signature)
        return self._report()

    def on_slot_closed(self) -> Iterable[Any]:
        """Its slot may have reached the commitment."""
        return self._report()

    def on_transactions(self, log: SlotLog) -> Iterable[Any]:
        """It may be among them."""
        for record in log.records:
            if record.signature == self._signature:
                self._landed = record
        return self._report()

    def _report(self) -> Iterable[Any]:
        record = self._landed
        if record is None or self.done:
            return
        if self._received:
            self._received = False
            yield self.contextual(record.slot, "receivedSignature")
        if record.slot <= self.chain.slot(self.commitment):
            self.done = True
            yield self.contextual(self.chain.slot(self.commitment), {"err": error_json(record.meta.err)})


class SlotSubscription(Subscription):
    """Each new slot."""

    notification = "slotNotification"

    def on_slot_closed(self) -> Iterable[Any]:
        """The slot that opened."""
        slot, root = self.chain.open_slot, self.chain.slot(Commitment.FINALIZED)
        yield {"slot": slot, "parent": slot - 1, "root": root}


class RootSubscription(Subscription):
    """Each slot that became final."""

    notification = "rootNotification"

    def on_slot_closed(self) -> Iterable[Any]:
        """The newest final slot."""
        root = self.chain.slot(Commitment.FINALIZED)
        if root > 0:
            yield root


CLOSED = AccountState(lamports=0, owner=bytes(32), data=b"", executable=False, rent_epoch=0)
"""How a subscriber sees an account that is gone."""


class Feed:
    """Passes what happens on the chain to subscriptions and what they say to their connections."""

    def __init__(self, chain: Chain) -> None:
        self._live: dict[Subscription, Send] = {}
        chain.observe(self)

    def add(self, subscription: Subscription, send: Send) -> None:
        """Start passing on; what it says at once is said before this returns."""
        self._live[subscription] = send
        self._say(subscription, send, subscription.on_subscribed())

    def remove(self, subscription: Subscription) -> None:
        """Stop passing on."""
        self._live.pop(subscription, None)

    def transaction_landed(self, record: TransactionRecord, changes: Changes) -> None:
        """A transaction executed in the open slot."""
        log = SlotLog(record.slot, [record], changes)
        for subscription, send in list(self._live.items()):
            if subscription.commitment is Commitment.PROCESSED or isinstance(subscription, SignatureSubscription):
                self._say(subscription, send, subscription.on_transactions(log))

    def slot_closed(self, closed: SlotLog, finalized: SlotLog | None) -> None:
        """A slot became confirmed, and an earlier one final."""
        reached = {Commitment.CONFIRMED: closed, Commitment.FINALIZED: finalized}
        for subscription, send in list(self._live.items()):
            log = reached.get(subscription.commitment)
            if log is not None and log.records:
                self._say(subscription, send, subscription.on_transactions(log))
            self._say(subscription, send, subscription.on_slot_closed())

    def _say(self, subscription: Subscription, send: Send, messages: Iterable[Any]) -> None:
        for message in messages:
            send(subscription, message)
        if subscription.done:
            self.remove(subscription)


def notification(subscription: Subscription, subscription_id: int, result: Any) -> bytes:
    """A notification as it goes over the wire."""
    params = {"result": result, "subscription": subscription_id}
    return msgspec.json.encode({"jsonrpc": "2.0", "method": subscription.notification, "params": params})
