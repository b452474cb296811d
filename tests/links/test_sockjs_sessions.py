"""A SockJS service over xhr, as the protocol's own test-suite asks, through a whole server and h11's
client."""

from __future__ import annotations

import json

import pytest

from stomp_sansio.errors import LocalProtocolError, Misuse
from stomp_sansio.links.link import LinkClosed, Phase
from stomp_sansio.links.origin import OriginPolicy
from stomp_sansio.links.peers import PeerClosed, PeerData, PeerId, PeerOpened, StreamRefused
from stomp_sansio.links.sockjs_frames import PRELUDE
from stomp_sansio.machine import StreamLoss
from stomp_sansio.protocol.limits import Limits
from tests.links.server_help import Answer, HttpPeer, ServerDriver

ORIGIN = ("Origin", "http://example.com")
SECRET = "canary"


def verify_cors(answer: Answer, origin: str | None = "http://example.com") -> None:
    assert answer.header("access-control-allow-origin") == origin
    assert answer.header("access-control-allow-credentials") == (None if origin is None else "true")
    assert answer.header("vary") == "Origin"


def verify_not_cached(answer: Answer) -> None:
    assert answer.header("cache-control") == "no-store, no-cache, no-transform, must-revalidate, max-age=0"
    assert answer.header("expires") is None
    assert answer.header("last-modified") is None


def streaming(driver: ServerDriver, session: str = "/stomp/000/s") -> HttpPeer:
    client = HttpPeer(driver)
    assert client.post(f"{session}/xhr_streaming").body == PRELUDE + b"o\n"
    return client


def polling(driver: ServerDriver, session: str = "/stomp/000/s") -> HttpPeer:
    client = HttpPeer(driver)
    assert client.post(f"{session}/xhr").body == b"o\n"
    return client


def frames(client: HttpPeer) -> bytes:
    """What came behind the prelude and `o`."""
    body = client.more().body
    assert body.startswith(PRELUDE + b"o\n")
    return body[len(PRELUDE) + 2 :]


# Greeting and /info


@pytest.mark.parametrize("path", ["/stomp", "/stomp/"])
def test_greeting(path: str) -> None:
    client = HttpPeer(ServerDriver())
    answer = client.get(path)
    assert (answer.status, answer.body) == (200, b"Welcome to SockJS!\n")
    assert answer.header("content-type") == "text/plain; charset=UTF-8"
    assert answer.header("set-cookie") is None
    assert client.request("HEAD", path).body == b""


@pytest.mark.parametrize(
    "suffix", ["/a", "/a.html", "//", "/a/a", "/iframe.html", "/a/b/jsonp", "/a/b/eventsource"]
)
def test_threat_10_what_goes_round_the_same_origin_is_not_there(suffix: str) -> None:
    assert HttpPeer(ServerDriver()).get("/stomp" + suffix).status == 404


def test_info_says_what_there_is() -> None:
    answer = HttpPeer(ServerDriver()).get("/stomp/info", [ORIGIN])
    assert answer.status == 200
    assert answer.header("content-type") == "application/json; charset=UTF-8"
    assert answer.header("set-cookie") is None
    verify_not_cached(answer)
    verify_cors(answer)
    assert json.loads(answer.body) == {
        "websocket": True,
        "cookie_needed": False,
        "origins": ["*:*"],
        "entropy": 0x00010203,
    }


def test_info_says_that_a_cookie_is_needed_and_sets_none() -> None:
    answer = HttpPeer(ServerDriver(cookie_needed=True)).get("/stomp/info")
    assert json.loads(answer.body)["cookie_needed"] is True
    assert answer.header("set-cookie") is None


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/stomp/info", "OPTIONS, GET"),
        ("/stomp/a/b/xhr", "OPTIONS, POST"),
        ("/stomp/a/b/xhr_streaming", "OPTIONS, POST"),
        ("/stomp/a/b/xhr_send", "OPTIONS, POST"),
    ],
)
def test_options_are_answered_for_a_year(path: str, methods: str) -> None:
    driver = ServerDriver()
    answer = HttpPeer(driver).options(path, [ORIGIN, ("Access-Control-Request-Headers", "a, b, c")])
    assert (answer.status, answer.body) == (204, b"")
    assert answer.header("access-control-allow-methods") == methods
    assert answer.header("access-control-allow-headers") == "a, b, c"
    assert answer.header("cache-control") == "public, max-age=31536000"
    verify_cors(answer)
    assert driver.events == []


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/stomp", "GET, HEAD"),
        ("POST", "/stomp/info", "OPTIONS, GET"),
        ("GET", "/stomp/a/b/xhr", "OPTIONS, POST"),
        ("GET", "/stomp/a/b/xhr_send", "OPTIONS, POST"),
        ("POST", "/stomp/0/0/websocket", "GET"),
        ("DELETE", "/stomp/websocket", "GET"),
    ],
)
def test_another_method_is_refused(method: str, path: str, allow: str) -> None:
    answer = HttpPeer(ServerDriver()).request(method, path)
    assert (answer.status, answer.body, answer.header("allow")) == (405, b"", allow)
    assert answer.header("content-type") is None


