"""The broker beside a naive one: whatever clients do, everybody gets the same messages in the same order."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from stomp_sansio import AckMode, Closed, Message, Receipt, Version
from stomp_sansio.broker.options import BrokerOptions
from tests.broker.model import Model, ModelClient, Note, Sub
from tests.broker.world import Client, World

QUEUES = ["/queue/a", "/queue/b"]
TOPICS = ["/topic/a", "/topic/a.b", "/topic/a.b.c"]
PATTERNS = [*TOPICS, "/topic/*", "/topic/*.b", "/topic/a.>", "/topic/>", "/topic/a.*.c"]
DEAD_LETTERS = ["/queue/dead-letter.a"]
MAX_NACKS = 2


class Both:
    """A client of both brokers."""

    def __init__(self, client: Client, version: Version) -> None:
        self.client = client
        self.version = version
        self.twin = ModelClient(cumulative=version is not Version.V1_0)
        self.subs: list[Sub] = []
        self.messages: dict[tuple[Sub, Note], Message] = {}
        """The last delivery of what is unacknowledged."""
        self.receipts: list[str] = []


class BrokerBesideModel(RuleBasedStateMachine):
    @initialize(chunk=st.sampled_from([7, 65536]))
    def begin(self, chunk: int) -> None:
        self.world = World(BrokerOptions(max_nacks=MAX_NACKS), chunk=chunk)
        self.model = Model(MAX_NACKS)
        self.clients: list[Both] = []
        self.number = 0

    def fresh(self) -> str:
        self.number += 1
        return str(self.number)

    def one_of(self, data: st.DataObject) -> Both:
        return data.draw(st.sampled_from(self.clients), label="client")

    @rule(version=st.sampled_from([Version.V1_2, Version.V1_2, Version.V1_1, Version.V1_0]))
    @precondition(lambda self: len(self.clients) < 4)
    def connect(self, version: Version) -> None:
        self.clients.append(Both(self.world.connect(version=version), version))

    @rule(
        data=st.data(),
        # What is acknowledged has most of the rules.
        destination=st.sampled_from([*QUEUES * 5, *PATTERNS, *DEAD_LETTERS]),
        ack=st.sampled_from(["auto", "client", *["client-individual"] * 3]),
        prefetch=st.sampled_from([1, 3, 5]),
        reuse=st.booleans(),
    )
    @precondition(lambda self: self.clients)
    def subscribe(self, data: st.DataObject, destination: str, ack: str, prefetch: int, reuse: bool) -> None:
        both = self.one_of(data)
        # A client finds what it acknowledges by the id of its subscription.
        taken = {*both.twin.subs, *[sub.id for sub, _ in both.twin.unacked]}
        id = "again" if reuse and "again" not in taken else self.fresh()
        receipt = self.fresh()
        headers = {"prefetch-count": str(prefetch)}
        both.client.connection.subscribe(destination, id=id, ack=ack, headers=headers, receipt=receipt)
        both.receipts.append(receipt)
        sub = Sub(both.twin, id, destination, ack, prefetch)
        both.subs.append(sub)
        self.model.subscribe(both.twin, sub)

    @rule(data=st.data())
    @precondition(lambda self: sum(len(both.twin.subs) for both in self.clients) > 3)
    def unsubscribe(self, data: st.DataObject) -> None:
        both = data.draw(st.sampled_from([both for both in self.clients if both.twin.subs]))
        id = data.draw(st.sampled_from(list(both.twin.subs)))
        both.client.connection.unsubscribe(id)
        self.model.unsubscribe(both.twin, id)

    @rule(data=st.data(), destination=st.sampled_from([*QUEUES * 4, *TOPICS]), together=st.integers(1, 4))
    @precondition(lambda self: self.clients)
    def send(self, data: st.DataObject, destination: str, together: int) -> None:
        both = self.one_of(data)
        transaction = self.some_transaction(data, both)
        for _ in range(together):
            receipt, body = self.fresh(), self.fresh().encode()
            both.client.connection.send(destination, body, transaction=transaction, receipt=receipt)
            both.receipts.append(receipt)
            if transaction is None:
                self.model.send(Note(destination, body))
            else:
                both.twin.transactions[transaction].append(("send", Note(destination, body)))

    def some_transaction(self, data: st.DataObject, both: Both) -> str | None:
        return data.draw(st.sampled_from([None, *list(both.twin.transactions) * 2]), label="transaction")

    @rule(data=st.data(), accepted=st.booleans())
    @precondition(lambda self: any(both.twin.unacked for both in self.clients))
    def acknowledge(self, data: st.DataObject, accepted: bool) -> None:
        both = data.draw(st.sampled_from([both for both in self.clients if both.twin.unacked]))
        sub, note = data.draw(st.sampled_from(both.twin.unacked))
        accepted = accepted or both.version is Version.V1_0
        transaction = self.some_transaction(data, both)
        receipt = self.fresh()
        say = both.client.connection.ack if accepted else both.client.connection.nack
        say(both.messages[sub, note], transaction=transaction, receipt=receipt)
        both.receipts.append(receipt)
        held = self.model.covered(both.twin, sub, note)
        if transaction is None:
            self.model.settle(held, accepted)
        else:
            both.twin.transactions[transaction].append(("ack" if accepted else "nack", held))

    @rule(data=st.data())
    @precondition(lambda self: self.clients and sum(len(both.twin.transactions) for both in self.clients) < 3)
    def begin_transaction(self, data: st.DataObject) -> None:
        both, name = self.one_of(data), "t" + self.fresh()
        both.client.connection.begin(name)
        both.twin.transactions[name] = []

    @rule(data=st.data(), commit=st.booleans())
    @precondition(lambda self: any(both.twin.transactions for both in self.clients))
    def end_transaction(self, data: st.DataObject, commit: bool) -> None:
        both = data.draw(st.sampled_from([both for both in self.clients if both.twin.transactions]))
        name = data.draw(st.sampled_from(list(both.twin.transactions)))
        if commit:
            both.client.connection.commit(name)
            self.model.commit(both.twin, name)
        else:
            both.client.connection.abort(name)
            self.model.abort(both.twin, name)

    @rule(data=st.data(), orderly=st.booleans())
    @precondition(lambda self: len(self.clients) > 2)
    def leave(self, data: st.DataObject, orderly: bool) -> None:
        both = self.one_of(data)
        self.clients.remove(both)
        if orderly:
            both.client.connection.disconnect(receipt="bye")
            heard = both.client.take()
            assert [event.clean for event in heard if isinstance(event, Closed)] == [True]
        else:
            both.client.leave()
        self.model.leave(both.twin)

    @invariant()
    def everybody_has_got_the_same(self) -> None:
        for both in self.clients:
            heard = both.client.take()
            receipts = [event.receipt_id for event in heard if isinstance(event, Receipt)]
            assert receipts == both.receipts
            both.receipts = []
            found = [event for event in heard if isinstance(event, Message)]
            assert len(found) + len(receipts) == len(heard)
            for sub in both.subs:
                ours = [
                    (message.destination, message.body, message.headers.get("redelivered") == "true")
                    for message in found
                    if message.subscription == sub.id
                ]
                assert ours == sub.got, (sub.destination, sub.ack)
                sub.got = []
            both.subs = list(both.twin.subs.values())
            for sub, note in both.twin.unacked:
                for message in found:
                    if message.subscription == sub.id and message.body == note.body:
                        both.messages[sub, note] = message
        queues = {queue: (len(line.waiting), len(line.subs)) for queue, line in self.model.queues.items()}
        for (_, name), numbers in self.world.broker.statistics().queues.items():
            assert queues.pop(name) == (numbers.waiting, numbers.consumers)
        assert all(numbers == (0, 0) for numbers in queues.values())


BrokerBesideModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
TestBrokerBesideModel = BrokerBesideModel.TestCase
assert {mode.value for mode in AckMode} == {"auto", "client", "client-individual"}
