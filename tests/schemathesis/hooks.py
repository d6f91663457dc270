"""What schemathesis must know beside docs/openapi.json: credentials, and what no schema can say.

Only requests that follow the schema are changed, and only in what depends on the deployment (its scopes, resources and
trusted issuers) or on several members together. Requests that violate the schema are sent as they are.
"""

import base64
import json
import urllib.parse
import urllib.request

import schemathesis

# As tests/schemathesis.sh configures the server.
SCOPES = ["read", "write"]
RESOURCES = ["https://api.example/v1", "https://reports.example"]
FORMS = ("/token", "/introspect", "/revoke")
CONFIGURATION = "/register/{client_id}"
# A point on P-256: its generator.
KEY_SET = {"keys": [{
    "kty": "EC", "crv": "P-256",
    "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
}]}
CERTIFICATE_NAMES = {
    "tls_client_auth_subject_dn": "CN=client", "tls_client_auth_san_dns": "client.example",
    "tls_client_auth_san_uri": "https://client.example/", "tls_client_auth_san_ip": "192.0.2.7",
    "tls_client_auth_san_email": "client@client.example",
}
BYTES = {"client_name": 256, "software_id": 256, "software_version": 256, "contacts": 320, "grant_types": 256,
         "response_types": 256}

# What the server said when a client registered or was updated: by its identifier, and by each of its tokens.
clients = {}
clients_by_token = {}


def note(client):
    clients[client["client_id"]] = {**clients.get(client["client_id"], {}), **client}
    clients_by_token["Bearer " + client["registration_access_token"]] = client["client_id"]


def post(base, path, body, headers):
    request = urllib.request.Request(base + path, body.encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def new_client(base):
    client = post(base, "/register", json.dumps({"scope": " ".join(SCOPES)}), {"Content-Type": "application/json"})
    note(client)
    return client


def basic(client):
    pair = f"{client['client_id']}:{client['client_secret']}".encode()
    return "Basic " + base64.b64encode(pair).decode()


def new_token(base, client):
    headers = {"Authorization": basic(client), "Content-Type": "application/x-www-form-urlencoded"}
    return post(base, "/token", "grant_type=client_credentials", headers)["access_token"]


def is_positive(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


def some(values, seed):
    """One of the values, always the same for the same seed."""
    return values[len(str(seed)) % len(values)]


@schemathesis.auth(refresh_interval=None)
class Credentials:
    """Basic for the endpoints of clients, the registration access token for a registration."""

    shared = None

    def get(self, case, context):
        base = case.operation.base_url.rstrip("/")
        if case.operation.path == CONFIGURATION:
            return clients.get((case.path_parameters or {}).get("client_id")) or new_client(base)
        if case.operation.path in FORMS:
            Credentials.shared = Credentials.shared or new_client(base)
            return Credentials.shared
        return None

    def set(self, case, client, context):
        if client is None:
            return
        if case.operation.path == CONFIGURATION:
            case.headers["Authorization"] = "Bearer " + client["registration_access_token"]
        elif not isinstance(case.body, dict) or not (case.body.get("client_secret") or case.body.get("client_assertion")):
            # Other credentials in the body would be a second method.
            case.headers["Authorization"] = basic(client)
        if case.operation.path in FORMS and is_positive(case):
            form(case, client)


def form(case, client):
    """Parameters that depend on the deployment and on the client."""
    body = case.body
    if not isinstance(body, dict):
        return
    if body.get("client_assertion") == "":
        # An empty parameter counts as not sent, and its type does not stand alone.
        body.pop("client_assertion"), body.pop("client_assertion_type", None)
    if body.get("grant_type"):
        # The JWT bearer grant is off by default, and no assertion can be generated.
        body["grant_type"] = "client_credentials"
        body.pop("assertion", None)
    if body.get("client_id") or body.get("client_secret"):
        body["client_id"] = client["client_id"]
    if body.get("scope"):
        body["scope"] = some(["read", "write", "read write", "write read"], body["scope"])
    if body.get("resource"):
        body["resource"] = [some(RESOURCES, value) for value in body["resource"]]
        if "scope" in body:
            body["scope"] = "read"
    if "token" in body and len(body["token"]) % 2:
        body["token"] = new_token(case.operation.base_url.rstrip("/"), client)


@schemathesis.hook
def before_call(context, case, kwargs):
    if is_positive(case):
        if case.operation.path == CONFIGURATION:
            registration(case)
        # No proof can be generated: it is a signature over the request.
        if case.headers:
            case.headers.pop("DPoP", None)
        if case.operation.path in ("/register", CONFIGURATION) and isinstance(case.body, dict):
            metadata(case.body)


def registration(case):
    """The client in the URL, in the body and of the token are one. A token that is not ours stays as it is."""
    owner = clients_by_token.get((case.headers or {}).get("Authorization"))
    if owner is None:
        return
    known = clients.get(case.path_parameters["client_id"])
    if known is None:
        case.path_parameters["client_id"] = owner
    else:
        case.headers["Authorization"] = "Bearer " + known["registration_access_token"]
    if isinstance(case.body, dict):
        case.body["client_id"] = case.path_parameters["client_id"]


def metadata(body):
    """Members that depend on the deployment or on each other, and lengths, which are in bytes."""
    for name, bound in BYTES.items():
        if isinstance(body.get(name), str):
            body[name] = body[name].encode()[:bound].decode(errors="ignore")
        elif isinstance(body.get(name), list):
            body[name] = [text.encode()[:bound].decode(errors="ignore") for text in body[name]]
    if body.get("scope"):
        body["scope"] = some(["read", "unknown read", "write read"], body["scope"])
    # It must be signed by an issuer that the server trusts.
    body.pop("software_statement", None)
    # Open registration does not allow them.
    body.pop("federated_credentials", None)
    body.pop("token_policy", None)
    # It must be the client's own.
    body.pop("client_secret", None)
    # The server has no mutual TLS.
    body.pop("tls_client_certificate_bound_access_tokens", None)
    if str(body.get("token_endpoint_auth_method")).endswith("tls_client_auth"):
        body["token_endpoint_auth_method"] = "client_secret_post"
    for name, value in CERTIFICATE_NAMES.items():
        if body.get(name):
            body[name] = value
    if body.get("jwks") is not None:
        body["jwks"] = KEY_SET
        body.pop("jwks_uri", None)
    elif body.get("token_endpoint_auth_method") == "private_key_jwt":
        body["jwks_uri"] = "https://client.example/jwks.json"
    # The key set has a key for this algorithm only.
    if body.get("token_endpoint_auth_signing_alg"):
        body["token_endpoint_auth_signing_alg"] = "ES256"
    # A response type needs its grant type, and the other way round.
    if "code" in str(body.get("response_types")) or "authorization_code" in str(body.get("grant_types")):
        body["response_types"], body["grant_types"] = ["code"], ["authorization_code"]
    if body.get("redirect_uris") and body["redirect_uris"] != [""]:
        body["redirect_uris"] = ["https://client.example/" + urllib.parse.quote(uri, safe="") for uri in body["redirect_uris"]]
        body["redirect_uris"] = [uri[:2048] for uri in body["redirect_uris"]]


@schemathesis.hook
def after_call(context, case, response):
    if not case.operation.path.startswith("/register"):
        return
    if response.status_code in (200, 201):
        note(response.json())
