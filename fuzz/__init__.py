"""Fuzzers: one module an invariant, which its first line states.

Each offers `check(data)`, which raises AssertionError when the octets break the invariant, and `strategy()`,
which makes such octets for hypothesis. This package must not know which engine searches.
"""
