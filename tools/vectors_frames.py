"""Runs one vector of frames.json or encode.json: octets to frames, and a frame to octets.

The parser judges framing, `validate` judges roles, required headers and bodies; a frame passes both before it
counts as delivered, so that errors come in stream order. This file must not know connections.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from stomp_sansio import (
    Fault,
    Frame,
    FrameParser,
    Limits,
    LocalProtocolError,
    Misuse,
    RemoteProtocolError,
    Version,
    encode,
)
from stomp_sansio.protocol.commands import Sender, validate
from tools.vectors_format import (
    COMMON_FIELDS,
    BadVector,
    Failure,
    Pairs,
    Vector,
    check_fields,
    error_kinds,
    header_pairs,
    octets_of,
    one_of,
    text_of,
    ways_to_cut,
)

__all__ = ["run_encode", "run_frames", "version_of"]

VERSIONS = frozenset(version.value for version in Version)
FAULTS = frozenset(fault.value for fault in Fault)
MISUSES = frozenset(misuse.value for misuse in Misuse)


# --- frames.json --------------------------------------------------------------------------------------------


FrameFacts: TypeAlias = tuple[str, tuple[tuple[str, str], ...], bytes]
"""Command, header pairs in wire order, body."""


class Heard(NamedTuple):
    """What one way of cutting brought forth. Two ways must bring forth equal objects."""

    frames: tuple[FrameFacts, ...]
    """Every frame delivered before the error."""
    heartbeats: int
    """EOLs outside frames, up to the end or the error."""
    fault: str | None
    message: str | None
    """What the error says to people: it must not depend on the cut either."""
    pending: bool
    """Whether the input ended inside a frame; False after an error."""


def run_frames(vector: Vector) -> list[str]:
    """Decode the vector's octets in every way of cutting; return no remarks, since all of it is binding.

    Raises:
        Failure: the engine decided otherwise, or differently for different cuts.
        BadVector: the vector is not in the format.
    """
    check_fields(
        vector,
        "the vector",
        (COMMON_FIELDS - {"note"}) | {"version", "receiver", "layer", "wire", "frames", "heartbeats"},
        {"note", "error", "pending", "limits"},
    )
    one_of(vector["layer"], "layer", {"framing", "validation"})
    version = version_of(vector["version"])
    receiver = one_of(vector["receiver"], "receiver", {"client", "server"})
    limits = _limits(vector, receiver)
    wire = octets_of(vector["wire"], "wire")
    expected, kinds = _expected(vector)

    first: Heard | None = None
    for name, cut in ways_to_cut(vector["id"]):
        heard = _listen(cut(wire), version, receiver, limits)
        _compare(heard, expected, kinds, name)
        if first is None:
            first = heard
        elif heard != first:
            raise Failure(f"{name}: {_first_difference(first, heard)}")
    return []


def version_of(value: object) -> Version:
    """Return the version that a field names."""
    return Version(one_of(value, "version", VERSIONS))


def _limits(vector: Vector, receiver: str) -> Limits:
    defaults = Limits.client() if receiver == "client" else Limits.server()
    if "limits" not in vector:
        return defaults
    given = check_fields(vector["limits"], "limits", {"max_headers", "max_line", "max_body"})
    # A vector has one limit for all lines; ours has one for command lines and one for header lines.
    return Limits(
        max_headers=given["max_headers"],
        max_line=given["max_line"],
        max_command_line=given["max_line"],
        max_body=given["max_body"],
    )


def _expected(vector: Vector) -> tuple[Heard, tuple[str, ...]]:
    """Return what must be heard, apart from the error, and the kinds of error that are accepted, if any."""
    frames: list[FrameFacts] = []
    for entry in vector["frames"]:
        check_fields(entry, "a frame", {"command", "headers", "body"})
        pairs = tuple(header_pairs(entry["headers"], "headers"))
        frames.append((text_of(entry["command"], "command"), pairs, octets_of(entry["body"], "body")))
    kinds = error_kinds(vector["error"], "error", FAULTS) if "error" in vector else ()
    pending = vector.get("pending", False)
    if type(vector["heartbeats"]) is not int or type(pending) is not bool or (pending and kinds):
        raise BadVector("heartbeats must be a number, pending a boolean that is not true beside an error")
    return Heard(tuple(frames), vector["heartbeats"], None, None, pending), kinds


def _listen(chunks: list[bytes], version: Version, receiver: str, limits: Limits) -> Heard:
    parser = FrameParser(version, limits, tolerant=receiver == "client")
    sender = Sender.SERVER if receiver == "client" else Sender.CLIENT
    frames: list[FrameFacts] = []

    def refused(error: RemoteProtocolError) -> Heard:
        return Heard(tuple(frames), parser.heartbeats, error.fault.value, str(error), False)

    for chunk in chunks:
        parser.receive_data(chunk)
        while True:
            try:
                frame = parser.next_frame()
            except RemoteProtocolError as error:
                heard = refused(error)
                _check_final(parser, error)
                return heard
            if frame is None:
                break
            try:
                validate(frame, version, sender)
            except RemoteProtocolError as error:
                return refused(error)
            frames.append((frame.command, frame.headers.pairs, frame.body))
    heard = Heard(tuple(frames), parser.heartbeats, None, None, parser.pending)
    _check_end(parser, heard.pending)
    return heard


def _check_final(parser: FrameParser, error: RemoteProtocolError) -> None:
    """A parser that has raised raises the same error again, whatever still comes."""
    for octets in (b"", b"\n", b"RECEIPT\nreceipt-id:1\n\n\0"):
        parser.receive_data(octets)
        try:
            parser.next_frame()
        except RemoteProtocolError as again:
            if again is not error:
                raise Failure(f"the error was not final: then came {again.fault.value}: {again}") from None
        else:
            raise Failure(f"the error was not final: the parser went on after {error.fault.value}")


def _check_end(parser: FrameParser, pending: bool) -> None:
    """The end of the stream is a fault exactly where the parser says that a frame is pending."""
    parser.receive_eof()
    try:
        frame = parser.next_frame()
    except RemoteProtocolError as error:
        if not pending or error.fault is not Fault.INCOMPLETE_FRAME:
            raise Failure(
                f"EOF with pending={pending} was reported as {error.fault.value}: {error}"
            ) from None
        return
    if frame is not None:
        raise Failure(f"EOF brought forth a {frame.command} frame")
    if pending:
        raise Failure("EOF inside a frame was not reported as incomplete-frame")


def _compare(heard: Heard, expected: Heard, kinds: tuple[str, ...], name: str) -> None:
    if heard.fault is not None and not kinds:
        raise Failure(f"{name}: refused as {heard.fault}: {heard.message}")
    if heard.frames != expected.frames:
        raise Failure(f"{name}: {_frames_difference(expected.frames, heard.frames)}")
    if kinds and heard.fault is None:
        raise Failure(f"{name}: accepted, expected {' or '.join(kinds)}")
    if kinds and heard.fault not in kinds:
        raise Failure(f"{name}: refused as {heard.fault} ({heard.message}), expected {' or '.join(kinds)}")
    if heard.heartbeats != expected.heartbeats:
        raise Failure(f"{name}: {heard.heartbeats} heart-beats, expected {expected.heartbeats}")
    if heard.pending != expected.pending:
        raise Failure(f"{name}: pending={heard.pending}, expected {expected.pending}")


def _frames_difference(expected: tuple[FrameFacts, ...], heard: tuple[FrameFacts, ...]) -> str:
    for number, (want, got) in enumerate(zip(expected, heard, strict=False), 1):
        if want != got:
            return f"frame {number} is {got!r}, expected {want!r}"
    return f"{len(heard)} frames delivered, expected {len(expected)}"


def _first_difference(first: Heard, other: Heard) -> str:
    for name, whole, cut in zip(Heard._fields, first, other, strict=True):
        if whole != cut:
            return f"{name} is {cut!r}, but {whole!r} in one chunk"
    raise AssertionError("equal after all")


# --- encode.json --------------------------------------------------------------------------------------------


def run_encode(vector: Vector) -> list[str]:
    """Encode the vector's frame; return no remarks, since the octets are binding.

    Raises:
        Failure: other octets, another error, or octets that do not decode to the same frame.
        BadVector: the vector is not in the format.
    """
    check_fields(
        vector,
        "the vector",
        (COMMON_FIELDS - {"note"}) | {"version", "command", "headers", "body"},
        {"note", "wire", "error", "options", "no_roundtrip"},
    )
    if ("wire" in vector) == ("error" in vector):
        raise BadVector("a vector of encode.json has either wire or error")
    version = version_of(vector["version"])
    options = check_fields(vector.get("options", {}), "options", (), {"content_length"})
    command, pairs = text_of(vector["command"], "command"), header_pairs(vector["headers"], "headers")
    body = octets_of(vector["body"], "body")
    kinds = error_kinds(vector["error"], "error", MISUSES) if "error" in vector else ()
    try:
        wire = encode(
            Frame(command, pairs, body), version, content_length=options.get("content_length", True)
        )
    except LocalProtocolError as error:
        if error.misuse.value not in kinds:
            raise Failure(
                f"refused as {error.misuse.value} ({error}), expected {' or '.join(kinds) or 'octets'}"
            ) from None
        return []
    if kinds:
        raise Failure(f"encoded to {wire!r}, expected {' or '.join(kinds)}")
    expected = octets_of(vector["wire"], "wire")
    if wire != expected:
        raise Failure(f"encoded to {wire!r}, expected {expected!r}")
    if not vector.get("no_roundtrip", False):
        _check_round_trip(wire, version, command, pairs, body)
    return []


def _check_round_trip(wire: bytes, version: Version, command: str, pairs: Pairs, body: bytes) -> None:
    """The strict parser gives back what was encoded; a content-length may have been appended, last."""
    parser = FrameParser(version, Limits(), tolerant=False)
    parser.receive_data(wire)
    frame = parser.next_frame()
    if frame is None or parser.next_frame() is not None or parser.pending:
        raise Failure(f"{wire!r} does not decode to one frame")
    given = list(frame.headers.pairs)
    if len(given) == len(pairs) + 1 and given[-1] == ("content-length", str(len(body))):
        del given[-1]
    if (frame.command, given, frame.body) != (command, pairs, body):
        raise Failure(f"{wire!r} decodes to {(frame.command, given, frame.body)!r}")
