"""Sends every event of events/ to the two functions through Lambda's API, and compares the answers with the table in
events/README.md.

    events.py URL REGISTER_FUNCTION TOKEN_FUNCTION

URL is an endpoint of Lambda's API: of `cargo lambda watch`, `sam local start-lambda` or an emulator. The functions need
REGISTRATION=open, no limit of registrations, AUTHORIZATION_ENDPOINT=compat and CORS_ORIGINS=https://app.example. Prints
the number of answers; exits with 1 after naming each that is not in the table. Prints no secret.
"""

import base64
import json
import pathlib
import re
import sys
import time
import urllib.error
import urllib.request

FOLDER = pathlib.Path(__file__).parent.parent / "events"

# The credentials in the files, which no server knows.
EXAMPLE = {
    "client_id": "0b7d2c5e-6f1a-4c3d-8e9f-a1b2c3d4e5f6",
    "client_secret": "EventFileExampleSecret0123456789",
    "registration_access_token": "EventFileExampleToken0123456789A",
}


def table():
    """The rows of events/README.md: the event's name, its answer as it is, and its answer for a registered client."""
    text = (FOLDER / "README.md").read_text()
    rows = text.split("<!-- events -->\n")[1].split("<!-- end -->")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    expected = {name.strip("`"): answers for name, *answers in cells}
    missing = {path.stem for path in FOLDER.glob("*.json")} ^ expected.keys()
    if missing:
        sys.exit(f"events: not both a file and a row of events/README.md: {', '.join(sorted(missing))}")
    return expected


def load(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def with_client(event, client):
    """The event with the registered client's credentials in place of the example's, or None if it has none."""

    def plain(text):
        for member, value in EXAMPLE.items():
            text = text.replace(value, client[member])
        return text

    def encoded(match):
        return base64.b64encode(plain(base64.b64decode(match[0]).decode("latin-1")).encode("latin-1")).decode()

    def replaced(value):
        if isinstance(value, dict):
            return {name: replaced(member) for name, member in value.items()}
        return plain(value) if isinstance(value, str) else value

    changed = replaced(event)
    if "authorization" in changed["headers"]:
        changed["headers"]["authorization"] = re.sub(
            "(?<=Basic )[A-Za-z0-9+/=]+", encoded, changed["headers"]["authorization"]
        )
    if changed.get("isBase64Encoded"):
        changed["body"] = re.sub("^.+$", encoded, changed["body"])
    return None if changed == event else changed


class Functions:
    """Both functions behind Lambda's API, without a signature."""

    def __init__(self, url, register, token):
        self.url, self.names = url.rstrip("/"), {"register": register, "token": token}

    def answer(self, function, event):
        """What a function returns for an event."""
        request = urllib.request.Request(
            f"{self.url}/2015-03-31/functions/{self.names[function]}/invocations",
            json.dumps(event).encode(),
            {"content-type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                return json.load(response)
        except (OSError, ValueError) as error:
            sys.exit(f"events: {function} cannot be invoked: {error}")

    def invoke(self, function, event):
        """A function's answer to API Gateway: the status, and the JSON body if there is one."""
        answer = self.answer(function, event)
        if not isinstance(answer, dict) or "statusCode" not in answer:
            sys.exit(f"events: no answer of {function}, but {str(answer)[:500]}")
        body = answer.get("body") or ""
        if answer.get("isBase64Encoded"):
            body = base64.b64decode(body).decode()
        try:
            return answer["statusCode"], json.loads(body)
        except ValueError:
            return answer["statusCode"], body

    def register(self):
        status, client = self.invoke("register", load("register-minimal"))
        if status != 201:
            sys.exit(f"events: registration answered {status}: {client}")
        return client


def differs(answer, expected):
    """Why an answer is not the one of the table: its status, then the error code or a member of the body."""
    status, body = answer
    wanted = re.fullmatch(r"(\d{3})(?: `(\w+)`)?", expected)
    if not wanted:
        return f"the table's {expected!r} is not understood"
    code = body.get("error") if isinstance(body, dict) else None
    if status != int(wanted[1]):
        return f"answered {status} {code or ''}, not {expected}"
    if status >= 400:
        described = code is None or body.get("error_description")
        return None if code == wanted[2] and described else f"answered {status} {code}, not {expected}"
    if wanted[2] and not (isinstance(body, dict) and body.get(wanted[2]) is not None):
        return f"answered {status} without {wanted[2]}"
    return None


def run(functions):
    """Sends every event; says what differs, and returns whether nothing does."""
    sent, wrong, started = 0, [], time.monotonic()
    for name, (as_is, as_client) in table().items():
        function, event = name.split("-")[0], load(name)
        requests = [("as it is", event, as_is)]
        own = with_client(event, functions.register())
        if (own is None) != (as_client == "–"):
            wrong.append(f"{name}: the table says {as_client} for a registered client")
        elif own:
            requests.append(("for a registered client", own, as_client))
        for how, request, expected in requests:
            sent += 1
            difference = differs(functions.invoke(function, request), expected)
            if difference:
                wrong.append(f"{name} {how}: {difference}")
    for line in wrong:
        print(f"events: {line}", file=sys.stderr)
    print(f"events: {sent - len(wrong)} of {sent} answers are as in events/README.md ({time.monotonic() - started:.1f} s)")
    return not wrong


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(0 if run(Functions(*sys.argv[1:])) else 1)
