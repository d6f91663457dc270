"""Mixed load on `tokenmint serve --data`, good and malformed, for some time.

    soak.py PROGRAM FOLDER PORT

Environment: DURATION, seconds, by default 180; WORKERS, by default 8; SEED of the random choices. Checks that every
request gets a response that it may get, that none is a 5xx, that no connection is refused, that memory and open files
stay bounded, and that no secret is in the log. Exits with 1 if not.
"""

import base64
import collections
import http.client
import json
import os
import pathlib
import random
import re
import socket
import sys
import threading
import time

from local_server import FORM, JSON, Connection, Server, basic

# In every malformed request that could be logged; nothing of a request may be.
MARK = "hush0marker0of0the0soak"


class Soak:
    def __init__(self, port):
        self.port, self.lock = port, threading.Lock()
        self.done, self.wrong, self.secrets = collections.Counter(), [], set()
        self.stop = threading.Event()

    def expect(self, what, answer, *allowed):
        """Counts a response, and checks its status and that it is JSON, or empty where it may be."""
        status, text, headers = answer
        self.done[f"{what} {status}"] += 1
        problem = None
        if status >= 500 or status not in allowed:
            problem = f"{status}, not {allowed}"
        elif text and headers.get("content-type") != JSON:
            problem = f"content-type {headers.get('content-type')}"
        elif text:
            try:
                body = json.loads(text)
            except ValueError:
                problem = "not JSON"
            else:
                if status >= 400 and status != 401 and "error" not in body:
                    problem = "an error without a code"
        elif status not in (200, 204):
            problem = f"{status} without a body"
        if problem:
            with self.lock:
                self.wrong.append(f"{what}: {problem}")
        return json.loads(text) if text and not problem else {}

    def keep(self, *secrets):
        with self.lock:
            self.secrets.update(secrets)


def good(soak, connection, own, choose):
    """What well-behaved clients do."""
    send, kind = connection.send, choose.random()
    if not own or kind < 0.06:
        body = json.dumps({"client_name": "soak", "scope": "client-scope"})
        answer = soak.expect("register", send("POST", "/register", body, {"content-type": JSON}), 201)
        if answer:
            soak.keep(answer["client_secret"], answer["registration_access_token"])
            own.append(answer)
        return
    client = choose.choice(own)
    management = {"authorization": f"Bearer {client['registration_access_token']}", "content-type": JSON}
    headers = {"authorization": basic(client["client_id"], client["client_secret"]), "content-type": FORM}
    path = f"/register/{client['client_id']}"
    if kind < 0.6:
        answer = soak.expect("token", send("POST", "/token", "grant_type=client_credentials", headers), 200)
        token = answer.get("access_token")
        if not token:
            return
        soak.keep(token.rsplit(".", 1)[1])
        if kind < 0.2:
            answer = soak.expect("introspect", send("POST", "/introspect", f"token={token}", headers), 200)
            if answer.get("active") is not True:
                soak.wrong.append("introspect: a valid token is not active")
        elif kind < 0.25:
            soak.expect("revoke", send("POST", "/revoke", f"token={token}", headers), 200)
            answer = soak.expect("introspect", send("POST", "/introspect", f"token={token}", headers), 200)
            if answer.get("active") is not False:
                soak.wrong.append("introspect: a revoked token is active")
    elif kind < 0.7:
        soak.expect("read", send("GET", path, None, management), 200)
    elif kind < 0.78:
        body = json.dumps({"client_id": client["client_id"], "scope": "client-scope", "rotate_client_secret": True})
        answer = soak.expect("update", send("PUT", path, body, management), 200)
        if answer:
            soak.keep(answer["client_secret"], answer["registration_access_token"])
            client.update(answer)
    elif kind < 0.82:
        own.remove(client)
        soak.expect("delete", send("DELETE", path, None, management), 204)
        soak.expect("token of a deleted client", send("POST", "/token", "grant_type=client_credentials", headers), 401)
    elif kind < 0.9:
        wrong = headers | {"authorization": basic(client["client_id"], MARK + str(choose.random()))}
        soak.expect("wrong secret", send("POST", "/token", "grant_type=client_credentials", wrong), 401)
    else:
        name = choose.choice(["jwks.json", "oauth-authorization-server", "openid-configuration"])
        soak.expect("document", send("GET", f"/.well-known/{name}"), 200)


