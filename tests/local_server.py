"""`tokenmint serve` as a process of its own, and requests to it, for durability.py and soak.py."""

import base64
import http.client
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.parse

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


class Server:
    """A server on a port of 127.0.0.1 with a folder that outlives it. Its log is appended to a file."""

    def __init__(self, program, port, data, log, **settings):
        self.command = [program, "serve", "--data", str(data), "--listen", f"127.0.0.1:{port}"]
        self.port, self.log, self.process = port, pathlib.Path(log), None
        # ES256, whose signatures are quick.
        self.settings = {"SIGNING_KEYS": "alias/key=ES256", "SCOPES": "client-scope"} | settings

    def start(self, **settings):
        environment = {"PATH": os.environ["PATH"]} | self.settings | settings
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, env=environment
            )

    def wait_until_ready(self, seconds=30):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise SystemExit(f"the server ended with {self.process.returncode}: its folder cannot be used")
            try:
                if Connection(self.port).send("GET", "/.well-known/jwks.json")[0] == 200:
                    return
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
        raise SystemExit("the server does not answer in time")

    def kill(self):
        """Ends it as a crash would: it can do nothing more."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()

    def resident(self):
        """The resident memory in MB."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        return 0.0

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


class Connection:
    """One connection, opened again after the server has closed it."""

    def __init__(self, port):
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def send(self, method, path, body=None, headers=None):
        """The status, the body, and the headers of the response. What a failed request did is not known."""
        try:
            self.http.request(method, path, body, headers or {})
            response = self.http.getresponse()
            return response.status, response.read(), response.headers
        except BaseException:
            self.http.close()
            raise

    def json(self, method, path, body=None, headers=None):
        status, text, _ = self.send(method, path, body, headers)
        return status, json.loads(text) if text else None

    def close(self):
        self.http.close()

    def register(self, **metadata):
        return self.json("POST", "/register", json.dumps(metadata), {"content-type": JSON})

    def form(self, path, client_id, secret, **parameters):
        headers = {"content-type": FORM, "authorization": basic(client_id, secret)}
        return self.json("POST", path, urllib.parse.urlencode(parameters), headers)

    def token(self, client_id, secret, **parameters):
        return self.form("/token", client_id, secret, grant_type="client_credentials", **parameters)

    def manage(self, method, client_id, token, metadata=None):
        headers = {"authorization": f"Bearer {token}", "content-type": JSON}
        return self.json(method, f"/register/{client_id}", json.dumps(metadata) if metadata else None, headers)


def basic(client_id, secret):
    return "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()
