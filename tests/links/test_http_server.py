"""HTTP/1 on the server's side: requests at any cut, within limits and in time; answers whole and in
pieces."""

from __future__ import annotations

import tracemalloc

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio.links.http_server import HttpRequest, HttpServer
from stomp_sansio.protocol.limits import Limits

LIMITS = Limits(max_http_headers=5, max_http_header_block=300)
SECRET = "canary"


def server(max_body: int = 100, now: float = 0.0) -> HttpServer:
    return HttpServer(LIMITS, max_body=max_body, since=now)


def request(first: str = "GET / HTTP/1.1", *lines: str, body: bytes = b"") -> bytes:
    return "\r\n".join([first, "Host: h", *lines, "", ""]).encode("latin-1") + body


def post(body: bytes, *lines: str) -> bytes:
    return request("POST /x?y HTTP/1.1", f"Content-Length: {len(body)}", *lines, body=body)


def fed(http: HttpServer, octets: bytes, cut: int = 1 << 20) -> HttpRequest | None:
    """The first request among the octets, if there is one."""
    found = None
    for start in range(0, len(octets), cut):
        http.receive_data(octets[start : start + cut])
        if found is None:
            found = http.next_request(0.0)
    return found


def written(http: HttpServer) -> bytes:
    return b"".join(iter(lambda: http.data_to_send(50), b""))


def refused(octets: bytes, **options) -> tuple[int, HttpServer]:
    http = server(**options)
    assert fed(http, octets) is None
    assert http.wants_close
    assert http.refusal is not None
    assert SECRET not in http.refusal
    answer = written(http)
    assert SECRET.encode() not in answer
    return int(answer[9:12]), http


@pytest.mark.parametrize("cut", [1, 3, 1000])
def test_reads_a_request_with_its_body(cut: int) -> None:
    http = server()
    found = fed(http, post(b"hello", f"Cookie: {SECRET}", "A: \xff", "a: 2"), cut)
    assert found is not None
    assert (found.method, found.target, found.path, found.body) == ("POST", "/x?y", "/x", b"hello")
    assert (found.header("a"), found.header("cookie"), found.header("b")) == ("\xff", SECRET, None)
    assert not found.upgrade
    assert SECRET not in repr(found)
    assert "y" not in repr(found).replace("octets>", "").replace("body", "")
    assert http.answering


@pytest.mark.parametrize("cut", [1, 3, 1000])
def test_reads_a_body_in_chunks(cut: int) -> None:
    chunked = b"2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: x\r\n\r\n"
    found = fed(server(), request("POST / HTTP/1.1", "Transfer-Encoding: chunked", body=chunked), cut)
    assert found is not None
    assert found.body == b"hello"


def test_requests_that_come_together_are_read_one_after_the_other() -> None:
    http = server()
    http.receive_data(post(b"one") + b"\r\n" + post(b"two") + request())
    for body in (b"one", b"two", b""):
        found = http.next_request(0.0)
        assert found is not None
        assert found.body == body
        assert http.next_request(0.0) is None
        http.respond(204, [], b"", 0.0)
    assert http.next_request(0.0) is None
    assert written(http) == b"HTTP/1.1 204 No Content\r\n\r\n" * 3


def test_an_answer_is_written_whole() -> None:
    http = server()
    fed(http, request())
    http.respond(200, [("A", "b")], b"body", 0.0)
    assert http.unsent > 4
    assert written(http) == b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 4\r\n\r\nbody"
    assert not http.wants_close
    assert not http.answering


def test_the_answer_to_head_has_no_body() -> None:
    http = server()
    fed(http, request("HEAD / HTTP/1.1"))
    http.respond(200, [], b"body", 0.0)
    assert written(http) == b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
    assert not http.wants_close


def test_an_answer_in_pieces_is_chunked() -> None:
    http = server()
    fed(http, request("POST / HTTP/1.1"))
    http.begin(200, [])
    http.write(b"one")
    http.write(b"")
    http.write(b"three")
    http.end(0.0)
    head, _, body = written(http).partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert body == b"3\r\none\r\n5\r\nthree\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "octets", [request("GET / HTTP/1.0"), request("GET / HTTP/1.1", "Connection: close")]
)
def test_a_client_that_wants_the_stream_closed_gets_that(octets: bytes) -> None:
    http = server()
    fed(http, octets + request())
    http.begin(200, [])
    http.write(b"body")
    http.end(0.0)
    assert http.wants_close
    assert b"body" in written(http)
    assert http.next_request(0.0) is None


