"""The seed's exchange, for the scripts beside this file: a client registers and gets a token.

    exchange.py http URL                            register, token and JWKS over HTTP
    exchange.py authorize EVENT REGISTRATION        EVENT with the Basic credentials of REGISTRATION
    exchange.py verify TOKEN_ANSWER JWKS_ANSWER     what the token function answered

EVENT is a file of events/; REGISTRATION and the ANSWERs are a function's answers to API Gateway. Exits
with 1 and says why as soon as something is not as it must be. Prints no secret and no token but the event.
"""

import base64
import json
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

EVENTS = pathlib.Path(__file__).parent.parent / "events"


def check(condition, message):
    if not condition:
        sys.exit(f"exchange: {message}")


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def number(text):
    return int.from_bytes(decoded(text), "big")


def verify_signature(jwk, alg, signed, signature):
    """Verifies a JWS (RFC 7515) with a key of the JWKS; raises if it is invalid."""
    if jwk["kty"] == "RSA":
        key = rsa.RSAPublicNumbers(number(jwk["e"]), number(jwk["n"])).public_key()
        pad = {
            "RS256": padding.PKCS1v15(),
            "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH),
        }[alg]
        key.verify(signature, signed, pad, hashes.SHA256())
    else:
        curve, digest, size = {
            "ES256": (ec.SECP256R1(), hashes.SHA256(), 32),
            "ES384": (ec.SECP384R1(), hashes.SHA384(), 48),
        }[alg]
        check(len(signature) == 2 * size, f"a signature of {len(signature)} bytes for {alg}")
        key = ec.EllipticCurvePublicNumbers(number(jwk["x"]), number(jwk["y"]), curve).public_key()
        r, s = (int.from_bytes(half, "big") for half in (signature[:size], signature[size:]))
        key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(digest))


def verify(answer, jwks, client_id=None):
    """Checks a token endpoint's response and its JWT (RFC 9068) against the JWKS."""
    check(answer.get("token_type") == "Bearer", "token_type is not Bearer")
    check(answer.get("scope") == "client-scope", f"scope is {answer.get('scope')!r}")
    check(answer.get("expires_in") == 18000, f"expires_in is {answer.get('expires_in')!r}")
    head, body, signature = answer["access_token"].split(".")
    header, claims = json.loads(decoded(head)), json.loads(decoded(body))
    check(header.get("typ") == "at+jwt", f"typ is {header.get('typ')!r}")
    keys = [key for key in jwks["keys"] if key.get("kid") == header.get("kid")]
    check(len(keys) == 1, f"{len(keys)} keys of the JWKS have the token's kid")
    check(keys[0].get("alg") == header["alg"], "the key's alg is not the token's")
    check(not {"d", "p", "q"} & keys[0].keys(), "the JWKS contains a private key")
    try:
        verify_signature(keys[0], header["alg"], f"{head}.{body}".encode(), decoded(signature))
    except InvalidSignature:
        sys.exit("exchange: the token's signature is not good")
    for name in ("iss", "sub", "client_id", "aud", "exp", "iat", "jti", "scope"):
        check(name in claims, f"the token has no {name}")
    check(claims["sub"] == claims["client_id"], "sub is not client_id")
    check(client_id in (None, claims["sub"]), "the token is another client's")
    check(claims["iat"] <= time.time() + 5 and claims["exp"] == claims["iat"] + 18000, "wrong iat or exp")
    print(f"the token verifies: {header['alg']}, kid {header['kid']}, iss {claims['iss']}")


def registered(status, answer):
    """Checks a registration's response (RFC 7591 section 3.2.1) and returns its Basic credentials."""
    check(status == 201, f"registration answered {status}: {answer}")
    check(answer.get("scope") == "client-scope", f"scope is {answer.get('scope')!r}")
    check(answer.get("client_secret_expires_at") == 0, "the secret expires")
    secret = answer["client_secret"]
    check(len(secret) == 32 and secret.isalnum(), "the secret is not 32 letters and digits")
    print(f"registered {answer['client_id']}", file=sys.stderr)
    return "Basic " + base64.b64encode(f"{answer['client_id']}:{secret}".encode()).decode()


def function_answer(path):
    """Status and JSON body of a function's response to API Gateway."""
    text = pathlib.Path(path).read_text()
    answer = json.loads(text)
    check("statusCode" in answer, f"no answer of the function, but {text[:500]}")
    body = answer.get("body") or "{}"
    return answer["statusCode"], json.loads(base64.b64decode(body) if answer.get("isBase64Encoded") else body)


def event(name):
    return json.loads((EVENTS / f"{name}.json").read_text())


def send(url, event, authorization=None):
    """Sends an event's request to a server; returns the status and the JSON body."""
    body = event.get("body")
    if body is not None:
        body = base64.b64decode(body) if event["isBase64Encoded"] else body.encode()
    request = urllib.request.Request(url + event["rawPath"], body, method=event["requestContext"]["http"]["method"])
    for name in ("accept", "content-type"):
        if name in event["headers"]:
            request.add_header(name, event["headers"][name])
    if authorization:
        request.add_header("authorization", authorization)
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError as error:
        sys.exit(f"exchange: {request.method} {request.full_url}: {error}")


def http(url):
    status, registration = send(url, event("register-seed"))
    authorization = registered(status, registration)
    status, token = send(url, event("token-seed"), authorization)
    check(status == 200, f"the token endpoint answered {status}: {token}")
    status, jwks = send(url, event("token-jwks"))
    check(status == 200, f"the JWKS answered {status}: {jwks}")
    verify(token, jwks, registration["client_id"])
    status, metadata = send(url, event("token-metadata"))
    check(status == 200, f"the metadata answered {status}: {metadata}")
    check(metadata["issuer"] == json.loads(decoded(token["access_token"].split(".")[1]))["iss"], "another issuer")
    status, _ = send(url, event("token-wrong-secret"), "Basic " + base64.b64encode(b"nobody:nothing").decode())
    check(status == 401, f"an unknown client got {status}")


def main():
    match sys.argv[1:]:
        case ["http", url]:
            http(url)
        case ["authorize", event_file, registration]:
            token_event = json.loads(pathlib.Path(event_file).read_text())
            token_event["headers"]["authorization"] = registered(*function_answer(registration))
            print(json.dumps(token_event))
        case ["verify", token_answer, jwks_answer]:
            (token_status, token), (jwks_status, jwks) = function_answer(token_answer), function_answer(jwks_answer)
            check(token_status == 200, f"the token endpoint answered {token_status}: {token}")
            check(jwks_status == 200, f"the JWKS answered {jwks_status}: {jwks}")
            verify(token, jwks)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
