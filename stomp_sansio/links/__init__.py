"""Octets of a STOMP stream over something else. This package must not know STOMP frames."""
