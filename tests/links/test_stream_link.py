"""The machine under every link of one stream: each promise to the driver, in each stage, with a scripted
layer."""

from __future__ import annotations

from collections import deque

import pytest

from stomp_sansio.errors import LinkFault, LocalProtocolError, Misuse, RemoteProtocolError
from stomp_sansio.links.layer import Layer
from stomp_sansio.links.link import Link, LinkClosed, LinkData, LinkEvent, LinkOpened, Phase
from stomp_sansio.links.opening import route_to
from stomp_sansio.links.proxy import parse_proxy
from stomp_sansio.links.stream_link import StreamLink
from stomp_sansio.links.url import parse_url
from stomp_sansio.machine import CloseStream, OpenStream, StartTLS, StreamId, StreamLoss, TCPAddress, TLSWish
from tests.links.driver import MemoryDriver, closing

STREAM = StreamId(5)
ESTABLISHED = b"HTTP/1.1 200 OK\r\n\r\n"


class ScriptedLayer:
    """A layer that opens with the octet "O", ends with "X", echoes "E", and writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self.events: deque[LinkEvent] = deque()
        self.out = bytearray()
        self.deadline: float | None = None

    def start(self, now: float) -> None:
        self.heard.append(("start", now))

    def receive_data(self, data: bytes, now: float) -> None:
        self.heard.append(("data", data, now))
        for octet in data:
            if octet == ord("O"):
                self.events.append(LinkOpened("scripted"))
            elif octet == ord("X"):
                self.events.append(LinkClosed(True, Phase.OPEN, "the peer said X", code=7))
            elif octet == ord("E"):
                self.out += b"e"
            else:
                self.events.append(LinkData(bytes([octet])))

    def receive_eof(self, now: float) -> None:
        self.events.append(LinkClosed(False, Phase.OPEN, "end of file"))

    def next_event(self) -> LinkEvent | None:
        return self.events.popleft() if self.events else None

    def send(self, chunk: bytes, now: float) -> None:
        self.out += chunk

    def carries(self, chunk: bytes) -> bool:
        return chunk.isascii()

    @property
    def unsent(self) -> int:
        return len(self.out)

    def data_to_send(self, now: float, max_bytes: int) -> bytes:
        octets = bytes(self.out[:max_bytes])
        del self.out[:max_bytes]
        return octets

    def pause_reading(self, now: float) -> None:
        self.heard.append(("pause", now))

    def resume_reading(self, now: float) -> None:
        self.heard.append(("resume", now))

    def close(self, now: float) -> None:
        self.out += b"bye"
        self.events.append(LinkClosed(True, Phase.OPEN, "closed here"))

    def next_deadline(self) -> float | None:
        return self.deadline

    def handle_timeout(self, now: float) -> None:
        self.heard.append(("timeout", now))
        self.deadline = None


def client(
    url: str = "stomp://h", proxy: str | None = None
) -> tuple[StreamLink, ScriptedLayer, MemoryDriver[LinkEvent]]:
    layer = ScriptedLayer()
    route = route_to(parse_url(url), proxy=None if proxy is None else parse_proxy(proxy))
    link = StreamLink(layer, STREAM, route=route, close_timeout=3.0)
    return link, layer, MemoryDriver(link)


def started(
    url: str = "stomp://h", proxy: str | None = None
) -> tuple[StreamLink, ScriptedLayer, MemoryDriver[LinkEvent]]:
    link, layer, driver = client(url, proxy)
    link.start(driver.now)
    driver.drain()
    return link, layer, driver


def opened(
    url: str = "stomp://h",
) -> tuple[StreamLink, ScriptedLayer, MemoryDriver[LinkEvent]]:
    link, layer, driver = started(url)
    driver.take_actions()
    driver.opened(STREAM)
    driver.feed(STREAM, b"O")
    assert driver.take_events() == [LinkOpened("scripted")]
    return link, layer, driver


def test_it_is_a_link_and_the_script_is_a_layer():
    layer: Layer = ScriptedLayer()
    link: Link = StreamLink(layer, STREAM)
    assert link.carries(b"x")
    assert not link.carries(b"\xff")
    assert not link.finished


# Opening


def test_nothing_is_wished_before_start():
    link, _, driver = client()
    assert driver.take_actions() == []
    assert not link.finished
    assert not link.wants_read(STREAM)


def test_the_layer_begins_when_the_stream_is_open():
    link, layer, driver = started("stomps://h")
    assert driver.take_actions() == [OpenStream(STREAM, TCPAddress("h", 61614))]
    phases = [link.phase]
    driver.opened(STREAM)
    assert driver.tls_wish() == StartTLS(STREAM, TLSWish("h"))
    phases.append(link.phase)
    assert layer.heard == []
    driver.now = 2.0
    driver.tls_started(STREAM)
    phases.append(link.phase)
    assert phases == [Phase.TCP, Phase.TLS, Phase.UPGRADE]
    assert layer.heard == [("start", 2.0)]
    assert driver.machine.wants_read(STREAM)


def test_through_a_proxy_and_tls():
    link, layer, driver = started("stomps://h", "http://p")
    driver.take_actions()
    assert not link.wants_read(STREAM)
    driver.opened(STREAM)
    assert link.wants_read(STREAM)
    assert driver.pull(STREAM).startswith(b"CONNECT h:61614")
    driver.feed(STREAM, ESTABLISHED)
    assert driver.take_actions() == [StartTLS(STREAM, TLSWish("h"))]
    assert not link.wants_read(STREAM), "no reader runs while TLS is being started"
    assert layer.heard == []
    driver.tls_started(STREAM)
    assert layer.heard == [("start", 0.0)]
    assert link.wants_read(STREAM)


def test_what_came_behind_the_proxys_answer_goes_to_the_layer():
    _, layer, driver = started("stomp://h", "http://p")
    driver.opened(STREAM)
    driver.feed(STREAM, ESTABLISHED + b"Oa")
    assert driver.take_events() == [LinkOpened("scripted"), LinkData(b"a")]
    assert layer.heard == [("start", 0.0), ("data", b"Oa", 0.0)]


@pytest.mark.parametrize("proxy", [None, "http://p"])
def test_an_adopted_stream_is_open(proxy: str | None):
    layer = ScriptedLayer()
    link = StreamLink.adopt(layer, STREAM, 1.0, peer="10.0.0.1:5")
    driver: MemoryDriver[LinkEvent] = MemoryDriver(link, 1.0, accepted=[STREAM])
    assert layer.heard == [("start", 1.0)]
    with pytest.raises(LocalProtocolError) as raised:
        link.start(1.0)
    assert raised.value.misuse is Misuse.ALREADY_CONNECTED
    driver.feed(STREAM, b"O")
    driver.lose(STREAM, StreamLoss.RESET)
    assert "10.0.0.1:5" in closing(driver.take_events()).reason


def test_it_starts_once():
    link, _, driver = started()
    for _ in range(2):
        with pytest.raises(LocalProtocolError) as raised:
            link.start(driver.now)
        assert raised.value.misuse is Misuse.ALREADY_CONNECTED
        link.close(driver.now)


def test_it_accepts_no_streams():
    link, _, driver = started()
    with pytest.raises(LocalProtocolError):
        link.stream_accepted(StreamId(9), 0, "somebody", driver.now)


def test_a_refused_attempt_ends_the_link():
    _, layer, driver = started()
    driver.lose(STREAM, StreamLoss.REFUSED, "errno 111")
    closed = closing(driver.take_events())
    assert (closed.clean, closed.phase, closed.loss) == (False, Phase.TCP, StreamLoss.REFUSED)
    assert "errno 111" in closed.reason
    assert driver.machine.finished
    assert layer.heard == []


def test_a_proxy_that_refuses_ends_the_link():
    _, layer, driver = started("stomp://h", "http://p")
    driver.take_actions()
    driver.opened(STREAM)
    driver.feed(STREAM, b"HTTP/1.1 407 No\r\n\r\n")
    assert driver.close_wish() == CloseStream(STREAM, abort=True)
    assert driver.take_events() == [], "the stream is still there"
    driver.feed(STREAM, b"more")
    driver.lose(STREAM)
    closed = closing(driver.take_events())
    assert (closed.phase, closed.status) == (Phase.PROXY, 407)
    assert closed.error is not None
    assert closed.error.fault is LinkFault.HTTP_STATUS
    assert layer.heard == []


def test_a_proxy_that_just_closes_ends_the_link():
    _, _, driver = started("stomp://h", "http://p")
    driver.take_actions()
    driver.opened(STREAM)
    driver.eof(STREAM)
    driver.close_wish()
    driver.lose(STREAM)
    closed = closing(driver.take_events())
    assert isinstance(closed.error, RemoteProtocolError)
    assert closed.error.fault is LinkFault.TRUNCATED


# Open


def test_what_the_layer_has_to_say_is_passed_on():
    link, _, driver = opened()
    driver.feed(STREAM, b"abE")
    assert driver.take_events() == [LinkData(b"a"), LinkData(b"b")]
    assert driver.pull(STREAM) == b"e"
    link.send(b"hello", driver.now)
    assert link.unsent == 5
    assert driver.take_changed() == [STREAM]
    assert driver.take_changed() == []
    assert driver.pull(STREAM, max_bytes=2) == b"hello"


def test_a_chunk_that_only_brings_data_wakes_no_writer():
    link, _, driver = opened()
    link.receive_data(STREAM, b"a", driver.now)
    assert link.changed_streams() == []


def test_sending_needs_an_open_link():
    link, _, driver = started()
    with pytest.raises(LocalProtocolError) as raised:
        link.send(b"x", driver.now)
    assert raised.value.misuse is Misuse.NOT_CONNECTED
    link.abort(driver.now)
    with pytest.raises(LocalProtocolError) as raised:
        link.send(b"x", driver.now)
    assert raised.value.misuse is Misuse.CLOSED
    assert link.unsent == 0


def test_reading_pauses_and_resumes():
    link, layer, driver = opened()
    layer.heard.clear()
    driver.take_changed()
    link.pause_reading(1.0)
    link.pause_reading(2.0)
    assert not link.wants_read(STREAM)
    assert driver.take_changed() == [STREAM]
    driver.feed(STREAM, b"a")
    assert driver.take_events() == [LinkData(b"a")], "one more chunk after False is legal"
    link.resume_reading(3.0)
    link.resume_reading(4.0)
    assert link.wants_read(STREAM)
    assert driver.take_changed() == [STREAM]
    assert layer.heard == [("pause", 1.0), ("data", b"a", 0.0), ("resume", 3.0)]


def test_pausing_while_opening_holds_afterwards():
    link, layer, driver = started()
    link.pause_reading(1.0)
    driver.opened(STREAM)
    assert not link.wants_read(STREAM)
    assert link.next_deadline() is None
    assert layer.heard == [("pause", 1.0), ("start", 0.0)]


def test_the_layers_deadline_is_kept():
    _, layer, driver = opened()
    layer.deadline = 5.0
    driver.feed(STREAM, b"a")
    driver.advance(4.0)
    assert ("timeout", 5.0) not in layer.heard
    driver.advance(1.0)
    assert layer.heard[-1] == ("timeout", 5.0)
    assert driver.machine.next_deadline() is None
    driver.machine.handle_timeout(99.0)
    assert layer.heard[-1] == ("timeout", 5.0), "too late is harmless"


def test_a_loss_of_the_open_stream_ends_the_link():
    _, _, driver = opened()
    driver.lose(STREAM, StreamLoss.TRUNCATED)
    closed = closing(driver.take_events())
    assert (closed.clean, closed.phase, closed.loss) == (False, Phase.OPEN, StreamLoss.TRUNCATED)
    assert "h:61613" in closed.reason


def test_a_loss_before_the_layer_has_opened_is_not_one_of_an_open_link():
    _, _, driver = started()
    driver.opened(STREAM)
    driver.lose(STREAM, StreamLoss.RESET)
    assert closing(driver.take_events()).phase is Phase.UPGRADE


# Ending


def test_the_layers_end_comes_when_the_stream_is_gone():
    link, layer, driver = opened()
    link.send(b"last words", driver.now)
    driver.feed(STREAM, b"aXb")
    assert driver.take_events() == [LinkData(b"a")]
    assert driver.close_wish() == CloseStream(STREAM)
    assert not link.wants_read(STREAM)
    assert driver.pull(STREAM) == b"last words"
    heard = list(layer.heard)
    driver.feed(STREAM, b"late")
    driver.eof(STREAM)
    driver.opened(STREAM)
    driver.tls_started(STREAM)
    link.close(driver.now)
    link.pause_reading(driver.now)
    assert layer.heard == heard, "the layer hears nothing after its end"
    driver.lose(STREAM)
    assert driver.take_events() == [LinkClosed(True, Phase.OPEN, "the peer said X", code=7)]
    assert link.finished
    assert link.next_deadline() is None
    link.close(driver.now)
    link.abort(driver.now)
    driver.drain()
    assert driver.take_events() == []
    assert driver.take_actions() == []


def test_the_end_of_the_stream_goes_to_the_layer():
    _, _, driver = opened()
    driver.eof(STREAM)
    driver.close_wish()
    driver.lose(STREAM)
    assert closing(driver.take_events()).reason == "end of file"


def test_closing_resumes_reading_and_flushes_within_a_deadline():
    link, layer, driver = opened()
    link.pause_reading(driver.now)
    link.close(driver.now)
    driver.drain()
    assert ("resume", 0.0) in layer.heard
    assert driver.close_wish() == CloseStream(STREAM)
    assert link.next_deadline() == 3.0
    driver.advance(3.0)
    assert driver.close_wish() == CloseStream(STREAM, abort=True)
    assert driver.pull(STREAM) == b"", "nothing is written once the stream is thrown away"
    driver.lose(STREAM, StreamLoss.CLOSED)
    assert closing(driver.take_events()).clean


@pytest.mark.parametrize("flushed", [True, False])
def test_a_clean_end_needs_every_octet_written(flushed: bool):
    link, _, driver = opened()
    link.close(driver.now)
    driver.drain()
    if flushed:
        driver.pull(STREAM)
    driver.lose(STREAM, StreamLoss.RESET)
    closed = closing(driver.take_events())
    assert closed.clean is flushed
    assert closed.loss is (None if flushed else StreamLoss.RESET)
    assert ("3 octets were not written" in closed.reason) is not flushed


def test_closing_before_start_needs_no_stream():
    link, _, driver = client()
    link.close(driver.now)
    driver.drain()
    assert closing(driver.take_events()).phase is Phase.TCP
    assert link.finished
    assert driver.take_actions() == []


@pytest.mark.parametrize("how", ["close", "abort"])
def test_giving_up_while_opening(how: str):
    link, layer, driver = started()
    driver.take_actions()
    getattr(link, how)(driver.now)
    driver.drain()
    assert driver.close_wish() == CloseStream(STREAM, abort=True)
    driver.opened(STREAM)
    assert layer.heard == [], "it may have opened meanwhile: nothing begins any more"
    driver.lose(STREAM)
    closed = closing(driver.take_events())
    assert (closed.clean, closed.phase) == (False, Phase.TCP)


def test_aborting_ends_at_once():
    link, _, driver = opened()
    link.send(b"never", driver.now)
    link.abort(driver.now)
    driver.drain()
    assert driver.close_wish() == CloseStream(STREAM, abort=True)
    assert driver.pull(STREAM) == b""
    link.abort(driver.now)
    link.close(driver.now)
    driver.drain()
    assert driver.take_actions() == []
    driver.lose(STREAM)
    closed = closing(driver.take_events())
    assert (closed.clean, closed.phase) == (False, Phase.OPEN)


def test_aborting_while_flushing():
    link, _, driver = opened()
    link.close(driver.now)
    driver.drain()
    driver.close_wish()
    link.abort(driver.now)
    driver.drain()
    assert driver.close_wish() == CloseStream(STREAM, abort=True)


def test_aborting_before_start_needs_no_stream():
    link, _, driver = client()
    link.abort(driver.now)
    driver.drain()
    assert closing(driver.take_events()).clean is False
    assert link.finished


def test_a_layer_stands_between_a_stream_and_what_it_carries():
    link, *_ = opened()
    assert link.passage is None
