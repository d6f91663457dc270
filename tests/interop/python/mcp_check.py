"""The Python SDK of MCP: its client gets tokens from Tokenmint for an MCP server, which the SDK makes too."""

import asyncio
import contextlib
import json
import logging
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx2
import jwt
import uvicorn
from joserfc.jwk import ECKey, RSAKey
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.extensions.client_credentials import (
    ClientCredentialsOAuthProvider,
    PrivateKeyJWTOAuthProvider,
    SignedJWTParameters,
)
from mcp.client.streamable_http import streamable_http_client
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthClientMetadata

from helper import check, equal, finish, raises, register, setting

ISSUER = setting("MCP_AUTHORIZATION_SERVER")
# The SDK logs each failure that a check provokes.
logging.disable(logging.CRITICAL)


class Verifier(TokenVerifier):
    """Verifies tokens for a resource as RFC 9068 says."""

    def __init__(self, resource):
        self.resource = resource
        self.keys = jwt.PyJWKClient(f"{ISSUER}/.well-known/jwks.json")

    async def verify_token(self, token):
        try:
            key = await asyncio.to_thread(self.keys.get_signing_key_from_jwt, token)
            claims = jwt.decode(token, key, audience=self.resource, issuer=ISSUER)
        except jwt.PyJWTError:
            return None
        return AccessToken(
            token=token,
            client_id=claims["client_id"],
            scopes=claims["scope"].split(),
            expires_at=claims["exp"],
            resource=claims["aud"],
        )


@contextlib.asynccontextmanager
async def mcp_server(resource):
    """Runs an MCP server at the URL that is also its identifier at Tokenmint."""
    auth = AuthSettings(
        issuer_url=ISSUER, resource_server_url=resource, required_scopes=["read"], validate_token_resource=True
    )
    server = MCPServer("interop", token_verifier=Verifier(resource), auth=auth)

    @server.tool()
    def whoami() -> str:
        """Says whose token it got."""
        token = get_access_token()
        return json.dumps({"client_id": token.client_id, "scopes": token.scopes, "aud": token.resource})

    url = urlsplit(resource)
    app = server.streamable_http_app(streamable_http_path=url.path or "/")
    http = uvicorn.Server(uvicorn.Config(app, host=url.hostname, port=url.port, log_config=None))
    task = asyncio.create_task(http.serve())
    while not http.started:
        assert not task.done(), f"no MCP server starts at {resource}"
        await asyncio.sleep(0.02)
    yield
    http.should_exit = True
    await task


class Storage:
    """Keeps tokens and the registration, as a program that uses the SDK must."""

    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


async def call_tool(resource, provider):
    """What a user of the SDK writes: connect with a provider, call a tool."""
    try:
        async with httpx2.AsyncClient(auth=provider, timeout=20) as http:
            async with Client(streamable_http_client(resource, http_client=http)) as client:
                result = await client.call_tool("whoami", {})
                return json.loads(result.content[0].text)
    except BaseExceptionGroup as group:
        # The SDK's tasks wrap an error in groups.
        error = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


def by_secret(resource, client, secret=None):
    return ClientCredentialsOAuthProvider(
        resource, Storage(), client["client_id"], secret or client["client_secret"], issuer=ISSUER, scope="read"
    )


def by_key(resource, client, key, alg):
    parameters = SignedJWTParameters(
        issuer=client["client_id"],
        subject=client["client_id"],
        signing_key=key.as_pem(private=True).decode(),
        signing_algorithm=alg,
    )
    return PrivateKeyJWTOAuthProvider(
        resource, Storage(), client["client_id"], parameters.create_assertion_provider(), issuer=ISSUER, scope="read"
    )


async def check_server(kind, resource):
    client = register(ISSUER, scope="read")
    expected = {"client_id": client["client_id"], "scopes": ["read"], "aud": resource}
    with check(f"an MCP server {kind}: ClientCredentialsOAuthProvider"):
        equal(await call_tool(resource, by_secret(resource, client)), expected)
    with check(f"an MCP server {kind}: a wrong secret is refused"), raises(Exception, "invalid_client"):
        await call_tool(resource, by_secret(resource, client, "wrong"))
    with check(f"an MCP server {kind}: a token without its scope is not enough"), raises(Exception, "invalid_scope"):
        await call_tool(resource, by_secret(resource, register(ISSUER, scope="write")))

    for alg, key in {"RS256": RSAKey.generate_key(2048), "ES256": ECKey.generate_key("P-256")}.items():
        metadata = {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [key.as_dict(private=False)]}}
        client = register(ISSUER, scope="read", **metadata)
        with check(f"an MCP server {kind}: PrivateKeyJWTOAuthProvider with {alg}"):
            seen = await call_tool(resource, by_key(resource, client, key, alg))
            equal(seen, {**expected, "client_id": client["client_id"]})


    key = ECKey.generate_key("P-256")
    client = {"client_id": f"{setting('MCP_DOCUMENTS')}/{uuid.uuid4()}.json"}
    document = {
        **client,
        "token_endpoint_auth_method": "private_key_jwt",
        "grant_types": ["client_credentials"],
        "jwks": {"keys": [key.as_dict(private=False)]},
    }
    with publish(document), check(f"an MCP server {kind}: PrivateKeyJWTOAuthProvider with a client ID metadata document"):
        seen = await call_tool(resource, by_key(resource, client, key, "ES256"))
        equal(seen, {**expected, "client_id": client["client_id"]})


@contextlib.contextmanager
def publish(document):
    """Publishes a client's metadata document at its URL."""
    url = urlsplit(document["client_id"])

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == url.path else 404)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer((url.hostname, url.port), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield
        finally:
            server.shutdown()


async def check_registration(resource):
    """The SDK registers by itself, as an editor does, before it sends its user to the authorization endpoint. This
    server has no users; the registration must succeed all the same, and at Tokenmint, not at the MCP server."""
    redirect_uri = "cursor://anysphere.cursor-mcp/oauth/callback"
    metadata = OAuthClientMetadata(
        client_name="Editor",
        redirect_uris=[redirect_uri],
        token_endpoint_auth_method="client_secret_post",
        scope="read",
    )
    storage, visited = Storage(), []

    async def redirect(url):
        visited.append(url)
        raise ConnectionAbortedError("no browser here")

    async def callback():
        raise NotImplementedError

    provider = OAuthClientProvider(resource, metadata, storage, redirect, callback)
    with check("registration by the SDK, with a scheme without a dot"):
        with raises(Exception, "no browser here"):
            await call_tool(resource, provider)
        equal([str(uri) for uri in storage.client.redirect_uris], [redirect_uri])
        equal(storage.client.issuer, ISSUER)
        assert storage.client.client_secret and visited[0].startswith(f"{ISSUER}/authorize?"), visited
    with check("the authorization endpoint shows a page that says that it is none"):
        answer = httpx2.get(visited[0], follow_redirects=False)
        equal(answer.status_code, 400)
        assert answer.headers["content-type"].startswith("text/html"), answer.headers
        assert "unsupported_response_type" in answer.text, answer.text


async def main():
    # One MCP server is a bare origin, whose URL the SDK may write with a slash at the end.
    for kind, resource in [("at an origin", setting("MCP_ROOT")), ("at a path", setting("MCP_PATH"))]:
        async with mcp_server(resource):
            await check_server(kind, resource)
    async with mcp_server(setting("MCP_PATH")):
        await check_registration(setting("MCP_PATH"))


asyncio.run(main())
finish()
