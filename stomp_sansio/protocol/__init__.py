"""The ground floor: octets to frames to events, and back. It must not know what carries the octets."""
