"""A Kaggle on loopback: a real HTTP server that speaks as much of its API as a download needs, and can misbehave."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN, USERNAME, KEY = "KGAT_fake_token_123", "ada", "fake_key_456"


@dataclass
class FakeKaggle:
    """What the fake holds and how it behaves.

    ``status`` answers every download request with an error. ``script`` is for the storage behind it, one number a response: a
    status such as 503, or the position in the file at which the connection breaks; when it is used up, all goes well.
    """

    archive: bytes = b""
    address: str = ""
    status: int = 0
    script: list[int] = field(default_factory=list)
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    """(method and path, kind of authorization, range) of each request."""

    def hold(self, file_name: str, content: bytes) -> None:
        """Offer a data set of one file."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(file_name, content)
            # The client writes blocks of 1 MiB: an archive of several shows what a resumed download keeps.
            archive.writestr("notes.bin", bytes(5 << 20), zipfile.ZIP_STORED)
        self.archive = buffer.getvalue()

    @property
    def ranges(self) -> list[str]:
        """The ranges that storage was asked for, in order; empty text for a whole file."""
        return [asked for line, _, asked in self.requests if "/storage/" in line]


@contextmanager
def serve_kaggle() -> Iterator[FakeKaggle]:
    """Run the fake on a free port of loopback."""
    fake = FakeKaggle()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": fake}))
    fake.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    fake: FakeKaggle

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        self._note()
        if self.path == "/v1/security.OAuthService/IntrospectToken":
            known = body.get("token") == TOKEN
            self._json(200, {"active": known, "username": USERNAME if known else ""})
        elif self.path == "/v1/datasets.DatasetApiService/DownloadDataset":
            if not self._authorized():
                self._json(401, {"code": 401, "message": "Unauthenticated"})
            elif self.fake.status:
                self._json(self.fake.status, {"code": self.fake.status, "message": "No"})
            else:
                self.send_response(302)
                self.send_header("Location", f"{self.fake.address}/storage/{body['datasetSlug']}.zip?signature=secret")
                self.send_header("Content-Length", "0")
                self.end_headers()
        else:
            self._json(404, {"code": 404, "message": "Not found"})

    def do_GET(self) -> None:
        self._note()
        fake, content = self.fake, self.fake.archive
        stop = fake.script.pop(0) if fake.script else len(content)
        if stop < 600:
            self._json(stop, {"message": "No"})
            return
        tag = f'"{hashlib.md5(content).hexdigest()}"'
        asked = self.headers.get("Range", "")
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.headers.get("If-Range", tag) == tag else 0
        rest = content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        for name, value in (
            ("Content-Type", "application/zip"),
            ("Content-Length", str(len(rest))),
            ("Accept-Ranges", "bytes"),
            ("ETag", tag),
            ("Last-Modified", "Fri, 23 Mar 2018 01:17:27 GMT"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        self.wfile.write(content[start:stop])

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""

    def _authorized(self) -> bool:
        basic = base64.b64encode(f"{USERNAME}:{KEY}".encode()).decode()
        return self.headers.get("Authorization") in (f"Bearer {TOKEN}", f"Basic {basic}")

    def _note(self) -> None:
        kind = (self.headers.get("Authorization") or "").split(" ")[0]
        self.fake.requests.append((f"{self.command} {self.path}", kind, self.headers.get("Range", "")))

    def _json(self, status: int, content: dict[str, object]) -> None:
        payload = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)
