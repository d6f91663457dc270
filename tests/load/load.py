"""Measures one authorization server over HTTP with wrk, and appends the figures of each run to a file.

    load.py RESULTS --row NAME --algorithm ALG --token-url URL [--register-url URL] [--register-load]
            [--duration 10] [--runs 3] [--connections 16] --log FILE -- COMMAND...

Starts COMMAND, waits until it listens, registers a client if there is a URL to register at, and repeats token requests,
then registrations. wrk counts every response whose status is not 2xx; one of them fails the run. Bodies are checked
before and after the load: wrk would take longer to read them than the server to make them.

CPU time and memory are those of the whole process tree of the server, so a server of several processes is counted too.
`other_cores` is what everything else on the machine used meanwhile, besides wrk: above 0.25 the rates and latencies say
little, the CPU times only a bit less.
"""

import argparse
import base64
import contextlib
import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

TICKS = os.sysconf("SC_CLK_TCK")
SCRIPT = pathlib.Path(__file__).with_name("request.lua")
FORM = "application/x-www-form-urlencoded"
TOKEN_REQUEST = "grant_type=client_credentials&scope=read"
REGISTRATION = json.dumps(
    {
        "client_name": "load",
        "grant_types": ["client_credentials"],
        "redirect_uris": [],
        "response_types": [],
        "scope": "read write",
        "token_endpoint_auth_method": "client_secret_basic",
    }
)
# How long a server may take to start: some generate an RSA key.
READY_S = 60
WARM_UP_S = 2


class Wrong(Exception):
    """An answer, or a server, is not as it must be."""


def check(condition, message):
    if not condition:
        raise Wrong(message)


# What Linux counts.


def stat(pid):
    """The fields of /proc/PID/stat after the command's name, which may contain anything."""
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return text[text.rindex(")") + 2 :].split()


def tree(root):
    """A process and its descendants."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # It has ended.
                children.setdefault(int(stat(entry.name)[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def cpu_s(pids):
    """User and system time of these processes, in seconds."""
    ticks = 0
    for pid in pids:
        try:
            fields = stat(pid)
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def resident_mib(pids):
    kib = 0
    for pid in pids:
        try:
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        kib += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
    return kib / 1024


def machine_cpu_s():
    """What all processes have used since the machine started, in seconds."""
    user, nice, system, _idle, _iowait, irq, softirq, *_ = map(
        int, pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + irq + softirq) / TICKS


def children_cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# Requests.


def post(url, body, content_type, authorization=None):
    """Sends one request; returns the status and the JSON body."""
    request = urllib.request.Request(url, body.encode(), {"Content-Type": content_type})
    if authorization:
        request.add_header("Authorization", authorization)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


def register(url):
    """Registers a client and checks the response; returns its id and its Basic credentials."""
    status, client = post(url, REGISTRATION, "application/json")
    check(status == 201, f"registration: status {status}: {client}")
    identifier, secret = client.get("client_id"), client.get("client_secret")
    check(identifier and secret, "registration: no client_id or no client_secret")
    credentials = f"{urllib.parse.quote(identifier)}:{urllib.parse.quote(secret)}"
    return identifier, "Basic " + base64.b64encode(credentials.encode()).decode()


def decoded(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def request_token(url, algorithm, client_id, authorization):
    """Requests a token and checks it; returns its identifier."""
    status, response = post(url, TOKEN_REQUEST, FORM, authorization)
    check(status == 200, f"token: status {status}: {response}")
    check(response.get("token_type") == "Bearer", "token: token_type is not Bearer")
    parts = response["access_token"].split(".")
    check(len(parts) == 3 and len(parts[2]) >= 86, "token: not a signed JWT")
    header, claims = decoded(parts[0]), decoded(parts[1])
    check(header["alg"] == algorithm, f"token: alg is {header['alg']}")
    check(client_id in (None, claims["client_id"]), "token: client_id is another client")
    check(claims["exp"] > claims["iat"], "token: exp is not after iat")
    return claims["jti"]


def check_tokens(url, algorithm, client_id, authorization):
    tokens = {request_token(url, algorithm, client_id, authorization) for _ in range(3)}
    check(len(tokens) == 3, "token: a jti occurs twice")


# The load.


def run_wrk(arguments, pid, url, body, content_type, authorization, seconds):
    """One run of wrk; returns its figures and the server's CPU time."""
    environment = os.environ | {"BODY": body, "CONTENT_TYPE": content_type}
    if authorization:
        environment["AUTHORIZATION"] = authorization
    command = ["wrk", "-t1", f"-c{arguments.connections}", f"-d{seconds}s", "--timeout", "20s", "--latency"]
    before = machine_cpu_s(), cpu_s(tree(pid)), children_cpu_s()
    output = subprocess.run([*command, "-s", SCRIPT, url], capture_output=True, text=True, env=environment, check=True)
    after = machine_cpu_s(), cpu_s(tree(pid)), children_cpu_s()
    machine, server, wrk = (end - start for start, end in zip(before, after, strict=True))
    figures = json.loads(next(line[5:] for line in output.stdout.splitlines() if line.startswith("JSON ")))
    check(figures["failed"] == 0, f"{figures['failed']} of {figures['requests']} requests failed")
    return {
        "rate": figures["requests"] / figures["seconds"],
        "cpu_ms": server * 1e3 / max(figures["requests"], 1),
        "p50_ms": figures["p50_ms"],
        "p99_ms": figures["p99_ms"],
        "requests": figures["requests"],
        "other_cores": max(machine - server - wrk, 0) / figures["seconds"],
    }


