"""Sessions meet the embedded broker in virtual time: no socket and no clock is needed."""

from __future__ import annotations

import random

import pytest

from stomp_sansio import AckMode, Limits
from stomp_sansio.broker.events import ClientConnected, ClientGone, MessageSent
from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.protocol.events import ConnectRequest
from stomp_sansio.session.errors import AuthenticationError
from stomp_sansio.session.events import SessionEvent
from stomp_sansio.session.options import Credentials, SessionOptions
from stomp_sansio.session.session import Session
from stomp_sansio.session.tickets import Outcome, Ticket
from stomp_sansio.targets import Routing, targets
from stomp_sansio.testing.memory_broker import MemoryBroker
from stomp_sansio.testing.network import Host, Network


class Application:
    """A session in the network."""

    def __init__(self, network: Network, name: str, passcode: str = "secret") -> None:
        routing = Routing(environ={}, token_bytes=bytes, limits=Limits.client())
        options = SessionOptions(
            targets=targets("stomp://broker", routing), credentials=Credentials(name, passcode)
        )
        self.session = Session(options, prefix=name, jitter=lambda: 1.0)
        self.host: Host[SessionEvent] = network.add(self.session, lambda event: None)
        self.session.start(self.now)
        self.host.kick()

    @property
    def now(self) -> float:
        return self.host.now


def test_messages_requests_and_redelivery_over_a_long_time_at_once() -> None:
    network = Network(random.Random(1).random)
    broker = MemoryBroker(network)
    asks, answers = Application(network, "asks"), Application(network, "answers")
    network.run(1.0)
    work = answers.session.subscribe("/queue/work", ack=AckMode.CLIENT_INDIVIDUAL, now=answers.now)
    answers.host.kick()
    network.run(1.0)
    ticket = asks.session.request("/queue/work", b"2 + 2", now=asks.now)
    asks.host.kick()
    network.run(1.0)
    delivery = answers.session.take(work, answers.now)
    assert delivery is not None
    question = delivery.message
    answers.session.send(
        question.headers["reply-to"],
        b"4",
        headers={"correlation-id": question.headers["correlation-id"]},
        now=answers.now,
    )
    answers.host.kick()
    network.run(1.0)
    assert ticket.reply is not None
    assert ticket.reply.body == b"4"
    # An hour of heart-beats, and nobody has gone; then the question, never acknowledged, comes again.
    network.run(3_600.0)
    assert broker.statistics().connections == 2
    answers.session.close(answers.now)
    answers.host.kick()
    network.run(1.0)
    later = Application(network, "later")
    network.run(1.0)
    again = later.session.subscribe("/queue/work", ack=AckMode.CLIENT_INDIVIDUAL, now=later.now)
    later.host.kick()
    network.run(1.0)
    delivery = later.session.take(again, later.now)
    assert delivery is not None
    assert (delivery.message.body, delivery.message.headers["redelivered"]) == (b"2 + 2", "true")
    assert [event.login for event in broker.events if isinstance(event, ClientConnected)] == [
        "asks",
        "answers",
        "later",
    ]


def test_the_broker_sends_and_ends_and_sessions_notice() -> None:
    network = Network(random.Random(1).random)
    broker = MemoryBroker(network, options=BrokerOptions(heartbeat=(1.0, 1.0)))
    application = Application(network, "ada")
    network.run(1.0)
    topic = application.session.subscribe("/topic/a", now=application.now)
    application.host.kick()
    network.run(1.0)
    broker.send("/topic/a", b"body", headers={"x": "y"})
    network.run(1.0)
    delivery = application.session.take(topic, application.now)
    assert delivery is not None
    assert (delivery.message.body, delivery.message.headers["x"]) == (b"body", "y")
    with pytest.raises(ValueError, match="no destination"):
        broker.send("/nowhere")
    broker.close()
    network.run(5.0)
    assert broker.broker.finished
    assert broker.statistics().connections == 0
    (sent,) = [event for event in broker.events if isinstance(event, MessageSent)]
    assert sent.receivers == 1
    first, *retries = [event.reason for event in broker.events if isinstance(event, ClientGone)]
    assert first == "This side closed the connection"
    assert retries
    assert set(retries) == {"the broker shuts down"}


def test_who_may_not_come_in_is_told_so() -> None:
    def login(request: ConnectRequest) -> bool:
        return request.passcode == "secret"

    network = Network(random.Random(1).random)
    MemoryBroker(network, login=login)
    application = Application(network, "ada", "guess")
    ready: Ticket = application.session.wait_ready()
    network.run(10.0)
    assert ready.outcome is Outcome.ABANDONED
    assert isinstance(application.session.error, AuthenticationError)
