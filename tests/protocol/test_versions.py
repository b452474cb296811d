"""Versions: what is offered, what is chosen, and what differs."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import Connection, ConnectRequest, Fault, ServerConnection, Version
from tests.protocol.helpers import ask, fault, frames, one, sent, wire

A1_0, A1_1, A1_2 = Version
SUBSETS = [subset for size in (1, 2, 3) for subset in itertools.combinations(Version, size)]


@pytest.mark.parametrize("versions", SUBSETS)
def test_a_client_offers_its_versions_in_ascending_order(versions: tuple[Version, ...]):
    connection = Connection(versions=reversed(versions), heartbeat=(0, 0))
    connection.connect(host="a")
    (frame,) = sent(connection)
    if versions == (A1_0,):
        assert frame.headers.pairs == ()
    else:
        offered = ",".join(version.value for version in versions)
        assert frame.headers.pairs == (("accept-version", offered), ("host", "a"))


@given(
    st.lists(st.sampled_from(["1.0", "1.1", "1.2", " 1.1", "1.2\t", "2.0", "", "1.10", "x"]), max_size=6),
    st.sampled_from(SUBSETS),
)
def test_a_server_takes_the_highest_of_what_both_speak(offered: list[str], versions: tuple[Version, ...]):
    connection = ServerConnection(versions=versions)
    event = one(ask(connection, wire("CONNECT", f"accept-version:{','.join(offered)}")))
    common = {version.value for version in versions} & {item.strip(" \t") for item in offered}
    if common:
        assert isinstance(event, ConnectRequest)
        assert event.version.value == max(common)
    else:
        assert fault(event).fault is Fault.NO_COMMON_VERSION
        (error,) = frames(connection.data_to_send(0.0), None)
        assert error.headers["version"] == ",".join(version.value for version in versions)


@pytest.mark.parametrize("versions", SUBSETS)
def test_a_client_that_names_no_version_speaks_1_0(versions: tuple[Version, ...]):
    connection = ServerConnection(versions=versions)
    event = one(ask(connection, wire("CONNECT")))
    if A1_0 in versions:
        assert isinstance(event, ConnectRequest)
        assert event.version is A1_0
    else:
        assert fault(event).fault is Fault.NO_COMMON_VERSION


@pytest.mark.parametrize("name", ["1.0", "1.1", "1.2"])
def test_a_version_is_known_by_its_name(name: str):
    assert Version(name).value == name


@pytest.mark.parametrize(
    ("version", "escapes", "ack_headers"),
    [
        (A1_0, "", ("message-id",)),
        (A1_1, "nc\\", ("subscription", "message-id")),
        (A1_2, "nc\\r", ("id",)),
    ],
)
def test_a_row_of_the_table_says_what_a_version_allows(
    version: Version, escapes: str, ack_headers: tuple[str, ...]
):
    rules = version.rules
    assert "".join(rules.unescapes) == escapes
    assert rules.ack_headers == ack_headers
    assert rules.crlf == (version is A1_2)
    assert rules.trims_values == rules.bodies_everywhere == (version is A1_0)
    assert rules.has_nack == rules.has_heart_beats == rules.subscription_id_required == (version is not A1_0)
