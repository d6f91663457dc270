"""Authlib as a client: both secret methods, PrivateKeyJWT with its defaults, introspection and revocation."""

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey, OKPKey, RSAKey

from helper import check, decode, equal, finish, raises, register, setting

SERVER = setting("SERVER")
TOKEN_ENDPOINT_SERVER = setting("TOKEN_ENDPOINT_SERVER")


def fetch(server, session, **parameters):
    return session.fetch_token(f"{server}/token", grant_type="client_credentials", **parameters)


for method in ["client_secret_basic", "client_secret_post"]:
    client = register(SERVER, scope="read", token_endpoint_auth_method=method)
    credentials = client["client_id"], client["client_secret"]
    other = {"client_secret_basic": "client_secret_post", "client_secret_post": "client_secret_basic"}[method]

    with check(f"{method}: token, introspection, revocation"):
        session = OAuth2Session(
            *credentials, token_endpoint_auth_method=method, revocation_endpoint_auth_method=method, scope="read"
        )
        token = fetch(SERVER, session, resource="https://api.example/v1")
        equal((token["token_type"], token["scope"]), ("Bearer", "read"))
        _, claims = decode(token["access_token"])
        equal((claims["client_id"], claims["aud"]), (client["client_id"], "https://api.example/v1"))
        about = session.introspect_token(f"{SERVER}/introspect", token=token["access_token"])
        equal((about.json()["active"], about.json()["client_id"]), (True, client["client_id"]))
        equal(session.revoke_token(f"{SERVER}/revoke", token=token["access_token"]).status_code, 200)
        equal(session.introspect_token(f"{SERVER}/introspect", token=token["access_token"]).json(), {"active": False})

    with check(f"{method}: a wrong secret, or the other method, is refused"):
        for session in [
            OAuth2Session(client["client_id"], "wrong", token_endpoint_auth_method=method),
            OAuth2Session(*credentials, token_endpoint_auth_method=other),
        ]:
            with raises(OAuthError, "invalid_client"):
                fetch(SERVER, session)

with check("a client that named no method uses either"):
    client = register(SERVER, scope="read")
    for method in ["client_secret_basic", "client_secret_post"]:
        session = OAuth2Session(client["client_id"], client["client_secret"], token_endpoint_auth_method=method)
        equal(fetch(SERVER, session)["scope"], "read")

with check("introspection by Basic is refused for a client that named client_secret_post"):
    client = register(SERVER, token_endpoint_auth_method="client_secret_post")
    session = OAuth2Session(client["client_id"], client["client_secret"])
    answer = session.introspect_token(f"{SERVER}/introspect", token="any")
    equal((answer.status_code, answer.json()["error"]), (401, "invalid_client"))

KEYS = {
    "RS256": RSAKey.generate_key(2048),
    "PS256": RSAKey.generate_key(2048),
    "ES256": ECKey.generate_key("P-256"),
    "ES384": ECKey.generate_key("P-384"),
    "EdDSA": OKPKey.generate_key("Ed25519"),
    "Ed25519": OKPKey.generate_key("Ed25519"),
}


def keyed_session(server, key, method):
    client = register(server, token_endpoint_auth_method="private_key_jwt", jwks={"keys": [key.as_dict(private=False)]})
    session = OAuth2Session(client["client_id"], key, token_endpoint_auth_method="private_key_jwt")
    session.register_client_auth_method(method)
    return client, session


with check("PrivateKeyJWT with its defaults: RS256, one hour, the token endpoint as audience"):
    client, session = keyed_session(TOKEN_ENDPOINT_SERVER, KEYS["RS256"], PrivateKeyJWT())
    _, claims = decode(fetch(TOKEN_ENDPOINT_SERVER, session)["access_token"])
    equal(claims["sub"], client["client_id"])

with check("PrivateKeyJWT with its defaults is refused without ASSERTION_AUDIENCE=token-endpoint"):
    _, session = keyed_session(SERVER, KEYS["RS256"], PrivateKeyJWT())
    with raises(OAuthError, "invalid_client"):
        fetch(SERVER, session)

for alg, key in KEYS.items():
    with check(f"PrivateKeyJWT for the issuer, with {alg}"):
        client, session = keyed_session(SERVER, key, PrivateKeyJWT(SERVER, alg=alg))
        _, claims = decode(fetch(SERVER, session)["access_token"])
        equal(claims["sub"], client["client_id"])

with check("PrivateKeyJWT with another key is refused"):
    client, _ = keyed_session(SERVER, KEYS["RS256"], PrivateKeyJWT(SERVER))
    session = OAuth2Session(client["client_id"], KEYS["PS256"], token_endpoint_auth_method="private_key_jwt")
    session.register_client_auth_method(PrivateKeyJWT(SERVER))
    with raises(OAuthError, "invalid_client"):
        fetch(SERVER, session)

finish()
