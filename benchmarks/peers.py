"""Other STOMP libraries beside ours: installed on request into an ignored folder, driven as they are meant.

Nothing but this file imports them, and only when asked for: the project does not depend on them. This file
must not know our library.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["PeerEncoder", "PeerParser", "Peers", "install", "ran"]

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".bench"
PYTHON_PEERS = ("stomp.py", "stompman", "stompest")
NODE_PEER = "@stomp/stompjs"

Count = Callable[[Sequence[bytes]], int]


@dataclass(frozen=True, slots=True)
class PeerParser:
    """A parser of this language: `fresh()` is a new pass that counts frames."""

    name: str
    fresh: Callable[[], Count]


@dataclass(frozen=True, slots=True)
class PeerEncoder:
    """An encoder of this language: headers, content-length among them, and a body to octets."""

    name: str
    encode: Callable[[Mapping[str, str], bytes], bytes]


@dataclass(frozen=True, slots=True)
class Peers:
    """What could be installed."""

    parsers: tuple[PeerParser, ...] = ()
    encoders: tuple[PeerEncoder, ...] = ()
    node: Path | None = None
    """The folder with stompjs, if node is here."""
    versions: tuple[str, ...] = ()


def install(say: Callable[[str], None]) -> Peers:
    """Install the peers that are missing and return those that are there.

    What cannot be had is told in one line.
    """
    folder = FOLDER / "python"
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / ".gitignore").write_text("*\n")
    if not all(_version(name, folder) for name in PYTHON_PEERS):
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--retries", "1", "--timeout", "15"]
        if not ran([*command, "--upgrade", "--target", str(folder), *PYTHON_PEERS]):
            say(f"peers: {', '.join(PYTHON_PEERS)} could not be installed (is there a network?); going on")
    node = FOLDER / "node"
    if shutil.which("node") and shutil.which("npm"):
        if _node_version(node) is None:
            node.mkdir(exist_ok=True)
            if not ran(
                ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(node), NODE_PEER]
            ):
                say("peers: stompjs could not be installed (is there a network?); going on without it")
    else:
        say("peers: no node and npm here; going on without stompjs")
    return _found(folder, node)


def ran(command: Sequence[str]) -> bool:
    """Run a program without a word and say whether that went well."""
    try:
        return (
            subprocess.run(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=180
            ).returncode
            == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        return False


def _version(name: str, folder: Path) -> str | None:
    wanted = name.replace(".", "_")
    for distribution in importlib.metadata.distributions(path=[str(folder)]):
        if distribution.metadata["Name"].replace(".", "_").replace("-", "_") == wanted:
            return distribution.version
    return None


def _node_version(node: Path) -> str | None:
    try:
        description = json.loads((node / "node_modules" / NODE_PEER / "package.json").read_text())
    except OSError:
        return None
    return str(description["version"])


def _found(folder: Path, node: Path) -> Peers:
    os.environ.setdefault("STOMP_SKIP_HOSTNAME_SCAN", "1")
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    parsers: list[PeerParser] = []
    encoders: list[PeerEncoder] = []
    versions: list[str] = []
    if version := _version("stomp.py", folder):
        versions.append(f"stomp.py {version}")
        parsers += [
            PeerParser("stomp.py", _stomp_py),
            PeerParser("stomp.py (no listener)", _stomp_py_parse_only),
        ]
        encoders += [
            PeerEncoder("stomp.py", _stomp_py_send()),
            PeerEncoder("stomp.py (no escaping)", _stomp_py_pack()),
        ]
    if version := _version("stompman", folder):
        versions.append(f"stompman {version}")
        parsers.append(PeerParser("stompman", _stompman))
        encoders.append(PeerEncoder("stompman", _stompman_dump()))
    if version := _version("stompest", folder):
        versions.append(f"stompest {version}")
        parsers.append(PeerParser("stompest", _stompest))
        encoders.append(PeerEncoder("stompest", _stompest_bytes()))
    node_version = _node_version(node)
    if node_version:
        versions.append(f"stompjs {node_version}")
    return Peers(tuple(parsers), tuple(encoders), node if node_version else None, tuple(versions))


# stomp.py keeps its reader inside a transport that reads from a socket: here the socket is an iterator of
# chunks. The reader's methods have mangled names, and there is no other way to its receive path.


def _stomp_py_transport(*, auto_decode: bool) -> Any:
    transport_module: Any = importlib.import_module("stomp.transport")

    class Fed(transport_module.BaseTransport):  # type: ignore[misc]
        chunks: Iterable[bytes] = ()

        def receive(self) -> bytes:
            return next(self.chunks, b"")  # type: ignore[call-overload, no-any-return]

    transport: Any = Fed(auto_decode=auto_decode)
    transport.running = True
    return transport


def _stomp_py() -> Count:
    """Return its whole receive path: read, parse, tell one listener."""
    stomp: Any = importlib.import_module("stomp")
    closed: Any = importlib.import_module("stomp.exception").ConnectionClosedException

    class Counter(stomp.ConnectionListener):  # type: ignore[misc]
        found = 0

        def on_message(self, frame: Any) -> None:
            self.found += 1

        on_receipt = on_message

    transport = _stomp_py_transport(auto_decode=True)
    listener = Counter()
    transport.set_listener("", listener)

    def count(chunks: Sequence[bytes]) -> int:
        transport.chunks = iter(chunks)
        try:
            while True:
                transport._BaseTransport__read_frames()  # noqa: SLF001
        except closed:
            return listener.found

    return count


def _stomp_py_parse_only() -> Count:
    """Return its reader and parser alone: no listener, bodies left as octets."""
    closed: Any = importlib.import_module("stomp.exception").ConnectionClosedException
    parse_frame: Any = importlib.import_module("stomp.utils").parse_frame
    transport = _stomp_py_transport(auto_decode=False)

    def count(chunks: Sequence[bytes]) -> int:
        transport.chunks = iter(chunks)
        found = 0
        try:
            while True:
                for raw in transport._BaseTransport__read():  # noqa: SLF001
                    if raw != b"\n" and parse_frame(raw) is not None:
                        found += 1
        except closed:
            return found

    return count


def _stompman() -> Count:
    parser: Any = importlib.import_module("stompman.serde").FrameParser()
    heart_beat: Any = importlib.import_module("stompman.frames").HeartbeatFrame

    def count(chunks: Sequence[bytes]) -> int:
        found = 0
        for chunk in chunks:
            for frame in parser.parse_frames_from_chunk(chunk):
                if frame.__class__ is not heart_beat:
                    found += 1
        return found

    return count


def _stompest() -> Count:
    parser: Any = importlib.import_module("stompest.protocol.parser").StompParser("1.2")
    heart_beat: Any = importlib.import_module("stompest.protocol.frame").StompHeartBeat

    def count(chunks: Sequence[bytes]) -> int:
        found = 0
        for chunk in chunks:
            parser.add(chunk)
            while parser.canRead():
                frame = parser.get()
                if frame.__class__ is not heart_beat:
                    frame.headers  # noqa: B018  the mapping is made on demand, and every caller demands it
                    found += 1
        return found

    return count


def _stomp_py_pack() -> Callable[[Mapping[str, str], bytes], bytes]:
    utils: Any = importlib.import_module("stomp.utils")

    def pack(headers: Mapping[str, str], body: bytes) -> bytes:
        packed: bytes = utils.pack(utils.convert_frame(utils.Frame("SEND", dict(headers), body)))
        return packed

    return pack


def _stomp_py_send() -> Callable[[Mapping[str, str], bytes], bytes]:
    """Return what a user calls, `send`, with a transport that only packs: escaping happens in there."""
    utils: Any = importlib.import_module("stomp.utils")
    protocol: Any = importlib.import_module("stomp.protocol")

    class Packs:
        packed = b""

        def set_listener(self, *_: object) -> None:
            pass

        def transmit(self, frame: Any) -> None:
            self.packed = utils.pack(utils.convert_frame(frame))

    transport = Packs()
    connection = protocol.Protocol12(transport)

    def send(headers: Mapping[str, str], body: bytes) -> bytes:
        others = {
            name: value for name, value in headers.items() if name not in ("destination", "content-type")
        }
        connection.send(headers["destination"], body, headers["content-type"], others)
        return transport.packed

    return send


def _stompman_dump() -> Callable[[Mapping[str, str], bytes], bytes]:
    frames: Any = importlib.import_module("stompman.frames")
    serde: Any = importlib.import_module("stompman.serde")

    def dump(headers: Mapping[str, str], body: bytes) -> bytes:
        dumped: bytes = serde.dump_frame(frames.SendFrame(headers=headers, body=body))
        return dumped

    return dump


def _stompest_bytes() -> Callable[[Mapping[str, str], bytes], bytes]:
    frame: Any = importlib.import_module("stompest.protocol").StompFrame

    def dump(headers: Mapping[str, str], body: bytes) -> bytes:
        return bytes(frame("SEND", headers=headers, body=body, version="1.2"))

    return dump
