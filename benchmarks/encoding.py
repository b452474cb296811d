"""`encode`: a SEND to octets, plain and with escapes, beside the floors and, on request, other libraries.

What would be timed is parsed back first. This file must not know how time is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack

from stomp_sansio import Connection, Frame, FrameParser, Version, encode

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

Encoder = Callable[[Mapping[str, str], bytes], bytes]

CALLS = 500
"""Calls in one pass: a single one is too short for the clock."""


def _frame_and_encode(headers: Mapping[str, str], body: bytes) -> bytes:
    return encode(Frame("SEND", headers, body), Version.V1_2)


def _sender(connection: Connection) -> Encoder:
    """Return what a user calls: `send`, then handing over the octets."""

    def send(headers: Mapping[str, str], body: bytes) -> bytes:
        rest = {
            name: value for name, value in headers.items() if name not in ("destination", "content-length")
        }
        connection.send(headers["destination"], body, headers=rest)
        return connection.data_to_send(0.0)

    return send


def _repeated(encoder: Encoder, headers: Mapping[str, str]) -> Callable[[], Callable[[], object]]:
    """Return a factory of passes: what `InProcess` wants."""

    def one_pass() -> None:
        for _ in range(CALLS):
            encoder(headers, BODY)

    return lambda: one_pass


def _encoders(headers: Mapping[str, str]) -> dict[str, Encoder]:
    """Return every encoder of this process by name.

    Those that start from a ready frame ignore what they are passed.
    """
    frame = Frame("SEND", headers, BODY)
    pieces = [f"{name}:{value}\n".encode() for name, value in headers.items()]
    return {
        "floor (a)": lambda headers, body: floors.floor_join(pieces, body),
        YARDSTICK: floors.floor_encode,
        "encode": lambda headers, body: encode(frame, Version.V1_2),
        "Frame + encode": _frame_and_encode,
        "Connection.send": _sender(ours.connected()),
    }


def _round_trip_fault(encoder: Encoder, headers: Mapping[str, str]) -> str | None:
    """Return what is wrong with what an encoder wrote, or None."""
    try:
        parser = FrameParser()
        parser.receive_data(bytes(encoder(headers, BODY)))
        frame = parser.next_frame()
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:60]
    if frame is None or (frame.command, dict(frame.headers), frame.body) != ("SEND", dict(headers), BODY):
        return "does not parse back to what was meant"
    return None


def run(report: Report, *, rounds: int, peers: Peers) -> None:
    """Check, then measure both SENDs, and print a table for each."""
    for kind, headers in (("plain", PLAIN), ("escapes", ESCAPES)):
        encoders = _encoders(headers)
        for name in ("encode", "Frame + encode", "Connection.send"):
            if fault := _round_trip_fault(encoders[name], headers):
                raise Wrong(f"{name}, {kind}: {fault}")
        notes = {
            peer.name: fault
            for peer in peers.encoders
            if (fault := _round_trip_fault(peer.encode, headers)) is not None
        }
        encoders |= {peer.name: peer.encode for peer in peers.encoders}
        runners: list[Runner] = [
            InProcess(name, _repeated(encoder, headers)) for name, encoder in encoders.items()
        ]
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
    yardstick, whole = seconds[YARDSTICK], seconds["Frame + encode"]
    own = {"floor (a)", YARDSTICK, "encode", "Frame + encode", "Connection.send"}
    rows: list[list[str]] = []
    for name, took in sorted(seconds.items(), key=lambda item: item[1]):
        target = report.figure(f"encode {kind} {name}", took / yardstick, f"x {YARDSTICK}")
        report.figure(f"encode {kind} {name} ns a frame", took * 1e9, "ns")
        if name not in own:
            target = report.figure(
                f"encode {kind} Frame + encode against {name}", took / whole, "times faster"
            )
        note = "; ".join(text for text in (target, notes.get(name, "")) if text)
        rows.append(
            [
                name,
                f"{1 / took:,.0f}",
                f"{took * 1e9:,.0f}",
                f"{took / yardstick:.2f}",
                f"{took / whole:.2f}",
                note,
            ]
        )
    report.table(
        f"SEND with 6 headers and {len(BODY)} octets, {kind}",
        ["encoder", "frames/s", "ns/frame", f"x {YARDSTICK}", "x Frame + encode", "target"],
        rows,
    )
