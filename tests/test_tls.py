"""TLS between octets: two pipes that talk to each other by Python's own library, however they are cut."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stomp_sansio.machine import StreamLoss, TLSWish
from stomp_sansio.tls import TLSFailure, TLSMaker, TLSPipe


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def contexts(authority):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return client, server


@pytest.fixture
def pair(contexts) -> tuple[TLSPipe, TLSPipe]:
    """A client and a server whose hand-shake is done."""
    client, server = make(*contexts)
    shake(client, server)
    return client, server


def make(client: ssl.SSLContext, server: ssl.SSLContext, name: str = "localhost") -> tuple[TLSPipe, TLSPipe]:
    return TLSMaker(ssl, client)(TLSWish(name)), TLSMaker(ssl, server)(None)


def move(source: TLSPipe, sink: TLSPipe, cut: int = 65536) -> int:
    """Carry what one has to say to the other; return how many octets that was."""
    moved = 0
    while octets := source.octets_to_send(cut):
        sink.receive_data(octets)
        moved += len(octets)
    return moved


def shake(client: TLSPipe, server: TLSPipe, cut: int = 65536) -> None:
    while not (client.established and server.established):
        for one, other in ((client, server), (server, client)):
            if not one.established:
                one.shake()
            move(one, other, cut)


def test_the_hand_shake_says_what_was_agreed_on(pair):
    client, server = pair
    assert client.info.version == server.info.version == "TLSv1.3"
    assert client.info.alpn is None


def test_octets_of_the_peer_are_needed(contexts):
    client, _ = make(*contexts)
    assert not client.shake()
    assert not client.established
    assert client.unsent > 0
    assert client.octets_to_send(5)[:1] == b"\x16"


@given(st.lists(st.binary(max_size=70_000), max_size=4), st.sampled_from([1000, 16_384, 65_536]))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_goes_in_comes_out_however_it_is_cut(contexts, pieces, cut):
    client, server = make(*contexts)
    shake(client, server, cut)
    came = b""
    for piece in pieces:
        client.send(piece)
        move(client, server, cut)
        came += server.take()
    assert came == b"".join(pieces)
    assert client.unsent == 0
    assert not server.ended


def test_a_record_that_is_cut_waits_for_its_rest(pair):
    client, server = pair
    client.send(b"hello")
    octets = client.octets_to_send(65536)
    server.receive_data(octets[:10])
    assert server.take() == b""
    server.receive_data(octets[10:])
    assert server.take() == b"hello"


def test_an_end_that_was_said_is_told_from_one_that_was_not(pair):
    client, server = pair
    client.send(b"last words")
    client.end()
    client.end()
    move(client, server)
    assert server.take() == b"last words"
    assert server.ended
    assert not client.ended


def test_ending_before_the_hand_shake_says_nothing(contexts):
    client, _ = make(*contexts)
    client.end()
    assert client.octets_to_send(65536) == b""


def test_good_octets_come_before_the_failure_behind_them(pair):
    client, server = pair
    client.send(b"good")
    server.receive_data(client.octets_to_send(65536) + b"\x17\x03\x03\x00\x20" + bytes(32))
    assert server.take() == b"good"
    with pytest.raises(TLSFailure) as caught:
        server.take()
    assert caught.value.why is StreamLoss.TLS_FAILED
    # The alert that says so.
    assert server.octets_to_send(65536)


def test_nothing_can_be_sent_after_a_failure(pair):
    client, server = pair
    server.receive_data(b"\x17\x03\x03\x00\x20" + bytes(32))
    with pytest.raises(TLSFailure):
        server.take()
    with pytest.raises(TLSFailure) as caught:
        server.send(b"x")
    assert caught.value.why is StreamLoss.TLS_FAILED
    assert client


@pytest.mark.parametrize(
    "octets", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"ERROR\nmessage:x\n\n\0", bytes(100)]
)
def test_what_is_no_tls_fails(contexts, octets):
    client, _ = make(*contexts)
    client.shake()
    client.receive_data(octets)
    with pytest.raises(TLSFailure) as caught:
        client.shake()
    assert caught.value.why is StreamLoss.TLS_FAILED
    assert caught.value.detail


@pytest.mark.parametrize("name", ["example.org", "localhost.example.org"])
def test_a_certificate_for_another_name_is_refused(contexts, name):
    client, server = make(contexts[0], contexts[1], name)
    with pytest.raises(TLSFailure) as caught:
        shake(client, server)
    assert caught.value.why is StreamLoss.CERTIFICATE_REFUSED
    # The server is told why, and has sent nothing of its own.
    move(client, server)
    with pytest.raises(TLSFailure):
        server.shake()


def test_without_a_context_the_library_s_own_is_made_once(contexts):
    maker = TLSMaker(ssl, None)
    assert not maker.has_context
    server = TLSMaker(ssl, contexts[1])
    assert server.has_context
    with pytest.raises(TLSFailure) as caught:
        shake(maker(TLSWish("localhost")), server(None))
    assert caught.value.why is StreamLoss.CERTIFICATE_REFUSED
    assert maker.has_context


class Reluctant:
    """An engine that cannot write before it has read once more, as in a renegotiation."""

    def __init__(self) -> None:
        self.read_once = False
        self.written = b""

    def do_handshake(self) -> None: ...

    def read(self, size: int) -> bytes:
        self.read_once = True
        raise ssl.SSLWantReadError

    def write(self, data: bytes) -> int:
        if not self.read_once:
            raise ssl.SSLWantReadError
        self.written += data
        return len(data)

    def unwrap(self) -> Any: ...

    def version(self) -> str | None:
        return None

    def selected_alpn_protocol(self) -> str | None:
        return None


def test_what_cannot_be_encrypted_yet_is_kept_in_order():
    engine = Reluctant()
    pipe = TLSPipe(engine, ssl.MemoryBIO(), ssl.MemoryBIO(), ssl)
    assert pipe.shake()
    pipe.send(b"one ")
    pipe.send(b"two")
    assert pipe.unsent == 7
    assert pipe.octets_to_send(100) == b""
    assert pipe.take() == b""
    pipe.octets_to_send(100)
    assert engine.written == b"one two"
    assert pipe.unsent == 0
