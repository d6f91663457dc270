"""The Python packages with which resource servers verify tokens, each with every algorithm that Tokenmint can sign
with. A verifier must do what the table in docs/compatibility.md says of it."""

import joserfc.jwk
import joserfc.jwt
import jose.jwt
import jwt
import requests
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator

from helper import check, damaged, decode, documented_verifiers, equal, finish, raises, register, request_token, setting

AUDIENCE = "https://api.example/v1"


def fetch_keys(issuer):
    return requests.get(f"{issuer}/.well-known/jwks.json", timeout=10).json()


def pyjwt(issuer, alg, token):
    key = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json").get_signing_key_from_jwt(token)
    options = {"require": ["exp", "iat", "jti", "client_id"]}
    return jwt.decode(token, key, algorithms=[alg], audience=AUDIENCE, issuer=issuer, options=options)


def authlib(issuer, alg, token):
    class Validator(JWTBearerTokenValidator):
        def get_jwks(self):
            return fetch_keys(self.issuer)

    validator = Validator(issuer, AUDIENCE)
    claims = validator.authenticate_token(token)
    validator.validate_token(claims, ["read"], None)
    return claims


def joserfc_(issuer, alg, token):
    keys = joserfc.jwk.KeySet.import_key_set(fetch_keys(issuer))
    verified = joserfc.jwt.decode(token, keys, algorithms=[alg])
    registry = joserfc.jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer}, aud={"essential": True, "value": AUDIENCE}, exp={"essential": True}
    )
    registry.validate(verified.claims)
    return verified.claims


def python_jose(issuer, alg, token):
    return jose.jwt.decode(token, fetch_keys(issuer), algorithms=[alg], audience=AUDIENCE, issuer=issuer)


VERIFIERS = {"pyjwt": pyjwt, "authlib": authlib, "joserfc": joserfc_, "python-jose": python_jose}

algorithms, takes = documented_verifiers(VERIFIERS)
for alg in algorithms:
    issuer = setting(f"SERVER_{alg}")
    client = register(issuer, scope="read")
    token = request_token(issuer, client, resource=AUDIENCE)
    with check(f"the server signs with {alg}"):
        equal(decode(token)[0]["alg"], alg)
    for name, verify in VERIFIERS.items():
        if alg in takes[name]:
            with check(f"{name} verifies {alg}"):
                claims = verify(issuer, alg, token)
                equal(claims["client_id"], client["client_id"])
                equal(claims["scope"], "read")
                with raises(Exception, "(?i)signature|invalid_?token"):
                    verify(issuer, alg, damaged(token))
        else:
            with check(f"{name} does not know {alg}"):
                with raises(Exception):
                    verify(issuer, alg, token)

finish()
