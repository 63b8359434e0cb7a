"""A hub of models on this machine: it speaks as much of the protocol as pulling uses, and fails as the test says."""

import hashlib
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from huggingface_hub import constants

COMMIT = "1" * 40


@dataclass
class Hub:
    """Repositories by name, each with its files. ``requests`` are the paths that were asked for.

    ``cut`` names files whose first answers break off in the middle, with how many; ``wrong`` files whose content is
    not that of their hash; ``gated`` and ``down`` refuse everything.
    """

    repositories: dict[str, dict[str, bytes]]
    commit: str = COMMIT
    licence: str | None = "apache-2.0"
    cut: dict[str, int] = field(default_factory=dict[str, int])
    wrong: set[str] = field(default_factory=set[str])
    gated: bool = False
    down: bool = False
    url: str = ""
    requests: list[str] = field(default_factory=list[str])

    def fetched(self) -> list[str]:
        """The files whose content was asked for."""
        return [path.rpartition("/")[2] for path in self.requests if path.startswith("GET") and "/resolve/" in path]


def _description(hub: Hub, name: str) -> dict[str, Any]:
    siblings: list[dict[str, Any]] = []
    for file, content in hub.repositories[name].items():
        told: dict[str, Any] = {"rfilename": file, "size": len(content), "blobId": _git(content)}
        if file.endswith(".safetensors"):
            digest = hashlib.sha256(content).hexdigest()
            told |= {"lfs": {"sha256": digest, "size": len(content), "pointerSize": 134}}
        siblings.append(told)
    card = {"license": hub.licence} if hub.licence else {}
    return {"id": name, "modelId": name, "sha": hub.commit, "cardData": card, "siblings": siblings, "tags": []}


def _git(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def hub_server(hub: Hub) -> Generator[Hub]:
    """Yield the hub, running."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, *, with_body: bool) -> None:
            path = self.path.partition("?")[0]
            hub.requests.append(f"{self.command} {path}")
            parts = path.strip("/").split("/")
            if hub.down:
                self.reply(503, b"")
            elif hub.gated:
                self.reply(403, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": "ask first"})
            elif parts[:2] == ["api", "models"]:
                self.describe("/".join(parts[2:4]), parts[5] if len(parts) > 5 else None)
            else:
                self.file("/".join(parts[:2]), parts[3], parts[4], with_body=with_body)

        def describe(self, name: str, revision: str | None) -> None:
            if name not in hub.repositories:
                self.reply(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            elif revision not in (None, "main", hub.commit):
                self.reply(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            else:
                self.reply(200, json.dumps(_description(hub, name)).encode(), {"Content-Type": "application/json"})

        def file(self, name: str, revision: str, file: str, *, with_body: bool) -> None:
            content = hub.repositories[name].get(file)
            if content is None or revision != hub.commit:
                self.reply(404, b"", {"X-Error-Code": "EntryNotFound"})
                return
            etag = hashlib.sha256(content).hexdigest() if file.endswith(".safetensors") else _git(content)
            headers = {"ETag": f'"{etag}"', "X-Repo-Commit": hub.commit, "Accept-Ranges": "bytes"}
            sent = content[:-1] + bytes([content[-1] ^ 1]) if file in hub.wrong else content
            begin = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
            if not with_body:
                self.reply(200, sent, headers, with_body=False)
            elif hub.cut.get(file, 0):
                hub.cut[file] -= 1
                self.reply(206 if begin else 200, sent[begin:], headers, half=True)
            else:
                span = {"Content-Range": f"bytes {begin}-{len(sent) - 1}/{len(sent)}"} if begin else {}
                self.reply(206 if begin else 200, sent[begin:], {**headers, **span})

        def reply(
            self,
            status: int,
            body: bytes,
            headers: dict[str, str] | None = None,
            *,
            with_body: bool = True,
            half: bool = False,
        ) -> None:
            try:
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if with_body and self.command != "HEAD":
                    self.wfile.write(body[: len(body) // 2] if half else body)
                if half:
                    self.wfile.flush()
                    self.close_connection = True
            except OSError:
                pass  # the caller went away

        def log_message(self, format: str, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{http.server_address[1]}"
    offline = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = False  # other tests may have switched the hub off in this process
    try:
        yield hub
    finally:
        constants.HF_HUB_OFFLINE = offline
        http.shutdown()
        http.server_close()
