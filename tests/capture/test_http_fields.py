"""Lines of HTTP heads: credentials and names of sessions are hidden, and what they are is still seen."""

from __future__ import annotations

import pytest

from stomp_sansio.capture.http_fields import Request, hidden_field, hidden_request_line, hidden_status_line
from stomp_sansio.capture.secrets import Secrets

NAME = b"0123456789abcdef"


@pytest.mark.parametrize(
    ("line", "shown", "kind"),
    [
        (b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\r\n", b""),
        (b"GET /stomp/info?t=1 HTTP/1.1\r\n", b"GET /stomp/info?t=1 HTTP/1.1\r\n", b""),
        (b"GET /?token=abcd&b=c HTTP/1.1\r\n", b"GET /?token=xxxx&b=c HTTP/1.1\r\n", b""),
        (b"GET /?token=abc HTTP/1.1\r\n", b"GET /?token=xxx HTTP/1.1\r\n", b""),
        (b"GET /?access%5Ftoken=a%2Bcd HTTP/1.1\r\n", b"GET /?access%5Ftoken=xxxxxx HTTP/1.1\r\n", b""),
        (b"GET http://ada:abcd@h/x HTTP/1.1\r\n", b"GET http://ada:xxxx@h/x HTTP/1.1\r\n", b""),
        (b"GET http://ada@h HTTP/1.1\r\n", b"GET http://ada@h HTTP/1.1\r\n", b""),
        (b"CONNECT h:80 HTTP/1.1\r\n", b"CONNECT h:80 HTTP/1.1\r\n", b""),
        (b"GET\r\n", b"GET\r\n", b""),
        (b"GET /x\r\n", b"GET /x\r\n", b""),
        (b"POST /s/1/abc/xhr HTTP/1.1\r\n", b"POST /s/1/xxx/xhr HTTP/1.1\r\n", b"xhr"),
        (
            b"POST /s/1/" + NAME + b"/xhr_send HTTP/1.1\r\n",
            b"POST /s/1/" + b"x" * 16 + b"/xhr_send HTTP/1.1\r\n",
            b"xhr_send",
        ),
        (b"POST /1/xhr HTTP/1.1\r\n", b"POST /1/xhr HTTP/1.1\r\n", b""),
    ],
)
def test_a_request_line(line: bytes, shown: bytes, kind: bytes):
    hidden, request = hidden_request_line(line, Secrets())
    assert hidden == shown
    assert (request.method, request.kind) == (line.split(b" ")[0], kind)


def test_sessions_stay_apart_and_are_hidden_elsewhere_if_they_are_long():
    secrets = Secrets()
    first, one = hidden_request_line(b"POST /s/1/" + NAME + b"/xhr HTTP/1.1", secrets)
    second, two = hidden_request_line(b"POST /s/1/" + NAME[::-1] + b"/xhr HTTP/1.1", secrets)
    assert first != second
    assert one == Request(b"POST", b"xhr", b"/s/1/" + NAME)
    assert two.conversation == b"/s/1/" + NAME[::-1]
    assert NAME not in secrets.hidden(b"session " + NAME)
    hidden_request_line(b"POST /s/1/short/xhr HTTP/1.1", secrets)
    assert secrets.hidden(b"short") == b"short"


def test_what_is_known_is_hidden_anywhere_in_an_address():
    secrets = Secrets(["a/bcd"])
    assert b"a/bcd" not in hidden_request_line(b"GET http://ada:a/bcd@h/?a=a/bcd HTTP/1.1", secrets)[0]


@pytest.mark.parametrize(
    ("line", "shown", "status"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n", 200),
        (b"HTTP/1.1 401 no hunter2\r\n", b"HTTP/1.1 401 no xxxxxxx\r\n", 401),
        (b"HTTP/1.1 x\r\n", b"HTTP/1.1 x\r\n", 0),
    ],
)
def test_a_status_line(line: bytes, shown: bytes, status: int):
    assert hidden_status_line(line, Secrets(["hunter2"])) == (shown, status)


@pytest.mark.parametrize(
    ("line", "shown", "learned"),
    [
        (
            b"Authorization: Basic YWRhOmh1bnRlcjI=\r\n",
            b"Authorization: Basic xxxxxxxxxxxxxxx=\r\n",
            b"hunter2",
        ),
        (b"authorization:Bearer abcdef\r\n", b"authorization:Bearer xxxxxx\r\n", b"abcdef"),
        (b"Authorization: abcdef ghi\r\n", b"Authorization: xxxxxx xxx\r\n", b"abcdef ghi"),
        (b"Authorization: Basic ###\r\n", b"Authorization: Basic xxx\r\n", b""),
        (b"Authorization: Basic YWRhOmFkYQ==\r\n", b"Authorization: Basic xxxxxxxxxx==\r\n", b""),
        (b"Authorization: Basic A\r\n", b"Authorization: Basic x\r\n", b""),
        (b'Proxy-Authorization: Digest a="b"\r\n', b"Proxy-Authorization: Digest x=xxx\r\n", b""),
        (b"Cookie: a=abcd; b=efgh\r\n", b"Cookie: x=xxxx; x=xxxx\r\n", b"efgh"),
        (b"Set-Cookie: a=abcd; Path=/path\r\n", b"Set-Cookie: x=xxxx; xxxx=xxxxx\r\n", b"abcd"),
        (b"X-Token:\tabcd \r\n", b"X-Token:\txxxx \r\n", b"abcd"),
    ],
)
def test_a_field_that_is_a_secret(line: bytes, shown: bytes, learned: bytes):
    secrets = Secrets()
    hidden, _, _, secret = hidden_field(line, secrets, goes_on=False)
    assert (hidden, secret) == (shown, True)
    if learned:
        assert secrets.hidden(learned) != learned
    assert secrets.hidden(b"/path") == b"/path"


@pytest.mark.parametrize(
    ("line", "shown", "name", "value"),
    [
        (b"Content-Length: 12345\r\n", b"Content-Length: 12345\r\n", b"content-length", b"12345"),
        (b"X-About: 12345\r\n", b"X-About: xxxxx\r\n", b"x-about", b"12345"),
        (b"X-12345: a\r\n", b"X-xxxxx: a\r\n", b"x-12345", b"a"),
        (
            b"Location: http://a:abcd@h/?token=abcd\r\n",
            b"Location: http://a:xxxx@h/?token=",
            b"location",
            None,
        ),
        (
            b"Access-Control-Allow-Credentials: true\r\n",
            b"Access-Control-Allow-Credentials: true\r\n",
            b"access-control-allow-credentials",
            b"true",
        ),
        (b"no colon\r\n", b"no colon\r\n", b"no colon", b""),
        (b" folded\r\n", b" folded\r\n", b"folded", b""),
    ],
)
def test_a_field_that_is_none(line: bytes, shown: bytes, name: bytes, value: bytes | None):
    hidden, found, said, secret = hidden_field(line, Secrets(["12345"]), goes_on=False)
    assert hidden.startswith(shown)
    assert b"abcd" not in hidden
    assert (found, secret) == (name, False)
    assert value is None or said == value


def test_a_secret_that_is_folded_goes_on():
    secrets = Secrets()
    assert hidden_field(b"\tabcd\r\n", secrets, goes_on=True) == (b"\txxxx\r\n", b"", b"", True)
    assert secrets.hidden(b"abcd") != b"abcd"
    assert hidden_field(b"A: b\r\n", secrets, goes_on=True)[3] is False