def test_a_client_that_waits_to_be_asked_for_the_body_is_asked() -> None:
    http = server()
    octets = post(b"hello", "Expect: 100-continue")
    assert fed(http, octets[:-5]) is None
    assert written(http) == b"HTTP/1.1 100 \r\n\r\n"
    found = fed(http, octets[-5:])
    assert found is not None
    assert found.body == b"hello"
    assert written(http) == b""


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"NONSENSE\r\n\r\n", 400),
        (request("GET / HTTP/1.1", f"Bad Name: {SECRET}"), 400),
        (request("GET / HTTP/1.1", "Host: two"), 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (request("POST / HTTP/1.1", "Content-Length: 1, 2"), 400),
        (request("POST / HTTP/1.1", "Content-Length: -1"), 400),
        (request("POST / HTTP/1.1", "Content-Length: 5", "Transfer-Encoding: chunked"), 400),
        (request("POST / HTTP/1.1", "Transfer-Encoding: gzip"), 501),
        (request("POST / HTTP/1.1", "Transfer-Encoding: chunked", body=b"zz\r\n"), 400),
        (request("POST / HTTP/1.1", "Content-Length: 101"), 413),
        (request("POST / HTTP/1.1", "Transfer-Encoding: chunked", body=b"65\r\n" + b"x" * 101), 413),
        (request("POST / HTTP/1.1", "Transfer-Encoding: chunked", body=b"1;" + b"x" * 1_100), 400),
        (request("GET / HTTP/1.1", *["a: b"] * 5), 431),
        (request("GET / HTTP/1.1", "a: " + "x" * 300), 431),
    ],
)
def test_a_request_that_cannot_be_taken_is_answered_and_ends_the_stream(octets: bytes, status: int) -> None:
    assert refused(octets)[0] == status
    http = server()
    assert fed(http, octets, 1) is None
    assert int(written(http)[9:12]) == status


def test_nothing_follows_a_refusal() -> None:
    _, http = refused(b"NONSENSE\r\n\r\n")
    http.receive_data(request())
    assert http.next_request(0.0) is None
    assert http.deadline is None


def test_an_announced_body_is_refused_before_it_is_held() -> None:
    tracemalloc.start()
    try:
        refused(request("POST / HTTP/1.1", "Content-Length: 99999999999999999999"))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


# Upgrades


def test_a_request_for_a_websocket_is_handed_out_at_its_head() -> None:
    http = server()
    octets = request("GET /ws HTTP/1.1", "Upgrade: h2c, WebSocket", "Connection: keep-alive, Upgrade")
    found = fed(http, octets + b"rest")
    assert found is not None
    assert found.upgrade
    assert found.head == octets
    assert http.take_rest() == b"rest"
    assert not http.wants_close


@pytest.mark.parametrize(
    "octets",
    [
        request("GET / HTTP/1.1", "Upgrade: websocket"),
        request("GET / HTTP/1.1", "Upgrade: websocket", "Connection: close"),
        request("GET / HTTP/1.1", "Upgrade: h2c", "Connection: Upgrade"),
        request("POST / HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade"),
    ],
)
def test_other_upgrades_are_passed_over(octets: bytes) -> None:
    http = server()
    found = fed(http, octets)
    assert found is not None
    assert not found.upgrade
    http.respond(200, [], b"", 0.0)
    assert written(http).startswith(b"HTTP/1.1 200 ")


def test_a_declined_upgrade_is_read_to_its_end() -> None:
    http = server()
    octets = request("GET / HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade", "Content-Length: 2")
    found = fed(http, octets)
    assert found is not None
    http.decline_upgrade(0.0)
    assert http.next_request(0.0) is None
    again = fed(http, b"hi" + request())
    assert again is not None
    assert (again.upgrade, again.body) == (False, b"hi")
    http.respond(404, [], b"no", 0.0)
    assert http.next_request(0.0) is not None


# Time and the end


def test_a_stream_that_sends_no_request_is_ended() -> None:
    http = server(now=5.0)
    assert http.deadline == 15.0
    http.handle_timeout(14.9)
    assert not http.wants_close
    http.handle_timeout(15.0)
    assert http.wants_close
    assert written(http) == b""
    http.handle_timeout(99.0)


def test_a_head_that_does_not_end_is_given_up_with_an_answer() -> None:
    http = server()
    for second in range(9):
        http.receive_data(b"G" if second == 0 else b"E")
        assert http.next_request(float(second)) is None
    assert http.deadline == 10.0
    http.handle_timeout(10.0)
    assert written(http).startswith(b"HTTP/1.1 408 ")
    assert http.wants_close


