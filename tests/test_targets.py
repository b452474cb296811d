"""From URLs and keywords to servers: which link each URL gets, with what, and what cannot be used."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from itertools import count
from typing import Any

import pytest

from stomp_sansio import Limits, LocalProtocolError
from stomp_sansio.errors import InvalidURI
from stomp_sansio.links.fallback import FallbackLink
from stomp_sansio.links.link import Link
from stomp_sansio.links.plain import PlainLink
from stomp_sansio.links.websocket import WebSocketLink
from stomp_sansio.machine import Address, OpenStream, StartTLS, StreamId, TCPAddress, TLSWish, UnixAddress
from stomp_sansio.session.options import Credentials, Target
from stomp_sansio.targets import TRANSPORTS, Routing, targets


def routing(environ: Mapping[str, str] | None = None, **keywords: Any) -> Routing:
    return Routing(environ=environ or {}, token_bytes=bytes, limits=Limits.client(), **keywords)


def only(url: str, credentials: Credentials | None = None, **keywords: Any) -> tuple[Target, Link]:
    """Return the server that a URL names, and a link to it that has begun."""
    (target,) = targets(url, routing(**keywords))
    link = target.make_link(map(StreamId, count(1)), credentials or Credentials())
    link.start(0.0)
    return target, link


def asked(link: Link) -> bytes:
    """Return what a link writes first on its stream."""
    wish = link.next_action()
    assert isinstance(wish, OpenStream)
    link.stream_opened(wish.stream, 0.0)
    return link.data_to_send(wish.stream, 0.0)


@pytest.mark.parametrize(
    ("url", "kind", "address"),
    [
        ("stomp://h", PlainLink, TCPAddress("h", 61613)),
        ("stomps://h:1", PlainLink, TCPAddress("h", 1)),
        ("stomp+unix:///run/s", PlainLink, UnixAddress("/run/s")),
        ("ws://h/stomp", WebSocketLink, TCPAddress("h", 80)),
        ("wss://h/stomp", WebSocketLink, TCPAddress("h", 443)),
        ("http://h/stomp", FallbackLink, TCPAddress("h", 80)),
        ("https://h/stomp", FallbackLink, TCPAddress("h", 443)),
    ],
)
def test_a_url_says_which_link(url: str, kind: type, address: Address) -> None:
    target, link = only(url)
    assert type(link) is kind
    assert link.next_action() == OpenStream(StreamId(1), address)
    assert target.name == url


def test_each_attempt_gets_a_link_of_its_own() -> None:
    (target,) = targets("stomp://h", routing())
    ids = map(StreamId, count(7))
    links = [target.make_link(ids, Credentials()) for _ in range(2)]
    assert links[0] is not links[1]
    for link, name in zip(links, (7, 8), strict=True):
        link.start(0.0)
        wish = link.next_action()
        assert isinstance(wish, OpenStream)
        assert wish.stream == name


@pytest.mark.parametrize("urls", [["stomp://a", "ws://b"], "failover:(stomp://a,ws://b)"])
def test_several_servers_stay_in_order(urls: Any) -> None:
    assert [target.name for target in targets(urls, routing())] == ["stomp://a", "ws://b/"]


def test_what_a_url_says_of_its_server() -> None:
    target, _ = only("stomp://ada:secret@h/chat")
    assert (target.vhost, target.login, target.passcode) == ("/chat", "ada", "secret")
    assert "secret" not in target.name
    assert only("stomp://h")[0].vhost == "h"
    assert only("stomp://h/chat", vhost="/")[0].vhost == "/"


def test_sockjs_carries_text_and_others_anything() -> None:
    for url in ("stomp://h", "ws://h"):
        assert only(url)[0].carries(b"\xff")
    carries = only("http://h/stomp")[0].carries
    assert carries("ä".encode())
    assert not carries(b"\xff")


@pytest.mark.parametrize("url", ["ws://h/stomp", "http://h/stomp"])
def test_http_requests_have_more_headers_and_those_of_the_credentials_win(url: str) -> None:
    credentials = Credentials(http_headers={"Authorization": "Bearer fresh"})
    _, link = only(url, credentials, additional_headers=[("authorization", "Bearer old"), ("X-Who", "me")])
    request = asked(link)
    assert b"Authorization: Bearer fresh\r\n" in request
    assert b"X-Who: me\r\n" in request
    assert b"old" not in request


@pytest.mark.parametrize("url", ["stomps://10.0.0.1", "wss://10.0.0.1/", "https://10.0.0.1/stomp"])
def test_the_certificate_may_carry_another_name(url: str) -> None:
    for name, expected in ((None, "10.0.0.1"), ("broker.example", "broker.example")):
        _, link = only(url, server_name=name)
        wish = link.next_action()
        assert isinstance(wish, OpenStream)
        link.stream_opened(wish.stream, 0.0)
        assert link.next_action() == StartTLS(wish.stream, TLSWish(expected))


PROXIES = {"http_proxy": "http://p:3128", "https_proxy": "http://p:3128", "all_proxy": "http://p:3128"}


@pytest.mark.parametrize("url", ["stomp://h", "ws://h/", "http://h/stomp"])
@pytest.mark.parametrize(
    ("proxy", "environ", "address"),
    [
        (True, {}, "h"),
        (True, PROXIES, "p"),
        (True, PROXIES | {"no_proxy": "h"}, "h"),
        (False, PROXIES, "h"),
        (None, PROXIES, "h"),
        ("http://other", PROXIES, "other"),
    ],
)
def test_a_proxy_is_what_the_environment_names_or_another_or_none(
    url: str, proxy: Any, environ: dict[str, str], address: str
) -> None:
    _, link = only(url, proxy=proxy, environ=environ)
    wish = link.next_action()
    assert isinstance(wish, OpenStream)
    assert isinstance(wish.address, TCPAddress)
    assert wish.address.host == address


def test_transports_are_tried_as_they_are_named() -> None:
    assert TRANSPORTS == ("websocket", "xhr-streaming", "xhr-polling")
    for transports in ((), ("websocket", "carrier-pigeon")):
        with pytest.raises(ValueError, match=r"name some of .*'xhr-polling'"):
            targets("http://h/stomp", routing(transports=transports))


@pytest.mark.parametrize("url", ["localhost:61613", "", "stomp://", "failover:()"])
def test_a_url_that_names_no_server_is_told_at_once(url: str) -> None:
    with pytest.raises(InvalidURI):
        targets(url, routing())


@pytest.mark.parametrize(
    "urls", [None, 61613, b"stomp://a", ["stomp://a", None], ["stomp://a", b"stomp://b"]]
)
def test_what_is_no_url_at_all_is_told_by_its_type(urls: Any) -> None:
    with pytest.raises(TypeError, match=r"a URL is (NoneType|int|bytes): pass text"):
        targets(urls, routing())


@pytest.mark.parametrize("url", ["ws://h/", "http://h/stomp"])
def test_what_cannot_be_used_is_told_before_anything_is_opened(url: str) -> None:
    with pytest.raises(LocalProtocolError):
        targets(url, routing(additional_headers=[("bad name", "x")]))


@pytest.mark.parametrize(
    ("url", "keywords", "lack"),
    [
        ("ws://h/", "", "wsproto"),
        ("http://h/stomp", "", "h11"),
        ("stomp://h", "proxy='http://p'", "h11"),
    ],
)
def test_a_package_that_is_missing_is_told_with_what_to_install(url: str, keywords: str, lack: str) -> None:
    # In an interpreter of its own: what is imported once stays.
    program = f"""
