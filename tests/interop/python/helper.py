"""What the scripts share: how a check is reported, and requests that need no library because another one is tried."""

import base64
import contextlib
import json
import os
import pathlib
import re
import sys

import requests

ROOT = pathlib.Path(__file__).parents[3]

_failed = []


@contextlib.contextmanager
def check(name):
    """Prints `ok` or `FAILED` with the name of the check. run.sh counts these lines."""
    try:
        yield
    except Exception as error:
        _failed.append(name)
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"FAILED {name}: {reason}", flush=True)
    else:
        print(f"ok {name}", flush=True)


def finish():
    """Ends the script: with 2 if a check failed."""
    sys.exit(2 if _failed else 0)


def equal(seen, wanted):
    assert seen == wanted, f"{seen!r} instead of {wanted!r}"


@contextlib.contextmanager
def raises(kind, text=""):
    """Fails unless its block raises an exception of this kind whose text matches the expression."""
    try:
        yield
    except kind as error:
        seen = f"{type(error).__name__}: {error}"
        assert re.search(text, seen), f"{seen!r} does not match {text!r}"
    else:
        raise AssertionError(f"nothing raised {kind.__name__}")


def setting(name):
    """A value that run.sh has set."""
    value = os.environ.get(name)
    if not value:
        sys.exit(f"{name} is not set; run this script with tests/interop/run.sh")
    return value


def register(issuer, **metadata):
    """Registers a client without any client library."""
    answer = requests.post(f"{issuer}/register", json=metadata, timeout=10)
    assert answer.status_code == 201, answer.text
    return answer.json()


def request_token(issuer, client, **parameters):
    """Gets a token by client_secret_basic without any client library."""
    form = {"grant_type": "client_credentials", **parameters}
    credentials = (client["client_id"], client["client_secret"])
    answer = requests.post(f"{issuer}/token", form, auth=credentials, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


def decode(token):
    """The header and the claims of a JWT, not verified."""
    return [json.loads(_bytes(part)) for part in token.split(".")[:2]]


def damaged(token):
    """The JWT with one bit of its signature changed."""
    head, body, signature = token.split(".")
    raw = bytearray(_bytes(signature))
    raw[len(raw) // 2] ^= 1
    return ".".join([head, body, base64.urlsafe_b64encode(raw).rstrip(b"=").decode()])


def _bytes(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def documented_table(name):
    """The rows of a table in docs/compatibility.md, its header first."""
    page = (ROOT / "docs/compatibility.md").read_text()
    table = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", page, re.DOTALL)[1]
    header, _, *rows = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in table.strip().splitlines()]
    return [header, *rows]


def documented_verifiers(names):
    """The algorithms of the table in docs/compatibility.md, and for each of these verifiers those that it takes."""
    (_, _, *algorithms), *rows = documented_table("verifiers")
    marks = {name: dict(zip(algorithms, marks, strict=True)) for name, _, *marks in rows}
    for name in names:
        if name not in marks or not {"yes", "no"}.issuperset(marks[name].values()):
            sys.exit(f"docs/compatibility.md has no row of yes and no for {name}")
    return algorithms, {name: {alg for alg, mark in marks[name].items() if mark == "yes"} for name in names}
