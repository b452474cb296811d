"""stomp.py against the broker. This file must not know the library that is tested."""

from __future__ import annotations

import importlib
import time
from functools import partial
from importlib.metadata import version
from queue import Queue
from threading import Event
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

stomp: Any = importlib.import_module("stomp")

_CLASSES = {"1.0": stomp.Connection10, "1.1": stomp.Connection11, "1.2": stomp.Connection12}


class Ear(stomp.ConnectionListener):  # type: ignore[misc]
    def __init__(self) -> None:
        self.messages: Queue[Any] = Queue()
        self.receipts: Queue[str] = Queue()
        self.errors: Queue[Any] = Queue()
        self.ended = Event()
        self.timeouts = 0

    def on_message(self, frame: Any) -> None:
        self.messages.put(frame)

    def on_receipt(self, frame: Any) -> None:
        self.receipts.put(frame.headers["receipt-id"])

    def on_error(self, frame: Any) -> None:
        self.errors.put(frame)

    def on_disconnected(self) -> None:
        self.ended.set()

    def on_heartbeat_timeout(self) -> None:
        self.timeouts += 1


class Client:
    def __init__(self, spoken: str = "1.2", beats: tuple[int, int] = (0, 0), *, decode: bool = True) -> None:
        keywords: dict[str, Any] = {"auto_decode": decode}
        if spoken != "1.0":
            keywords |= {"heartbeats": beats, "heart_beat_receive_scale": MISSED, "vhost": "/"}
        self.spoken = spoken
        self.connection = _CLASSES[spoken]([("127.0.0.1", port())], **keywords)
        self.ear = Ear()
        self.connection.set_listener("ear", self.ear)
        self.connection.connect("guest", "guest", wait=True)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        if self.connection.is_connected():
            self.connection.disconnect()

    def subscribe(self, destination: str, ack: str = "auto") -> None:
        self.connection.subscribe(destination, id="1", ack=ack, receipt="subscribed")
        expect(self.ear.receipts.get(timeout=SECONDS) == "subscribed", "another receipt came")

    def send(self, destination: str, body: Any, **headers: Any) -> None:
        self.connection.send(destination, body, **headers)

    def next(self) -> Any:
        return self.ear.messages.get(timeout=SECONDS)

    def ack(self, frame: Any, **more: Any) -> None:
        self._settle(self.connection.ack, frame, **more)

    def nack(self, frame: Any, **more: Any) -> None:
        self._settle(self.connection.nack, frame, **more)

    def _settle(self, settle: Any, frame: Any, **more: Any) -> None:
        if self.spoken == "1.2":
            settle(frame.headers["ack"], **more)
        elif self.spoken == "1.1":
            settle(frame.headers["message-id"], "1", **more)
        else:
            settle(frame.headers["message-id"], **more)


def left_over(destination: str) -> list[Any]:
    """Return what a queue still has."""
    with Client() as client:
        client.send(destination, LAST)
        client.subscribe(destination, "client")
        frames = []
        while (frame := client.next()).body != LAST.decode():
            frames.append(frame)
        client.ack(frame)
        return frames


def _connect(spoken: str) -> None:
    where = f"/queue/connect-{spoken}"
    with Client(spoken) as client:
        client.subscribe(where, "client")
        client.send(where, "in one version")
        frame = client.next()
        expect(frame.body == "in one version", f"{frame.body!r} came")
        client.ack(frame, receipt="acknowledged")
        expect(client.ear.receipts.get(timeout=SECONDS) == "acknowledged", "another receipt came")
    expect(not left_over(where), "what was acknowledged came again")


for each in _CLASSES:
    register(f"connect-{each}", partial(_connect, each))


@task
def topic() -> None:
    with Client() as first, Client() as second, Client() as sender:
        first.subscribe("/topic/tea.*")
        second.subscribe("/topic/tea.green")
        sender.send("/topic/tea.green", "leaves")
        expect(first.next().body == second.next().body == "leaves", "one of them got something else")


@task
def queue() -> None:
    with Client() as client:
        for number in range(3):
            client.send("/queue/a", str(number))
        client.subscribe("/queue/a")
        expect([client.next().body for _ in range(3)] == ["0", "1", "2"], "the order is another one")


@task
def text() -> None:
    with Client() as client:
        client.subscribe("/queue/text")
        client.send("/queue/text", TEXT, content_type="text/plain")
        frame = client.next()
        expect((frame.body, frame.headers["content-type"]) == (TEXT, "text/plain"), f"{frame} came")


