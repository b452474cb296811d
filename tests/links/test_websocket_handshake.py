"""The opening hand-shake, both sides: what is asked, what is answered, and every way in which it fails."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.errors import LinkFault, LocalProtocolError, Misuse
from stomp_sansio.links.origin import OriginPolicy
from stomp_sansio.links.subprotocols import STOMP_SUBPROTOCOLS
from stomp_sansio.links.websocket_handshake import (
    ClientHandshake,
    HandshakeResult,
    Refused,
    ServerHandshake,
    Upgraded,
)
from stomp_sansio.protocol.limits import Limits
from tests.links.websocket_help import request, response

SECRET = "canary"


def client(**options) -> ClientHandshake:
    arguments: dict[str, Any] = {
        "host": "example.com:8080",
        "target": "/ws?x=1",
        "headers": (),
        "subprotocols": STOMP_SUBPROTOCOLS,
        "limits": Limits.client(),
    } | options
    return ClientHandshake(**arguments)


def server(**options) -> ServerHandshake:
    arguments: dict[str, Any] = {
        "subprotocols": STOMP_SUBPROTOCOLS,
        "accept_path": lambda target: target.partition("?")[0] == "/ws",
        "origins": OriginPolicy(),
        "secure": False,
        "address": None,
        "limits": Limits.server(),
    } | options
    return ServerHandshake(**arguments)


def fed(handshake: ClientHandshake | ServerHandshake, octets: bytes, cut: int = 1 << 20) -> HandshakeResult:
    result: HandshakeResult | None = None
    for start in range(0, len(octets), cut):
        handshake.receive(octets[start : start + cut])
        if result is None:
            result = handshake.next_result()
    assert result is not None
    return result


def upgraded(handshake: ClientHandshake | ServerHandshake, octets: bytes) -> Upgraded:
    result = fed(handshake, octets)
    assert isinstance(result, Upgraded), result
    return result


def refused(handshake: ClientHandshake | ServerHandshake, octets: bytes) -> Refused:
    result = fed(handshake, octets)
    assert isinstance(result, Refused)
    assert SECRET not in str(result.error)
    return result


# The client's request


def test_the_request_names_host_and_target_and_offers_the_subprotocols() -> None:
    octets = client(headers=[("Authorization", "Bearer abc"), ("Origin", "https://example.com")]).request
    lines = octets.decode().split("\r\n")
    assert lines[0] == "GET /ws?x=1 HTTP/1.1"
    assert "Host: example.com:8080" in lines
    assert "Sec-WebSocket-Protocol: v12.stomp, v11.stomp, v10.stomp" in lines
    assert "Authorization: Bearer abc" in lines
    assert "Origin: https://example.com" in lines
    assert "Sec-WebSocket-Version: 13" in lines
    assert re.search(rb"\r\nSec-WebSocket-Key: [A-Za-z0-9+/]{22}==\r\n", octets)


def test_no_extension_is_offered() -> None:
    assert b"extensions" not in client().request.lower()


def test_a_header_that_cannot_go_is_refused() -> None:
    with pytest.raises(LocalProtocolError) as caught:
        client(headers=[("Host", "x")])
    assert caught.value.misuse is Misuse.BAD_HEADER


@pytest.mark.parametrize("target", ["", "ws", "/a b", "/\r\n", "/é"])
def test_a_target_that_cannot_go_is_refused(target: str) -> None:
    with pytest.raises(ValueError, match="is no target"):
        client(target=target)


@pytest.mark.parametrize("host", ["", "a b", "a/b", "user@host", "a\r\nb: c", "a#b", "b\xfccher.example"])
def test_a_host_that_cannot_go_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in a Host field"):
        client(host=host)


@pytest.mark.parametrize("host", ["a..b", "x" * 64, "x." * 3 + "."])
def test_trap_odd_hosts_make_no_unicode_error(host: str) -> None:
    with pytest.raises(ValueError, match="is no host name") as caught:
        client(host=host)
    assert not isinstance(caught.value, UnicodeError)


# The server's answer, seen by the client


@pytest.mark.parametrize("chosen", [None, *STOMP_SUBPROTOCOLS])
def test_a_server_may_choose_any_offered_subprotocol_or_none(chosen: str | None) -> None:
    handshake = client()
    extra = [] if chosen is None else [f"Sec-WebSocket-Protocol: {chosen}"]
    result = upgraded(handshake, response(handshake.request, *extra) + b"\x81\x01x")
    assert result.subprotocol == chosen
    assert result.rest == b"\x81\x01x"
    assert result.response == b""


@pytest.mark.parametrize("cut", [1, 2, 7, 64])
def test_any_cut_gives_the_same_result(cut: int) -> None:
    handshake = client()
    octets = response(handshake.request) + b"frames"
    result = fed(handshake, octets, cut)
    assert isinstance(result, Upgraded)
    assert b"frames".startswith(result.rest)


def test_trap_informational_responses_before_the_101_are_skipped() -> None:
    handshake = client()
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    assert isinstance(fed(handshake, early + response(handshake.request)), Upgraded)


def test_endless_informational_responses_are_too_much() -> None:
    result = refused(
        client(limits=Limits(max_http_header_block=1000)), b"HTTP/1.1 100 Continue\r\n\r\n" * 100
    )
    assert result.error.fault is LinkFault.LIMIT
    assert "informational" in str(result.error)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (200, "use http(s)://"),
        (401, "additional_headers"),
        (403, "Origin"),
        (404, "/websocket"),
        (407, "proxy"),
        (426, "wss://"),
        (500, "later"),
    ],
)
def test_a_refusal_carries_its_status_and_what_to_do(status: int, advice: str) -> None:
    result = refused(client(), f"HTTP/1.1 {status} No\r\nSet-Cookie: s={SECRET}\r\n\r\n{SECRET}".encode())
    assert result.status == status
    assert result.error.fault is LinkFault.HTTP_STATUS
    assert advice in str(result.error)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_threat_13_a_redirect_is_an_error_and_not_followed(status: int) -> None:
    result = refused(
        client(headers=[("Authorization", SECRET)]),
        f"HTTP/1.1 {status} Moved\r\nLocation: https://u:{SECRET}@elsewhere/ws?token={SECRET}\r\n\r\n".encode(),
    )
    assert result.status == status
    assert "'https://elsewhere/ws'" in str(result.error)


def test_what_is_no_http_is_refused_with_its_first_octets() -> None:
    result = refused(client(), b"CONNECTED\nversion:1.2\n\n\0")
    assert result.error.fault is LinkFault.BAD_HANDSHAKE
    assert "begins with b'CONNECTED" in str(result.error)


def test_http_of_another_generation_is_refused() -> None:
    result = refused(client(), b"HTTP/2 200\r\n\r\n")
    assert result.error.fault is LinkFault.BAD_HANDSHAKE
    assert "begins with b'HTTP/2'" in str(result.error)


def bad_answers() -> list[tuple[str, tuple[str, ...], str]]:
    ok = "HTTP/1.1 101 Switching Protocols"
    return [
        (ok, ("Sec-WebSocket-Protocol: chat",), "chose the subprotocol 'chat', which was not offered"),
        (ok, ("Sec-WebSocket-Protocol: v12.stomp",) * 2, "more than one sec-websocket-protocol"),
        (ok, ("Sec-WebSocket-Protocol: \xff",), "was not offered"),
        (ok, ("Sec-WebSocket-Accept: AAAA",), "more than one sec-websocket-accept"),
        (ok, ("Sec-WebSocket-Extensions: permessage-deflate",), "extension, such as compression"),
        (ok, (f"X: {SECRET}", "  folded"), "folded"),
        (ok, (f"X : {SECRET}",), "no WebSocket one: Bad HTTP message"),
        (ok, (f"Connection: \xff{SECRET}",), "no WebSocket one"),
        (ok, ("Upgrade: h2c",), "no WebSocket one: Missing header, 'Upgrade"),
        (ok, ("Connection: close",), "no WebSocket one: Missing header, 'Connection"),
        ("HTTP/1.0 101 Switching Protocols", (), "HTTP/1.0"),
    ]


@pytest.mark.parametrize(("status", "extra", "reason"), bad_answers())
def test_an_upgrade_that_breaks_its_protocol_is_refused(
    status: str, extra: tuple[str, ...], reason: str
) -> None:
    handshake = client()
    result = refused(handshake, response(handshake.request, *extra, status=status))
    assert result.error.fault is LinkFault.BAD_HANDSHAKE
    assert reason in str(result.error)
    assert result.status is None


def test_a_101_with_a_wrong_accept_key_is_refused() -> None:
    result = refused(client(), response(client().request))
    assert "Sec-WebSocket-Accept is wrong" in str(result.error)


def test_nothing_offered_and_something_chosen_is_refused() -> None:
    handshake = client(subprotocols=())
    result = refused(handshake, response(handshake.request, "Sec-WebSocket-Protocol: v12.stomp"))
    assert "(none was)" in str(result.error)


@pytest.mark.parametrize("cut", [1, 100, 4096, 1 << 22])
def test_threat_6_a_flood_of_headers_is_refused_however_it_is_fed(cut: int) -> None:
    flood = b"HTTP/1.1 101 Switching Protocols\r\n" + b"a: b\r\n" * 30_000 + b"\r\n"
    result = fed(client(), flood, cut)
    assert isinstance(result, Refused)
    assert result.error.fault is LinkFault.LIMIT
    assert "more than 128 header fields" in str(result.error)


@pytest.mark.parametrize("cut", [1000, 1 << 22])
def test_threat_6_a_header_of_one_mebibyte_is_refused_however_it_is_fed(cut: int) -> None:
    result = fed(client(), b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"x" * (1 << 20), cut)
    assert isinstance(result, Refused)
    assert result.error.fault is LinkFault.LIMIT


# The server


def test_the_server_answers_an_upgrade_with_101_and_the_accept_key() -> None:
    result = upgraded(server(), request("Origin: http://example.com", f"Cookie: {SECRET}") + b"rest")
    assert result.response.startswith(b"HTTP/1.1 101 ")
    assert (
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in result.response
    )  # RFC 6455, section 1.3
    assert result.rest == b"rest"
    assert result.request is not None
    assert result.request.target == "/ws"
    assert result.request.host == "example.com"
    assert result.request.origin == "http://example.com"
    assert ("cookie", SECRET) in result.request.headers
    assert SECRET not in repr(result.request)


def test_the_repr_of_a_request_shows_no_query() -> None:
    result = upgraded(server(), request(first=f"GET /ws?token={SECRET} HTTP/1.1"))
    assert SECRET not in repr(result.request)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (None, None),
        ("v10.stomp", "v10.stomp"),
        ("v10.stomp, v11.stomp", "v11.stomp"),
        ("v10.stomp, v12.stomp, v11.stomp", "v12.stomp"),
        ("chat", None),
        ("chat, v11.stomp", "v11.stomp"),
    ],
)
def test_the_server_chooses_the_best_subprotocol_or_none(offered: str | None, chosen: str | None) -> None:
    extra = [] if offered is None else [f"Sec-WebSocket-Protocol: {offered}"]
    result = upgraded(server(), request(*extra))
    assert result.subprotocol == chosen
    lines = result.response.decode().lower().split("\r\n")
    assert (f"sec-websocket-protocol: {chosen}" in lines) is (chosen is not None)


def test_the_server_accepts_no_extension() -> None:
    result = upgraded(server(), request("Sec-WebSocket-Extensions: permessage-deflate"))
    assert b"extensions" not in result.response.lower()


def status_of(response_octets: bytes) -> int:
    """The status of a response that is whole: its body is as long as it says."""
    head, _, body = response_octets.partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: (\d+)", head)
    assert length is not None
    assert int(length[1]) == len(body) > 0
    assert b"Connection: close" in head
    return int(head[9:12])


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (request(first="GET /other HTTP/1.1"), 404),
        (request("Origin: http://evil.example"), 403),
        (request("Origin: null"), 403),
        (request("Origin: http://example.com", "Origin: http://evil.example"), 400),
        (request(first="POST /ws HTTP/1.1"), 405),
        (request(first="GET /ws HTTP/1.0"), 400),
        (request(first="GET /ws"), 400),
        (b"\r\n", 400),
        (request(without="Host"), 400),
        (request("Host: two.example"), 400),
        (request("Host: two.example", without="Host").replace(b"two", b"x" * 400), 400),
        (request("Host: b\xfccher.example", without="Host"), 400),
        (request("Host: xn--\x41\x41-.example", without="Host"), 400),
        (request(without="Connection"), 400),
        (request(without="Upgrade"), 400),
        (request(without="Sec-WebSocket-Key"), 400),
        (request("Sec-WebSocket-Key: AAAA", without="Sec-WebSocket-Key"), 400),
        (request("Sec-WebSocket-Key: !", without="Sec-WebSocket-Key"), 400),
        (request("Sec-WebSocket-Key: \xff", without="Sec-WebSocket-Key"), 400),
        (request("Sec-WebSocket-Version: 8", without="Sec-WebSocket-Version"), 426),
        (request(without="Sec-WebSocket-Version"), 400),
        (request("Content-Length: 5"), 400),
        (request("Transfer-Encoding: chunked"), 400),
        (request("X: y", " folded"), 400),
        (request("X : y"), 400),
        (request("X: \x01y", "Connection: \xff"), 400),
        (request(*["a: b"] * 200), 431),
        (request("X: " + "x" * 70_000), 431),
    ],
)
def test_threat_8_an_odd_upgrade_request_is_answered_with_a_status(octets: bytes, status: int) -> None:
    result = refused(server(), octets)
    assert result.status == status
    assert status_of(result.response) == status


def test_a_content_length_of_zero_is_no_body() -> None:
    assert isinstance(fed(server(), request("Content-Length: 0")), Upgraded)


def test_the_answer_to_a_wrong_version_names_the_right_one() -> None:
    result = refused(server(), request("Sec-WebSocket-Version: 8", without="Sec-WebSocket-Version"))
    assert b"\r\nSec-WebSocket-Version: 13\r\n" in result.response
    assert b"\r\nAllow: GET\r\n" in refused(server(), request(first="PUT /ws HTTP/1.1")).response


def test_a_listed_origin_passes_and_an_origin_without_tls_does_not_reach_a_server_with_it() -> None:
    listed = server(origins=OriginPolicy(["https://app.example"]))
    assert isinstance(fed(listed, request("Origin: https://app.example")), Upgraded)
    assert refused(server(secure=True), request("Origin: http://example.com")).status == 403
    assert isinstance(fed(server(secure=True), request("Origin: https://example.com")), Upgraded)


def test_a_stream_that_ends_too_early() -> None:
    for handshake in (client(), server()):
        assert handshake.cut_short().error.fault is LinkFault.CLOSED_ABNORMALLY
        handshake.receive(b"H")
        assert handshake.next_result() is None
        assert handshake.cut_short().error.fault is LinkFault.TRUNCATED


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b"\x15\x03\x03\x00\x02\x02\x16", "that is TLS: write stomps://, wss:// or https://"),
        (b"SSH-2", "that is an SSH server"),
        (b"XYZ", "begins with b'XYZ'; check host and port"),
    ],
)
def test_an_end_of_what_is_no_http_says_what_it_is(octets: bytes, told: str) -> None:
    handshake = client()
    handshake.receive(octets)
    assert handshake.next_result() is None
    error = handshake.cut_short().error
    assert error.fault is LinkFault.BAD_HANDSHAKE
    assert told in str(error)


@pytest.mark.parametrize("cut", [1, 7, 100])
@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", "that is an SSH server: check host and port"),
        (b"\x00" * 21, "check host and port"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\n220 mail ESMTP\r\n", "a mail or FTP server"),
    ],
)
def test_what_is_no_http_is_not_waited_for(octets: bytes, told: str, cut: int) -> None:
    handshake = client()
    result = fed(handshake, octets, cut)
    assert isinstance(result, Refused)
    assert result.error.fault is LinkFault.BAD_HANDSHAKE
    assert told in str(result.error)


@given(
    st.lists(
        st.sampled_from(
            [*(line.encode() + b"\r\n" for line in request().decode().split("\r\n")), b"\r\n", b"\xff", b" "]
        ),
        max_size=12,
    ),
    st.integers(min_value=1, max_value=40),
)
def test_threat_8_a_shuffled_request_gives_one_documented_outcome_at_any_cut(
    parts: list[bytes], cut: int
) -> None:
    octets = b"".join(parts) + b"\r\n\r\n"
    whole, piecewise = server(), server()
    result = fed(whole, octets)
    again = fed(piecewise, octets, cut)
    assert type(result) is type(again)
    assert result.response == again.response