def test_a_body_that_does_not_end_is_given_up_with_an_answer() -> None:
    http = server()
    assert fed(http, post(b"hello")[:-1]) is None
    assert http.deadline == 30.0
    http.handle_timeout(30.0)
    assert written(http).startswith(b"HTTP/1.1 408 ")


def test_no_time_counts_while_a_request_is_answered_and_some_between_two() -> None:
    http = server()
    fed(http, request())
    assert http.deadline is None
    http.respond(200, [], b"", 100.0)
    assert http.deadline == 130.0
    http.receive_data(b"G")
    assert http.next_request(110.0) is None
    assert http.deadline == 120.0
    http.receive_data(b"E")
    assert http.next_request(115.0) is None
    assert http.deadline == 120.0


def test_blank_lines_between_two_requests_buy_no_time() -> None:
    http = server()
    fed(http, request())
    http.respond(200, [], b"", 100.0)
    for octets, instant, deadline in [
        (b"\r", 101.0, 111.0),
        (b"\n", 102.0, 130.0),
        (b"\n\r\nG", 120.0, 130.0),
    ]:
        http.receive_data(octets)
        assert http.next_request(instant) is None
        assert http.deadline == deadline


def test_a_request_that_waits_behind_another_has_its_time_too() -> None:
    http = server()
    http.receive_data(request() + b"GET")
    assert http.next_request(0.0) is not None
    http.respond(200, [], b"", 100.0)
    assert http.deadline == 110.0


@pytest.mark.parametrize("octets", [b"", b"GET / HT", post(b"hello")[:-1]])
def test_the_end_of_the_stream_before_a_whole_request_is_the_end(octets: bytes) -> None:
    http = server()
    assert fed(http, octets) is None
    http.receive_eof()
    assert http.wants_close
    assert written(http) == b""
    assert not http.wants_read


def test_the_end_of_the_stream_while_a_request_is_answered_leaves_the_answer() -> None:
    http = server()
    fed(http, request())
    http.receive_eof()
    assert http.answering
    assert not http.wants_close
    http.respond(200, [], b"late", 0.0)
    assert http.wants_close
    assert written(http).endswith(b"late")


def test_who_sends_on_and_on_behind_a_request_is_not_read() -> None:
    http = server()
    fed(http, request())
    assert http.wants_read
    http.receive_data(b"x" * 301)
    assert not http.wants_read


pieces = st.sampled_from(
    [
        *(
            request(),
            post(b"hello"),
            post(b""),
            request("GET / HTTP/1.0"),
            b"\r\n",
            b"GET / HT",
            b"\xff",
            b" ",
        ),
        *(b"0\r\n\r\n", b"5\r\nhello\r\n", b"Content-Length: 7\r\n", post(b"x" * 100), post(b"x" * 101)),
        request("POST / HTTP/1.1", "Transfer-Encoding: chunked"),
        request("GET / HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade"),
    ]
)


@given(st.lists(pieces, max_size=6), st.integers(min_value=1, max_value=40))
def test_any_cut_gives_the_same_requests_and_the_same_answers(parts: list[bytes], cut: int) -> None:
    octets = b"".join(parts)

    def outcome(step: int) -> tuple[list[HttpRequest], bytes, bool]:
        http = server()
        found: list[HttpRequest] = []
        for start in range(0, len(octets), step):
            http.receive_data(octets[start : start + step])
            while (one := http.next_request(0.0)) is not None:
                found.append(one)
                if one.upgrade:
                    http.decline_upgrade(0.0)
                else:
                    http.respond(200, [], one.body, 0.0)
        return found, written(http), http.wants_close

    assert outcome(cut) == outcome(len(octets) or 1)


@pytest.mark.parametrize("lines", [(), ("Content-Length: 1",)])
def test_threat_7_what_follows_a_request_is_not_moved_for_each(
    lines: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand requests in one piece: how much h11 is given does not grow with what waits behind."""
    given: list[int] = []
    receive = h11.Connection.receive_data

    def counted(connection: h11.Connection, data: bytes) -> None:
        given.append(len(data))
        receive(connection, data)

    monkeypatch.setattr(h11.Connection, "receive_data", counted)
    one = request("POST / HTTP/1.1", *lines, body=b"x" if lines else b"")
    http = server()
    http.receive_data(one * 1_000)
    for _ in range(1_000):
        asked = http.next_request(0.0)
        assert asked is not None
        assert asked.body == (b"x" if lines else b"")
        http.respond(204, [], b"", 0.0)
    assert http.next_request(0.0) is None
    assert sum(given) == 1_000 * len(one)
