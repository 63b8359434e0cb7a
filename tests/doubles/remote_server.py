"""A local HTTP server that speaks the chat protocol of OpenAI-compatible engines, with faults on request."""

import json
import math
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """One answer of the server. ``waits`` is waited for before anything is sent; ``hangs_up`` closes the connection.

    ``likely`` are the likeliest first tokens and how likely they are, told where the request asks for them.
    """

    content: str | None = "{}"
    finish: str = "stop"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    raw: bytes | None = None
    likely: dict[str, float] | None = None
    waits: threading.Event | None = None
    hangs_up: bool = False


@dataclass
class RemoteServer:
    """Answers each chat request with what ``script`` gives for its body; keeps requests and the most at one time."""

    script: Callable[[dict[str, Any]], Reply]
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    tokens: list[str] = field(default_factory=list[str])
    most_at_once: int = 0
    url: str = ""
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def chat(self, body: dict[str, Any], token: str) -> Reply:
        with self._lock:
            self.requests.append(body)
            self.tokens.append(token)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            reply = self.script(body)
            if reply.waits is not None:
                reply.waits.wait(20)
            return reply
        finally:
            with self._lock:
                self._now -= 1


@contextmanager
def remote_server(script: Callable[[dict[str, Any]], Reply]) -> Generator[RemoteServer]:
    """Yield a running server."""
    server = RemoteServer(script)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(Reply(raw=json.dumps({"object": "list", "data": [{"id": "tiny", "object": "model"}]}).encode()))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self._send(server.chat(body, self.headers.get("authorization", "")))

        def log_message(self, format: str, *args: object) -> None:
            pass

        def _send(self, reply: Reply) -> None:
            if reply.hangs_up:
                self.close_connection = True
                self.connection.close()
                return
            raw = reply.raw if reply.raw is not None else json.dumps(completion(reply)).encode()
            try:
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)
            except OSError:
                pass  # the caller went away

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()


def in_turn(*replies: Reply) -> Callable[[dict[str, Any]], Reply]:
    """Return a script that gives these replies one after the other, and the last one for ever."""
    left: Iterator[Reply] = iter(replies)
    lock = threading.Lock()

    def script(_: dict[str, Any]) -> Reply:
        with lock:
            return next(left, replies[-1])

    return script


def completion(reply: Reply) -> dict[str, Any]:
    """Return the body of an answer."""
    logprobs = None
    if reply.likely is not None:
        rivals = [
            {"token": token, "logprob": math.log(share), "bytes": list(token.encode())}
            for token, share in reply.likely.items()
        ]
        logprobs = {"content": [rivals[0] | {"top_logprobs": rivals}], "refusal": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": "tiny",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": reply.content},
                "finish_reason": reply.finish,
                "logprobs": logprobs,
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
