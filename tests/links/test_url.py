"""URLs: what each scheme means, what is refused and why, and that no password is ever shown."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.errors import LinkFault
from stomp_sansio.links.url import (
    Endpoint,
    EndpointKind,
    InvalidURI,
    SessionIds,
    parse_url,
    parse_urls,
    session_ids,
    sockjs_endpoint,
)
from stomp_sansio.machine import TCPAddress, TLSWish, UnixAddress

SCHEMES = [
    ("stomp://h", EndpointKind.PLAIN, False, 61613),
    ("STOMP://h", EndpointKind.PLAIN, False, 61613),
    ("stomps://h", EndpointKind.PLAIN, True, 61614),
    ("stomp+ssl://h", EndpointKind.PLAIN, True, 61614),
    ("ws://h", EndpointKind.WEBSOCKET, False, 80),
    ("wss://h", EndpointKind.WEBSOCKET, True, 443),
    ("http://h", EndpointKind.SOCKJS, False, 80),
    ("https://h", EndpointKind.SOCKJS, True, 443),
    ("sockjs+http://h", EndpointKind.SOCKJS, False, 80),
    ("sockjs+https://h", EndpointKind.SOCKJS, True, 443),
]


@pytest.mark.parametrize(("url", "kind", "tls", "port"), SCHEMES)
def test_each_scheme_has_its_meaning_and_its_port(url: str, kind: EndpointKind, tls: bool, port: int):
    endpoint = parse_url(url)
    assert (endpoint.kind, endpoint.tls, endpoint.host, endpoint.port) == (kind, tls, "h", port)
    assert endpoint.address == TCPAddress("h", port)
    assert endpoint.tls_wish == (TLSWish("h") if tls else None)
    assert endpoint.authority == "h"
    assert parse_url(endpoint.url) == endpoint


VHOSTS = [
    ("stomp://h", "h"),
    ("stomp://h/", "/"),
    ("stomp://h/other", "/other"),
    ("stomp://h/a%2Fb%20c", "/a/b c"),
    ("stomp://h/%E4%BE%8B", "/例"),
    ("ws://h/other", "h"),
    ("http://h/other", "h"),
    ("stomp+unix:///run/broker.sock", "localhost"),
]


@pytest.mark.parametrize(("url", "vhost"), VHOSTS)
def test_the_path_of_plain_stomp_is_the_virtual_host(url: str, vhost: str):
    assert parse_url(url).vhost == vhost


def test_userinfo_is_decoded():
    endpoint = parse_url("stomp://us%40er:p%3A%2F%23@h")
    assert (endpoint.login, endpoint.passcode) == ("us@er", "p:/#")
    assert parse_url("stomp://guest@h").passcode is None
    assert parse_url("stomp://guest:@h").passcode == ""
    assert parse_url("stomp://h").login is None


def test_an_unescaped_at_sign_of_a_passcode_is_understood():
    assert parse_url("stomp://user:p@ss@h").passcode == "p@ss"


TARGETS = [
    ("ws://h", "/"),
    ("ws://h/", "/"),
    ("ws://h/a/b%20c?x=1&y=%2F", "/a/b%20c?x=1&y=%2F"),
    ("ws://h?x=1", "/?x=1"),
    ("ws://h/a?", "/a?"),
    ("ws://h/ä?ö", "/%C3%A4?%C3%B6"),
    ('ws://h/a"b<c>', "/a%22b%3Cc%3E"),
]


@pytest.mark.parametrize(("url", "target"), TARGETS)
def test_path_and_query_are_kept_and_never_encoded_twice(url: str, target: str):
    assert parse_url(url).request_target == target


AUTHORITIES = [
    ("ws://h:80", "h", "http://h"),
    ("wss://h:80", "h:80", "https://h:80"),
    ("https://h:443/x", "h", "https://h"),
    ("ws://[2001:DB8::1]:80", "[2001:db8::1]", "http://[2001:db8::1]"),
    ("ws://[fe80::1%25eth0]:8080", "[fe80::1]:8080", "http://[fe80::1]:8080"),
    ("wss://bücher.example:8443", "xn--bcher-kva.example:8443", "https://xn--bcher-kva.example:8443"),
]


@pytest.mark.parametrize(("url", "authority", "origin"), AUTHORITIES)
def test_host_and_origin_leave_out_default_ports_and_zones(url: str, authority: str, origin: str):
    endpoint = parse_url(url)
    assert (endpoint.authority, endpoint.origin) == (authority, origin)


def test_a_final_dot_is_for_the_resolver_not_for_the_certificate():
    endpoint = parse_url("wss://h.example.")
    assert endpoint.server_name == "h.example"
    assert endpoint.address == TCPAddress("h.example.", 443)


def test_a_unix_socket():
    endpoint = parse_url("stomp+unix:///run/my%20broker.sock")
    assert endpoint.address == UnixAddress("/run/my broker.sock")
    assert endpoint.url == "stomp+unix:///run/my%20broker.sock"
    assert endpoint.authority == "localhost"
    assert endpoint.tls_wish is None
    assert parse_url(endpoint.url) == endpoint


BAD = [
    ("", "no scheme"),
    ("localhost:61613", "no scheme"),
    ("1s://h", "no scheme"),
    ("://h", "no scheme"),
    ("user:secret@h://x", "no scheme"),
    ("tcp://h:61613", "write stomp://"),
    ("ssl://h", "write stomps://"),
    ("amqp://h", "AMQP is another protocol"),
    ("ftp://h", "the scheme 'ftp' is unknown"),
    ("stomp://", "no host"),
    ("stomp:///v", "no host"),
    ("ws://h/#frag", "fragment"),
    ("ws://h/a b", "%20"),
    ("ws://h/a\r\nX: y", "control character"),
    ("stomp://h/v?x=1", "has no query"),
    ("stomp://h/v@w", "%40"),
    ("ws://h/%", "%25"),
    ("ws://h/%4", "%25"),
    ("ws://h/?%zz", "%25"),
    ("stomp://u:%zz@h", "%25"),
    ("stomp://u:%ff@h", "no UTF-8"),
    ("stomp://h/%ff", "no UTF-8"),
    ("ws://h/\ud800", "lone surrogate"),
    ("stomp+unix://run/broker.sock", "ABSOLUTE"),
    ("stomp+unix:///run/broker.sock?x", "ABSOLUTE"),
    ("stomp+unix:///run/%00", "ABSOLUTE"),
]


@pytest.mark.parametrize(("url", "why"), BAD)
def test_what_cannot_be_used_is_refused_with_what_to_write(url: str, why: str):
    with pytest.raises(InvalidURI) as raised:
        parse_url(url)
    assert why in str(raised.value)
    assert raised.value.fault is LinkFault.BAD_URL


CANARY = "hunter2CANARY"
LEAKS = [
    f"stomp://user:{CANARY}",
    f"stomp://user:{CANARY}@h:port",
    f"stomp://user:{CANARY}@",
    f"stomp://user:{CANARY}/x@h",
    f"stomp://user:{CANARY}?x@h",
    f"stomp://user:{CANARY}#x@h",
    f"stomp://user:{CANARY} x@h",
    f"stomp://user:{CANARY}%@h",
    f"stomp://user:{CANARY}%ff@h",
    f"stomp://user:1/{CANARY}@h:x",
    f"stomp://[user:{CANARY}/@h",
    f"user:{CANARY}@h",
    f"smtp://user:{CANARY}@h",
    f"stomp+unix://user:{CANARY}@h",
    f"ws://user:{CANARY}@[::g]",
    f"failover:(stomp://user:{CANARY}@h:x)",
    f"failover:stomp://user:{CANARY}@h",
    f"failover:(stomp://h)?password={CANARY}",
]


@pytest.mark.parametrize("url", LEAKS)
def test_no_error_shows_a_password(url: str):
    with pytest.raises(InvalidURI) as raised:
        parse_urls(url)
    assert CANARY not in str(raised.value)
    assert CANARY.lower() not in str(raised.value).lower()
    assert raised.value.__cause__ is None
    assert CANARY not in repr(raised.value.__context__)


def test_nothing_secret_is_shown_of_a_good_one():
    endpoint = parse_url(f"ws://user:{CANARY}@h/p?access_token={CANARY}&x=1&password")
    assert repr(endpoint) == (
        "Endpoint('ws://h/p?access_token=[redacted]&x=1&password', login='user', passcode='[redacted]', "
        "vhost='h')"
    )
    assert CANARY not in str(endpoint)
    assert CANARY in endpoint.url, "the real URL is for machines"
    assert repr(parse_url("ws://user@h")) == "Endpoint('ws://h/', login='user', vhost='h')"
    assert repr(parse_url("ws://h")) == "Endpoint('ws://h/', vhost='h')"


@given(st.text())
def test_any_text_is_an_endpoint_or_refused(text: str):
    for url in (text, f"stomp://{text}", f"ws://{text}", f"https://h/{text}", f"stomp+unix:///{text}"):
        try:
            endpoint = parse_url(url)
        except InvalidURI:
            continue
        again = parse_url(endpoint.url)
        if endpoint.kind is EndpointKind.PLAIN and endpoint.unix_path is None:
            again = replace(again, path=endpoint.path)
        assert again == replace(endpoint, login=None, passcode=None)
        assert endpoint.authority.isascii()
        assert all(0x20 < ord(character) < 0x7F for character in endpoint.request_target)


# Several


def test_several_urls_in_order():
    assert [endpoint.host for endpoint in parse_urls("stomp://a")] == ["a"]
    assert [endpoint.host for endpoint in parse_urls(["stomp://a", "failover:(ws://b,wss://c)"])] == [
        "a",
        "b",
        "c",
    ]
    assert [endpoint.host for endpoint in parse_urls("failover:(stomp://a,stomp://b)")] == ["a", "b"]
    assert [endpoint.host for endpoint in parse_urls("Failover://(stomp://a)")] == ["a"]


@pytest.mark.parametrize(
    ("urls", "why"),
    [
        ([], "empty"),
        ("failover:stomp://a", "failover:(stomp://a,stomp://b)"),
        ("failover:(stomp://a", "failover:(stomp://a,stomp://b)"),
        ("failover:()", "no scheme"),
        ("failover:(stomp://a)?randomize=false", "reconnect="),
    ],
)
def test_a_list_that_is_none_is_refused(urls: str | list[str], why: str):
    with pytest.raises(InvalidURI) as raised:
        parse_urls(urls)
    assert why in str(raised.value)


# SockJS


def test_sockjs_urls():
    base = parse_url("https://user:secret@h:8443/a/b//?t=1")
    ids = SessionIds("000", "abcdefgh")
    urls = [
        sockjs_endpoint(base, name, ids).url for name in ("websocket", "xhr_streaming", "xhr", "xhr_send")
    ]
    assert urls == [
        "wss://h:8443/a/b/000/abcdefgh/websocket?t=1",
        "https://h:8443/a/b/000/abcdefgh/xhr_streaming?t=1",
        "https://h:8443/a/b/000/abcdefgh/xhr?t=1",
        "https://h:8443/a/b/000/abcdefgh/xhr_send?t=1",
    ]
    assert sockjs_endpoint(base, "info").url == "https://h:8443/a/b/info?t=1"
    assert sockjs_endpoint(base, "info").passcode == "secret"
    assert sockjs_endpoint(parse_url("ws://h/e"), "info").url == "http://h/e/info"


def test_sockjs_needs_a_web_address():
    with pytest.raises(InvalidURI, match="http://"):
        sockjs_endpoint(parse_url("stomp://h"), "info")


@pytest.mark.parametrize("value", ["", "a.b", "a/b", "a b", "a%41", "é", "a?b", "a#b"])
def test_ids_that_cannot_stand_in_a_path_are_refused(value: str):
    for make in (lambda: SessionIds(value, "x"), lambda: SessionIds("x", value)):
        with pytest.raises(InvalidURI) as raised:
            make()
        assert raised.value.fault is LinkFault.BAD_ID
        assert not value or value not in str(raised.value)


def test_fresh_ids_come_from_the_function_passed_in():
    asked: list[int] = []

    def token_bytes(count: int) -> bytes:
        asked.append(count)
        return random.Random(count).randbytes(count)

    ids = session_ids(token_bytes)
    assert asked == [4, 16]
    assert ids == session_ids(token_bytes)
    assert len(ids.server) == 3
    assert len(ids.session) == 32
    assert ids.session not in repr(ids), "who knows it can take the session over"


def test_an_endpoint_is_a_value():
    endpoint = parse_url("ws://h")
    assert endpoint == Endpoint(kind=EndpointKind.WEBSOCKET, tls=False, host="h", port=80, vhost="h")
    assert len({endpoint, parse_url("ws://h")}) == 1
