"""Python that keeps a process, and all it starts, from talking to other machines, and notes who tries."""

from __future__ import annotations

from pathlib import Path

HOOK = """
import sys

def watch(event, arguments, note={note!r}):
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else ""
        if host and host != "localhost" and host != "::1" and not host.startswith("127."):
            tell(f"connect {{host}}", note)
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0] or ""
        host = host.decode() if isinstance(host, bytes) else host
        if host not in ("", "localhost", "::1", "0.0.0.0") and not host.startswith("127."):
            tell(f"look up {{host}}", note)

def tell(what, note):
    with open(note, "a") as stream:
        stream.write(what + "\\n")
    raise ConnectionRefusedError(f"a test forbids to {{what}}")

with open({note!r}, "a") as stream:
    stream.write("watched " + " ".join(sys.orig_argv[1:3]) + "\\n")
sys.addaudithook(watch)
"""


def write_hook(folder: Path) -> Path:
    """Write the hook into a folder that is to be first in ``PYTHONPATH``; return the file where it notes things."""
    folder.mkdir()
    note = folder / "noted.txt"
    (folder / "sitecustomize.py").write_text(HOOK.format(note=str(note)))
    return note
