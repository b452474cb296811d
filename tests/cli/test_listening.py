"""Sockets that listen: all of them, or none and a reason."""

from __future__ import annotations

import socket

import pytest

from stomp_cli.listening import listening


def test_any_port_that_is_free_is_the_same_for_every_family():
    sockets = listening([(None, 0)])
    try:
        assert len({sock.getsockname()[1] for sock in sockets}) == 1
    finally:
        for sock in sockets:
            sock.close()


def test_where_one_cannot_be_had_none_is_kept(monkeypatch):
    made: list[socket.socket] = []
    create = socket.create_server

    def create_and_note(*arguments, **keywords):
        made.append(create(*arguments, **keywords))
        return made[-1]

    monkeypatch.setattr(socket, "create_server", create_and_note)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="another program listens there: end it, or take another port"):
            listening([("127.0.0.1", 0), ("127.0.0.1", port)])
    two = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (host, 0)) for host in ("127.0.0.1", "192.0.2.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **keywords: two)
    with pytest.raises(OSError, match="this machine has no such address"):
        listening([("two.example", 0)])
    assert len(made) == 3
    assert all(sock.fileno() == -1 for sock in made)
