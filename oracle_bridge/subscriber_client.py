"""paho-mqtt's client with its socket calls buffered: one `recv` for many packets, one `send` for many acknowledgements."""

import ssl
from typing import Final, final

from paho.mqtt.client import Client

_RECEIVE_BYTES: Final = 262_144
_UNSENT_LIMIT_BYTES: Final = 1_048_576


@final
class BufferedClient(Client):
    """For an event loop of one's own: `loop_read` until `is_drained`, and `send_buffered` after `loop_write`."""

    _received: bytes = b""
    _position: int = 0
    _unsent: bytearray = bytearray()
    is_drained: bool = True
    """Whether the last read found the socket empty."""

    def reset_buffers(self) -> None:
        """Forget what belonged to the last connection."""
        self._received, self._position, self._unsent, self.is_drained = b"", 0, bytearray(), True

    def send_buffered(self) -> bool:
        """Send what is buffered as far as the socket takes it; True when nothing is left.

        Raises:
            OSError: the connection broke.
        """
        connection = self.socket()
        if connection is None or not self._unsent:
            return True
        try:
            sent = connection.send(self._unsent)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        del self._unsent[:sent]
        return not self._unsent

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._position >= len(self._received):
            self.is_drained = True
            self._received, self._position = super()._sock_recv(_RECEIVE_BYTES), 0
            self.is_drained = False
        start = self._position
        self._position = min(start + bufsize, len(self._received))
        return self._received[start : self._position]

    def _sock_send(self, buf: bytes | bytearray) -> int:
        if len(self._unsent) >= _UNSENT_LIMIT_BYTES:
            raise BlockingIOError
        self._unsent += buf
        return len(buf)

    def _sock_close(self) -> None:
        """Send a buffered DISCONNECT before the socket goes."""
        try:
            self.send_buffered()
        except OSError:
            self._unsent.clear()
        super()._sock_close()
