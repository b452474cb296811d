"""How fast and how large: parse, encode, memory, import and growth, each beside floors of the same run.

`python -m benchmarks NAME` runs one of them. This package must not be imported by anything but its own tests.
"""
