"""Every server that there is, in the order of the matrix.

This file must not know anything else of them.
"""

from __future__ import annotations

from .activemq import ActiveMQ
from .artemis import Artemis
from .own_broker import OwnBroker
from .rabbitmq import RabbitMQ
from .server import Server
from .sockjs_node import SockJSNode
from .spring import Spring, SpringRelay

__all__ = ["SERVERS"]

SERVERS: dict[str, type[Server]] = {
    "rabbitmq": RabbitMQ,
    "activemq": ActiveMQ,
    "artemis": Artemis,
    "sockjs-node": SockJSNode,
    "spring": Spring,
    "spring-relay": SpringRelay,
    "own": OwnBroker,
}
"""By the names that the command line has for them."""
