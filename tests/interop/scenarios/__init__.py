"""The scenarios: what is tried with every server, over every transport, in every adapter.

Each is one function that returns when what it says is so, and raises when it is not. What lives here is their
order. This package must not know which cells there are, nor how a run is reported.
"""

from . import content, confirming, extensions, spring, endings, lasting  # isort: skip  # noqa: F401  # the order
from .registry import SCENARIOS

__all__ = ["SCENARIOS"]
