"""A refusal is a whole HTTP answer that ends the stream."""

from __future__ import annotations

from http import HTTPStatus

import h11
import pytest

from stomp_sansio.links.http_answer import plain_answer


@pytest.mark.parametrize(
    ("status", "extra"),
    [
        (HTTPStatus.FORBIDDEN, None),
        (HTTPStatus.METHOD_NOT_ALLOWED, (b"allow", b"GET")),
        (HTTPStatus.UPGRADE_REQUIRED, (b"sec-websocket-version", b"13")),
        (HTTPStatus.BAD_REQUEST, (b"sec-websocket-version", b"13")),
    ],
)
def test_says_the_status_and_the_sentence(status: HTTPStatus, extra: tuple[bytes, bytes] | None) -> None:
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "h")]))
    client.send(h11.EndOfMessage())
    client.receive_data(plain_answer(status, "No, grüß \ud800"))
    response, data, end = client.next_event(), client.next_event(), client.next_event()
    assert isinstance(response, h11.Response)
    assert (response.status_code, response.reason) == (status, status.phrase.encode())
    assert (b"connection", b"close") in response.headers
    assert extra is None or extra in response.headers
    assert isinstance(data, h11.Data)
    assert data.data == "No, grüß ?\n".encode()
    assert isinstance(end, h11.EndOfMessage)
    assert client.their_state is h11.MUST_CLOSE
