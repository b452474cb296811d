"""A SockJS service: its parts share headers, cookies and limits, and it never moves to another host."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import count

import pytest

from stomp_sansio.errors import LinkFault, RemoteProtocolError
from stomp_sansio.links.cookies import CookieJar
from stomp_sansio.links.info_request import InfoRequest
from stomp_sansio.links.link import LinkEvent
from stomp_sansio.links.sockjs_service import TRANSPORTS, SockJSService
from stomp_sansio.links.url import parse_url
from stomp_sansio.machine import OpenStream, StreamId
from stomp_sansio.protocol.limits import Limits
from tests.links.driver import MemoryDriver


def service(url: str = "http://h/echo?t=1") -> SockJSService:
    jar = CookieJar(path="/echo", secure=False)
    jar.store(["JSESSIONID=7"])
    return SockJSService(
        split_above=None,
        base=parse_url(url),
        stream_ids=(StreamId(number) for number in count(1)),
        token_bytes=random.Random(1).randbytes,
        headers=(("Authorization", "x"),),
        cookies=jar,
        server_name=None,
        proxy=None,
        limits=Limits.client(),
        silence=51.0,
        info_timeout=8.0,
        request_timeout=10.0,
        close_timeout=10.0,
    )


@pytest.mark.parametrize(
    ("transport", "segment"),
    [("websocket", "websocket"), ("xhr-streaming", "xhr_streaming"), ("xhr-polling", "xhr")],
)
def test_each_transport_has_its_url_and_the_same_headers(transport: str, segment: str):
    assert transport in TRANSPORTS
    link = service().link(transport)
    link.start(0.0)
    driver: MemoryDriver[LinkEvent] = MemoryDriver(link)
    (action,) = driver.actions
    assert isinstance(action, OpenStream)
    driver.opened(action.stream)
    head = driver.pull(action.stream).decode()
    target = head.split(" ")[1]
    path, _, query = target.partition("?")
    echo, server, session, last = path.lstrip("/").split("/")
    assert (echo, last, query) == ("echo", segment, "t=1")
    assert len(server) == 3
    assert len(session) == 32
    assert "Authorization: x\r\n" in head
    assert "Cookie: JSESSIONID=7\r\n" in head
    if transport == "websocket":
        driver.drain()


def test_each_link_has_a_session_of_its_own():
    one = service()
    targets: set[str] = set()
    for _ in range(3):
        link = one.link("xhr-polling")
        link.start(0.0)
        driver: MemoryDriver[LinkEvent] = MemoryDriver(link)
        stream = driver.wish().stream
        driver.opened(stream)
        targets.add(driver.pull(stream).decode().split(" ")[1])
    assert len(targets) == 3


def test_info_is_asked_of_the_service_itself():
    request = service().info()
    assert isinstance(request, InfoRequest)
    request.start(0.0)
    driver = MemoryDriver(request)
    stream = driver.wish().stream
    driver.opened(stream)
    assert driver.pull(stream).startswith(b"GET /echo/info?t=1 HTTP/1.1\r\n")


def test_a_base_url_of_the_same_origin_is_followed():
    one = service("https://u:p@h/echo")
    moved = one.moved("https://h:443/other?x")
    assert moved.base == replace(one.base, path="/other", query="x")
    assert moved.cookies is one.cookies


@pytest.mark.parametrize(
    "base_url",
    [
        "https://evil/echo",
        "http://h/echo",
        "https://h:8443/echo",
        "wss://h/echo",
        "stomps://h:443",
        "/other",
        "https://h/#x",
        "https://user:CANARY@h:x/",
    ],
)
def test_a_base_url_elsewhere_is_refused(base_url: str):
    with pytest.raises(RemoteProtocolError) as raised:
        service("https://h/echo").moved(base_url)
    assert raised.value.fault is LinkFault.BAD_INFO
    assert "CANARY" not in str(raised.value)
