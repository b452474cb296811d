"""`Stage`: how each conversation began is known before it is replayed."""

from __future__ import annotations

from stomp_sansio import Connection, ServerConnection, State
from stomp_sansio.capture import read
from stomp_sansio.capture.stage import Stage

from .scenes import SCENES, Said, Scene, capture_of


def stage(scene: Scene, role: str = "client") -> Stage:
    return Stage(list(read(capture_of(scene, role=role))), None)


def test_a_client_greets_as_it_did():
    found = stage(SCENES[0])
    talk = found.begin(1, "client", "tcp", 0.0)
    assert talk.mirror is not None
    connection = talk.mirror.connection
    assert isinstance(connection, Connection)
    assert connection.state is State.CONNECTING
    assert (talk.name, talk.role, talk.transport) == ("#1", "client", "tcp")
    assert found.talks == {1: talk}
    assert found.all == [talk]
    assert found.fail(1, "client") is talk


def test_a_server_waits():
    talk = stage(SCENES[0], "server").begin(-1, "server", "tcp", 0.0)
    assert talk.mirror is not None
    assert isinstance(talk.mirror.connection, ServerConnection)
    assert talk.mirror.connection.state is State.IDLE


def test_who_said_something_else_first_has_not_greeted():
    talk = stage(Scene("", (Said(1, True, b"SEND\ndestination:/a\n\n\0NONSENSE\n\n\0"),))).begin(
        1, "client", "tcp", 0.0
    )
    assert talk.mirror is not None
    assert talk.mirror.connection.state is State.CONNECTING


def test_what_never_began_is_there_when_it_has_failed():
    found = stage(SCENES[0])
    talk = found.fail(b"/stomp/000/abc", "client")
    assert (talk.name, talk.transport, talk.mirror) == ("/stomp/000/abc", "none", None)
    assert found.all == [talk]
