"""The other end of an HTTP stream, on h11: reads requests, writes responses. What the tests of HTTP share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import h11


@dataclass
class Asked:
    """One request."""

    method: str
    target: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


class HttpServer:
    """One connection.

    `asked` takes octets and returns whole requests; `head`, `data` and `end` give octets.
    """

    def __init__(self) -> None:
        self.connection = h11.Connection(h11.SERVER)
        self.request: h11.Request | None = None
        self.body = b""

    def asked(self, octets: bytes) -> list[Asked]:
        if octets:
            self.connection.receive_data(octets)
        requests: list[Asked] = []
        while True:
            event = self.connection.next_event()
            if isinstance(event, h11.Request):
                self.request, self.body = event, b""
            elif isinstance(event, h11.Data):
                self.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                assert self.request is not None
                headers = {name.decode(): value.decode("latin-1") for name, value in self.request.headers}
                method, target = self.request.method.decode(), self.request.target.decode()
                requests.append(Asked(method, target, headers, self.body))
            else:
                return requests

    def head(self, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> bytes:
        return self.connection.send(h11.Response(status_code=status, headers=list(headers)))

    def data(self, octets: bytes) -> bytes:
        return self.connection.send(h11.Data(data=octets))

    def end(self) -> bytes:
        octets = self.connection.send(h11.EndOfMessage())
        if self.connection.our_state is h11.DONE:
            self.connection.start_next_cycle()
        return octets

    def response(
        self, status: int = 200, body: bytes = b"", headers: Iterable[tuple[str, str]] = ()
    ) -> bytes:
        """A whole response, chunked if it has a body."""
        if status == 204:
            return self.head(status, headers) + self.end()
        return self.head(status, headers) + (self.data(body) if body else b"") + self.end()