def bad(soak, connection, choose):
    """Requests that HTTP allows, and OAuth does not."""
    send, noise = connection.send, choose.randbytes(choose.randrange(1, 4000))
    form, deep = {"content-type": FORM}, "[" * choose.randrange(1, 3000)
    match choose.randrange(12):
        case 0:
            soak.expect("random form", send("POST", "/token", noise, form), 400, 401)
        case 1:
            soak.expect("random JSON", send("POST", "/register", noise, {"content-type": JSON}), 400)
        case 2:
            body = '{"client_name": "' + MARK + '", "jwks": ' + deep
            soak.expect("truncated JSON", send("POST", "/register", body, {"content-type": JSON}), 400)
        case 3:
            method = choose.choice(["GET", "PUT", "DELETE", "PATCH", "HEAD", "TRACE", "BREW"])
            answer = send(method, choose.choice(["/token", "/introspect", "/revoke"]))
            # The response to HEAD has no body.
            soak.expect("wrong method", (answer[0], answer[1] or b'{"error": ""}', answer[2]), 405)
        case 4:
            soak.expect("unknown path", send("POST", "/" + MARK + "/%2e%2e/" + str(choose.random()), noise, form), 404)
        case 5:
            header = {"authorization": "Basic " + base64.b64encode(MARK.encode() + noise[:200]).decode()} | form
            soak.expect("random Basic", send("POST", "/token", "grant_type=client_credentials", header), 400, 401)
        case 6:
            header = {"authorization": "Bearer " + MARK}
            soak.expect("unknown bearer", send("GET", "/register/" + MARK, None, header), 401)
        case 7:
            try:
                soak.expect("large body", send("POST", "/token", "scope=" + "x" * 300_000, form), 400)
            except (BrokenPipeError, ConnectionResetError):
                soak.done["large body: closed"] += 1
        case 8:
            soak.expect("wrong type", send("POST", "/token", "<a/>", {"content-type": "text/xml"}), 400)
        case 9:
            query = f"/token?client_secret={MARK}&grant_type=client_credentials"
            soak.expect("query", send("POST", query, "grant_type=client_credentials", form), 400)
        case 10:
            body = "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type"
            body += "%3Ajwt-bearer&client_assertion=" + base64.urlsafe_b64encode(noise).decode()[:3000] + "." + MARK
            soak.expect("random assertion", send("POST", "/token", body, form), 400, 401)
        case 11:
            header = {"dpop": base64.urlsafe_b64encode(noise).decode()[:3000]} | form
            soak.expect("random proof", send("POST", "/token", "grant_type=client_credentials", header), 400, 401)


def raw(soak, choose):
    """What is no HTTP, or no complete request: a 4xx, or the connection is closed."""
    with socket.create_connection(("127.0.0.1", soak.port), timeout=15) as connection:
        head = b"POST /token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n"
        get = b"GET /.well-known/jwks.json HTTP/1.1\r\nhost: x\r\n\r\n"
        kind = choose.randrange(7)
        sent = [
            choose.randbytes(500),
            # More than the server reads; if it happens to read all at once, this is a request.
            head + b"connection: close\r\nx-large: " + MARK.encode() * 20_000 + b"\r\n\r\n",
            head + b"content-length: 1000\r\n\r\nhalf",
            head + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
            head + b"content-length: -1\r\n\r\n",
            get * 3,
            head[: choose.randrange(1, len(head))],
        ][kind]
        try:
            connection.sendall(sent)
            if kind in (2, 6):
                # Incomplete: now slow, then gone.
                soak.stop.wait(choose.uniform(0, 1))
                soak.done["raw: aborted"] += 1
                return
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
                if kind == 5 and received.count(b"HTTP/1.1 200") == 3:
                    break
        except (ConnectionResetError, BrokenPipeError):
            received = b""
        except TimeoutError:
            soak.wrong.append(f"raw request {kind}: no answer, and the connection stays open")
            return
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3})", received)]
    soak.done[f"raw: {' '.join(map(str, statuses)) or 'closed'}"] += 1
    if statuses != [200] * 3 if kind == 5 else any(status >= 500 or status < 400 for status in statuses):
        soak.wrong.append(f"raw request {kind}: {statuses}")


