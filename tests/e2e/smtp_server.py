"""A real SMTP server on loopback that keeps what it is given."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread


class SmtpServer:
    """Takes every message, without TLS and without login; `received` holds them as they came."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self._server = ThreadingTCPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[StreamRequestHandler]:
        received = self.received

        class Handler(StreamRequestHandler):
            def handle(self) -> None:
                self._say(220, "ready")
                while line := self.rfile.readline():
                    match line.split()[:1]:
                        case [b"QUIT" | b"quit"]:
                            self._say(221, "bye")
                            return
                        case [b"DATA" | b"data"]:
                            self._say(354, "end with a dot")
                            received.append(self._message())
                            self._say(250, "kept")
                        case _:
                            self._say(250, "ok")

            def _message(self) -> EmailMessage:
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line.removeprefix(b"."))
                return email.message_from_bytes(b"".join(lines), policy=email.policy.default)

            def _say(self, code: int, text: str) -> None:
                self.wfile.write(f"{code} {text}\r\n".encode())

        return Handler
