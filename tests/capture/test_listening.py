"""`listen`: what both sides say is heard whatever carries it, frame by frame, and judged one by one."""

from __future__ import annotations

from typing import Any

import pytest

from stomp_sansio import Fault, Version
from stomp_sansio.capture import Kind, read
from stomp_sansio.capture.listening import Happened, Heard, HeartBeat, Said, Told, listen

from .scenes import CLIENT_SAYS, SCENES, SERVER_SAYS, Scene, by_octet, capture_of, unhidden, whole
from .scenes import Said as Saying


def heard(scene: Scene, **how: Any) -> list[Heard]:
    return list(listen(read(capture_of(scene, **how))))


def plain(*said: tuple[bool, bytes]) -> list[Heard]:
    return heard(Scene("", tuple(Saying(1, from_client, octets) for from_client, octets in said)))


@pytest.mark.parametrize("role", ["client", "server"])
@pytest.mark.parametrize("cut", [whole, by_octet])
@pytest.mark.parametrize("scene", SCENES[:-1], ids=lambda scene: scene.name)
def test_frames_are_heard_over_every_transport(scene: Scene, cut, role: str):
    items = list(listen(read(unhidden(scene, cut, role=role))))
    said = [item for item in items if isinstance(item, Said)]
    client = b"".join(item.octets for item in said if item.from_client)
    server = b"".join(item.octets for item in said if not item.from_client)
    assert client == b"".join(CLIENT_SAYS)
    assert server == b"".join(SERVER_SAYS).replace(b"\0\nM", b"\0M")
    assert [item.number for item in said] == list(range(1, len(said) + 1))
    assert all(item.frame is not None and item.whole and item.error is None for item in said)
    assert len({item.conversation for item in said}) == 1
    assert next(item for item in items if isinstance(item, HeartBeat)).from_client is False
    assert {item.version for item in said} == {None, Version.V1_2}


def test_transports_are_heard_too():
    told = [item.text for item in heard(SCENES[-1]) if isinstance(item, Told)]
    assert told == ["GET /ws HTTP/1.1", "HTTP/1.1 401 not xxxxxxxxxxx1"]
    assert [item.record.kind for item in heard(SCENES[0]) if isinstance(item, Happened)] == [
        Kind.OPEN,
        Kind.OPENED,
        Kind.CLOSE,
        Kind.LOST,
    ]


def test_octets_that_are_no_frame_are_heard_with_the_reason_and_so_is_all_behind():
    items = plain((False, b"CONNECTED\nversion:1.1\n\n\0MESSAGE\na:\\t\n\n\0RECEIPT\nreceipt-id:1\n\n\0"))
    said = [item for item in items if isinstance(item, Said)]
    assert [item.frame is None for item in said] == [False, True, True]
    assert [None if item.error is None else item.error.fault for item in said] == [
        None,
        Fault.BAD_ESCAPE,
        Fault.BAD_ESCAPE,
    ]
    assert said[1].version is Version.V1_1


def test_what_has_no_end_is_heard_last():
    said = [item for item in plain((True, b"SEND\na:b\n\nabc")) if isinstance(item, Said)]
    assert [(item.octets, item.whole, item.frame, item.error) for item in said] == [
        (b"SEND\na:b\n\nabc", False, None, None)
    ]
    lines = capture_of(Scene("", (Saying(1, True, b"SEND\na:b\n"),)))
    said = [item for item in listen(read(lines[:-3])) if isinstance(item, Said)]
    assert [(item.octets, item.whole) for item in said] == [(b"SEND\na:b\n", False)]


@pytest.mark.parametrize("version", ["1.0", "9", None])
def test_the_version_is_the_one_that_was_agreed_on(version: str | None):
    header = b"" if version is None else f"version:{version}\n".encode()
    items = plain((False, b"CONNECTED\n" + header + b"\n\0"), (True, b"SEND\n\n\0"))
    said = [item for item in items if isinstance(item, Said)]
    assert said[-1].version is (None if version == "9" else Version.V1_0)