@task
def unicode_headers() -> None:
    with Client() as client:
        client.subscribe("/queue/headers")
        client.send("/queue/headers", "x", headers=HEADERS)
        headers = client.next().headers
        expect({name: headers.get(name) for name in HEADERS} == HEADERS, f"{headers} came")


@task
def binary() -> None:
    with Client(decode=False) as client:
        client.subscribe("/queue/binary")
        client.send("/queue/binary", BINARY)
        expect(client.next().body == BINARY, "other octets came")


@task
def receipts() -> None:
    with Client() as client:
        for number in range(5):
            client.send("/queue/receipts", "x", receipt=f"r{number}")
        found = [client.ear.receipts.get(timeout=SECONDS) for _ in range(5)]
        expect(found == [f"r{number}" for number in range(5)], f"{found} came")


@task
def ack_auto() -> None:
    with Client() as client:
        client.subscribe("/queue/auto")
        client.send("/queue/auto", "x")
        client.next()
    expect(not left_over("/queue/auto"), "it came again")


def _three(where: str, mode: str, number: int) -> list[Any]:
    """Take three messages, acknowledge one; return what is left."""
    with Client() as client:
        for body in "abc":
            client.send(where, body)
        client.subscribe(where, mode)
        frames = [client.next() for _ in range(3)]
        client.ack(frames[number], receipt="acknowledged")
        client.ear.receipts.get(timeout=SECONDS)
    return left_over(where)


@task
def ack_client() -> None:
    left = [frame.body for frame in _three("/queue/client", "client", 1)]
    expect(left == ["c"], f"{left} came again")


@task
def ack_client_individual() -> None:
    left = _three("/queue/individual", "client-individual", 1)
    expect([frame.body for frame in left] == ["a", "c"], f"{left} came again")
    expect(all(frame.headers.get("redelivered") == "true" for frame in left), "not said to be redelivered")


@task
def nack() -> None:
    with Client() as client:
        client.subscribe("/queue/nack", "client-individual")
        client.send("/queue/nack", "x")
        client.nack(client.next())
        again = client.next()
        expect(again.headers.get("redelivered") == "true", "it is not said to be redelivered")
        client.ack(again)


@task
def commit() -> None:
    with Client() as client:
        client.subscribe("/queue/commit", "client-individual")
        transaction = client.connection.begin()
        client.send("/queue/commit", "inside", transaction=transaction)
        client.send("/queue/commit", "outside")
        first = client.next()
        expect(first.body == "outside", "it came before COMMIT")
        client.ack(first, transaction=transaction)
        client.connection.commit(transaction)
        second = client.next()
        expect(second.body == "inside", f"{second.body!r} came")
        client.ack(second)
    expect(not left_over("/queue/commit"), "an ACK in a transaction did not count")


@task
def abort() -> None:
    with Client() as client:
        transaction = client.connection.begin()
        client.send("/queue/abort", "inside", transaction=transaction)
        client.connection.abort(transaction)
    expect(not left_over("/queue/abort"), "it came though it was rolled back")


@task
def heart_beats() -> None:
    with Client(beats=(BEAT, BEAT)) as client:
        client.subscribe("/queue/beats")
        time.sleep(SILENCE)
        expect(client.ear.timeouts == 0, "the client heard no heart-beat")
        client.send("/queue/beats", "alive")
        expect(client.next().body == "alive", "something else came")


@task
def disconnect() -> None:
    client = Client()
    # With a receipt of its own making: told which, it looks at its socket while another thread drops it.
    client.connection.disconnect()
    expect(bool(client.ear.receipts.get(timeout=SECONDS)), "no receipt came")
    expect(client.ear.ended.wait(SECONDS), "the connection went on after DISCONNECT")


@task
def error() -> None:
    with Client() as client:
        client.send(NOWHERE, "x", receipt="r1")
        frame = client.ear.errors.get(timeout=SECONDS)
        found = (frame.headers["message"], frame.headers["receipt-id"])
        expect(found == (COMPLAINT, "r1"), f"{found} came")
        # Its reading thread closes the socket; a DISCONNECT that meets it half closed fails there.
        expect(client.ear.ended.wait(SECONDS), "the connection went on after ERROR")


main(version("stomp.py"))
