"""A Redis that speaks TLS: whom it is asked by, and what is said where its certificate is not trusted."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from fusionguard.errors import StorageError, UsageError
from fusionguard.features.online import redis_server
from fusionguard.features.online.redis_server import RedisAddress, RedisServer
from fusionguard.features.online.redis_state import RedisState
from tests.features.online.test_redis import ONE, PLAN
from tests.redis_server import RunningRedis, running_redis

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")

CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class SecureRedis:
    """A server with a port for TLS beside its plain one, and the folder of its authority and certificate."""

    plain: RunningRedis
    port: int
    folder: Path

    def address(self, rest: str = "", host: str = "127.0.0.1") -> str:
        """Return its address over TLS, with ``rest`` behind."""
        return f"rediss://{host}:{self.port}/0{rest}"

    @property
    def trusted(self) -> str:
        """Its address with the file of its authority."""
        return self.address(f"?ca={self.folder / 'authority.pem'}")


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureRedis]:
    """A server whose certificate is of 127.0.0.1 alone, by an authority that nobody else knows."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("authority", "another"):
        _openssl(folder, "req", "-x509", *CURVE, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}")
    _openssl(folder, "req", *CURVE, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=redis")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    signed = ["-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-extfile", "names"]
    _openssl(folder, "x509", "-req", "-in", "server.csr", *signed, "-out", "server.pem")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--tls-port", str(port), "--tls-auth-clients", "no", "--tls-ca-cert-file", str(folder / "authority.pem")]
    options += ["--tls-cert-file", str(folder / "server.pem"), "--tls-key-file", str(folder / "server.key")]
    with running_redis(folder / "redis", *options) as server:
        yield SecureRedis(server, port, folder)


def _openssl(folder: Path, *words: str) -> None:
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def said_by(address: str) -> str:
    """Return what is said of an address where nothing can be asked."""
    with closing(RedisServer(RedisAddress.of(address))) as server, pytest.raises(StorageError) as refused:
        server.ask("PING")
    with pytest.raises(StorageError) as at_once:  # nobody asks again for a moment, and the same is said
        server.ask("PING")
    assert str(at_once.value) == str(refused.value)
    return str(refused.value)


def test_a_state_is_made_and_asked_over_tls(secure: SecureRedis) -> None:
    state = RedisState.build(RedisServer(RedisAddress.of(secure.trusted)), "secure", PLAN)
    seen = state.observe(ONE)
    state.close()
    with closing(RedisState(RedisServer(RedisAddress.of(secure.plain.url)), "secure", PLAN)) as plain:
        assert plain.observe(ONE) == seen and plain.check().events == 1, "it is the same Redis"


def test_an_authority_may_be_one_of_the_machine(secure: SecureRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(secure.folder / "authority.pem"))
    with closing(RedisServer(RedisAddress.of(secure.address()))) as server:
        assert server.ask("PING") == b"PONG"


@pytest.mark.parametrize("by", ["nobody", "another"])
def test_a_certificate_that_nobody_trusts_is_refused_and_said(secure: SecureRedis, by: str) -> None:
    address = secure.address("" if by == "nobody" else f"?ca={secure.folder / 'another.pem'}")
    told = said_by(address)
    assert told.startswith(f"The certificate of {secure.address()} is not trusted: self-signed certificate in certificate chain.")
    assert "Name the file of its authority: rediss://HOST:PORT/0?ca=FILE." in told and "_ssl.c" not in told


def test_a_certificate_of_another_host_is_refused_and_said(secure: SecureRedis) -> None:
    told = said_by(secure.trusted.replace("127.0.0.1", "localhost"))
    assert f"The certificate of {secure.address(host='localhost')} is not trusted: Hostname mismatch" in told
    assert "Name its host as the certificate does." in told


def test_who_speaks_no_tls_or_nothing_else_is_told_apart(secure: SecureRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_server, "CONNECT_SECONDS", 0.2)
    monkeypatch.setattr(redis_server, "ANSWER_SECONDS", 0.2)
    told = said_by(secure.plain.url.replace("redis://", "rediss://"))
    assert "does not answer: it speaks no TLS, as it seems. Start it, or correct its address: redis:// is without TLS." in told
    assert "correct its address: rediss:// is with TLS." in said_by(secure.address().replace("rediss://", "redis://"))


def test_a_file_without_a_certificate_is_refused(secure: SecureRedis) -> None:
    with pytest.raises(UsageError, match=r"names a file that holds no certificate: ca=.*server\.key\. Name one in PEM"):
        RedisServer(RedisAddress.of(secure.address(f"?ca={secure.folder / 'server.key'}")))