import sys
for name in ("wsproto", "h11"):
    sys.modules[name] = None
from stomp_sansio import Limits
from stomp_sansio.targets import Routing, targets
routing = Routing(environ={{}}, token_bytes=bytes, limits=Limits.client(), {keywords})
assert targets("stomp://h", Routing(environ={{}}, token_bytes=bytes, limits=Limits.client()))
try:
    targets({url!r}, routing)
except ImportError as error:
    assert "pip install 'stomp-sansio[ws]'" in str(error), error
    assert error.name in ("wsproto", "h11"), error.name
else:
    sys.exit("it was not missed")
"""
    subprocess.run([sys.executable, "-c", program], check=True)


# And here within the run, so that it is seen which lines say so.


@pytest.mark.parametrize(
    ("url", "keywords", "module"),
    [
        ("ws://h/", {}, "websocket"),
        ("http://h/stomp", {}, "fallback"),
        ("stomp://h", {"proxy": "http://p"}, "tunnel"),
    ],
)
def test_a_link_that_cannot_be_imported_is_told(
    monkeypatch: pytest.MonkeyPatch, url: str, keywords: dict[str, Any], module: str
) -> None:
    monkeypatch.setitem(sys.modules, f"stomp_sansio.links.{module}", None)
    with pytest.raises(ImportError, match="pip install"):
        targets(url, routing(**keywords))
