"""A pytest plugin that labels what coverage measures with the test file that reached it.

Loaded by `./dev check` alone. It must not know which modules are gated, nor what they need.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import coverage
import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Names the test's file, from the root, as the context of all that runs for the test."""
    measuring = coverage.Coverage.current()
    if measuring is None:
        raise pytest.UsageError("coverage_by_file needs `coverage run -m pytest`: nothing is being measured")
    measuring.switch_context(Path(item.path).relative_to(item.config.rootpath).as_posix())
    try:
        return (yield)
    finally:
        measuring.switch_context("")
