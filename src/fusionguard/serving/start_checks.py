"""What is looked at before a service starts: who may ask, the file of keys, the address, the folders. Nothing is written."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
from pathlib import Path

from fusionguard.errors import StorageError, UsageError
from fusionguard.files import new_file_beside, storage_errors
from fusionguard.serving.guard import GuardSettings, check_address
from fusionguard.serving.keys import read_keys

_BELOW_ARE_ROOTS = 1024
_NOT_OURS = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


def check_start(settings: GuardSettings, *, host: str | None, variable: str = "FUSIONGUARD_SERVE_KEYS") -> None:
    """Look at what BentoML's supervisor was told on its command line or by the environment, before it listens.

    Parameters
    ----------
    host
        Where the service is told that it listens, as in an image.
    variable
        The environment variable that names the file of keys.

    Raises
    ------
    UsageError
        The keys cannot be read, or are needed and not there; or nobody can listen there.
    """
    if settings.keys is not None:
        read_keys(settings.keys)
    hosts = given_for("--host", "BENTOML_HOST")
    for each in (host, *hosts):
        if each is not None:
            check_address(each, settings, variable)
    for port in given_for("--port", "BENTOML_PORT") or words_after("-p"):
        for each in hosts or ["0.0.0.0"]:
            check_listening(each, int(port))


def as_address(host: str) -> str:
    """Return the address that ``localhost`` is on every machine; other names stay, for :func:`check_listening` to refuse."""
    return "127.0.0.1" if host == "localhost" else host


def check_listening(host: str, port: int) -> None:
    """Find out whether this process could listen there; nobody is answered meanwhile.

    Raises
    ------
    UsageError
        It is no IP address or none of this machine, or the port is taken or reserved for root.
    """
    try:
        family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    except ValueError:
        remedy = "Use 127.0.0.1 for this machine alone, or 0.0.0.0 for all its addresses."
        raise UsageError(f"'{host}' is no IP address.", remedy) from None
    try:
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the service does
            probe.bind((host, port))  # to listen, too, would show a service to who waits for one
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            remedy = "End what listens there, or choose another one: --port."
            raise UsageError(f"Port {port} of {host} is taken.", remedy) from error
        if error.errno in _NOT_OURS:
            remedy = "Use 127.0.0.1 for this machine alone, or 0.0.0.0 for all its addresses."
            raise UsageError(f"{host} is no address of this machine.", remedy) from error
        if error.errno == errno.EACCES:
            remedy = f"Choose one from {_BELOW_ARE_ROOTS} on." if port < _BELOW_ARE_ROOTS else "Choose another one: --port."
            raise UsageError(f"You may not listen on port {port} of {host}.", remedy) from error
        raise


def check_folder(folder: Path) -> None:
    """Find out whether files could be written in a folder, which need not be there yet; none is left behind.

    Raises
    ------
    StorageError
        It is a file, below one, or takes no new files.
    """
    place = folder
    with storage_errors(folder):
        while not os.path.lexists(place):
            place = place.parent
        if not place.is_dir():
            raise StorageError(f"Cannot write in {folder}: {place} is a file.", "Choose another folder, or move it away.")
        new_file_beside(place / "probe").unlink()


def given_for(option: str, variable: str) -> list[str]:
    """Return what this process was given for an option on its command line, else by an environment variable."""
    given = words_after(option)
    value = os.environ.get(variable)
    return given or ([value] if value else [])


def words_after(option: str) -> list[str]:
    """Return what this process was given for an option on its command line."""
    return [sys.argv[place + 1] for place, word in enumerate(sys.argv[:-1]) if word == option]