@pytest.mark.parametrize("path", ["/stomp/0/0/websocket", "/stomp/websocket"])
def test_a_plain_request_where_a_websocket_is_meant_is_refused(path: str) -> None:
    answer = HttpPeer(ServerDriver()).get(path)
    assert (answer.status, answer.body) == (400, b"Not a valid websocket request\n")


# Polling


def test_polling() -> None:
    driver = ServerDriver()
    client = HttpPeer(driver)
    answer = client.post("/stomp/000/s/xhr", headers=[ORIGIN, ("Cookie", SECRET)])
    assert (answer.status, answer.body) == (200, b"o\n")
    assert answer.header("content-type") == "application/javascript; charset=UTF-8"
    verify_cors(answer)
    verify_not_cached(answer)
    (opened,) = driver.take_events()
    assert isinstance(opened, PeerOpened)
    assert opened.transport == "xhr-polling"
    assert (opened.address, opened.listener, opened.target) == ("10.0.0.1:4711", 0, "/stomp/000/s/xhr")
    assert ("cookie", SECRET) in opened.headers
    assert SECRET not in repr(opened)
    answer = client.post("/stomp/000/s/xhr_send", b'["x"]', [ORIGIN])
    assert (answer.status, answer.body) == (204, b"")
    assert answer.header("content-type") == "text/plain; charset=UTF-8"
    verify_cors(answer)
    verify_not_cached(answer)
    assert driver.take_events() == [PeerData(opened.peer, b"x")]
    driver.machine.send(opened.peer, b"x", driver.now)
    assert client.post("/stomp/999/s/xhr").body == b'a["x"]\n'


def test_a_poll_waits_for_a_message() -> None:
    driver = ServerDriver()
    client = polling(driver)
    assert not client.post("/stomp/000/s/xhr").whole
    driver.machine.send(PeerId(1), b"x", driver.now)
    assert client.more().body == b'a["x"]\n'


def test_without_an_origin_no_page_may_read_the_answer() -> None:
    verify_cors(HttpPeer(ServerDriver()).post("/stomp/000/s/xhr"), None)


def test_an_unknown_session_takes_no_messages() -> None:
    driver = ServerDriver()
    assert HttpPeer(driver).post("/stomp/000/s/xhr_send", b'["x"]').status == 404
    assert driver.events == []


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b'["x', 500, b"Broken JSON encoding.\n"),
        (b"", 500, b"Payload expected.\n"),
        (b'"x"', 500, b"Payload expected.\n"),
        (b"{}", 500, b"Payload expected.\n"),
        (b"[1]", 500, b"Payload expected.\n"),
        (b'["\\ud800"]', 500, b"Broken JSON encoding.\n"),
        (b'["\xff"]', 500, b"Broken JSON encoding.\n"),
        (b'["1","2","3","4"]', 413, b"Too large.\n"),
    ],
)
def test_a_bad_body_is_refused_and_the_session_goes_on(body: bytes, status: int, sentence: bytes) -> None:
    driver = ServerDriver(limits=Limits(max_sockjs_messages=3))
    client = polling(driver)
    answer = client.post("/stomp/000/s/xhr_send", body)
    assert (answer.status, answer.body) == (status, sentence)
    assert driver.data() == b""
    assert client.post("/stomp/000/s/xhr_send", b'["a"]').status == 204
    assert driver.data() == b"a"


@pytest.mark.parametrize("kind", ["text/plain", "T", "application/json", "", "text/xml; charset=utf-8"])
def test_the_content_type_says_nothing(kind: str) -> None:
    client = polling(ServerDriver())
    assert client.post("/stomp/000/s/xhr_send", b'["a"]', [("Content-Type", kind)]).status == 204


