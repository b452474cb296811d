"""What each server's functions say: header by header, in the units that the server wants."""

import inspect
from typing import Any

import pytest

from stomp_sansio.profiles import activemq, artemis, rabbitmq, spring
from stomp_sansio.profiles.jms import MessageKeywords
from stomp_sansio.profiles.said import milliseconds, said

MODULES = (rabbitmq, activemq, artemis, spring)


def functions():
    return [getattr(module, name) for module in MODULES for name in module.__all__ if name[0].islower()]


def test_true_false_numbers_and_nothing():
    assert said({"a": True, "b": False, "c": 3, "d": "x", "e": None}) == {
        "a": "true",
        "b": "false",
        "c": "3",
        "d": "x",
    }


def test_seconds_become_whole_milliseconds():
    assert [milliseconds(seconds) for seconds in (None, 0, 0.2, 1.9999)] == [None, 0, 200, 2000]


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_a_time_that_is_none_is_refused(seconds):
    with pytest.raises(ValueError, match="pass a number from 0 on"):
        milliseconds(seconds)


@pytest.mark.parametrize(
    "function", functions(), ids=lambda function: f"{function.__module__}.{function.__name__}"
)
def test_what_is_not_asked_for_is_not_said(function):
    signature = inspect.signature(function)
    named = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
    if any(parameter.default is inspect.Parameter.empty for parameter in named):
        return
    assert function() == {}


def test_both_servers_with_jms_know_the_same_words():
    words = dict.fromkeys(MessageKeywords.__annotations__)
    assert activemq.send(**words) == artemis.send(**words) == {}
    assert activemq.send(delay=1.5, priority=9) == artemis.send(delay=1.5, priority=9)
    assert activemq.connect is artemis.connect
    wrong: Any = {"patience": 3}
    with pytest.raises(TypeError, match="patience"):
        activemq.send(**wrong)


def test_rabbitmq_declares_queues():
    assert rabbitmq.queue(kind="quorum", durable=True, auto_delete=False) == {
        "x-queue-type": "quorum",
        "durable": "true",
        "auto-delete": "false",
    }
    assert rabbitmq.queue(
        message_ttl=1.5, expires=60, max_length=10, max_length_octets=99, max_priority=9
    ) == {
        "x-message-ttl": "1500",
        "x-expires": "60000",
        "x-max-length": "10",
        "x-max-length-bytes": "99",
        "x-max-priority": "9",
    }
    assert rabbitmq.queue(dead_letter_exchange="", dead_letter_routing_key="dead") == {
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": "dead",
    }
    assert rabbitmq.queue(exclusive=True, name="mine") == {"exclusive": "true", "x-queue-name": "mine"}


def test_rabbitmq_subscribes():
    assert rabbitmq.subscribe(prefetch=50, stream_offset="first") == {
        "prefetch-count": "50",
        "x-stream-offset": "first",
    }
    durable = {"durable": "true", "auto-delete": "false", "x-queue-name": "archive"}
    assert rabbitmq.durable_topic("archive") == rabbitmq.delete_durable_topic("archive") == durable


def test_rabbitmq_sends():
    assert rabbitmq.send(
        persistent=True,
        expires_in=0.2,
        priority=4,
        correlation_id="c",
        reply_to="/temp-queue/r",
        message_id="m",
        message_type="t",
    ) == {
        "persistent": "true",
        "expiration": "200",
        "priority": "4",
        "correlation-id": "c",
        "reply-to": "/temp-queue/r",
        "amqp-message-id": "m",
        "type": "t",
    }
    assert rabbitmq.nack(requeue=False) == {"requeue": "false"}


def test_activemq():
    assert activemq.connect(client_id="me") == {"client-id": "me"}
    assert (
        activemq.durable_topic("a")
        == activemq.delete_durable_topic("a")
        == {"activemq.subscriptionName": "a"}
    )
    assert activemq.subscribe(
        prefetch=10, selector="a = 'b'", exclusive=True, no_local=False, priority=5, retroactive=True
    ) == {
        "activemq.prefetchSize": "10",
        "selector": "a = 'b'",
        "activemq.exclusive": "true",
        "activemq.noLocal": "false",
        "activemq.priority": "5",
        "activemq.retroactive": "true",
    }
    assert activemq.send(
        persistent=False,
        expires_at=1_700_000_000.5,
        priority=9,
        correlation_id="c",
        reply_to="/queue/r",
        message_type="t",
        group="g",
        delay=2,
        period=0.5,
        repeat=3,
    ) == {
        "persistent": "false",
        "expires": "1700000000500",
        "priority": "9",
        "correlation-id": "c",
        "reply-to": "/queue/r",
        "type": "t",
        "JMSXGroupID": "g",
        "AMQ_SCHEDULED_DELAY": "2000",
        "AMQ_SCHEDULED_PERIOD": "500",
        "AMQ_SCHEDULED_REPEAT": "3",
    }


def test_artemis():
    assert artemis.connect(client_id="me") == {"client-id": "me"}
    assert (
        artemis.durable_topic("a") == artemis.delete_durable_topic("a") == {"durable-subscription-name": "a"}
    )
    assert artemis.subscribe(topic=True, selector="a = 'b'", window=65536, no_local=True) == {
        "subscription-type": "MULTICAST",
        "selector": "a = 'b'",
        "consumer-window-size": "65536",
        "no-local": "true",
    }
    assert artemis.send(
        topic=False,
        persistent=True,
        expires_at=1.0,
        priority=0,
        correlation_id="c",
        reply_to="r",
        message_type="t",
        group="g",
        delay=1,
    ) == {
        "destination-type": "ANYCAST",
        "persistent": "true",
        "expires": "1000",
        "priority": "0",
        "correlation-id": "c",
        "reply-to": "r",
        "type": "t",
        "JMSXGroupID": "g",
        "AMQ_SCHEDULED_DELAY": "1000",
    }


def test_spring_names_destinations():
    assert spring.application("/hello") == spring.application("hello") == "/app/hello"
    assert spring.application("/hello", prefix="/demo/") == "/demo/hello"
    assert spring.user("/queue/errors") == "/user/queue/errors"
    assert spring.user("/queue/errors", name="ada") == "/user/ada/queue/errors"
    assert spring.user("/queue/errors", name="ada", prefix="/people") == "/people/ada/queue/errors"
    assert spring.subscribe(selector="headers.a == 'b'") == {"selector": "headers.a == 'b'"}
    with pytest.raises(ValueError, match="%2F"):
        spring.user("/queue/errors", name="a/b")
