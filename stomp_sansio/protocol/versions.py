"""What differs between STOMP 1.0, 1.1 and 1.2: one row a version.

Every question "is it allowed in this version?" is answered from these rows. This file must not know how
octets are read or written, nor who asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType

from ..records import record

__all__ = ["ALL_VERSIONS", "RULES", "Version", "VersionRules", "accept_version_header", "highest_common"]


class Version(Enum):
    """A version of STOMP, by the name it has in `accept-version` and `version` headers."""

    # A member is one object: its identity says as much as its name, and costs no call of a Python method.
    __hash__ = object.__hash__

    V1_0 = "1.0"
    V1_1 = "1.1"
    V1_2 = "1.2"

    @property
    def rules(self) -> VersionRules:
        """The row of the version table."""
        return RULES[self]


@record(kw_only=True)
class VersionRules:
    """What one version of STOMP allows."""

    crlf: bool
    """Whether a line may end in CR LF (1.2, "Augmented BNF": EOL = [CR] LF). Where not, CR is an ordinary
    octet.
    """

    unescapes: Mapping[str, str]
    """What may stand behind a backslash in a header, and the character it means ("Value Encoding")."""

    trims_values: bool
    """Whether leading blanks of a header value are padding (the examples of 1.0 have them)."""

    has_nack: bool
    """Whether NACK and STOMP exist (both came with 1.1)."""

    has_heart_beats: bool
    """Whether heart-beats are negotiated (since 1.1, "Heart-beating")."""

    bodies_everywhere: bool
    """Whether any frame may have a body (1.0 does not forbid it; 1.1 allows SEND, MESSAGE and ERROR only)."""

    subscription_id_required: bool
    """Whether SUBSCRIBE, UNSUBSCRIBE and MESSAGE need a subscription id (since 1.1)."""

    ack_headers: tuple[str, ...]
    """The headers by which ACK and NACK name a message."""


def _frozen(escapes: dict[str, str]) -> Mapping[str, str]:
    return MappingProxyType(escapes)


RULES: Mapping[Version, VersionRules] = MappingProxyType(
    {
        Version.V1_0: VersionRules(
            crlf=False,
            unescapes=_frozen({}),
            trims_values=True,
            has_nack=False,
            has_heart_beats=False,
            bodies_everywhere=True,
            subscription_id_required=False,
            ack_headers=("message-id",),
        ),
        Version.V1_1: VersionRules(
            crlf=False,
            unescapes=_frozen({"n": "\n", "c": ":", "\\": "\\"}),
            trims_values=False,
            has_nack=True,
            has_heart_beats=True,
            bodies_everywhere=False,
            subscription_id_required=True,
            ack_headers=("subscription", "message-id"),
        ),
        Version.V1_2: VersionRules(
            crlf=True,
            unescapes=_frozen({"n": "\n", "c": ":", "\\": "\\", "r": "\r"}),
            trims_values=False,
            has_nack=True,
            has_heart_beats=True,
            bodies_everywhere=False,
            subscription_id_required=True,
            ack_headers=("id",),
        ),
    }
)

ALL_VERSIONS: tuple[Version, ...] = (Version.V1_0, Version.V1_1, Version.V1_2)


def accept_version_header(versions: tuple[Version, ...]) -> str:
    """Return the value of `accept-version` (CONNECT) or `version` (ERROR) that lists these versions.

    STOMP 1.2, "Protocol Negotiation": a list in incrementing order, separated by commas.
    """
    return ",".join(version.value for version in ALL_VERSIONS if version in versions)


def highest_common(accept_version: str | None, versions: tuple[Version, ...]) -> Version | None:
    """Return the best version both sides speak, or None when there is none.

    `accept_version` is the client's header; None stands for a client that sent none, which means 1.0. Order
    and unknown entries do not matter (STOMP 1.2, "Protocol Negotiation": the highest version both have in
    common).
    """
    offered = {"1.0"} if accept_version is None else {item.strip(" \t") for item in accept_version.split(",")}
    for version in reversed(ALL_VERSIONS):
        if version in versions and version.value in offered:
            return version
    return None
