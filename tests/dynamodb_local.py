"""The parts of tests/dynamodb-local.sh that call DynamoDB; runs with the python3 of MiniStack's environment.

    dynamodb_local.py create          the tables of template.yaml, under the names of the functions' settings
    dynamodb_local.py expire URL      clients that never used their secret expire, and the others do not

URL is that of `cargo lambda watch`, with UNUSED_CLIENT_TTL=5. Prints no secret.
"""

import os
import pathlib
import sys
import time

import boto3
from samtranslator.yaml_helper import yaml_parse

import events

DYNAMODB = boto3.client("dynamodb", endpoint_url=os.environ["AWS_ENDPOINT_URL_DYNAMODB"])
TABLES = {"ClientsTable": "CLIENTS_TABLE", "RegistrationsTable": "REGISTRATIONS_TABLE", "TokensTable": "TOKENS_TABLE"}


def check(condition, message):
    if not condition:
        sys.exit(f"dynamodb_local: {message}")


def create():
    template = yaml_parse(pathlib.Path("template.yaml").read_text())
    for resource, setting in TABLES.items():
        properties = template["Resources"][resource]["Properties"]
        name = os.environ[setting]
        members = ("BillingMode", "AttributeDefinitions", "KeySchema")
        DYNAMODB.create_table(TableName=name, **{member: properties[member] for member in members})
        DYNAMODB.update_time_to_live(TableName=name, TimeToLiveSpecification=properties["TimeToLiveSpecification"])
        found = DYNAMODB.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        check(found["TimeToLiveStatus"] == "ENABLED", f"{name}: time to live is {found['TimeToLiveStatus']}")


def stored(client):
    """The client's item, read consistently."""
    key = {"client_id": {"S": client["client_id"]}}
    return DYNAMODB.get_item(TableName=os.environ["CLIENTS_TABLE"], Key=key, ConsistentRead=True).get("Item")


def expire(url):
    functions = events.Functions(url, "register", "token")
    request = events.load("token-seed")
    unused, used = functions.register(), functions.register()
    expiry = int(stored(unused)["expires_at"]["N"])
    check(0 < expiry - time.time() <= 5, "the unused client does not expire in 5 s")
    status, _ = functions.invoke("token", events.with_client(request, used))
    check(status == 200, f"the first token of a client: {status}")
    check("expires_at" not in stored(used), "a client that got a token still expires")
    # DynamoDB Local deletes within some seconds, AWS within some days: until then the code must see the expiry.
    time.sleep(max(0, expiry + 0.1 - time.time()))
    status, answer = functions.invoke("token", events.with_client(request, unused))
    late = stored(unused)
    check((status, answer.get("error")) == (401, "invalid_client"), f"an expired client got {status}")
    print(f"dynamodb_local: an expired client is refused {'before' if late else 'after'} it is deleted")
    deadline = time.monotonic() + 90
    while stored(unused):
        check(time.monotonic() < deadline, "DynamoDB Local has not deleted an expired client in 90 s")
        time.sleep(0.5)
    check(time.time() >= expiry, "a client was deleted before it expired")
    status, answer = functions.invoke("token", events.with_client(request, unused))
    check((status, answer.get("error")) == (401, "invalid_client"), f"an expired client got {status}")
    status, _ = functions.invoke("token", events.with_client(request, used))
    check(status == 200, f"a client in use got {status}")
    print("dynamodb_local: an unused client was deleted after it expired, a used one was not")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["create"]:
            create()
        case ["expire", url]:
            expire(url)
        case _:
            sys.exit(__doc__)
