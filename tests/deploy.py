"""Checks a deployment on MiniStack, for tests/deploy.sh; runs with the python3 of MiniStack's environment.

    deploy.py STACK TEMPLATE TOKEN      uses the deployed functions; keeps a token in the file TOKEN, and if the file
                                        exists, that token must still verify

Exits with 1 and says why as soon as something is not as it must be. Prints no secret and no token.
"""

import base64
import json
import os
import pathlib
import sys
import urllib.error
import urllib.request

import boto3
import jwt
from botocore.config import Config
from botocore.exceptions import ClientError

import events
from deploy_template import skipped


def check(condition, message):
    if not condition:
        sys.exit(f"deploy: {message}")


def client(service, **credentials):
    return boto3.client(service, config=Config(retries={"total_max_attempts": 1}), **credentials)


class Deployed(events.Functions):
    """The deployed functions, invoked through Lambda's API with a signature."""

    def __init__(self, outputs):
        self.names = {"register": outputs["RegisterFunction"], "token": outputs["TokenFunction"]}
        self.api = client("lambda")

    def answer(self, function, event):
        result = self.api.invoke(FunctionName=self.names[function], Payload=json.dumps(event))
        return json.load(result["Payload"])


class Api:
    """The deployed HTTP API, at the host name that MiniStack has for it."""

    def __init__(self, issuer):
        self.host = issuer.removeprefix("https://").split(".")[0] + ".execute-api.localhost"

    def send(self, method, path, body=None, headers=None):
        request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + path, body, headers or {}, method=method)
        request.add_header("host", self.host)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, error.read()[:300]


def exchange(issuer, token_file):
    """A client registers and gets a token through the deployed API; PyJWT verifies it with the deployed key set."""
    api = Api(issuer)
    metadata = {"client_name": "Sample Client", "scope": "strong client-scope", "redirect_uris": [""], "client_uri": ""}
    status, registered = api.send("POST", "/register", json.dumps(metadata).encode(), {"content-type": "application/json"})
    check(status == 201, f"registration answered {status}: {registered}")
    basic = base64.b64encode(f"{registered['client_id']}:{registered['client_secret']}".encode()).decode()
    headers = {"authorization": f"Basic {basic}", "content-type": "application/x-www-form-urlencoded"}
    status, answer = api.send("POST", "/token", b"grant_type=client_credentials&scope=client-scope", headers)
    check(status == 200, f"the token endpoint answered {status}: {answer}")
    status, metadata = api.send("GET", "/.well-known/oauth-authorization-server")
    check(status == 200 and metadata["issuer"] == issuer, f"the metadata answered {status}")
    status, keys = api.send("GET", "/.well-known/jwks.json")
    check(status == 200, f"the key set answered {status}")
    claims, algorithm = verified(answer["access_token"], keys, issuer)
    check(claims["sub"] == claims["client_id"] == registered["client_id"], "the token is another client's")
    head, payload, signature = answer["access_token"].split(".")
    forged = ".".join([head, payload, signature[:-8] + ("AAAAAAAA" if signature[-8:] != "AAAAAAAA" else "BBBBBBBB")])
    try:
        verified(forged, keys, issuer)
        sys.exit("deploy: a forged token verifies")
    except jwt.InvalidSignatureError:
        pass
    kept = pathlib.Path(token_file)
    if kept.exists():
        _, before = verified(kept.read_text(), keys, issuer)
        print(f"deploy: a token from before the update verifies: {before}")
    kept.write_text(answer["access_token"])
    kept.chmod(0o600)
    management = {"authorization": f"Bearer {registered['registration_access_token']}"}
    path = f"/register/{registered['client_id']}"
    check(api.send("GET", path, headers=management)[0] == 200, "the registration cannot be read")
    introspection = api.send("POST", "/introspect", f"token={answer['access_token']}".encode(), headers)
    check(introspection[0] == 200 and introspection[1]["active"] is True, "introspection of a valid token")
    check(api.send("DELETE", path, headers=management)[0] == 204, "the client cannot be deleted")
    check(api.send("GET", path, headers=management)[0] == 401, "a deleted client can be read")
    check(api.send("GET", "/token")[0] == 404, "the API has a route that the template does not have")
    print(f"deploy: register, token, introspect, delete through the HTTP API; PyJWT verifies {algorithm}")


