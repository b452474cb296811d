"""Options that cannot be used are refused when they are made."""

from typing import Any

import pytest

from stomp_sansio.broker.options import BrokerOptions
from stomp_sansio.protocol.limits import Limits


def test_the_defaults_are_those_that_are_promised() -> None:
    options = BrokerOptions()
    assert (options.slow_octets, options.slow_seconds) == (512 * 1024, 10.0)
    assert (options.open_timeout, options.heartbeat, options.heartbeat_tolerance) == (10.0, (10.0, 10.0), 2.0)
    assert (options.max_connections, options.max_queues, options.max_queue_messages) == (10_000,) * 3
    assert (options.max_queue_octets, options.max_waiting_octets) == (64 * 1024**2, 256 * 1024**2)
    assert (options.max_transaction_frames, options.max_transaction_octets) == (1_000, 16 * 1024**2)
    assert (options.prefetch, options.max_nacks) == (1_000, 5)
    assert options.limits == Limits.server()


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"prefetch": 0}, "BrokerOptions.prefetch is 0: pass a whole number of at least 1"),
        ({"max_connections": -1}, "max_connections is -1"),
        ({"open_timeout": 0.0}, "open_timeout is 0.0: pass seconds, more than 0"),
        ({"slow_seconds": float("inf")}, "slow_seconds is inf"),
        ({"slow_seconds": float("nan")}, "slow_seconds is nan"),
        ({"vhosts": []}, "vhosts is empty"),
        ({"dead_letters": ""}, "dead_letters is empty"),
    ],
)
def test_what_cannot_be_used_is_named(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BrokerOptions(**keywords)