@pytest.mark.parametrize("body", [b"[]", b'[""]'])
def test_nothing_may_be_sent(body: bytes) -> None:
    driver = ServerDriver()
    client = polling(driver)
    assert client.post("/stomp/000/s/xhr_send", body).status == 204
    assert driver.data() == b""


@pytest.mark.parametrize("path", ["xhr", "xhr_streaming"])
def test_a_session_that_a_server_cannot_hold_is_refused(path: str) -> None:
    driver = ServerDriver(max_sessions=1)
    polling(driver)
    assert HttpPeer(driver).post(f"/stomp/000/other/{path}").status == 503
    assert HttpPeer(driver).post("/stomp/000/s/xhr_send", b"[]").status == 204
    assert len(driver.peers()) == 1


def test_the_cookie_for_balancers() -> None:
    driver = ServerDriver(cookie_needed=True)
    assert HttpPeer(driver).post("/stomp/0/a/xhr").header("set-cookie") == "JSESSIONID=dummy; path=/"
    answer = HttpPeer(driver).post("/stomp/0/b/xhr_streaming", headers=[("Cookie", "JSESSIONID=abcdef")])
    assert answer.header("set-cookie") == "JSESSIONID=abcdef; path=/"
    assert HttpPeer(driver).post("/stomp/0/b/xhr_send", b"[]").header("set-cookie") is not None


# Streaming


def test_streaming() -> None:
    driver = ServerDriver()
    client = HttpPeer(driver)
    answer = client.post("/stomp/000/s/xhr_streaming", headers=[ORIGIN])
    assert (answer.status, answer.body) == (200, b"h" * 2048 + b"\no\n")
    assert answer.header("content-type") == "application/javascript; charset=UTF-8"
    verify_cors(answer)
    verify_not_cached(answer)
    (opened,) = driver.take_events()
    assert isinstance(opened, PeerOpened)
    assert opened.transport == "xhr-streaming"
    driver.machine.send(opened.peer, b"x", driver.now)
    assert frames(client) == b'a["x"]\n'
    driver.advance(25.0)
    assert frames(client) == b'a["x"]\nh\n'
    assert not client.answer.whole


def test_a_response_is_recycled_when_it_is_large_and_nothing_is_lost() -> None:
    driver = ServerDriver(limits=Limits(max_streaming_response=4096))
    client = streaming(driver)
    message = b"x" * 128
    for number in range(31):
        assert not client.more().whole, number
        driver.machine.send(PeerId(1), message, driver.now)
    assert client.more().whole
    driver.machine.send(PeerId(1), b"next", driver.now)
    again = client.post("/stomp/000/s/xhr_streaming")
    assert again.body == PRELUDE + b'a["next"]\n'
    assert len(driver.peers()) == 1


def test_one_receiver_at_a_time() -> None:
    driver = ServerDriver()
    first = streaming(driver)
    second = HttpPeer(driver)
    assert second.post("/stomp/000/s/xhr").body == b'c[2010,"Another connection still open"]\n'
    answer = second.post("/stomp/000/s/xhr_streaming")
    assert answer.body == PRELUDE + b'c[2010,"Another connection still open"]\n'
    assert answer.whole
    second.abort()
    driver.machine.send(PeerId(1), b"x", driver.now)
    assert frames(first) == b'a["x"]\n'
    assert driver.gone() == []


# The end


@pytest.mark.parametrize("receive", [streaming, polling])
def test_a_server_that_closes_says_so_to_every_receiver_for_a_while(receive) -> None:
    driver = ServerDriver()
    client = receive(driver)
    driver.machine.send(PeerId(1), b"last", driver.now)
    driver.machine.close(PeerId(1), driver.now)
    driver.drain()
    bodies: list[bytes] = [client.more().body] if receive is streaming else []
    bodies += [HttpPeer(driver).post("/stomp/000/s/xhr").body for _ in range(3)]
    assert b"".join(bodies).count(b'a["last"]\n') == 1
    assert bodies[-1] == bodies[-2] == b'c[3000,"Go away!"]\n'
    (gone,) = driver.gone()
    assert gone.how.clean
    assert HttpPeer(driver).post("/stomp/000/s/xhr_send", b'["x"]').status == 404
    driver.advance(5.0)
    assert HttpPeer(driver).post("/stomp/000/s/xhr").body == b"o\n"
    assert driver.peers() == [PeerId(1), PeerId(2)]