def work(soak, seed):
    choose, own, connection = random.Random(seed), [], Connection(soak.port)
    while not soak.stop.is_set():
        kind = choose.random()
        try:
            if kind < 0.75:
                good(soak, connection, own, choose)
            elif kind < 0.95:
                bad(soak, connection, choose)
            else:
                raw(soak, choose)
            if kind >= 0.75:
                # A server need not read the body of what it refuses. It then closes the connection, possibly after its
                # response said that it stays open.
                connection.close()
        except (OSError, http.client.HTTPException) as error:
            soak.wrong.append(f"no answer: {type(error).__name__}: {error}")
        if len(soak.wrong) > 100:
            break
    connection.close()


def words_in_log(log, secrets):
    """The secrets and the mark that are in the log."""
    found = set()
    with log.open(errors="replace") as lines:
        for line in lines:
            if MARK in line:
                found.add(MARK)
            found.update(word for word in re.findall(r"[A-Za-z0-9_-]{32,}", line) if word in secrets)
    return found


def main():
    program, folder, port = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    duration, workers = float(os.environ.get("DURATION") or 180), int(os.environ.get("WORKERS") or 8)
    seed = int(os.environ.get("SEED") or random.randrange(2**32))
    print(f"soak: {duration:.0f} s, {workers} workers, SEED={seed}", flush=True)
    choose, soak = random.Random(seed), Soak(port)
    log = folder / "server.log"
    server = Server(program, port, folder / "data", log, CLIENT_SECRET_OVERLAP="0", RUST_LOG="info")
    samples = []
    try:
        server.start()
        server.wait_until_ready()
        files = server.open_files()
        threads = [threading.Thread(target=work, args=(soak, choose.random())) for _ in range(workers)]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        while time.monotonic() - started < duration and server.process.poll() is None and len(soak.wrong) <= 100:
            samples.append(server.resident())
            time.sleep(0.5)
        soak.stop.set()
        for thread in threads:
            thread.join()
        if server.process.poll() is not None:
            soak.wrong.append(f"the server ended with {server.process.returncode}")
        else:
            deadline = time.monotonic() + 30
            while (left := server.open_files()) > files + 8 and time.monotonic() < deadline:
                time.sleep(0.5)
            if left > files + 8:
                soak.wrong.append(f"{left} open files, {files} at the start")
            soak.expect("afterwards", Connection(port).send("GET", "/.well-known/jwks.json"), 200)
    finally:
        server.stop()

    third = len(samples) // 3
    warm, end = max(samples[third : 2 * third], default=0), max(samples[2 * third :], default=0)
    if end > warm * 1.15 + 16:
        soak.wrong.append(f"memory grew from {warm:.0f} to {end:.0f} MB")
    leaked = words_in_log(log, soak.secrets)
    if leaked:
        soak.wrong.append(f"{len(leaked)} secrets are in the log")
    for what, number in sorted(soak.done.items()):
        print(f"soak: {number:8} {what}")
    size = log.stat().st_size / 2**20
    print(f"soak: {sum(soak.done.values())} requests; none of {len(soak.secrets)} secrets in {size:.1f} MB of log")
    print(f"soak: memory {samples[0]:.0f} MB at the start; at most {warm:.0f} MB in the second third, {end:.0f} MB in the last")
    for line, number in collections.Counter(soak.wrong).most_common(20):
        print(f"soak: WRONG: {number} times: {line}")
    sys.exit(1 if soak.wrong or not soak.done else 0)


if __name__ == "__main__":
    main()
