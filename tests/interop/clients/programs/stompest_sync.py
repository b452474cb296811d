"""stompest's synchronous client against the broker. This file must not know the library that is tested."""

from __future__ import annotations

import importlib
import time
from functools import partial
from importlib.metadata import version
from typing import Any

from .play import (
    BEAT,
    BINARY,
    COMPLAINT,
    HEADERS,
    LAST,
    MISSED,
    NOWHERE,
    SECONDS,
    SILENCE,
    TEXT,
    expect,
    main,
    port,
    register,
    task,
)

StompConfig: Any = importlib.import_module("stompest.config").StompConfig
Stomp: Any = importlib.import_module("stompest.sync").Stomp


class Client:
    def __init__(self, spoken: str = "1.2", beats: tuple[int, int] = (0, 0)) -> None:
        config = StompConfig(f"tcp://127.0.0.1:{port()}", login="guest", passcode="guest", version=spoken)
        self.stomp = Stomp(config)
        self.stomp.connect(
            versions=[spoken],
            host="/",
            heartBeats=beats if spoken != "1.0" else None,
            connectTimeout=SECONDS,
            connectedTimeout=SECONDS,
        )
        expect(self.stomp.session.version == spoken, f"{self.stomp.session.version} is spoken")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stomp.disconnect()
        except Exception:  # it has ended already
            self.stomp.close()

    def frame(self, command: str) -> Any:
        expect(self.stomp.canRead(SECONDS), f"no {command} came in {SECONDS:g} s")
        frame = self.stomp.receiveFrame()
        expect(frame.command == command, f"{frame!r} came")
        return frame

    def receipt(self, id: str) -> None:
        frame = self.frame("RECEIPT")
        expect(frame.headers["receipt-id"] == id, f"{frame!r} came")
        self.stomp.receipt(frame)

    def subscribe(self, destination: str, ack: str = "auto") -> Any:
        token = self.stomp.subscribe(destination, {"id": "1", "ack": ack}, receipt="subscribed")
        self.receipt("subscribed")
        return token

    def next(self) -> Any:
        return self.frame("MESSAGE")


def left_over(destination: str) -> list[Any]:
    """Return what a queue still has."""
    with Client() as client:
        client.stomp.send(destination, LAST)
        client.subscribe(destination, "client")
        frames = []
        while (frame := client.next()).body != LAST:
            frames.append(frame)
        client.stomp.ack(frame, receipt="done")
        client.receipt("done")
        return frames


def _connect(spoken: str) -> None:
    where = f"/queue/connect-{spoken}"
    with Client(spoken) as client:
        client.subscribe(where, "client")
        client.stomp.send(where, b"in one version")
        frame = client.next()
        expect(frame.body == b"in one version", f"{frame.body!r} came")
        client.stomp.ack(frame, receipt="acknowledged")
        client.receipt("acknowledged")
    expect(not left_over(where), "what was acknowledged came again")


for each in ("1.0", "1.1", "1.2"):
    register(f"connect-{each}", partial(_connect, each))


@task
def topic() -> None:
    with Client() as first, Client() as second, Client() as sender:
        first.subscribe("/topic/tea.*")
        second.subscribe("/topic/tea.green")
        sender.stomp.send("/topic/tea.green", b"leaves")
        expect(first.next().body == second.next().body == b"leaves", "one of them got something else")


@task
def queue() -> None:
    with Client() as client:
        for number in range(3):
            client.stomp.send("/queue/a", b"%d" % number)
        client.subscribe("/queue/a")
        expect([client.next().body for _ in range(3)] == [b"0", b"1", b"2"], "the order is another one")


@task
def text() -> None:
    with Client() as client:
        client.subscribe("/queue/text")
        client.stomp.send("/queue/text", TEXT.encode(), {"content-type": "text/plain"})
        frame = client.next()
        expect(
            (frame.body.decode(), frame.headers["content-type"]) == (TEXT, "text/plain"), f"{frame!r} came"
        )


