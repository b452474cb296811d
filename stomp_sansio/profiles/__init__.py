"""What single servers want to be told beyond STOMP: headers and destinations, one module a server.

A function returns headers for `headers=` of `send`, `subscribe` and `unsubscribe`, or for `connect_headers=`;
put two together with `|`. None leaves a header out. What lives here must not know connections or frames.
"""
