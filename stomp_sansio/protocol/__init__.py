"""The ground floor: octets to frames to events, and back. This package must not know what carries the octets."""
