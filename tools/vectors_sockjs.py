"""Runs one vector of sockjs.json: frames, arrays, URLs, ids, /info documents and statuses of SockJS.

The input of xhr transports is cut in every way; the result must be the same. This file must not know how any
of it travels.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

from stomp_sansio import LinkFault, LocalProtocolError, Misuse, RemoteProtocolError
from stomp_sansio.errors import InvalidURI
from stomp_sansio.links.info import encode_info, parse_info
from stomp_sansio.links.sockjs_frames import (
    ResponseLines,
    SockJSClose,
    SockJSEvent,
    SockJSHeartbeat,
    SockJSMessages,
    SockJSOpen,
    SockJSReceiver,
    encode_close,
    encode_messages,
)
from stomp_sansio.links.sockjs_payload import encode_array
from stomp_sansio.links.sockjs_status import judge_status
from stomp_sansio.links.url import SessionIds, parse_url, session_ids, sockjs_endpoint
from stomp_sansio.protocol.limits import Limits
from tools.vectors_format import (
    COMMON_FIELDS,
    BadVector,
    Failure,
    Vector,
    check_fields,
    error_kinds,
    octets_of,
    one_of,
    text_of,
    ways_to_cut,
)

__all__ = ["run_sockjs"]

REQUIRED = (COMMON_FIELDS - {"note"}) | {"kind"}
KINDS = frozenset(fault.value for fault in LinkFault)
LIMITS = Limits.client()


def run_sockjs(vector: Vector) -> list[str]:
    """Run the vector; return no remarks, since all of it is binding.

    Raises:
        Failure: the links decided otherwise, or differently for different cuts.
        BadVector: the vector is not in the format.
    """
    kind = one_of(vector.get("kind"), "kind", RUNNERS)
    RUNNERS[kind](vector)
    return []


# --- decode -------------------------------------------------------------------------------------------------


EventFacts: TypeAlias = tuple[object, ...]


class Heard(NamedTuple):
    """What one way of cutting brought forth."""

    events: tuple[EventFacts, ...]
    fault: str | None
    message: str | None
    """What the error says to people: it must not depend on the cut either."""


def _run_decode(vector: Vector) -> None:
    check_fields(
        vector,
        "the vector",
        REQUIRED | {"transport", "input", "events"},
        {"note", "error", "end_of_response"},
    )
    transport = one_of(vector["transport"], "transport", {"websocket", "xhr", "xhr_streaming"})
    inputs = [octets_of(item, "an item of input") for item in _list(vector["input"], "input")]
    end = vector.get("end_of_response", False)
    if not isinstance(end, bool) or (transport == "websocket" and "end_of_response" in vector):
        raise BadVector("end_of_response is true or false, and only for xhr")
    expected = tuple(_expected_event(event) for event in _list(vector["events"], "events"))
    kinds = error_kinds(vector["error"], "error", KINDS) if "error" in vector else ()
    if transport == "websocket":
        heard = _listen(iter(inputs))
    else:
        octets = b"".join(inputs)
        heard = _listen(_frames(inputs, transport, end))
        for name, cut in ways_to_cut(vector["id"]):
            result = _listen(_frames(cut(octets), transport, end))
            if result != heard:
                raise Failure(f"{name} gives {result}, as given gives {heard}")
    if heard.events != expected:
        raise Failure(f"the events are {heard.events}, not {expected}")
    if heard.fault is None and kinds:
        raise Failure(f"there was no error, {kinds[0]} was due")
    if heard.fault is not None and heard.fault not in kinds:
        raise Failure(
            f"the error is {heard.fault} ({heard.message}), {kinds[0] if kinds else 'none'} was due"
        )


def _frames(chunks: list[bytes], transport: str, end: bool) -> Iterator[bytes]:
    lines = ResponseLines(LIMITS, streaming=transport == "xhr_streaming")
    for chunk in chunks:
        lines.receive(chunk)
        while (frame := lines.next_frame()) is not None:
            yield frame
    if end:
        lines.end()
        while (frame := lines.next_frame()) is not None:
            yield frame


def _listen(frames: Iterator[bytes]) -> Heard:
    receiver = SockJSReceiver(LIMITS)
    events: list[EventFacts] = []
    try:
        for frame in frames:
            events.extend(_facts(receiver.receive(frame)))
    except RemoteProtocolError as error:
        return Heard(tuple(events), error.fault.value, str(error))
    return Heard(tuple(events), None, None)


def _facts(event: SockJSEvent) -> list[EventFacts]:
    match event:
        case SockJSOpen():
            return [("open",)]
        case SockJSHeartbeat():
            return [("heartbeat",)]
        case SockJSMessages(messages):
            return [("message", message) for message in messages]
        case SockJSClose(code, reason, clean):
            return [("close", code, reason, clean)]


def _expected_event(value: object) -> EventFacts:
    if not isinstance(value, dict):
        raise BadVector(f"an event is {value!r} where an object belongs")
    name = one_of(value.get("event"), "an event", {"open", "heartbeat", "message", "close"})
    match name:
        case "message":
            check_fields(value, "a message event", {"event", "data"})
            return ("message", text_of(value["data"], "data").encode("utf-8"))
        case "close":
            check_fields(value, "a close event", {"event", "code", "reason", "clean"})
            return ("close", value["code"], value["reason"], value["clean"])
        case _:
            check_fields(value, f"the event {name}", {"event"})
            return (name,)


# --- encode -------------------------------------------------------------------------------------------------


def _run_encode(vector: Vector) -> None:
    check_fields(
        vector,
        "the vector",
        REQUIRED | {"role"},
        {"note", "messages", "messages_b64", "canonical", "must_be_escaped", "error"},
    )
    role = one_of(vector["role"], "role", {"client", "server"})
    if ("messages" in vector) == ("messages_b64" in vector) or ("canonical" in vector) == ("error" in vector):
        raise BadVector("one of messages and messages_b64, and one of canonical and error, have to be there")
    if "messages" in vector:
        texts = [text_of(text, "a message") for text in _list(vector["messages"], "messages")]
        messages = [text.encode("utf-8") for text in texts]
    else:
        messages = [octets_of(item, "a message") for item in _list(vector["messages_b64"], "messages_b64")]
    encode = encode_array if role == "client" else encode_messages
    if "error" in vector:
        kinds = error_kinds(vector["error"], "error", {misuse.value for misuse in Misuse})
        _demand_misuse(lambda: encode(messages), kinds)
        return
    octets = encode(messages)
    canonical = octets_of(vector["canonical"], "canonical")
    if octets != canonical:
        raise Failure(f"the octets are {octets!r}, not {canonical!r}")
    lowered = octets.decode("ascii").lower()
    for unit in _list(vector.get("must_be_escaped", []), "must_be_escaped"):
        if f"\\u{text_of(unit, 'a code unit')}" not in lowered:
            raise Failure(f"U+{unit} is not escaped in {octets!r}")
    frame = octets if role == "server" else b"a" + octets
    heard = _listen(iter([b"o", frame]))
    if heard.events[1:] != tuple(("message", message) for message in messages) or heard.fault is not None:
        raise Failure(f"what was written is read as {heard}")


def _run_encode_close(vector: Vector) -> None:
    check_fields(vector, "the vector", REQUIRED | {"code", "reason", "canonical"}, {"note"})
    octets = encode_close(vector["code"], text_of(vector["reason"], "reason"))
    canonical = octets_of(vector["canonical"], "canonical")
    if octets != canonical:
        raise Failure(f"the octets are {octets!r}, not {canonical!r}")
    heard = _listen(iter([octets]))
    if heard.events != (("close", vector["code"], vector["reason"], True),):
        raise Failure(f"what was written is read as {heard}")


def _demand_misuse(encode: Callable[[], bytes], kinds: tuple[str, ...]) -> None:
    try:
        octets = encode()
    except LocalProtocolError as error:
        if error.misuse.value not in kinds:
            raise Failure(f"the error is {error.misuse.value}, not {kinds[0]}") from None
        return
    raise Failure(f"{octets!r} was written, {kinds[0]} was due")


# --- URLs and ids -------------------------------------------------------------------------------------------


def _run_url(vector: Vector) -> None:
    check_fields(
        vector,
        "the vector",
        REQUIRED | {"base", "server", "session", "transport"},
        {"note", "expect", "error"},
    )
    if ("expect" in vector) == ("error" in vector):
        raise BadVector("one of expect and error has to be there")
    transport = one_of(
        vector["transport"], "transport", {"websocket", "xhr", "xhr_streaming", "xhr_send", "info"}
    )
    kinds = error_kinds(vector["error"], "error", KINDS) if "error" in vector else ()
    try:
        base = parse_url(text_of(vector["base"], "base"))
        ids = SessionIds(text_of(vector["server"], "server"), text_of(vector["session"], "session"))
        url = sockjs_endpoint(base, transport, None if transport == "info" else ids).url
    except InvalidURI as error:
        if error.fault.value not in kinds:
            raise Failure(f"the error is {error.fault.value} ({error}), not {kinds}") from None
        return
    if kinds:
        raise Failure(f"the URL is {url}, {kinds[0]} was due")
    if url != vector["expect"]:
        raise Failure(f"the URL is {url}, not {vector['expect']}")


def _run_ids(vector: Vector) -> None:
    check_fields(vector, "the vector", REQUIRED | {"samples", "server_regex", "session_regex"}, {"note"})
    server, session = re.compile(vector["server_regex"]), re.compile(vector["session_regex"])
    rng = random.Random(vector["id"])
    ids = [session_ids(rng.randbytes) for _ in range(vector["samples"])]
    for one in ids:
        if not server.search(one.server) or not session.search(one.session):
            raise Failure(f"the ids {one.server!r}, {one.session!r} do not look as demanded")
    if len({one.session for one in ids}) != len(ids):
        raise Failure("two sessions have the same id")


# --- /info and statuses -------------------------------------------------------------------------------------


def _run_info(vector: Vector) -> None:
    check_fields(vector, "the vector", REQUIRED | {"status", "body"}, {"note", "expect", "error"})
    if ("expect" in vector) == ("error" in vector):
        raise BadVector("one of expect and error has to be there")
    body = octets_of(vector["body"], "body")
    kinds = error_kinds(vector["error"], "error", KINDS) if "error" in vector else ()
    try:
        info = parse_info(vector["status"], body, LIMITS)
    except RemoteProtocolError as error:
        if error.fault.value not in kinds:
            raise Failure(f"the error is {error.fault.value} ({error}), not {kinds}") from None
        return
    if kinds:
        raise Failure(f"the document is {info}, {kinds[0]} was due")
    members = {"websocket", "cookie_needed", "origins", "entropy", "base_url"}
    expected = check_fields(vector["expect"], "expect", members)
    heard = {
        "websocket": info.websocket,
        "cookie_needed": info.cookie_needed,
        "origins": list(info.origins),
        "entropy": info.entropy,
        "base_url": info.base_url,
    }
    if heard != dict(expected):
        raise Failure(f"the document is {heard}, not {dict(expected)}")
    if parse_info(200, encode_info(info), LIMITS) != info:
        raise Failure(f"what {encode_info(info)!r} says is not {info}")


def _run_status(vector: Vector) -> None:
    check_fields(vector, "the vector", REQUIRED | {"op", "status", "body", "outcome"}, {"note"})
    octets_of(vector["body"], "body")
    request = one_of(vector["op"], "op", {"websocket", "xhr", "xhr_streaming", "xhr_send"})
    expected = one_of(vector["outcome"], "outcome", {"ok", "session-lost", "server-error", "http-error"})
    outcome = judge_status(request, vector["status"]).value
    if outcome != expected:
        raise Failure(f"{vector['status']} means {outcome}, not {expected}")


def _list(value: object, what: str) -> list[object]:
    if not isinstance(value, list):
        raise BadVector(f"{what} is {value!r} where a list belongs")
    return value


RUNNERS: dict[str, Callable[[Vector], None]] = {
    "decode": _run_decode,
    "encode": _run_encode,
    "encode-close": _run_encode_close,
    "url": _run_url,
    "ids": _run_ids,
    "info": _run_info,
    "status": _run_status,
}
