"""What a session vector may contain: every step, operation and event, checked before anything runs.

The tables below are the format. This file must not know the engine: `vectors_play` turns words into calls.
"""

from __future__ import annotations

from collections.abc import Mapping

from stomp_sansio import Fault, Misuse
from tools.vectors_format import (
    COMMON_FIELDS,
    BadVector,
    Vector,
    check_fields,
    error_kinds,
    header_pairs,
    octets_of,
    one_of,
    text_of,
)
from tools.vectors_frames import version_of

__all__ = ["check_script"]

CONFIG = {
    "client": {"versions", "host", "login", "passcode", "heartbeat"},
    "server": {"versions", "heartbeat"},
}
"""How the connection is made. `heartbeat` is [we send, we want] in milliseconds, none by default. `host`,
`login` and `passcode` are what the operation `connect` passes."""

OPERATIONS: Mapping[str, Mapping[str, tuple[set[str], set[str]]]] = {
    "client": {
        "connect": (set(), set()),
        "send": ({"destination"}, {"body", "headers", "transaction", "receipt"}),
        "subscribe": ({"destination"}, {"id", "ack", "headers", "receipt"}),
        "unsubscribe": (set(), {"id", "destination", "receipt"}),
        "ack": ({"subscription", "message_id"}, {"transaction", "receipt"}),
        "nack": ({"subscription", "message_id"}, {"transaction", "receipt"}),
        "begin": ({"transaction"}, {"receipt"}),
        "commit": ({"transaction"}, {"receipt"}),
        "abort": ({"transaction"}, {"receipt"}),
        "disconnect": (set(), {"receipt"}),
    },
    "server": {
        "accept": (set(), {"session", "server"}),
        "reject": ({"message"}, {"body"}),
        "error": ({"message"}, {"receipt_id", "body"}),
        "receipt": ({"receipt_id"}, set()),
        "message": ({"subscription", "destination", "message_id"}, {"ack", "headers", "body"}),
    },
}
"""What each role can be told to do: the fields an operation needs, and those it may have. `headers` are
pairs, `body` is base64, the rest is text or null."""

EVENTS: Mapping[str, Mapping[str, set[str]]] = {
    "client": {
        "Connected": {"version", "session", "server", "send_every_ms", "expect_every_ms", "headers"},
        "Message": {"subscription", "message_id", "destination", "ack", "headers", "body", "known"},
        "Receipt": {"receipt_id", "known", "headers"},
        "Error": {"message", "receipt_id", "headers", "body"},
        "Closed": {"clean", "reason"},
    },
    "server": {
        "ConnectRequest": {"version", "host", "login", "passcode", "heartbeat", "headers"},
        "Send": {"destination", "body", "transaction", "receipt", "headers"},
        "Subscribe": {"id", "destination", "ack", "receipt", "headers"},
        "Unsubscribe": {"id", "destination", "receipt", "headers"},
        "Ack": {"subscription", "message_ids", "transaction", "receipt", "headers"},
        "Nack": {"subscription", "message_ids", "transaction", "receipt", "headers"},
        "Begin": {"transaction", "receipt", "headers"},
        "Commit": {"transaction", "receipt", "headers"},
        "Abort": {"transaction", "implicit", "receipt", "headers"},
        "Disconnect": {"receipt", "headers"},
        "Closed": {"clean", "reason"},
    },
}
"""What each role can report, and what may be asked about it: `headers` are pairs in wire order, `body` is
base64, times are in milliseconds."""

REASONS = {"disconnect", "eof", "error", "heartbeat-timeout"}

STEPS: Mapping[str, set[str]] = {
    "do": set(),
    "recv": set(),
    "eof": set(),
    "advance_ms": set(),
    "sent": set(),
    "sent_match": set(),
    "sent_heartbeats": set(),
    "expect": set(),
    "expect_any_order": set(),
    "error": {"kind", "also"},
    "want_close": set(),
    "negotiated": set(),
}
"""The one field that makes a step what it is, and the fields that may stand beside it."""

MISUSES = frozenset(misuse.value for misuse in Misuse)
FAULTS = frozenset(fault.value for fault in Fault)


