"""What a client is, whatever its colour: keywords, and the half of every call that never waits."""