def verified(token, keys, issuer):
    kid = jwt.get_unverified_header(token)["kid"]
    key = next((key for key in jwt.PyJWKSet.from_dict(keys).keys if key.key_id == kid), None)
    check(key, "the key set has no key of the token's kid")
    options = {"require": ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope"]}
    decoded = jwt.decode_complete(
        token, key, algorithms=[key.algorithm_name], audience=issuer, issuer=issuer, options=options
    )
    check(decoded["header"]["typ"] == "at+jwt", f"typ is {decoded['header'].get('typ')}")
    return decoded["payload"], key.algorithm_name


def resources(stack, template):
    """What was created, as far as MiniStack tells, compared with the template."""
    listed = client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    ids = {entry["LogicalResourceId"]: entry["PhysicalResourceId"] for entry in listed}
    dynamodb, kms = client("dynamodb"), client("kms")
    unreported = set()
    for name, resource in template["Resources"].items():
        if name not in ids:
            check("Condition" in resource, f"{name} was not created")
            continue
        wanted = resource.get("Properties", {})
        if resource["Type"] == "AWS::DynamoDB::Table":
            table = dynamodb.describe_table(TableName=ids[name])["Table"]
            check(table["KeySchema"] == wanted["KeySchema"], f"{name}: other keys")
            check(table["BillingModeSummary"]["BillingMode"] == wanted["BillingMode"], f"{name}: another billing mode")
            check(table["DeletionProtectionEnabled"] is True, f"{name}: no deletion protection")
            expiry = dynamodb.describe_time_to_live(TableName=ids[name])["TimeToLiveDescription"]
            if expiry["TimeToLiveStatus"] == "DISABLED":
                unreported.add("TimeToLiveSpecification")
            else:
                check(expiry["AttributeName"] == wanted["TimeToLiveSpecification"]["AttributeName"], f"{name}: another TTL")
            backups = dynamodb.describe_continuous_backups(TableName=ids[name])["ContinuousBackupsDescription"]
            if backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "DISABLED":
                unreported.add("PointInTimeRecoverySpecification")
            if table.get("SSEDescription", {}).get("Status") != "ENABLED":
                unreported.add("SSESpecification")
            # A condition may decide whether there is a stream.
            specified = wanted.get("StreamSpecification", {})
            views = {branch.get("StreamViewType") for branch in specified.get("Fn::If", [None, specified])[1:]}
            stream = table.get("StreamSpecification", {}).get("StreamViewType")
            check(stream in views, f"{name}: its stream is {stream}")
        elif resource["Type"] == "AWS::KMS::Key":
            key = kms.describe_key(KeyId=ids[name])["KeyMetadata"]
            check(key["KeyUsage"] == wanted["KeyUsage"] and key["Enabled"], f"{name}: {key['KeyUsage']}")
            if isinstance(wanted["KeySpec"], str):
                check(key["KeySpec"] == wanted["KeySpec"], f"{name}: {key['KeySpec']}")
    for part in sorted(unreported):
        skipped(f"{part} of the tables: MiniStack's CloudFormation ignores it")
    print(f"deploy: {len(ids)} resources were created")
    return ids


def denied(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"].startswith("AccessDenied")
    return False


def roles(ids, outputs):
    """MiniStack refuses what a role does not allow: the requests above succeeded by the roles of the template."""

    def of(role):
        arn = client("iam").get_role(RoleName=ids[role])["Role"]["Arn"]
        # Only lambda.amazonaws.com may assume the role itself; MiniStack lets the root of the account do so too.
        given = client("sts").assume_role(RoleArn=arn, RoleSessionName="check")["Credentials"]
        names = {"aws_access_key_id": "AccessKeyId", "aws_secret_access_key": "SecretAccessKey", "aws_session_token": "SessionToken"}
        return {name: given[member] for name, member in names.items()}

    table, key = outputs["ClientsTable"], {"client_id": {"S": "x"}}
    signing = outputs.get("SigningKeyArn") or outputs["SealingKeyArn"]
    try:
        register, token = of("RegisterRole"), of("TokenRole")
    except ClientError as error:
        skipped(f"the roles' limits: MiniStack gives no credentials of a function's role ({error.response['Error']['Code']})")
        return
    check(denied(client("kms", **register).get_public_key, KeyId=signing), "the register function may use KMS")
    check(denied(client("dynamodb", **register).scan, TableName=table), "the register function may scan")
    check(not denied(client("dynamodb", **register).delete_item, TableName=table, Key=key), "it may not delete clients")
    check(denied(client("dynamodb", **token).delete_item, TableName=table, Key=key), "the token function deletes clients")
    check(denied(client("dynamodb", **token).scan, TableName=table), "the token function may scan")
    print("deploy: MiniStack refuses what the roles do not allow")


def print_errors(stack):
    """The errors in the functions' logs, which hold no secret."""
    logs = client("logs")
    for function in ("register", "token"):
        for event in logs.filter_log_events(logGroupName=f"/aws/lambda/{stack}-{function}")["events"]:
            if '"level":"ERROR"' in event["message"] or '"level":"WARN"' in event["message"]:
                print(f"{function}: {event['message'][:600]}", file=sys.stderr)


def use(stack, template, token_file):
    described = client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    ids = resources(stack, json.loads(pathlib.Path(template).read_text()))
    exchange(outputs["Issuer"], token_file)
    check(events.run(Deployed(outputs)), "events answered otherwise")
    roles(ids, outputs)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        use(*sys.argv[1:])
    except BaseException:
        print_errors(sys.argv[1])
        raise
