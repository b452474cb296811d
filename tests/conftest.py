"""What all tests share: how hypothesis searches, and what the garbage collector need not look at.

It must not know any test, and holds no fixture that only some of them need.
"""

import gc
import os

from hypothesis import HealthCheck, settings

# No deadline: a busy machine is no bug. The search is random at a desk, where new input is welcome, and the
# same each time in automation, where an unchanged checkout must not turn red by chance.
settings.register_profile(
    "desk", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "automation",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("automation" if os.environ.get("CI") else "desk")


def pytest_collection_finish() -> None:
    """Spare the collector what stays until the end: ten thousand tests make each of its rounds slow."""
    gc.collect()
    gc.freeze()
