"""`stomp-sansio`: STOMP from the command line. Nothing is imported here, so that it starts fast."""

__all__: list[str] = []
