"""Options that cannot be used are refused when they are made."""

from typing import Any

import pytest

from stomp_sansio.broker.options import BrokerOptions


def test_the_defaults_can_be_used() -> None:
    options = BrokerOptions()
    assert options.slow_octets == 512 * 1024
    assert options.slow_seconds == 10.0
    assert options.limits.max_body == 1024 * 1024


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