def check_script(vector: Vector) -> list[tuple[str, Vector]]:
    """Return the steps of a session vector, each with its name, once every word of it is known to be one.

    Raises:
        BadVector: a field, step, operation, event or kind is unknown, missing or of the wrong type.
    """
    check_fields(vector, "the vector", (COMMON_FIELDS - {"note"}) | {"role", "config", "steps"}, {"note"})
    role = one_of(vector["role"], "role", CONFIG)
    _check_config(vector["config"], role)
    if not isinstance(vector["steps"], list):
        raise BadVector(f"steps is {vector['steps']!r} where a list belongs")
    steps: list[tuple[str, Vector]] = []
    for number, step in enumerate(vector["steps"], 1):
        what = f"step {number}"
        kind = _kind_of(step, what)
        check_fields(step, what, {kind}, STEPS[kind])
        _check_step(kind, step, role, f"{what} ({kind})")
        steps.append((kind, step))
    return steps


def _check_config(config: object, role: str) -> None:
    config = check_fields(config, "config", {"versions"}, CONFIG[role])
    if not isinstance(config["versions"], list):
        raise BadVector(f"config has versions={config['versions']!r} where a list belongs")
    for version in config["versions"]:
        version_of(version)
    for name in config.keys() & {"host", "login", "passcode"}:
        _text_or_null(config[name], f"config {name}")
    beat = config.get("heartbeat", [0, 0])
    if not (
        isinstance(beat, list) and len(beat) == 2 and all(type(value) is int and value >= 0 for value in beat)
    ):
        raise BadVector(f"config has heartbeat={beat!r} where two numbers of milliseconds belong")


def _kind_of(step: object, what: str) -> str:
    if not isinstance(step, dict):
        raise BadVector(f"{what} is {step!r} where an object belongs")
    kinds: list[str] = sorted(step.keys() & STEPS.keys())
    if len(kinds) != 1:
        raise BadVector(f"{what} has the fields {sorted(step)}: not one known kind of step")
    return kinds[0]


def _check_step(kind: str, step: Vector, role: str, what: str) -> None:
    value = step[kind]
    match kind:
        case "do":
            _check_operation(value, role, what)
        case "recv" | "sent":
            octets_of(value, what)
        case "eof":
            if value is not True:
                raise BadVector(f"{what} is {value!r}, which must be true")
        case "advance_ms":
            _whole_number(value, what)
        case "sent_match":
            for entry in _list(value, what):
                frame = check_fields(entry, what, {"command", "headers"})
                text_of(frame["command"], what)
                header_pairs(frame["headers"], what)
        case "sent_heartbeats":
            for bound in check_fields(value, what, {"min", "max"}).values():
                _whole_number(bound, what)
        case "expect" | "expect_any_order":
            for event in _list(value, what):
                _check_event(event, role, what)
        case "error":
            side = one_of(value, what, {"local", "remote"})
            kinds = {name: step[name] for name in step if name != "error"}
            error_kinds(kinds, what, MISUSES if side == "local" else FAULTS)
        case "want_close":
            if type(value) is not bool:
                raise BadVector(f"{what} is {value!r} where true or false belongs")
        case "negotiated":
            values = check_fields(value, what, {"version"}, {"send_every_ms", "expect_every_ms"})
            version_of(values["version"])
        case _:  # a kind that STEPS lists and nobody reads would be skipped in silence
            raise AssertionError(kind)


def _check_operation(value: object, role: str, what: str) -> None:
    if not isinstance(value, dict) or "op" not in value:
        raise BadVector(f"{what} is {value!r} where an object with op belongs")
    name = one_of(value["op"], f"{what} op", OPERATIONS[role])
    required, optional = OPERATIONS[role][name]
    for field, given in check_fields(value, f"{what} {name}", {"op"} | required, optional).items():
        if field == "headers":
            header_pairs(given, f"{what} headers")
        elif field == "body":
            octets_of(given, f"{what} body")
        else:
            _text_or_null(given, f"{what} {field}")


def _check_event(value: object, role: str, what: str) -> None:
    if not isinstance(value, dict) or "event" not in value:
        raise BadVector(f"{what} holds {value!r} where an object with event belongs")
    name = one_of(value["event"], f"{what} event", EVENTS[role])
    for field, wanted in check_fields(value, f"{what} {name}", {"event"}, EVENTS[role][name]).items():
        if field == "reason":
            one_of(wanted, f"{what} reason", REASONS)
        elif field == "headers":
            header_pairs(wanted, f"{what} headers")
        elif field == "body":
            octets_of(wanted, f"{what} body")


def _list(value: object, what: str) -> list[object]:
    if not isinstance(value, list):
        raise BadVector(f"{what} is {value!r} where a list belongs")
    return value


def _whole_number(value: object, what: str) -> None:
    if type(value) is not int or value < 0:
        raise BadVector(f"{what} is {value!r} where a whole number belongs")


def _text_or_null(value: object, what: str) -> None:
    if value is not None:
        text_of(value, what)
