"""Commands: who sends them, which versions have them, what they need, and which may have a body."""

from __future__ import annotations

import pytest

from stomp_sansio import Fault, Frame, RemoteProtocolError, Sender, Version, validate
from stomp_sansio.protocol.commands import COMMANDS

A1_0, A1_1, A1_2 = Version
CLIENT, SERVER = Sender

REQUIRED = {
    ("CONNECT", A1_0): (),
    ("CONNECT", A1_1): (),
    ("CONNECT", A1_2): (),
    ("STOMP", A1_1): (),
    ("STOMP", A1_2): (),
    ("SEND", A1_0): ("destination",),
    ("SEND", A1_1): ("destination",),
    ("SEND", A1_2): ("destination",),
    ("SUBSCRIBE", A1_0): ("destination",),
    ("SUBSCRIBE", A1_1): ("destination", "id"),
    ("SUBSCRIBE", A1_2): ("destination", "id"),
    ("UNSUBSCRIBE", A1_1): ("id",),
    ("UNSUBSCRIBE", A1_2): ("id",),
    ("ACK", A1_0): ("message-id",),
    ("ACK", A1_1): ("subscription", "message-id"),
    ("ACK", A1_2): ("id",),
    ("NACK", A1_1): ("subscription", "message-id"),
    ("NACK", A1_2): ("id",),
    **{
        (command, version): ("transaction",)
        for command in ("BEGIN", "COMMIT", "ABORT")
        for version in Version
    },
    **{("DISCONNECT", version): () for version in Version},
    **{("CONNECTED", version): () for version in Version},
    ("MESSAGE", A1_0): ("destination", "message-id"),
    ("MESSAGE", A1_1): ("destination", "message-id", "subscription"),
    ("MESSAGE", A1_2): ("destination", "message-id", "subscription"),
    **{("RECEIPT", version): ("receipt-id",) for version in Version},
    **{("ERROR", version): () for version in Version},
}
"""What the specifications ask for, but for what peers in wide use leave out."""


def whole(command: str, version: Version | None = A1_2) -> Frame:
    """Return a frame that has whatever it may need."""
    names = {name for (other, _), required in REQUIRED.items() if other == command for name in required}
    pairs = dict.fromkeys(sorted(names), "x")
    if command in ("UNSUBSCRIBE", "CONNECT", "STOMP", "CONNECTED"):
        pairs |= {"id": "x", "accept-version": "1.2", "version": "1.2"}
    return Frame(command, pairs)


def refusal(frame: Frame, version: Version | None, sender: Sender) -> RemoteProtocolError:
    with pytest.raises(RemoteProtocolError) as caught:
        validate(frame, version, sender)
    return caught.value


@pytest.mark.parametrize("version", [None, *Version])
@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_whole_frame_of_the_right_sender_passes(command: str, version: Version | None):
    if version is None or version in COMMANDS[command].versions:
        validate(whole(command), version, COMMANDS[command].sender)
    else:
        error = refusal(whole(command), version, COMMANDS[command].sender)
        assert error.fault is Fault.UNEXPECTED_COMMAND
        assert str(error) == f"STOMP {version.value} has no {command}"


@pytest.mark.parametrize("version", [None, *Version])
@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_frame_of_the_wrong_sender_is_refused(command: str, version: Version | None):
    wrong = SERVER if COMMANDS[command].sender is CLIENT else CLIENT
    error = refusal(whole(command), version, wrong)
    assert error.fault is Fault.UNEXPECTED_COMMAND
    assert str(error) == f"a {wrong.value} never sends {command}"


def test_the_senders_are_those_of_the_specifications():
    from_server = {command for command, rules in COMMANDS.items() if rules.sender is SERVER}
    assert from_server == {"CONNECTED", "MESSAGE", "RECEIPT", "ERROR"}
    assert {command for command, rules in COMMANDS.items() if A1_0 not in rules.versions} == {"STOMP", "NACK"}


@pytest.mark.parametrize(("command", "version"), list(REQUIRED))
def test_each_required_header_is_required(command: str, version: Version):
    for name in REQUIRED[command, version]:
        frame = whole(command)
        without = Frame(
            command, [("receipt", "r"), *(pair for pair in frame.headers.pairs if pair[0] != name)]
        )
        error = refusal(without, version, COMMANDS[command].sender)
        assert (error.fault, error.receipt) == (Fault.MISSING_HEADER, "r")
        assert str(error) == f"{command} without the header {name!r}, which STOMP {version.value} requires"


@pytest.mark.parametrize(("command", "version"), list(REQUIRED))
def test_nothing_but_the_required_headers_is_required(command: str, version: Version):
    validate(Frame(command, dict.fromkeys(REQUIRED[command, version], "")), version, COMMANDS[command].sender)


@pytest.mark.parametrize("name", ["id", "destination"])
def test_unsubscribe_of_1_0_needs_one_of_two(name: str):
    validate(Frame("UNSUBSCRIBE", {name: "x"}), A1_0, CLIENT)
    error = refusal(Frame("UNSUBSCRIBE", {"receipt": "r"}), A1_0, CLIENT)
    assert (error.fault, error.receipt) == (Fault.MISSING_HEADER, "r")
    assert str(error) == "UNSUBSCRIBE with neither 'id' nor 'destination': one of them is required"


@pytest.mark.parametrize("command", list(COMMANDS))
def test_before_a_version_is_known_nothing_is_required(command: str):
    validate(Frame(command), None, COMMANDS[command].sender)


@pytest.mark.parametrize("version", [None, *Version])
@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_body_is_for_send_message_and_error_but_in_1_0(command: str, version: Version | None):
    if version is not None and version not in COMMANDS[command].versions:
        return
    frame = Frame(command, [("receipt", "r"), *whole(command).headers.pairs], b"\n")
    hand_shake = command in ("CONNECT", "STOMP", "CONNECTED")
    if command in ("SEND", "MESSAGE", "ERROR") or (version is A1_0 and not hand_shake):
        validate(frame, version, COMMANDS[command].sender)
        return
    error = refusal(frame, version, COMMANDS[command].sender)
    assert (error.fault, error.receipt) == (Fault.BODY_NOT_ALLOWED, "r")
    assert str(error) == f"{command} has a body of 1 octets, and may have none"


@pytest.mark.parametrize("command", ["CONNECT", "STOMP", "CONNECTED"])
def test_a_hand_shake_that_names_no_version_is_one_of_1_0_and_may_have_a_body(command: str):
    validate(Frame(command, (), b"body"), None, COMMANDS[command].sender)
