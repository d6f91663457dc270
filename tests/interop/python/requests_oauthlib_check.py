"""requests-oauthlib: BackendApplicationClient, which is the client_credentials grant."""

import os

# The only exception: plain HTTP, on loopback.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError, InvalidScopeError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from helper import check, decode, equal, finish, raises, register, setting

SERVER = setting("SERVER")
client = register(SERVER, scope="read write")
ID, SECRET = client["client_id"], client["client_secret"]


def fetch(scope=None, **arguments):
    session = OAuth2Session(client=BackendApplicationClient(client_id=ID, scope=scope))
    return session, session.fetch_token(f"{SERVER}/token", **arguments)


with check("client_secret_basic, by its default"):
    _, token = fetch(client_id=ID, client_secret=SECRET)
    equal(token["scope"], ["read", "write"])
    equal(decode(token["access_token"])[1]["client_id"], ID)

with check("client_secret_basic, by HTTPBasicAuth, with a scope and a resource"):
    _, token = fetch(["read"], auth=HTTPBasicAuth(ID, SECRET), resource="https://reports.example")
    equal(token["scope"], ["read"])
    equal(decode(token["access_token"])[1]["aud"], "https://reports.example")

with check("client_secret_post, by include_client_id"):
    _, token = fetch(client_secret=SECRET, include_client_id=True)
    equal(decode(token["access_token"])[1]["client_id"], ID)

with check("the session sends the token"):
    session, token = fetch(client_id=ID, client_secret=SECRET)
    url, headers, _ = session._client.add_token(f"{SERVER}/resource")
    equal(headers["Authorization"], f"Bearer {token['access_token']}")
    form, basic = {"token": token["access_token"]}, HTTPBasicAuth(ID, SECRET)
    answer = session.post(f"{SERVER}/introspect", form, auth=basic, withhold_token=True)
    equal(answer.json()["active"], True)

with check("a wrong secret is refused"), raises(InvalidClientError):
    fetch(client_id=ID, client_secret="wrong")

with check("more scope than was registered is refused"), raises(InvalidScopeError):
    fetch(["read", "admin"], client_id=ID, client_secret=SECRET)

finish()
