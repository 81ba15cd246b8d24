# SPDX-License-Identifier: Apache-2.0
"""A relay between one client and the broker, so that tests can break the wire between them."""

import selectors
import socket
import threading


class Relay:
    """Listens on a free port of the loopback and copies one connection, both ways, in a thread."""

    def __init__(self, host: str, port: int):
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self._listener.getsockname()
        self._is_mute = threading.Event()
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._copy, daemon=True)
        self._thread.start()

    def mute_client(self) -> None:
        """From now on nothing that the client writes arrives; the sockets stay open."""
        self._is_mute.set()

    def cut(self) -> None:
        """Closes both sockets, as a machine does whose program ended. May be called again."""
        self._wake.close()
        self._thread.join()

    def _copy(self) -> None:
        with selectors.DefaultSelector() as selector, self._listener, self._woken:
            selector.register(self._woken, selectors.EVENT_READ)
            selector.register(self._listener, selectors.EVENT_READ)
            if any(key.fileobj is self._woken for key, _ in selector.select()):
                return
            client, _ = self._listener.accept()
            selector.unregister(self._listener)
            broker = socket.create_connection(self._target)
            other = {client: broker, broker: client}
            with client, broker:
                for peer in other:
                    selector.register(peer, selectors.EVENT_READ)
                while True:
                    for key, _ in selector.select():
                        if key.fileobj is self._woken:
                            return
                        try:
                            octets = key.fileobj.recv(65536)
                            if not octets:
                                return
                            if key.fileobj is broker or not self._is_mute.is_set():
                                other[key.fileobj].sendall(octets)
                        except OSError:
                            return  # Either side went; so does the other.
