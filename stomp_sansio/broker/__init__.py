"""The embedded broker: what is sent to a destination goes to who subscribed there."""
