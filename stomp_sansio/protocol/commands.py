"""Which commands STOMP has, who sends them, and what each version demands of them: one row a command.

This file must not know octets, nor the state of any conversation.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..errors import Fault, RemoteProtocolError
from ..records import record
from .versions import ALL_VERSIONS, Version

if TYPE_CHECKING:
    from .frames import Frame

__all__ = ["COMMANDS", "HANDSHAKE", "CommandRules", "Sender", "is_1_0_handshake", "validate"]


class Sender(Enum):
    """Who sends a frame. The value is how messages to people call it."""

    CLIENT = "client"
    SERVER = "server"


@record(kw_only=True)
class CommandRules:
    """What STOMP says of one command."""

    sender: Sender
    has_body: bool = False
    """Whether 1.1 and 1.2 allow a body."""
    versions: tuple[Version, ...] = ALL_VERSIONS
    """The versions that have the command."""
    required: Mapping[Version, tuple[str, ...]]
    """Per version, the headers without which the frame means nothing."""


def _always(*names: str) -> Mapping[Version, tuple[str, ...]]:
    return MappingProxyType(dict.fromkeys(ALL_VERSIONS, names))


def _since_1_1(in_1_0: tuple[str, ...], later: tuple[str, ...]) -> Mapping[Version, tuple[str, ...]]:
    return MappingProxyType({Version.V1_0: in_1_0, Version.V1_1: later, Version.V1_2: later})


_BOTH_NEWER = (Version.V1_1, Version.V1_2)
_ACKNOWLEDGEMENT = MappingProxyType({version: version.rules.ack_headers for version in ALL_VERSIONS})
_CLIENT = Sender.CLIENT
_SERVER = Sender.SERVER

# Not required although the specifications ask for them, since servers and clients in wide use leave them out:
# `host` and `accept-version` of CONNECT, `version` of CONNECTED (their absence means 1.0), `ack` of MESSAGE.
COMMANDS: Mapping[str, CommandRules] = MappingProxyType(
    {
        "CONNECT": CommandRules(sender=_CLIENT, required=_always()),
        "STOMP": CommandRules(sender=_CLIENT, versions=_BOTH_NEWER, required=_always()),
        "SEND": CommandRules(sender=_CLIENT, has_body=True, required=_always("destination")),
        "SUBSCRIBE": CommandRules(
            sender=_CLIENT, required=_since_1_1(("destination",), ("destination", "id"))
        ),
        "UNSUBSCRIBE": CommandRules(sender=_CLIENT, required=_since_1_1((), ("id",))),
        "ACK": CommandRules(sender=_CLIENT, required=_ACKNOWLEDGEMENT),
        "NACK": CommandRules(sender=_CLIENT, versions=_BOTH_NEWER, required=_ACKNOWLEDGEMENT),
        "BEGIN": CommandRules(sender=_CLIENT, required=_always("transaction")),
        "COMMIT": CommandRules(sender=_CLIENT, required=_always("transaction")),
        "ABORT": CommandRules(sender=_CLIENT, required=_always("transaction")),
        "DISCONNECT": CommandRules(sender=_CLIENT, required=_always()),
        "CONNECTED": CommandRules(sender=_SERVER, required=_always()),
        "MESSAGE": CommandRules(
            sender=_SERVER,
            has_body=True,
            required=_since_1_1(("destination", "message-id"), ("destination", "message-id", "subscription")),
        ),
        "RECEIPT": CommandRules(sender=_SERVER, required=_always("receipt-id")),
        "ERROR": CommandRules(sender=_SERVER, has_body=True, required=_always()),
    }
)

HANDSHAKE = frozenset({"CONNECT", "STOMP", "CONNECTED"})
"""The frames that decide the version: read with the EOLs of 1.2 and never escaped, in every version."""


def is_1_0_handshake(command: str, names: Mapping[str, str]) -> bool:
    """Tell whether a hand-shake frame is one of 1.0, the version that had no header to name itself by."""
    return ("version" if command == "CONNECTED" else "accept-version") not in names


def validate(frame: Frame, version: Version | None, sender: Sender) -> None:
    """Check a frame that was parsed against its command's row: who sends it, its version, its body, its
    headers.

    `version` is the negotiated one, or None before that. `sender` is the role that the frame came from.

    Raises:
        RemoteProtocolError: the peer broke one of these rules.
    """
    rules = COMMANDS[frame.command]
    if rules.sender is not sender:
        _refuse(frame, Fault.UNEXPECTED_COMMAND, f"a {sender.value} never sends {frame.command}")
    if version is not None and version not in rules.versions:
        _refuse(frame, Fault.UNEXPECTED_COMMAND, f"STOMP {version.value} has no {frame.command}")
    if frame.body and not rules.has_body and not _tolerates_bodies(frame, version):
        # STOMP 1.2, "Body": only SEND, MESSAGE and ERROR may have one. 1.0 did not say so: there it is
        # ignored.
        _refuse(
            frame,
            Fault.BODY_NOT_ALLOWED,
            f"{frame.command} has a body of {len(frame.body)} octets, and may have none",
        )
    if version is None:
        return
    headers = frame.headers
    for name in rules.required[version]:
        if name not in headers:
            _refuse(
                frame,
                Fault.MISSING_HEADER,
                f"{frame.command} without the header {name!r}, which STOMP {version.value} requires",
            )
    if frame.command == "UNSUBSCRIBE" and not ("id" in headers or "destination" in headers):
        # STOMP 1.0, "UNSUBSCRIBE": either is enough.
        _refuse(
            frame,
            Fault.MISSING_HEADER,
            "UNSUBSCRIBE with neither 'id' nor 'destination': one of them is required",
        )


def _tolerates_bodies(frame: Frame, version: Version | None) -> bool:
    if frame.command in HANDSHAKE:
        return is_1_0_handshake(frame.command, frame.headers)
    return version is not None and version.rules.bodies_everywhere


def _refuse(frame: Frame, fault: Fault, message: str) -> None:
    raise RemoteProtocolError(fault, message, receipt=frame.headers.get("receipt"))
