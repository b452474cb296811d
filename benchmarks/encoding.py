"""`encode`: a SEND to octets, plain and with escapes, beside the floors and, on request, other libraries.

What would be timed is parsed back first. This file must not know how time is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack

from stomp_sansio import Frame, FrameParser, Version, encode

from . import floors, ours
from .measure import InProcess, Runner, interleave
from .parse import Wrong
from .peers import Peers
from .report import Report
from .stompjs import StompJs

__all__ = ["BODY", "ESCAPES", "PLAIN", "run"]

BODY = b'{"id":1,"note":"' + b"x" * 182 + b'"}'
PLAIN: Mapping[str, str] = {
    "destination": "/queue/orders.eu-west-1",
    "content-type": "application/json",
    "correlation-id": "123456789",
    "x-trace-id": "0123456789abcdef0123456789abcdef",
    "persistent": "true",
    "content-length": str(len(BODY)),
}
ESCAPES: Mapping[str, str] = {**PLAIN, "correlation-id": "ID:host-1:2:3", "persistent": "C:\\tmp\nnext"}

YARDSTICK = "floor (b)"
VERSION = Version.V1_2

Call = tuple[Callable[..., bytes], tuple[object, ...]]
"""What is timed, and its arguments: all are called in the same way, at the same cost."""

CALLS = 500
"""Calls in one pass: a single one is too short for the clock."""

OURS = ("encode", "Frame + encode", "Connection.send")


def _frame_and_encode(headers: Mapping[str, str], body: bytes) -> bytes:
    return encode(Frame("SEND", headers, body), VERSION)


def _sender(headers: Mapping[str, str]) -> Callable[[], bytes]:
    """Return what a user calls: `send`, then handing over the octets."""
    connection = ours.connected()
    destination = headers["destination"]
    others = {name: value for name, value in headers.items() if name not in ("destination", "content-length")}

    def send() -> bytes:
        connection.send(destination, BODY, headers=others)
        return connection.data_to_send(0.0)

    return send


def _repeated(call: Call) -> Callable[[], Callable[[], object]]:
    """Return a factory of passes: what `InProcess` wants."""
    function, arguments = call

    def one_pass() -> None:
        for _ in range(CALLS):
            function(*arguments)

    return lambda: one_pass


def _encoders(headers: Mapping[str, str]) -> dict[str, Call]:
    """Return the floors and what is ours, by name."""
    pieces = [f"{name}:{value}\n".encode() for name, value in headers.items()]
    return {
        "floor (a)": (floors.floor_join, (pieces, BODY)),
        YARDSTICK: (floors.floor_encode, (headers, BODY)),
        "encode": (encode, (Frame("SEND", headers, BODY), VERSION)),
        "Frame + encode": (_frame_and_encode, (headers, BODY)),
        "Connection.send": (_sender(headers), ()),
    }


def _round_trip_fault(call: Call, headers: Mapping[str, str]) -> str | None:
    """Return what is wrong with what an encoder wrote, or None."""
    function, arguments = call
    try:
        parser = FrameParser()
        parser.receive_data(bytes(function(*arguments)))
        frame = parser.next_frame()
    except Exception as error:
        return type(error).__name__
    if frame is None or (frame.command, dict(frame.headers), frame.body) != ("SEND", dict(headers), BODY):
        return "does not parse back to what was meant"
    return None


def run(report: Report, *, rounds: int, peers: Peers) -> None:
    """Check, then measure both SENDs, and print a table for each."""
    for kind, headers in (("plain", PLAIN), ("escapes", ESCAPES)):
        encoders = _encoders(headers)
        for name in OURS:
            if fault := _round_trip_fault(encoders[name], headers):
                raise Wrong(f"{name}, {kind}: {fault}")
        theirs: dict[str, Call] = {peer.name: (peer.encode, (headers, BODY)) for peer in peers.encoders}
        notes = {
            name: "wrong: " + fault
            for name, call in theirs.items()
            if (fault := _round_trip_fault(call, headers)) is not None
        }
        encoders |= theirs
        runners: list[Runner] = [InProcess(name, _repeated(call)) for name, call in encoders.items()]
        with ExitStack() as stack:
            if peers.node is not None:
                node = stack.enter_context(StompJs(peers.node))
                node.encode(headers, BODY)
                runners.append(node)
            timings = interleave(runners, rounds=rounds)
        seconds = {
            name: timing.median / (1 if name == StompJs.name else CALLS) for name, timing in timings.items()
        }
        _show(report, kind, seconds, notes)


def _show(report: Report, kind: str, seconds: dict[str, float], notes: dict[str, str]) -> None:
    # The others are given command, headers and body, and so is what they are compared with.
    yardstick, ready, built = seconds[YARDSTICK], seconds["encode"], seconds["Frame + encode"]
    own = {"floor (a)", YARDSTICK, *OURS}
    rows: list[list[str]] = []
    for name, took in sorted(seconds.items(), key=lambda item: item[1]):
        target = report.figure(f"encode {kind} {name}", took / yardstick, f"x {YARDSTICK}")
        report.figure(f"encode {kind} {name} ns a frame", took * 1e9, "ns")
        if name not in own:
            what = f"encode {kind} Frame + encode against {name}"
            target = report.figure(what, took / built, "times faster")
        note = "; ".join(text for text in (target, notes.get(name, "")) if text)
        rows.append(
            [
                name,
                f"{1 / took:,.0f}",
                f"{took * 1e9:,.0f}",
                f"{took / yardstick:.2f}",
                f"{took / ready:.2f}",
                note,
            ]
        )
    report.table(
        f"SEND with 6 headers and {len(BODY)} octets, {kind}",
        ["encoder", "frames/s", "ns/frame", f"x {YARDSTICK}", "x encode", "target"],
        rows,
    )
