"""A client's session on the embedded broker."""

from typing import final

from amqtt.session import Session

from broker.access import Identity, session_key
from broker.mailbox import Mailbox


@final
class ClientSession(Session):
    """An amqtt session that knows who it belongs to, what it subscribed to and what it is owed."""

    def __init__(self, connecting: Session, identity: Identity, mailbox: Mailbox) -> None:
        super().__init__()
        self.identity = identity
        self.mailbox = mailbox
        self.filters: dict[str, int] = {}
        self.inbound_qos2: set[int] = set()
        """Packet ids of QoS 2 messages that were routed and not yet released."""
        self.silent_since: float | None = None
        """Loop time of the last connection's end; unset while connected."""
        self.renew(connecting)
        self.key = session_key(identity, self.client_id or "")

    def renew(self, connecting: Session) -> None:
        """Take over what a new connection of the same client says; the password is not kept."""
        self.client_id = connecting.client_id
        self.username = connecting.username
        self.clean_session = connecting.clean_session
        self.keep_alive = connecting.keep_alive
        self.remote_address = connecting.remote_address
        self.remote_port = connecting.remote_port
        self.will_flag = connecting.will_flag
        self.will_topic = connecting.will_topic
        self.will_message = connecting.will_message
        self.will_qos = connecting.will_qos
        self.will_retain = connecting.will_retain

    def _init_states(self) -> None:
        """No state machine: it costs a quarter of a millisecond a client, and `ClientConnection` is the state."""