@task
def unicode_headers() -> None:
    with Client() as client:
        client.subscribe("/queue/headers")
        client.stomp.send("/queue/headers", b"x", dict(HEADERS))
        headers = client.next().headers
        expect({name: headers.get(name) for name in HEADERS} == HEADERS, f"{headers} came")


@task
def binary() -> None:
    with Client() as client:
        client.subscribe("/queue/binary")
        # It counts nothing by itself.
        client.stomp.send("/queue/binary", BINARY, {"content-length": str(len(BINARY))})
        expect(client.next().body == BINARY, "other octets came")


@task
def receipts() -> None:
    with Client() as client:
        for number in range(5):
            client.stomp.send("/queue/receipts", b"x", receipt=f"r{number}")
        for number in range(5):
            client.receipt(f"r{number}")


@task
def ack_auto() -> None:
    with Client() as client:
        client.subscribe("/queue/auto")
        client.stomp.send("/queue/auto", b"x")
        client.next()
    expect(not left_over("/queue/auto"), "it came again")


def _three(where: str, mode: str, number: int) -> list[Any]:
    """Take three messages, acknowledge one; return what is left."""
    with Client() as client:
        for body in (b"a", b"b", b"c"):
            client.stomp.send(where, body)
        client.subscribe(where, mode)
        frames = [client.next() for _ in range(3)]
        client.stomp.ack(frames[number], receipt="acknowledged")
        client.receipt("acknowledged")
    return left_over(where)


@task
def ack_client() -> None:
    left = [frame.body for frame in _three("/queue/client", "client", 1)]
    expect(left == [b"c"], f"{left} came again")


@task
def ack_client_individual() -> None:
    left = _three("/queue/individual", "client-individual", 1)
    expect([frame.body for frame in left] == [b"a", b"c"], f"{left} came again")
    expect(all(frame.headers.get("redelivered") == "true" for frame in left), "not said to be redelivered")


@task
def nack() -> None:
    with Client() as client:
        client.subscribe("/queue/nack", "client-individual")
        client.stomp.send("/queue/nack", b"x")
        client.stomp.nack(client.next())
        again = client.next()
        expect(again.headers.get("redelivered") == "true", "it is not said to be redelivered")
        client.stomp.ack(again)


@task
def commit() -> None:
    with Client() as client:
        client.subscribe("/queue/commit")
        with client.stomp.transaction("t1"):
            client.stomp.send("/queue/commit", b"inside", {"transaction": "t1"})
            client.stomp.send("/queue/commit", b"outside")
            expect(client.next().body == b"outside", "it came before COMMIT")
        expect(client.next().body == b"inside", "something else came")


@task
def abort() -> None:
    with Client() as client:
        client.stomp.begin("t1")
        client.stomp.send("/queue/abort", b"inside", {"transaction": "t1"})
        client.stomp.abort("t1", receipt="aborted")
        client.receipt("aborted")
    expect(not left_over("/queue/abort"), "it came though it was rolled back")


@task
def heart_beats() -> None:
    with Client(beats=(BEAT, BEAT)) as client:
        client.subscribe("/queue/beats")
        session, end = client.stomp.session, time.monotonic() + SILENCE
        expect((session.clientHeartBeat, session.serverHeartBeat) == (BEAT, BEAT), "they were not agreed on")
        # The client beats when it is told to, and notes what it hears when it looks.
        while time.monotonic() < end:
            client.stomp.beat()
            client.stomp.canRead(BEAT / 2000)
            silent = time.time() - session.lastReceived
            expect(silent < MISSED * BEAT / 1000, f"the broker was silent for {silent:.1f} s")
        client.stomp.send("/queue/beats", b"alive")
        expect(client.next().body == b"alive", "something else came")


@task
def disconnect() -> None:
    client = Client()
    client.stomp.disconnect(receipt="bye")
    client.receipt("bye")
    client.stomp.close()


@task
def error() -> None:
    with Client() as client:
        client.stomp.send(NOWHERE, b"x", receipt="r1")
        frame = client.frame("ERROR")
        found = (frame.headers["message"], frame.headers["receipt-id"])
        expect(found == (COMPLAINT, "r1"), f"{found} came")


main(version("stompest"))
