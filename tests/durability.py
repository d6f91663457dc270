"""Kills `tokenmint serve --data` with SIGKILL under load, again and again, and checks that every change which it
acknowledged still holds after the next start.

    durability.py PROGRAM FOLDER PORT

Environment: DURATION, seconds of load and kills, by default 60; WORKERS, by default 6; SEED of the random choices. A
change whose response did not arrive may have happened or not, and is not checked. Exits with 1 if one was lost.
"""

import collections
import http.client
import os
import pathlib
import random
import sys
import threading
import time

from local_server import Connection, Server

UNANSWERED = (OSError, http.client.HTTPException)


class Client:
    """What one registered client must be able to do."""

    def __init__(self, answer):
        self.id, self.secret, self.token = (
            answer[name] for name in ("client_id", "client_secret", "registration_access_token")
        )
        self.old_secrets, self.revoked, self.valid = [], [], []
        self.deleted = self.unknown = False


class Ledger:
    """What was acknowledged, and what was found to be lost."""

    def __init__(self):
        self.lock, self.clients = threading.Lock(), []
        self.acknowledged, self.checked = collections.Counter(), collections.Counter()
        self.lost = []

    def count(self, what):
        with self.lock:
            self.acknowledged[what] += 1

    def expect(self, what, holds, client, answer):
        with self.lock:
            self.checked[what] += 1
            if not holds:
                self.lost.append(f"{what} of {client.id}: {answer[0]}")


def change(connection, ledger, own, choose):
    """One random change. Until it is acknowledged, the state of its client is not known."""
    living = [client for client in own[-40:] if not (client.deleted or client.unknown)]
    if not living or choose.random() < 0.35:
        status, answer = connection.register(client_name="durability")
        if status == 201:
            client = Client(answer)
            own.append(client)
            with ledger.lock:
                ledger.clients.append(client)
            ledger.count("registration")
        return status == 201
    client = choose.choice(living)
    client.unknown = True
    kind = choose.choice(["rotate", "delete", "revoke", "revoke", "token"])
    if kind == "rotate":
        metadata = {"client_id": client.id, "rotate_client_secret": True}
        status, answer = connection.manage("PUT", client.id, client.token, metadata)
        if status != 200:
            return False
        client.old_secrets.append(client.secret)
        client.secret, client.token = answer["client_secret"], answer["registration_access_token"]
        ledger.count("rotation")
    elif kind == "delete":
        if connection.manage("DELETE", client.id, client.token)[0] != 204:
            return False
        client.deleted = True
        ledger.count("deletion")
    else:
        status, answer = connection.token(client.id, client.secret)
        if status != 200:
            return False
        if kind == "revoke":
            if connection.form("/revoke", client.id, client.secret, token=answer["access_token"])[0] != 200:
                return False
            client.revoked.append(answer["access_token"])
            ledger.count("revocation")
        else:
            client.valid.append(answer["access_token"])
            ledger.count("token")
    client.unknown = False
    # A change is also seen at once, by the instance that made it.
    if kind in ("rotate", "delete") and choose.random() < 0.3:
        check(connection, ledger, client)
    return True


def check(connection, ledger, client):
    """That everything acknowledged of a client holds."""
    if client.unknown:
        return
    if client.deleted:
        answer = connection.token(client.id, client.secret)
        ledger.expect("deletion", answer[0] == 401, client, answer)
        answer = connection.manage("GET", client.id, client.token)
        ledger.expect("deletion", answer[0] == 401, client, answer)
        return
    answer = connection.token(client.id, client.secret)
    ledger.expect("rotation" if client.old_secrets else "registration", answer[0] == 200, client, answer)
    for secret in client.old_secrets:
        answer = connection.token(client.id, secret)
        ledger.expect("rotation", answer[0] == 401, client, answer)
    for tokens, active in ((client.revoked, False), (client.valid, True)):
        for token in tokens:
            answer = connection.form("/introspect", client.id, client.secret, token=token)
            holds = answer[0] == 200 and answer[1]["active"] is active
            ledger.expect("token" if active else "revocation", holds, client, answer)


def load(port, ledger, own, seed, stop, refused):
    choose, connection = random.Random(seed), Connection(port)
    while not stop.is_set():
        try:
            if not change(connection, ledger, own, choose):
                refused.append("a change was refused")
        except UNANSWERED:
            if stop.wait(0.005):
                break


def check_all(port, ledger, clients):
    """Every client of the list, by several threads."""

    def part(share):
        connection = Connection(port)
        for client in share:
            check(connection, ledger, client)

    threads = [threading.Thread(target=part, args=(clients[i::4],)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    program, folder, port = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    duration, workers = float(os.environ.get("DURATION") or 60), int(os.environ.get("WORKERS") or 6)
    seed = int(os.environ.get("SEED") or random.randrange(2**32))
    print(f"durability: {duration:.0f} s, {workers} workers, SEED={seed}", flush=True)
    choose, ledger = random.Random(seed), Ledger()
    server = Server(program, port, folder / "data", folder / "server.log", CLIENT_SECRET_OVERLAP="0", RUST_LOG="warn")
    own, refused, kills, started = [[] for _ in range(workers)], [], 0, time.monotonic()
    try:
        while time.monotonic() - started < duration:
            # Known clients, and none, in turns.
            server.start(CLIENT_CACHE_TTL="0" if kills % 2 else "30")
            if choose.random() < 0.2:
                # In the middle of the start.
                time.sleep(choose.uniform(0, 0.3))
                server.kill()
                kills += 1
                continue
            server.wait_until_ready()
            before = len(ledger.clients)
            check_all(port, ledger, choose.sample(ledger.clients, min(100, before)))
            stop = threading.Event()
            threads = [
                threading.Thread(target=load, args=(port, ledger, clients, choose.random(), stop, refused))
                for clients in own
            ]
            for thread in threads:
                thread.start()
            time.sleep(choose.uniform(0.2, 3))
            server.kill()
            kills += 1
            stop.set()
            for thread in threads:
                thread.join()
        server.start()
        server.wait_until_ready()
        check_all(port, ledger, ledger.clients)
    finally:
        server.stop()
    print("durability: | acknowledged | number | checks |")
    for what in ("registration", "rotation", "deletion", "revocation", "token"):
        print(f"durability: | {what} | {ledger.acknowledged[what]} | {ledger.checked[what]} |")
    print(f"durability: {kills} kills, {len(ledger.lost)} lost, {len(refused)} refused")
    for line in ledger.lost[:20]:
        print(f"durability: lost: {line}")
    enough = kills >= 3 and all(ledger.acknowledged[what] for what in ("registration", "rotation", "deletion", "revocation"))
    if not enough:
        print("durability: too little was done to say anything")
    sys.exit(1 if ledger.lost or refused or not enough else 0)


if __name__ == "__main__":
    main()
