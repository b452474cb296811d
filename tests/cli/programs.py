"""What the tests of the command line share: a broker in a thread, the program in pipes and on a terminal.

Tests wait for output, never for time to pass. This file must not know any command.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import stomp_asyncio
from stomp_sansio.broker.events import BrokerEvent
from tests.adapters.loopback import Loop

PATIENCE = 120.0
"""Seconds after which a test that waits has failed: never what is measured."""

CANARY = "canary-5ecret"
"""A passcode that must turn up nowhere."""

PROGRAM = (sys.executable, "-P", "-m", "stomp_cli")

# Without this machine's own, and with nothing that colours.
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.lower().endswith("_proxy") and name not in ("NO_COLOR", "STOMP_PASSCODE", "FORCE_COLOR")
} | {"TERM": "xterm", "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"}


class Broker:
    """`stomp_asyncio.serve` in a loop of its own."""

    def __init__(self, **keywords: Any) -> None:
        self.events: list[BrokerEvent] = []
        self._loop = Loop()
        self._keywords = keywords
        self.server: stomp_asyncio.Server

    def _hear(self, event: BrokerEvent) -> None:
        with self._loop.changed:
            self.events.append(event)
            self._loop.changed.notify_all()

    def wait_for(self, predicate: Callable[[], bool]) -> None:
        """Wait until something holds; it may ask the broker, so nothing is locked while it does."""
        end = time.monotonic() + PATIENCE
        while not predicate():
            assert time.monotonic() < end, "the broker never saw it"
            with self._loop.changed:
                # Not everything is an event: an acknowledgement is none.
                self._loop.changed.wait(0.02)

    def saw(self, kind: Any) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def wait_for_subscribers(self, count: int = 1) -> None:
        from stomp_sansio.broker.events import Subscribed

        self.wait_for(lambda: len(self.saw(Subscribed)) >= count)

    def send(self, destination: str, body: bytes = b"", **keywords: Any) -> None:
        self._loop.call(lambda: self.server.send(destination, body, **keywords))

    def call(self, function: Callable[[stomp_asyncio.Server], Any]) -> Any:
        return self._loop.call(lambda: function(self.server))

    def waiting(self, destination: str) -> int:
        """How many messages wait in a queue."""
        queues = self.call(lambda server: server.statistics()).queues
        return sum(queue.waiting for (_, name), queue in queues.items() if name == destination)

    @property
    def url(self) -> str:
        return self.server.urls[0].rstrip("/")

    @property
    def websocket(self) -> str:
        return self.server.urls[1]

    @property
    def sockjs(self) -> str:
        return self.server.urls[2]

    @property
    def port(self) -> int:
        return self.server.addresses[0][1]

    def __enter__(self) -> Self:
        keywords: dict[str, Any] = {"port": 0, "on_event": self._hear, "close_timeout": 1.0} | self._keywords

        async def enter() -> None:
            self.server = stomp_asyncio.serve(**keywords)
            await self.server.__aenter__()

        self._loop.run(enter())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        async def leave() -> None:
            await self.server.__aexit__(None, None, None)

        self._loop.run(leave())
        self._loop.stop()


class MuteServer:
    """A server that greets whoever connects, and then only listens."""

    def __init__(self, hangs_up_at: bytes | None = None) -> None:
        self._hangs_up_at = hangs_up_at
        self._heard = b""
        self._changed = threading.Condition()
        self._sock = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, name="mute server", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"stomp://127.0.0.1:{self._sock.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._sock.accept()
            except OSError:
                return
            with client:
                self._listen(client)

    def _listen(self, client: socket.socket) -> None:
        try:
            greeted = False
            while data := client.recv(65_536):
                if not greeted:
                    client.sendall(b"CONNECTED\nversion:1.2\n\n\0")
                    greeted = True
                with self._changed:
                    self._heard += data
                    self._changed.notify_all()
                if self._hangs_up_at is not None and self._hangs_up_at in self._heard:
                    return
        except OSError:
            pass

    def wait_for(self, octets: bytes) -> None:
        """Wait until it has heard something."""
        with self._changed:
            assert self._changed.wait_for(lambda: octets in self._heard, PATIENCE), f"{octets!r} never came"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Closing alone would not wake the thread that accepts.
        self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        self._thread.join(PATIENCE)


@dataclass
class Result:
    """What a program left; `err` is `without_waiting`."""

    code: int
    out: str
    err: str
    octets: bytes = b""


def without_waiting(err: str) -> str:
    """Return standard error without what an end waits for: on a slow machine every end takes its time."""
    return "".join(line for line in err.splitlines(keepends=True) if not line.startswith("waiting for "))


def run(
    *arguments: str,
    stdin: bytes | None = None,
    environ: Mapping[str, str] | None = None,
    program: Sequence[str] = PROGRAM,
) -> Result:
    """Run the program in pipes."""
    done = subprocess.run(
        [*program, *arguments],
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        env=ENVIRONMENT | dict(environ or {}),
        timeout=PATIENCE,
    )
    err = without_waiting(done.stderr.decode())
    return Result(done.returncode, done.stdout.decode(errors="replace"), err, done.stdout)


class Piped:
    """The program in pipes, while it runs."""

    def __init__(self, *arguments: str, environ: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [*PROGRAM, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT | dict(environ or {}),
            bufsize=0,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def line(self) -> str:
        """Return the next line of its output."""
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        assert ready, "it says nothing"
        return self._process.stdout.readline().decode()

    def remark(self) -> str:
        """Return the next line on its standard error."""
        assert self._process.stderr is not None
        ready, _, _ = select.select([self._process.stderr], [], [], PATIENCE)
        assert ready, "it remarks nothing"
        return self._process.stderr.readline().decode()

    def close_output(self) -> None:
        """Read no more."""
        assert self._process.stdout is not None
        self._process.stdout.close()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> Result:
        """Wait for its end."""
        if self._process.stdout is not None and self._process.stdout.closed:
            self._process.stdout = None
        out, err = self._process.communicate(timeout=PATIENCE)
        return Result(self._process.returncode, (out or b"").decode(), without_waiting(err.decode()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


# Makes its standard input the terminal that it is controlled by, and becomes the program.
_LAUNCHER = (
    "import fcntl,os,sys,termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)


class OnTerminal:
    """The program on a pseudo-terminal of 100 columns."""

    def __init__(
        self,
        *arguments: str,
        environ: Mapping[str, str] | None = None,
        program: Sequence[str] = PROGRAM,
        stdin: int | None = None,
        stdout: int | None = None,
    ) -> None:
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        launcher = [] if stdin is not None else [sys.executable, "-c", _LAUNCHER]
        self._process = subprocess.Popen(
            [*launcher, *program, *arguments],
            stdin=slave if stdin is None else stdin,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
            start_new_session=True,
            env=ENVIRONMENT | dict(environ or {}),
        )
        os.close(slave)
        self.seen = ""
        """Everything that was written so far."""
        self._looked = 0

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for(self, text: str) -> str:
        """Wait until text comes; return what came before it since the last time."""
        end = time.monotonic() + PATIENCE
        while (at := self.seen.find(text, self._looked)) < 0:
            assert self._read(end - time.monotonic()), f"{text!r} never came: {self.seen[self._looked :]!r}"
        before, self._looked = self.seen[self._looked : at], at + len(text)
        return before

    def _read(self, patience: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, patience))
        try:
            data = os.read(self._master, 65_536) if ready else b""
        except OSError:  # nobody has the other side any more
            data = b""
        self.seen += data.decode("utf-8", "replace")
        return bool(data)

    def press(self, text: str) -> None:
        os.write(self._master, text.encode())

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> int:
        """Read to its end; return its exit code."""
        end = time.monotonic() + PATIENCE
        while self._read(end - time.monotonic()):
            pass
        return self._process.wait(PATIENCE)

    @property
    def echoes(self) -> bool:
        """Whether it shows what is typed."""
        return bool(termios.tcgetattr(self._master)[3] & termios.ECHO)

    @property
    def text(self) -> str:
        """What was written, without the sequences that a terminal obeys."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.seen).replace("\r", "")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._master)


def without(module: str) -> Sequence[str]:
    """Return the program as it is where a module is not installed."""
    hidden = f"import sys; sys.modules[{module!r}] = None; from stomp_cli.main import main; sys.exit(main())"
    return (sys.executable, "-P", "-c", hidden)