def wait_until_ready(server, attempt):
    """Repeats the attempt until the server answers."""
    limit = time.monotonic() + READY_S
    while True:
        try:
            return attempt()
        except OSError:
            check(server.poll() is None, f"the server ended with status {server.returncode}")
            check(time.monotonic() < limit, "the server does not answer")
            time.sleep(0.1)


def measure(arguments, server):
    client_id = authorization = None

    def first():
        if arguments.register_url:
            return register(arguments.register_url)
        request_token(arguments.token_url, arguments.algorithm, None, None)
        return None, None

    client_id, authorization = wait_until_ready(server, first)
    token = (arguments.token_url, arguments.algorithm, client_id, authorization)
    check_tokens(*token)

    load = (arguments.token_url, TOKEN_REQUEST, FORM, authorization)
    run_wrk(arguments, server.pid, *load, WARM_UP_S)
    for _ in range(arguments.runs):
        yield "token", run_wrk(arguments, server.pid, *load, arguments.duration)
    yield "memory", {"after_tokens_mib": resident_mib(tree(server.pid))}
    check_tokens(*token)

    if arguments.register_load:
        load = (arguments.register_url, REGISTRATION, "application/json", None)
        clients = 0
        for _ in range(arguments.runs):
            figures = run_wrk(arguments, server.pid, *load, arguments.duration)
            clients += figures["requests"]
            yield "registration", figures
        yield "memory", {"after_registrations_mib": resident_mib(tree(server.pid)), "clients": clients}
        # The newest client is as good as the first.
        check_tokens(arguments.token_url, arguments.algorithm, *register(arguments.register_url))


def parsed_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=pathlib.Path)
    parser.add_argument("--row", required=True)
    parser.add_argument("--algorithm", required=True)
    parser.add_argument("--token-url", required=True)
    parser.add_argument("--register-url")
    parser.add_argument("--register-load", action="store_true", help="measure registrations too")
    parser.add_argument("--duration", type=int, default=10)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--log", type=pathlib.Path, required=True)
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def main():
    arguments = parsed_arguments()
    # What cannot be reached from here only would be someone else's server.
    for url in filter(None, (arguments.token_url, arguments.register_url)):
        check(urllib.parse.urlparse(url).hostname == "127.0.0.1", "only servers on 127.0.0.1 are measured")
    with arguments.log.open("w") as log, arguments.results.open("a") as results:
        server = subprocess.Popen(arguments.command, stdout=log, stderr=log, start_new_session=True)
        try:
            for kind, figures in measure(arguments, server):
                line = {"row": arguments.row, "algorithm": arguments.algorithm, "kind": kind} | figures
                results.write(json.dumps(line) + "\n")
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)


if __name__ == "__main__":
    try:
        main()
    except (Wrong, subprocess.CalledProcessError) as error:
        sys.exit(f"load: {error}")
