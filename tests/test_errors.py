"""The closed lists of blame, and the exceptions that carry them."""

from __future__ import annotations

import copy
import pickle

import pytest

from stomp_sansio import (
    Fault,
    LinkFault,
    LocalProtocolError,
    Misuse,
    NotText,
    RemoteProtocolError,
    StompError,
)
from stomp_sansio.errors import InvalidURI

FAULTS = """
malformed-command unexpected-command bad-header bad-escape not-utf8 bad-content-length missing-nul
missing-header body-not-allowed limit-headers limit-line limit-body limit-pending incomplete-frame
bad-heart-beat unsupported-version no-common-version duplicate-subscription duplicate-transaction
unknown-subscription unknown-transaction unknown-message
"""
MISUSES = """
already-connected not-connected closed bad-header bad-content-length body-not-allowed malformed-command
unexpected-command not-utf8 duplicate-receipt duplicate-subscription duplicate-transaction
unknown-subscription unknown-transaction unknown-message not-ackable unsupported-in-version
"""
LINK_FAULTS = """
bad-frame bad-json bad-unicode unexpected-frame truncated limit not-utf8 bad-url bad-id bad-info http-status
bad-handshake protocol-error closed-abnormally
"""


@pytest.mark.parametrize(("kind", "values"), [(Fault, FAULTS), (Misuse, MISUSES), (LinkFault, LINK_FAULTS)])
def test_the_lists_are_closed(kind: type[Fault | Misuse | LinkFault], values: str):
    assert sorted(member.value for member in kind) == sorted(values.split())


@pytest.mark.parametrize("kind", [Fault, Misuse, LinkFault])
def test_a_name_is_its_value_in_capitals(kind: type[Fault | Misuse | LinkFault]):
    assert all(member.name.lower().replace("_", "-") == member.value for member in kind)


@pytest.mark.parametrize("error", [LocalProtocolError, RemoteProtocolError, NotText])
def test_one_base_catches_all(error: type[Exception]):
    assert issubclass(error, StompError)


def test_a_body_that_is_no_text_is_a_value_error_as_a_reader_of_text_expects():
    assert issubclass(NotText, ValueError)


def test_a_local_error_names_the_misuse():
    error = LocalProtocolError(Misuse.NOT_CONNECTED, "SEND before the connection is established")
    assert error.misuse is Misuse.NOT_CONNECTED
    assert str(error) == "SEND before the connection is established"


@pytest.mark.parametrize("fault", [Fault.BAD_HEADER, LinkFault.BAD_JSON])
def test_a_remote_error_names_the_fault_and_the_receipt(fault: Fault | LinkFault):
    error = RemoteProtocolError(fault, "why", receipt="r")
    assert (error.fault, str(error), error.receipt) == (fault, "why", "r")
    assert RemoteProtocolError(fault, "why").receipt is None


@pytest.mark.parametrize(
    "through", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))]
)
def test_errors_survive_copying_and_another_process(through):
    local = through(LocalProtocolError(Misuse.CLOSED, "why"))
    assert (type(local), local.misuse, str(local)) == (LocalProtocolError, Misuse.CLOSED, "why")
    remote = through(RemoteProtocolError(Fault.MISSING_NUL, "why", receipt="r"))
    assert (type(remote), remote.fault, str(remote), remote.receipt) == (
        RemoteProtocolError,
        Fault.MISSING_NUL,
        "why",
        "r",
    )
    address = through(InvalidURI("why", LinkFault.BAD_ID))
    assert (type(address), address.fault, str(address)) == (InvalidURI, LinkFault.BAD_ID, "why")


def test_an_address_that_cannot_be_used_is_a_bad_value_in_the_words_of_the_library():
    assert issubclass(InvalidURI, StompError)
    assert issubclass(InvalidURI, ValueError)
    assert InvalidURI("why").fault is LinkFault.BAD_URL
