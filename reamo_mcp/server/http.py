"""Serve over streamable HTTP: on this machine, for whoever holds the token, one engine for many chats."""

import hmac
import os
from ipaddress import ip_address

import uvicorn
from mcp.server import MCPServer
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl
from starlette.applications import Starlette

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.server.build import build_server
from reamo_mcp.server.services import OpenExtractor, Services
from reamo_mcp.server.token import installation_token
from reamo_mcp.settings import Settings

DEFAULT_PORT = 8765
MOST_BODY_BYTES = 4 << 20
IDLE_SECONDS = 1800
MOST_SESSIONS = 256
_SCOPE = "reamo"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_PATIENCE = 1


class SharedToken(TokenVerifier):
    """The one token of this installation."""

    def __init__(self, expected: str) -> None:
        self._expected = expected.encode()

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what the token allows, None for any other token."""
        if hmac.compare_digest(token.encode(), self._expected):
            return AccessToken(token=token, client_id="local", scopes=[_SCOPE])
        return None


def http_app(
    settings: Settings, *, host: str, port: int, token: str, open_extractor: OpenExtractor | None = None
) -> Starlette:
    """Return the application, with the endpoint ``/mcp``. Every request needs the token and this host."""
    server = http_server(settings, host=host, port=port, token=token, open_extractor=open_extractor)
    return guarded_app(server, host=host)


def http_server(
    settings: Settings, *, host: str, port: int, token: str, open_extractor: OpenExtractor | None = None
) -> MCPServer[Services]:
    """Return the server that `guarded_app` serves to whoever holds the token."""
    endpoint = endpoint_at(host, port)
    return build_server(
        settings,
        transport="http",
        open_extractor=open_extractor,
        token_verifier=SharedToken(token),
        auth=AuthSettings(
            issuer_url=AnyHttpUrl(endpoint.removesuffix("/mcp")),
            resource_server_url=AnyHttpUrl(endpoint),
            required_scopes=[_SCOPE],
            validate_token_resource=False,  # the comparison above is the whole check
        ),
    )


def guarded_app(server: MCPServer[Services], *, host: str) -> Starlette:
    """Return the application of a server of `http_server`, which answers requests made to this host only."""
    names = dict.fromkeys((*_LOOPBACK, _in_address(host)))
    return server.streamable_http_app(
        host=host,
        json_response=False,  # progress needs a stream
        max_request_body_size=MOST_BODY_BYTES,
        session_idle_timeout=IDLE_SECONDS,
        max_sessions=MOST_SESSIONS,
        # Always given: for a host that is not loopback the SDK's own check is off.
        transport_security=TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=[f"{name}:*" for name in names],
            allowed_origins=[f"http://{name}:*" for name in names],
        ),
    )


def serve(
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    token: str | None = None,
    open_extractor: OpenExtractor | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM.

    ``token`` overrides that of `token_for`, whose errors are raised, and ``open_extractor`` the installation's own.
    """
    known = token or token_for(settings, host)
    app = http_app(settings, host=host, port=port, token=known, open_extractor=open_extractor)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_PATIENCE,  # open streams would keep the server alive
    )
    uvicorn.Server(config).run()


def token_for(settings: Settings, host: str) -> str:
    """Return the token that callers of this address need: ``REAMO_TOKEN``, else that of the installation.

    Raises InvalidArgument for an address that other machines can reach where only the latter is there.
    """
    if not _is_loopback(host) and not os.environ.get("REAMO_TOKEN"):
        raise InvalidArgument(
            f"{host} can be reached from other machines",
            "Set a token of your own as REAMO_TOKEN, or serve on 127.0.0.1",
        )
    return installation_token(settings)


def endpoint_at(host: str, port: int) -> str:
    """Return the address at which the tools are served."""
    return f"http://{_in_address(host)}:{port}/mcp"


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host  # an address of IPv6


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
