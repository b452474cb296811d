"""Who else may answer: each is told by name, with what to write instead."""

import pytest

from stomp_sansio.links.strangers import what_answers


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b"\x15\x03\x03\x00\x02\x02\x46", "TLS: write stomps://, wss:// or https://"),
        (b"\x16\x03\x01\x02\x00\x01", "TLS: write stomps://, wss:// or https://"),
        (b"HTTP/1.1 400 Bad Request", "HTTP: for WebSocket write ws:// or wss://, for SockJS http://"),
        (b"CONNECTED\nversion:1.2", "plain STOMP: write stomp:// or stomps://"),
        (b"ERROR\r\nmessage:no", "plain STOMP: write stomp:// or stomps://"),
        (b"ERROR\r", "plain STOMP: write stomp:// or stomps://"),
        (b"SSH-2.0-OpenSSH_9.2", "an SSH server: check host and port"),
        (b"AMQP\x00\x00\x09\x01", "AMQP: a broker's STOMP port is mostly 61613"),
        (b"\x00\x00\x01\x40\x01ActiveMQ\x00\x00", "OpenWire: a broker's STOMP port is mostly 61613"),
        (b"220 mail.example.org ESMTP", "a mail or FTP server"),
    ],
)
def test_who_is_known_is_named(octets: bytes, told: str):
    assert f"that is {told}" in what_answers(octets)


@pytest.mark.parametrize("octets", [b"", b"-ERR unknown command", b"\x00" * 20, b"ERRORS", b"http/1.1"])
def test_of_others_only_the_address_can_be_doubted(octets: bytes):
    assert what_answers(octets) == "check host and port"
