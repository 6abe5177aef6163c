"""``python -m <this package>``: what the job script starts."""

from __future__ import annotations

from .warning import listen

listen()  # before ZenML is imported: that takes seconds, and a warning may come in them

if __name__ == "__main__":
    from .entrypoint import leave, main

    leave(main())
