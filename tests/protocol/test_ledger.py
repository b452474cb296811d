"""The books: what is open between client and server, by the names that each version gives it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stomp_sansio import (
    Ack,
    AckMode,
    Connection,
    Fault,
    Limits,
    Message,
    Misuse,
    Nack,
    Receipt,
    ServerConnection,
    Version,
)
from tests.protocol.helpers import ask, client, fault, message, one, refused, sent, server, tell, wire

A1_0, A1_1, A1_2 = Version
NEWER = [A1_1, A1_2]


def acknowledgement(version: Version, number: int, command: str = "ACK", subscription: str = "s") -> bytes:
    """Return the frame that acknowledges message m<number> of a subscription."""
    match version:
        case Version.V1_0:
            return wire(command, f"message-id:m{number}")
        case Version.V1_1:
            return wire(command, f"subscription:{subscription}", f"message-id:m{number}")
        case Version.V1_2:
            return wire(command, f"id:m{number}")


def delivered(connection: Connection, number: int, subscription: str = "s") -> Message:
    """Let a client get message m<number>."""
    lines = (f"subscription:{subscription}", f"message-id:m{number}", "destination:/q", f"ack:m{number}")
    return message(connection, *lines)


# Acknowledgements: one side's books against a list that is searched

steps = st.lists(
    st.tuples(st.sampled_from(["deliver", "ack", "nack"]), st.sampled_from("ab"), st.integers(0, 5)),
    max_size=25,
)


@given(steps, st.sampled_from(Version), st.sampled_from([AckMode.CLIENT, AckMode.CLIENT_INDIVIDUAL]))
def test_both_sides_agree_on_what_awaits_an_acknowledgement(
    steps: list[tuple[str, str, int]], version: Version, mode: AckMode
):
    ours, theirs = client(version), server(version)
    for id in "ab":
        ours.subscribe("/q", id=id, ack=mode)
    ask(theirs, ours.data_to_send(0.0))
    waiting: dict[str, list[int]] = {"a": [], "b": []}
    messages: dict[tuple[str, int], Message] = {}
    for what, id, number in steps:
        number += 10 * (id == "b")  # ids of messages are those of the server, which never gives one twice
        name = f"m{number}"
        if what == "deliver":
            if number not in waiting[id]:
                theirs.message(id, name, "/q")
                came = one(tell(ours, theirs.data_to_send(0.0)))
                assert isinstance(came, Message)
                messages[id, number] = came
                waiting[id].append(number)
            continue
        if (id, number) not in messages:
            continue
        say = ours.ack if what == "ack" or version is A1_0 else ours.nack
        if number not in waiting[id]:
            refused(ours, Misuse.UNKNOWN_MESSAGE, say, messages[id, number])
            continue
        say(messages[id, number])
        event = one(ask(theirs, ours.data_to_send(0.0)))
        assert isinstance(event, Ack if say == ours.ack else Nack)
        if mode is AckMode.CLIENT and version is not A1_0:
            count = waiting[id].index(number) + 1
        else:
            count = 1
            waiting[id].remove(number)
            waiting[id].insert(0, number)
        assert event.message_ids == tuple(f"m{number}" for number in waiting[id][:count])
        assert event.subscription == id
        del waiting[id][:count]


@pytest.mark.parametrize("version", NEWER)
@pytest.mark.parametrize(("command", "kind"), [("ACK", Ack), ("NACK", Nack)])
def test_client_mode_covers_what_came_before_of_the_same_subscription(
    version: Version, command: str, kind: type[Ack | Nack]
):
    connection = server(version)
    ask(connection, wire("SUBSCRIBE", "id:s", "destination:/q", "ack:client"))
    ask(connection, wire("SUBSCRIBE", "id:o", "destination:/q", "ack:client"))
    for number, id in enumerate("ssos"):
        connection.message(id, f"m{number}", "/q")
    event = one(ask(connection, acknowledgement(version, 1, command)))
    assert isinstance(event, kind)
    assert (event.subscription, event.message_ids) == ("s", ("m0", "m1"))
    event = one(ask(connection, acknowledgement(version, 3, command)))
    assert isinstance(event, kind)
    assert event.message_ids == ("m3",)


@pytest.mark.parametrize("version", NEWER)
def test_client_individual_covers_one(version: Version):
    connection = server(version)
    ask(connection, wire("SUBSCRIBE", "id:s", "destination:/q", "ack:client-individual"))
    for number in range(3):
        connection.message("s", f"m{number}", "/q")
    for number in (1, 2, 0):
        event = one(ask(connection, acknowledgement(version, number)))
        assert isinstance(event, Ack)
        assert event.message_ids == (f"m{number}",)


def test_client_mode_of_1_0_covers_one():
    connection = server(A1_0)
    ask(connection, wire("SUBSCRIBE", "destination:/q", "ack:client"))
    for number in range(3):
        connection.message(None, f"m{number}", "/q")
    event = one(ask(connection, acknowledgement(A1_0, 2)))
    assert isinstance(event, Ack)
    assert (event.subscription, event.message_ids) == (None, ("m2",))


@pytest.mark.parametrize("version", NEWER)
def test_a_redelivery_goes_to_the_end(version: Version):
    connection = client(version)
    connection.subscribe("/q", id="s", ack="client")
    first, second, again = delivered(connection, 1), delivered(connection, 2), delivered(connection, 1)
    assert again == first
    connection.ack(second)
    connection.ack(first)
    refused(connection, Misuse.UNKNOWN_MESSAGE, connection.ack, again)


def test_one_name_in_two_subscriptions_of_1_1_are_two_messages():
    connection = client(A1_1)
    for id in "ab":
        connection.subscribe("/q", id=id, ack="client-individual")
    for id in "ab":
        connection.ack(delivered(connection, 1, id))
    assert len(sent(connection)) == 4


@pytest.mark.parametrize("version", NEWER)
def test_what_was_delivered_can_be_acknowledged_after_unsubscribe(version: Version):
    connection = client(version)
    connection.subscribe("/q", id="s", ack="client-individual")
    event = delivered(connection, 1)
    connection.unsubscribe("s")
    connection.ack(event)
    assert [frame.command for frame in sent(connection)] == ["SUBSCRIBE", "UNSUBSCRIBE", "ACK"]


@pytest.mark.parametrize("version", NEWER)
def test_messages_of_ended_subscriptions_are_forgotten_before_there_are_too_many(version: Version):
    connection = client(version, limits=Limits(max_unacknowledged=3))
    old: list[Message] = []
    for id in "ab":
        connection.subscribe("/q", id=id, ack="client-individual")
        old.append(delivered(connection, 10 + len(old), id))
    for id in "ba":
        connection.unsubscribe(id)
    connection.subscribe("/q", id="s", ack="client-individual")
    first, second = delivered(connection, 1), delivered(connection, 2)
    # Of b, which ended first; the others can still be acknowledged.
    refused(connection, Misuse.UNKNOWN_MESSAGE, connection.ack, old[1])
    connection.ack(old[0])
    connection.ack(first)
    third = delivered(connection, 3)
    delivered(connection, 4)
    error = fault(one(tell(connection, wire("MESSAGE", *NEXT))))
    assert error.fault is Fault.LIMIT_PENDING
    assert second != third


NEXT = ("subscription:s", "message-id:m5", "destination:/q", "ack:m5")


@pytest.mark.parametrize("version", NEWER)
def test_a_server_forgets_messages_of_ended_subscriptions_too(version: Version):
    connection = server(version, limits=Limits(max_unacknowledged=2))
    for id in "ab":
        ask(connection, wire("SUBSCRIBE", f"id:{id}", "destination:/q", "ack:client-individual"))
    for number in range(2):
        connection.message("a", f"m{number}", "/q")
    ask(connection, wire("UNSUBSCRIBE", "id:a"))
    connection.message("b", "m2", "/q")
    assert connection.unacknowledged == 2
    event = one(ask(connection, acknowledgement(version, 1, subscription="a")))
    assert isinstance(event, Ack)
    connection.message("b", "m3", "/q")
    assert isinstance(one(ask(connection, acknowledgement(version, 2, subscription="b"))), Ack)
    assert connection.unacknowledged == 1


def test_what_ended_subscriptions_left_is_kept_while_there_is_room():
    connection = client(limits=Limits(max_unacknowledged=2))
    connection.subscribe("/q", id="s", ack="client")
    events = [delivered(connection, number) for number in range(2)]
    connection.unsubscribe("s")
    connection.ack(events[1])
    connection.subscribe("/q", id="s", ack="client")
    for number in range(2, 4):
        delivered(connection, number)
    error = fault(one(tell(connection, wire("MESSAGE", *NEXT))))
    assert error.fault is Fault.LIMIT_PENDING


# Subscriptions


@pytest.mark.parametrize("version", list(Version))
def test_an_id_is_free_again_when_its_subscription_ends(version: Version):
    connection, peer = client(version), server(version)
    for _ in range(3):
        connection.subscribe("/q", id="s")
        refused(connection, Misuse.DUPLICATE_SUBSCRIPTION, connection.subscribe, "/other", id="s")
        connection.unsubscribe("s")
        refused(connection, Misuse.UNKNOWN_SUBSCRIPTION, connection.unsubscribe, "s")
    assert len(ask(peer, connection.data_to_send(0.0))) == 6


def test_in_1_0_a_destination_names_a_subscription_without_an_id():
    connection, peer = client(A1_0), server(A1_0)
    connection.subscribe("/q")
    connection.subscribe("/p")
    connection.subscribe("/q", id="s")
    refused(connection, Misuse.DUPLICATE_SUBSCRIPTION, connection.subscribe, "/q")
    refused(connection, Misuse.UNKNOWN_SUBSCRIPTION, connection.unsubscribe, "/q")
    refused(connection, Misuse.UNKNOWN_SUBSCRIPTION, connection.unsubscribe)
    connection.unsubscribe(destination="/q")
    connection.subscribe("/q")
    assert len(ask(peer, connection.data_to_send(0.0))) == 5
    peer.message(None, "1", "/p")
    peer.message("s", "2", "/q")
    refused(peer, Misuse.UNKNOWN_SUBSCRIPTION, peer.message, None, "3", "/r")
    refused(peer, Misuse.UNKNOWN_SUBSCRIPTION, peer.message, "t", "3", "/q")


def test_subscriptions_with_and_without_an_id_count_together():
    connection = server(A1_0, limits=Limits(max_subscriptions=2))
    ask(connection, wire("SUBSCRIBE", "destination:/q"), wire("SUBSCRIBE", "destination:/q", "id:s"))
    error = fault(ask(connection, wire("SUBSCRIBE", "destination:/p", "receipt:r"))[-1])
    assert (error.fault, error.receipt) == (Fault.LIMIT_PENDING, "r")


# Transactions and receipts


@pytest.mark.parametrize("end", ["commit", "abort"])
def test_a_transaction_is_open_from_begin_to_its_end(end: str):
    connection = client()
    for _ in range(2):
        refused(connection, Misuse.UNKNOWN_TRANSACTION, getattr(connection, end), "t")
        refused(connection, Misuse.UNKNOWN_TRANSACTION, connection.send, "/q", transaction="t")
        connection.begin("t")
        refused(connection, Misuse.DUPLICATE_TRANSACTION, connection.begin, "t")
        connection.send("/q", transaction="t")
        getattr(connection, end)("t")


def test_a_receipt_is_awaited_until_it_comes():
    connection = client()
    for _ in range(2):
        connection.send("/q", receipt="r")
        refused(connection, Misuse.DUPLICATE_RECEIPT, connection.send, "/q", receipt="r")
        refused(connection, Misuse.DUPLICATE_RECEIPT, connection.disconnect, receipt="r")
        event = one(tell(connection, wire("RECEIPT", "receipt-id:r")))
        assert isinstance(event, Receipt)
        assert event.known
        event = one(tell(connection, wire("RECEIPT", "receipt-id:r")))
        assert isinstance(event, Receipt)
        assert not event.known


def test_a_receipt_that_nobody_awaits_any_more_is_forgotten():
    connection = client()
    connection.send("/q", receipt="r")
    connection.forget_receipt("r")
    connection.forget_receipt("never asked for")
    connection.send("/q", receipt="r")
    event = one(tell(connection, wire("RECEIPT", "receipt-id:r")))
    assert isinstance(event, Receipt)
    assert event.known
    connection.send("/q", receipt="s")
    connection.forget_receipt("s")
    event = one(tell(connection, wire("RECEIPT", "receipt-id:s")))
    assert isinstance(event, Receipt)
    assert not event.known


def test_one_receipt_settles_no_other():
    connection = client()
    connection.send("/q", receipt="1")
    connection.send("/q", receipt="2")
    tell(connection, wire("RECEIPT", "receipt-id:2"))
    refused(connection, Misuse.DUPLICATE_RECEIPT, connection.send, "/q", receipt="1")


def test_open_transactions_are_aborted_in_the_order_they_were_begun():
    connection = server()
    for name in ("c", "a", "b", "d"):
        ask(connection, wire("BEGIN", f"transaction:{name}"))
    ask(connection, wire("COMMIT", "transaction:a"))
    connection.error("enough")
    events = [connection.next_event() for _ in range(4)]
    assert [getattr(event, "transaction", None) for event in events] == ["c", "b", "d", None]
    assert [getattr(event, "implicit", None) for event in events] == [True, True, True, None]


def test_the_books_of_two_connections_are_two():
    first, second = server(), server()
    ask(first, wire("SUBSCRIBE", "id:s", "destination:/q"))
    first.message("s", "1", "/q")
    refused(second, Misuse.UNKNOWN_SUBSCRIPTION, ServerConnection.message, second, "s", "1", "/q")
