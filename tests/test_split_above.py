"""`split_above`, from the keyword of `connect` to the wire: no WebSocket message is longer, and none is cut
inside a character.
"""

from __future__ import annotations

from itertools import count

import pytest

from stomp_sansio import Send
from stomp_sansio.links.link import LinkEvent, LinkOpened
from stomp_sansio.links.sockjs_payload import decode_array
from stomp_sansio.machine import OpenStream, StreamId
from stomp_sansio.protocol.limits import Limits
from stomp_sansio.session.options import Credentials
from stomp_sansio.targets import Routing, targets
from tests.adapters.colours import COLOURS, Colour
from tests.adapters.loopback import LoopbackBroker
from tests.links.driver import MemoryDriver
from tests.links.websocket_help import response, text, unframed

BODY = "größer 🎉" * 100


@pytest.fixture(params=COLOURS, ids=repr)
def colour(request):
    return request.param


def said_by(url: str, split_above: int | None = None) -> list[bytes]:
    """Return the WebSocket messages of a link for a URL that sends one chunk."""
    (target,) = targets(
        url,
        Routing(
            environ={},
            token_bytes=lambda number: b"k" * number,
            limits=Limits.client(),
            transports=("websocket",),
            split_above=split_above,
        ),
    )
    link = target.make_link(map(StreamId, count(1)), Credentials())
    link.start(0.0)
    driver: MemoryDriver[LinkEvent] = MemoryDriver(link)
    stream = driver.wish().stream
    driver.opened(stream)
    if url.startswith("http"):
        driver.pull(stream)
        info = b'{"websocket":true,"origins":["*:*"],"cookie_needed":false,"entropy":1}'
        driver.feed(stream, b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(info), info))
        (stream,) = [wish.stream for wish in driver.take_actions() if isinstance(wish, OpenStream)]
        driver.opened(stream)
    driver.feed(stream, response(driver.pull(stream)))
    if url.startswith("http"):
        driver.feed(stream, text(b"o"))
    assert any(isinstance(event, LinkOpened) for event in driver.take_events())
    link.send(BODY.encode(), 0.0)
    return [payload for _, payload in unframed(driver.pull(stream), b"kkkk")]


def test_a_frame_is_one_message_unless_it_is_told_otherwise():
    assert said_by("ws://h/") == [BODY.encode()]
    (message,) = said_by("http://h/")
    assert decode_array(message, Limits.client()) == (BODY.encode(),)


def test_no_websocket_message_is_longer():
    messages = said_by("ws://h/", split_above=100)
    assert max(map(len, messages)) <= 100
    assert "".join(message.decode() for message in messages) == BODY


def test_escapes_of_sockjs_count():
    messages = said_by("http://h/", split_above=100)
    assert max(map(len, messages)) <= 100
    pieces = [piece for message in messages for piece in decode_array(message, Limits.client())]
    assert "".join(piece.decode() for piece in pieces) == BODY


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_it_arrives_whole(colour: Colour, scheme: str):
    async def scenario() -> None:
        url = f"{scheme}://127.0.0.1:{server.port}/stomp"
        async with colour.connect(url, vhost="/", split_above=100, transports=("websocket",)) as client:
            await client.send("/queue/a", BODY, receipt=True)

    with LoopbackBroker() as server:
        colour.run(scenario)
        (send,) = server.saw(Send)
        assert send.text == BODY


@pytest.mark.parametrize(("url", "least"), [("ws://h/", 4), ("http://h/", 16)])
def test_what_holds_no_character_is_refused_at_once(colour: Colour, url: str, least: int):
    async def scenario() -> None:
        async with colour.connect(url, split_above=least - 1):
            pass

    with pytest.raises(ValueError, match=f"split_above is {least - 1}: pass at least {least}"):
        colour.run(scenario)
