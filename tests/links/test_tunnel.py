"""A tunnel through an HTTP proxy: what is asked, each answer, whatever the cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.errors import Fault, LinkFault, RemoteProtocolError
from stomp_sansio.links.proxy import Proxy
from stomp_sansio.links.tunnel import ProxyTunnel
from stomp_sansio.machine import TCPAddress, UnixAddress
from stomp_sansio.protocol.limits import Limits

LIMITS = Limits.client()
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


def tunnel(login: str | None = None, password: str | None = None, host: str = "h.example") -> ProxyTunnel:
    return ProxyTunnel(
        TCPAddress(host, 61614), Proxy(host="p", port=1, login=login, password=password), LIMITS
    )


def answered(
    data: bytes, cut: int | None = None
) -> tuple[bool, bytes, Fault | LinkFault | None, str, int | None]:
    """Return what a tunnel makes of an answer."""
    one = tunnel()
    step = cut or len(data) or 1
    error: RemoteProtocolError | None = None
    try:
        for start in range(0, len(data), step):
            one.receive_data(data[start : start + step])
    except RemoteProtocolError as raised:
        error = raised
    if error is None:
        return one.established, one.take_rest() if one.established else b"", None, "", one.refused_status
    with pytest.raises(RemoteProtocolError) as again:
        one.receive_data(b"x")
    assert again.value is error
    assert not one.established
    return False, b"", error.fault, str(error), one.refused_status


def test_what_is_asked():
    one = tunnel()
    expected = b"CONNECT h.example:61614 HTTP/1.1\r\nHost: h.example:61614\r\n\r\n"
    assert one.unsent == len(expected)
    assert one.data_to_send(10) + one.data_to_send(1000) == expected
    assert one.unsent == 0


def test_credentials_go_as_basic():
    request = tunnel("Aladdin", "open sesame").data_to_send(1000)
    assert b"Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n" in request
    assert b"Basic bG9naW46\r\n" in tunnel("login").data_to_send(1000)
    assert b"Basic w7w6w6Q=\r\n" in tunnel("ü", "ä").data_to_send(1000)


def test_an_ipv6_address_goes_in_brackets():
    assert (
        tunnel(host="2001:db8::1").data_to_send(1000).startswith(b"CONNECT [2001:db8::1]:61614 HTTP/1.1\r\n")
    )


def test_a_unix_socket_cannot_be_reached():
    with pytest.raises(TypeError, match="leave the proxy out"):
        ProxyTunnel(UnixAddress("/x"), Proxy(host="p", port=1), LIMITS)


GOOD = [
    (ESTABLISHED, b""),
    (ESTABLISHED + b"rest", b"rest"),
    (b"HTTP/1.1 200\r\n\r\n", b""),
    (b"HTTP/1.1 299 x\nVia: y\n\n", b""),
    (b"HTTP/1.1 100 Continue\r\n\r\n" + ESTABLISHED, b""),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
]


@pytest.mark.parametrize("cut", [None, 1, 7])
@pytest.mark.parametrize(("answer", "rest"), GOOD)
def test_a_good_answer_opens_the_tunnel(answer: bytes, rest: bytes, cut: int | None):
    one = tunnel()
    step = cut or len(answer)
    received = b""
    for start in range(0, len(answer), step):
        one.receive_data(answer[start : start + step])
        if one.established:
            received += one.take_rest()
    assert one.established
    assert received == rest


REFUSED = [
    (301, "login page"),
    (400, "HTTP proxy"),
    (401, "not a proxy"),
    (403, "no_proxy"),
    (404, "not of a proxy"),
    (405, "not of a proxy"),
    (407, "http://LOGIN:PASSWORD@HOST:PORT"),
    (418, "proxy's rules"),
    (500, "trying again later"),
    (502, "cannot reach the server"),
    (503, "trying again later"),
    (504, "in time"),
]


@pytest.mark.parametrize(("status", "advice"), REFUSED)
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_a_refusal_says_what_to_do(status: int, advice: str, version: bytes):
    answer = b"HTTP/%b %d No\r\nContent-Length: 5\r\n\r\n<htm" % (version, status)
    _, _, fault, message, refused_status = answered(answer)
    assert fault is LinkFault.HTTP_STATUS
    assert refused_status == status
    assert str(status) in message
    assert advice in message
    assert answered(answer, 1) == answered(answer)


BROKEN = [
    (b"HTTP/1.0 200 OK\r\n\r\n", LinkFault.BAD_HANDSHAKE, "HTTP/1.0"),
    (
        b"SSH-2.0-OpenSSH\r\n\r\n",
        LinkFault.BAD_HANDSHAKE,
        "it begins with b'SSH-2.0-OpenSSH'",
    ),
    (b"\r\n\r\n", LinkFault.BAD_HANDSHAKE, "no HTTP"),
    (b"HTTP/1.1 200 OK\r\nSet-Cookie CANARY\r\n\r\n", LinkFault.BAD_HANDSHAKE, "no HTTP"),
    (b"HTTP/1.1 099 x\r\n\r\n", LinkFault.BAD_HANDSHAKE, "no HTTP"),
    (b"HTTP/1.1 101 x\r\n\r\n", LinkFault.BAD_HANDSHAKE, "no HTTP"),
    (b"HTTP/1.1 100 x\r\n\r\n" * 9, LinkFault.LIMIT, "1xx"),
    (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200, LinkFault.LIMIT, "header fields"),
    (b"HTTP/1.1 200 OK\r\na: " + b"b" * 2**20, LinkFault.LIMIT, "larger than"),
    (b"x" * 2**20, LinkFault.BAD_HANDSHAKE, "it begins with b'xxxxxxxxxxxxxxxxxxxx'; check host and port"),
    (b"\x15\x03\x03\x00\x02\x02\x16" * 3, LinkFault.BAD_HANDSHAKE, "that is TLS"),
]


@pytest.mark.parametrize("cut", [None, 1000])
@pytest.mark.parametrize(("answer", "expected", "why"), BROKEN)
def test_what_is_no_answer_is_a_fault(answer: bytes, expected: LinkFault, why: str, cut: int | None):
    _, _, fault, message, _ = answered(answer, cut)
    assert fault is expected
    assert why in message
    assert "CANARY" not in message


PIECES = [
    b"HTTP/1.1 200 OK",
    b"HTTP/1.1 407 x",
    b"HTTP/1.1 100 c",
    b"\r\n",
    b"\r\n\r\n",
    b"\n\n",
    b"a: b",
    b" c",
    b"\x00",
]


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=5), max_size=8), st.integers(1, 9))
def test_the_cut_never_matters(pieces: list[bytes], cut: int):
    data = b"".join(pieces)
    whole, by_cut = answered(data), answered(data, cut)
    assert whole[0] == by_cut[0]
    assert whole[2:] == by_cut[2:]
