import asyncio
from collections.abc import Callable
from typing import Any

from programs.localnet.chain import Chain
from programs.localnet.pubsub.subscription import (
    AccountSubscription,
    Feed,
    LogsSubscription,
    ProgramSubscription,
    RootSubscription,
    SignatureSubscription,
    SlotSubscription,
    Subscription,
    notification,
)
from programs.localnet.rpc.account_json import AccountConfig
from programs.localnet.rpc.accounts import CompiledFilters, ProgramAccountsConfig
from programs.localnet.rpc.dispatch import Dispatcher
from programs.localnet.rpc.errors import INTERNAL_ERROR, RpcError, invalid_params
from programs.localnet.rpc.methods import Method
from programs.localnet.rpc.params import CommitmentConfig, Params, parse_pubkey

QUEUE_LIMIT = 10_000  # messages; a client that reads slower than this is let go


class SignatureConfig(CommitmentConfig, rename="camel", frozen=True):
    """Options of `signatureSubscribe`."""

    enable_received_notification: bool = False


class Connection:
    """One WebSocket client: its subscriptions and what is waiting to be sent to it."""

    def __init__(self, chain: Chain, feed: Feed, max_subscriptions: int, next_id: Callable[[], int]) -> None:
        self._chain, self._feed, self._limit, self._next_id = chain, feed, max_subscriptions, next_id
        self._subscriptions: dict[int, Subscription] = {}
        self._ids: dict[Subscription, int] = {}
        self._fresh: list[Subscription] = []
        self.outbox: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE_LIMIT)
        self._dispatcher = Dispatcher(chain, self._methods())

    def receive(self, message: str | bytes) -> None:
        """Take one message; the answer is queued before anything a new subscription says."""
        self._fresh = []
        answer = self._dispatcher.answer(message)
        if answer is not None:
            self._queue(answer)
        for subscription in self._fresh:
            self._feed.add(subscription, self._notify)

    def close(self) -> None:
        """End all subscriptions."""
        for subscription in self._subscriptions.values():
            self._feed.remove(subscription)

    def _methods(self) -> dict[str, Method]:
        makers = {
            "account": self._account,
            "program": self._program,
            "logs": self._logs,
            "signature": self._signature,
            "slot": lambda _params: SlotSubscription(self._chain),
            "root": lambda _params: RootSubscription(self._chain),
        }
        methods: dict[str, Method] = {}
        for name, make in makers.items():
            methods[f"{name}Subscribe"] = self._subscribe(make)
            methods[f"{name}Unsubscribe"] = self._unsubscribe
        return methods

    def _subscribe(self, make: Callable[[Params], Subscription]) -> Method:
        def subscribe(_chain: Chain, params: Params) -> Any:
            if len(self._subscriptions) >= self._limit:
                raise RpcError(INTERNAL_ERROR, f"Too many subscriptions; max {self._limit}")
            subscription, subscription_id = make(params), self._next_id()
            self._subscriptions[subscription_id] = subscription
            self._ids[subscription] = subscription_id
            self._fresh.append(subscription)
            return subscription_id

        return subscribe

    def _unsubscribe(self, _chain: Chain, params: Params) -> Any:
        subscription = self._subscriptions.pop(params.required(0, int), None)
        if subscription is None:
            raise invalid_params("Invalid subscription id.")
        self._ids.pop(subscription)
        if subscription in self._fresh:
            self._fresh.remove(subscription)
        self._feed.remove(subscription)
        return True

    def _account(self, params: Params) -> Subscription:
        return AccountSubscription(self._chain, params.pubkey(0), params.config(1, AccountConfig))

    def _program(self, params: Params) -> Subscription:
        config = params.config(1, ProgramAccountsConfig)
        return ProgramSubscription(self._chain, params.pubkey(0), config, CompiledFilters(config.filters))

    def _logs(self, params: Params) -> Subscription:
        commitment = params.config(1, CommitmentConfig).level
        if not params.is_object(0):
            if params.required(0, str) not in ("all", "allWithVotes"):
                raise invalid_params('Invalid Request: Only "all", "allWithVotes" and {"mentions": [address]} are known')
            return LogsSubscription(self._chain, None, commitment)
        mentions = params.required(0, dict[str, list[str]]).get("mentions", [])
        if len(mentions) != 1:
            raise invalid_params("Invalid Request: Only 1 address supported")
        return LogsSubscription(self._chain, parse_pubkey(mentions[0]), commitment)

    def _signature(self, params: Params) -> Subscription:
        config = params.config(1, SignatureConfig)
        received = config.enable_received_notification
        return SignatureSubscription(self._chain, params.signature(0), config.level, received=received)

    def _notify(self, subscription: Subscription, result: Any) -> None:
        subscription_id = self._ids.get(subscription)
        if subscription_id is None:
            return
        self._queue(notification(subscription, subscription_id, result))
        if subscription.done:
            self._subscriptions.pop(subscription_id)
            self._ids.pop(subscription)

    def _queue(self, message: bytes) -> None:
        if self.outbox.qsize() >= QUEUE_LIMIT - 1:
            self.close()
            message_or_end = None
        else:
            message_or_end = message
        if not self.outbox.full():
            self.outbox.put_nowait(message_or_end)
