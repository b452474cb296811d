"""A STOMP broker and clients as pytest fixtures: they are there as soon as the package is installed.

What lives here begins in `plugin`, which pytest loads; nothing heavy is imported before a fixture is used. To
annotate a test, import `RunningBroker` from `stomp_pytest.running`.
"""

__all__: list[str] = []
