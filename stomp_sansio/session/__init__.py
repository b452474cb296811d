"""What outlives a connection: intent. It must not know which link carries it, nor any clock."""
