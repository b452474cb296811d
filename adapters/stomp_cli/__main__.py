"""`python -m stomp_cli`: the same as `stomp-sansio`. It must not know any command."""

import sys

from .main import main

if __name__ == "__main__":
    sys.exit(main())