def test_a_client_that_does_not_come_back_is_gone_after_five_seconds() -> None:
    driver = ServerDriver()
    client = polling(driver)
    driver.advance(4.9)
    assert driver.gone() == []
    driver.advance(0.1)
    (gone,) = driver.gone()
    assert gone == PeerClosed(
        PeerId(1), LinkClosed(False, Phase.OPEN, "The client did not come back within 5 s", code=1002)
    )
    assert client.post("/stomp/000/s/xhr").body == b'c[1002,"Connection interrupted"]\n'
    with pytest.raises(LocalProtocolError) as caught:
        driver.machine.send(PeerId(1), b"x", driver.now)
    assert caught.value.misuse is Misuse.CLOSED


@pytest.mark.parametrize("path", ["xhr", "xhr_streaming"])
@pytest.mark.parametrize("how", ["reset", "eof"])
def test_a_receiver_that_breaks_ends_its_session_and_another_id_is_another_session(
    path: str, how: str
) -> None:
    driver = ServerDriver()
    client = polling(driver)
    client.post(f"/stomp/000/s/{path}")
    if how == "reset":
        client.abort()
    else:
        driver.eof(client.stream)
        driver.settle()
        assert client.stream in driver.ended
    (gone,) = driver.gone()
    assert "gave up its receiving request" in gone.how.reason
    assert HttpPeer(driver).post("/stomp/000/s/xhr_send", b'["x"]').status == 404
    assert HttpPeer(driver).post("/stomp/000/s/xhr").body == b'c[1002,"Connection interrupted"]\n'
    assert HttpPeer(driver).post("/stomp/000/other/xhr").body == b"o\n"


def test_a_session_outlives_streams_that_do_not_receive() -> None:
    driver = ServerDriver()
    first = polling(driver)
    second = HttpPeer(driver)
    second.post("/stomp/000/s/xhr")
    first.abort()
    assert driver.gone() == []
    driver.machine.send(PeerId(1), b"x", driver.now)
    assert second.more().body == b'a["x"]\n'


# Back-pressure


def test_a_paused_peer_waits_for_the_answer_to_its_xhr_send() -> None:
    driver = ServerDriver()
    streaming(driver)
    sender = HttpPeer(driver)
    driver.machine.pause_reading(PeerId(1), driver.now)
    assert not sender.post("/stomp/000/s/xhr_send", b'["a"]').whole
    assert driver.data() == b"a"
    other = HttpPeer(driver).post("/stomp/000/s/xhr_send", b'["b"]')
    assert (other.status, other.body) == (503, b"Another xhr_send is under way\n")
    assert driver.data() == b"a"
    driver.machine.resume_reading(PeerId(1), driver.now)
    assert sender.more().status == 204
    assert sender.post("/stomp/000/s/xhr_send", b'["c"]').status == 204
    driver.machine.resume_reading(PeerId(1), driver.now)
    assert driver.data() == b"ac"


def test_an_answer_that_is_held_back_ends_with_its_stream_or_its_session() -> None:
    driver = ServerDriver()
    streaming(driver)
    driver.machine.pause_reading(PeerId(1), driver.now)
    first, second = HttpPeer(driver), HttpPeer(driver)
    first.post("/stomp/000/s/xhr_send", b'["a"]')
    first.abort()
    driver.machine.resume_reading(PeerId(1), driver.now)
    driver.machine.pause_reading(PeerId(1), driver.now)
    second.post("/stomp/000/s/xhr_send", b'["b"]')
    driver.machine.abort(PeerId(1), driver.now)
    driver.drain()
    assert second.more().status == 204
    assert driver.data() == b"ab"


def test_threat_4_who_gives_up_what_is_held_back_and_asks_anew_gets_no_more_in() -> None:
    """A paused peer is sent what a chunk holds and no more, however many streams a client spends on it."""
    driver = ServerDriver()
    streaming(driver)
    driver.machine.pause_reading(PeerId(1), driver.now)
    for _ in range(3):
        client = HttpPeer(driver)
        client.post("/stomp/000/s/xhr_send", b'["a"]')
        client.abort()
    assert driver.data() == b"a"
    driver.machine.resume_reading(PeerId(1), driver.now)
    assert HttpPeer(driver).post("/stomp/000/s/xhr_send", b'["b"]').status == 204
    assert driver.data() == b"ab"


def test_what_a_slow_receiver_has_not_taken_is_counted() -> None:
    driver = ServerDriver()
    client = polling(driver)
    driver.machine.send(PeerId(1), b"x" * 1000, driver.now)
    assert driver.machine.unsent(PeerId(1)) == 1000
    client.post("/stomp/000/s/xhr")
    assert driver.machine.unsent(PeerId(1)) == 0
    client.post("/stomp/000/s/xhr_streaming")
    driver.machine.send(PeerId(1), b"x" * 1000, driver.now)
    assert driver.machine.unsent(PeerId(1)) > 1000
    assert not driver.machine.carries(PeerId(1), b"\xff")


def test_a_peer_is_on_the_stream_where_it_received_last() -> None:
    driver = ServerDriver(limits=Limits(max_streaming_response=10))
    client = streaming(driver)
    other = HttpPeer(driver)
    other.post("/stomp/000/s/xhr_send", b"[]")
    assert driver.machine.peer_on(client.stream) == PeerId(1)
    assert driver.machine.peer_on(other.stream) is None
    # The answer is given, and has still to be written.
    driver.machine.send(PeerId(1), b"x" * 10, driver.now)
    assert driver.machine.peer_on(client.stream) == PeerId(1)
    driver.machine.send(PeerId(1), b"y", driver.now)
    assert b"y" in other.post("/stomp/000/s/xhr").body
    assert driver.machine.peer_on(other.stream) == PeerId(1)
    driver.machine.abort(PeerId(1), driver.now)
    driver.advance(60.0)
    assert driver.machine.peer_on(other.stream) is None


def test_a_poll_that_waits_holds_nothing() -> None:
    driver = ServerDriver()
    polling(driver).post("/stomp/000/s/xhr")
    assert driver.machine.unsent(PeerId(1)) == 0


# Origins


@pytest.mark.parametrize("path", ["info", "0/a/xhr", "0/a/xhr_streaming", "0/a/xhr_send"])
@pytest.mark.parametrize("method", ["OPTIONS", None])
@pytest.mark.parametrize(
    "origins", [["http://evil.example"], ["null"], ["http://example.com", "http://evil.example"]]
)
def test_threat_10_a_page_of_another_origin_does_nothing(
    path: str, method: str | None, origins: list[str]
) -> None:
    driver = ServerDriver()
    method = method or ("GET" if path == "info" else "POST")
    answer = HttpPeer(driver).request(
        method, f"/stomp/{path}", [("Origin", value) for value in origins], b"[]"
    )
    assert answer.status == 403
    assert answer.header("access-control-allow-origin") is None
    (refused,) = driver.events
    assert isinstance(refused, StreamRefused)
    assert (refused.status, refused.address) == (403, "10.0.0.1:4711")


def test_a_listed_origin_may_use_the_service() -> None:
    driver = ServerDriver(origins=OriginPolicy(["https://app.example"]))
    answer = HttpPeer(driver).post("/stomp/0/a/xhr", headers=[("Origin", "https://app.example")])
    assert answer.status == 200
    verify_cors(answer, "https://app.example")


def test_a_page_without_tls_does_not_reach_a_listener_with_it() -> None:
    driver = ServerDriver(tls_listeners=[1])
    assert HttpPeer(driver, driver.accept(1)).post("/stomp/0/a/xhr", headers=[ORIGIN]).status == 403
    assert HttpPeer(driver, driver.accept(0)).post("/stomp/0/a/xhr", headers=[ORIGIN]).status == 200


def test_shutting_down_ends_every_session() -> None:
    driver = ServerDriver()
    receiving, waiting = streaming(driver, "/stomp/0/a"), polling(driver, "/stomp/0/b")
    driver.machine.shut_down(driver.now)
    driver.drain()
    assert receiving.more().body.endswith(b'c[3000,"Go away!"]\n')
    driver.settle()
    assert waiting.stream in driver.ended
    assert [gone.how.clean for gone in driver.gone()] == [True, False]
    assert driver.machine.finished
    assert driver.machine.next_deadline() is None


def test_streams_that_come_and_go_leave_nothing_behind() -> None:
    driver = ServerDriver()
    for number in range(50):
        client = HttpPeer(driver)
        client.post(f"/stomp/0/{number}/xhr")
        driver.lose(client.stream, StreamLoss.RESET)
    driver.advance(20.0)
    assert len(driver.gone()) == 50
    assert driver.machine.next_deadline() is None


def test_time_that_is_not_over_changes_nothing() -> None:
    driver = ServerDriver()
    client = HttpPeer(driver)
    client.post("/stomp/000/s/xhr")
    deadline = driver.machine.next_deadline()
    driver.machine.handle_timeout(driver.now)
    driver.drain()
    assert driver.machine.next_deadline() == deadline
    assert driver.gone() == []
