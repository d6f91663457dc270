//! Clients whose identifier is the URL of their metadata document. The server runs on a developer's machine, so documents
//! may be on loopback. The tests of the fetch crate cover a deployed server.

mod hostile;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use tokenmint_tests::{Answer, Credentials, Log, Proxy, World, events, send};
use tokio::task::JoinSet;

use crate::client_key::{ClientKey, ask, claims, parameters};
use crate::site::{Site, ok};

const LOCAL: &str = "http://localhost:9000";

/// A server that allows one host, and a client with a document there.
struct Agent {
    world: World,
    key: ClientKey,
    site: Site,
}

impl Agent {
    /// The host allows `read` and `write`.
    async fn new() -> Self {
        Self::of("read write").await
    }

    async fn of(scope: &str) -> Self {
        let (mut world, key) = (World::new().await, ClientKey::new(Algorithm::ES256));
        let site = Site::start("").await;
        world.set("ISSUER", LOCAL).await;
        world.set("CLIENT_METADATA_HOSTS", &json!({host(&site.url): scope}).to_string()).await;
        let agent = Self { world, key, site };
        agent.site.answer(ok(&agent.document()));
        agent
    }

    /// The document as it is to be.
    fn document(&self) -> Value {
        json!({
            "client_id": self.site.url,
            "client_name": "An agent",
            "token_endpoint_auth_method": "private_key_jwt",
            "grant_types": ["client_credentials"],
            "jwks": self.key.jwks(),
        })
    }

    fn with(&self, name: &str, value: Value) -> Value {
        let mut document = self.document();
        document[name] = value;
        document
    }

    fn assertion(&self, jti: &str) -> String {
        self.key.sign(&claims(&self.world, &self.site.url, jti))
    }

    async fn ask(&self, jti: &str) -> Answer {
        ask(&self.world, &self.assertion(jti)).await
    }

    async fn token(&self, jti: &str) -> String {
        let answer = self.ask(jti).await;
        assert_eq!(answer.status, 200, "{}", answer.json());
        answer.json()["access_token"].as_str().expect("a token").to_owned()
    }

    async fn behind_proxy(&mut self) -> Proxy {
        self.world.behind_proxy().await
    }
}

/// The claims of a token.
fn payload(token: &str) -> Value {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).expect("a payload")).expect("base64url");
    serde_json::from_slice(&payload).expect("JSON")
}

fn host(url: &str) -> String {
    url.split('/').nth(2).expect("a host").to_owned()
}

/// C3, C6: the URL is the client, without a registration and without a read of a table.
#[tokio::test]
async fn c3_c6_a_token_without_registration() {
    let mut agent = Agent::new().await;
    let aws = agent.behind_proxy().await;
    let answer = agent.ask("1").await;
    assert_eq!(answer.status, 200);
    let claims = payload(answer.json()["access_token"].as_str().expect("a token"));
    assert_eq!((&claims["client_id"], &claims["sub"]), (&json!(agent.site.url), &json!(agent.site.url)));
    assert_eq!((&claims["scope"], &answer.json()["scope"]), (&json!("read write"), &json!("read write")));
    let calls = ["GetItem", "PutItem", "UpdateItem", "TransactWriteItems", "Query", "Sign"].map(|call| aws.count(call));
    assert_eq!(calls, [0, 1, 0, 0, 0, 1], "the use of the assertion and the signature");
    ask(&agent.world, &agent.assertion("1")).await.expect_error(401, "invalid_client");
}

/// C1: no host is allowed unless the operator names it; then the metadata says so.
#[tokio::test]
async fn c1_d1_off_by_default() {
    let mut agent = Agent::new().await;
    let metadata = async |world: &World| {
        let answer = world.token(&events::get("/.well-known/oauth-authorization-server")).await;
        answer.json().get("client_id_metadata_document_supported").cloned()
    };
    assert_eq!(metadata(&agent.world).await, Some(json!(true)));
    agent.world.set("CLIENT_METADATA_HOSTS", "").await;
    assert_eq!(metadata(&agent.world).await, None);
    agent.ask("1").await.expect_error(401, "invalid_client");
    assert_eq!(agent.site.asked(), 0);
}

/// C3: the client may ask for what its document and its host both allow.
#[tokio::test]
async fn c3_scopes() {
    let agent = Agent::new().await;
    agent.site.answer(ok(&agent.with("scope", json!("write admin"))));
    let ask = async |jti: &str, more: &str| {
        let form = format!("grant_type=client_credentials{more}{}", parameters(&agent.assertion(jti)));
        agent.world.token(&events::token(&form)).await
    };
    assert_eq!(ask("1", "").await.json()["scope"], "write");
    assert_eq!(ask("2", "&scope=write").await.json()["scope"], "write");
    for (jti, scope) in [("3", "read"), ("4", "admin"), ("5", "write+admin")] {
        ask(jti, &format!("&scope={scope}")).await.expect_error(400, "invalid_scope");
    }
}

/// C4: one fetch serves requests for five minutes; a new key is found after one minute, a withdrawn one is refused after
/// five.
#[tokio::test]
async fn c4_cache() {
    let mut agent = Agent::new().await;
    for jti in ["1", "2", "3"] {
        agent.token(jti).await;
    }
    assert_eq!(agent.site.asked(), 1);
    let old = std::mem::replace(&mut agent.key, ClientKey::new(Algorithm::ES256));
    agent.site.answer(ok(&agent.document()));
    agent.ask("4").await.expect_error(401, "invalid_client");
    assert_eq!(agent.site.asked(), 1, "not within the first minute");
    agent.world.pass(60);
    agent.token("5").await;
    assert_eq!(agent.site.asked(), 2);
    agent.site.answer(ok(&agent.with("jwks", old.jwks())));
    agent.world.pass(299);
    agent.token("6").await;
    assert_eq!(agent.site.asked(), 2);
    agent.world.pass(1);
    agent.ask("7").await.expect_error(401, "invalid_client");
    assert_eq!(agent.site.asked(), 3);
}

/// C4: a response may shorten the time for which its document is used.
#[tokio::test]
async fn c4_cache_control() {
    let agent = Agent::new().await;
    agent.site.answer(ok(&agent.document()).replacen("\r\n", "\r\nCache-Control: max-age=90\r\n", 1));
    for (seconds, asked) in [(0, 1), (89, 1), (1, 2)] {
        agent.world.pass(seconds);
        agent.token(&format!("{seconds}")).await;
        assert_eq!(agent.site.asked(), asked, "{seconds}");
    }
}

/// C4: a document is used for an hour while its host is down, and no longer at all once its host says that it is gone.
#[tokio::test]
async fn c4_a_host_that_is_down() {
    let agent = Agent::new().await;
    agent.token("1").await;
    agent.site.answer("HTTP/1.1 500 x\r\ncontent-length: 0\r\n\r\n");
    agent.world.pass(3599);
    agent.token("2").await;
    agent.site.answer("HTTP/1.1 404 x\r\ncontent-length: 0\r\n\r\n");
    agent.world.pass(10);
    agent.ask("3").await.expect_error(401, "invalid_client");
    agent.site.answer(ok(&agent.document()));
    agent.ask("4").await.expect_error(401, "invalid_client");
    agent.world.pass(10);
    agent.token("5").await;
    // A document that is no client's any more is not used either, an outage of its host does not restore it.
    for (jti, gone) in [("6", agent.with("client_id", json!("https://other.example/"))), ("7", json!({}))] {
        agent.site.answer(ok(&gone));
        agent.world.pass(300);
        agent.ask(jti).await.expect_error(401, "invalid_client");
        agent.site.answer("HTTP/1.1 500 x\r\ncontent-length: 0\r\n\r\n");
        agent.world.pass(10);
        agent.ask(&format!("{jti}a")).await.expect_error(401, "invalid_client");
        agent.site.answer(ok(&agent.document()));
        agent.world.pass(10);
        agent.token(&format!("{jti}b")).await;
    }
}

/// C4: a hundred requests at once make one fetch.
#[tokio::test]
async fn c4_one_fetch_at_a_time() {
    let agent = Agent::new().await;
    agent.site.hold().await;
    let mut at_once = JoinSet::new();
    for n in 0..100 {
        let form = format!("grant_type=client_credentials{}", parameters(&agent.assertion(&n.to_string())));
        let (router, event) = (agent.world.router(), events::token(&form));
        at_once.spawn(async move { send(&router, &event).await.status.as_u16() });
    }
    agent.site.next_connection().await;
    agent.site.release();
    assert!(at_once.join_all().await.iter().all(|status| *status == 200));
    assert_eq!(agent.site.asked(), 1);
}

/// C3: keys may be at a `jwks_uri` instead, on any host.
#[tokio::test]
async fn c3_a6_keys_at_a_jwks_uri() {
    let agent = Agent::new().await;
    let keys = Site::start(ok(&agent.key.jwks())).await;
    let mut document = agent.with("jwks_uri", json!(keys.url));
    document["jwks"] = json!(null);
    agent.site.answer(ok(&document));
    for jti in ["1", "2"] {
        agent.token(jti).await;
    }
    assert_eq!((agent.site.asked(), keys.asked()), (1, 1));
}

/// C6: introspection and revocation know the client, with one read for the revocation alone.
#[tokio::test]
async fn c6_d3_d4_introspection_and_revocation() {
    let mut agent = Agent::new().await;
    let token = agent.token("1").await;
    let form = |jti: &str| format!("token={token}{}", parameters(&agent.assertion(jti)));
    let introspect =
        async |agent: &Agent, form: String| agent.world.token(&events::form("/introspect", &form)).await.json();
    let active = introspect(&agent, form("2")).await;
    assert_eq!((&active["active"], &active["client_id"]), (&json!(true), &json!(agent.site.url)));
    let revoked = agent.world.token(&events::form("/revoke", &form("3"))).await;
    assert_eq!(revoked.status, 200);
    assert_eq!(introspect(&agent, form("4")).await, json!({"active": false}));
    // What an assertion of another key proves there: nothing.
    let other = ClientKey::new(Algorithm::ES256).sign(&claims(&agent.world, &agent.site.url, "5"));
    let refused =
        agent.world.token(&events::form("/introspect", &format!("token={token}{}", parameters(&other)))).await;
    refused.expect_error(401, "invalid_client");
    // A secret proves nothing either, and causes no fetch.
    let asked = agent.site.asked();
    let event = events::form("/introspect", &format!("token={token}&client_id={}&client_secret=x", agent.site.url));
    agent.world.token(&event).await.expect_error(401, "invalid_client");
    assert_eq!(agent.site.asked(), asked);

    // The tokens of a host that is not allowed any more are inactive.
    let token = agent.token("6").await;
    let client = agent.world.client(json!({"scope": "read"})).await;
    agent.world.set("INTROSPECTION_SCOPE", "introspect").await;
    agent.world.set("REGISTRATION", "protected").await;
    let auditor = agent.world.client_with_initial_access_token("introspect", json!({"scope": "introspect"})).await;
    let look = async |agent: &Agent, who: &Credentials| {
        let event =
            events::with_header(events::form("/introspect", &format!("token={token}")), "authorization", who.basic());
        agent.world.token(&event).await.json()["active"].clone()
    };
    assert_eq!((look(&agent, &auditor).await, look(&agent, &client).await), (json!(true), json!(false)));
    agent.world.set("CLIENT_METADATA_HOSTS", r#"{"other.example": "read"}"#).await;
    assert_eq!(look(&agent, &auditor).await, json!(false));
}

/// C6: what a client of a table may, or must, do, this one may and must too.
#[tokio::test]
async fn c6_j5_r5_f5_what_a_document_says() {
    let mut agent = Agent::new().await;
    agent.site.answer(ok(&agent.with("dpop_bound_access_tokens", json!(true))));
    agent.ask("1").await.expect_error(400, "invalid_request");
    agent.world.set("GRANT_POLICY", "registered").await;
    agent.site.answer(ok(&agent.with("grant_types", json!(["refresh_token"]))));
    agent.ask("2").await.expect_error(400, "unauthorized_client");
    agent.site.answer(ok(&agent.document()));
    agent.world.pass(300);
    agent.token("3").await;
    agent.world.set("GRANT_POLICY", "server").await;
    agent.world.set("JWT_BEARER_GRANT", "on").await;
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer";
    let answer = agent.world.token(&events::token(&format!("{grant}&assertion={}", agent.assertion("4")))).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["scope"]), (200, &json!("read write")));
    let bad = ClientKey::new(Algorithm::ES256).sign(&claims(&agent.world, &agent.site.url, "5"));
    let answer = agent.world.token(&events::token(&format!("{grant}&assertion={bad}"))).await;
    answer.expect_error(400, "invalid_grant");
}

/// C3, S3, S4: within FAPI 2.0 the keys of a document are of the profile's algorithms, and each token is bound.
#[tokio::test]
async fn c3_s3_s4_within_fapi2() {
    let mut agent = Agent::new().await;
    agent.world.set("SECURITY_PROFILE", "fapi2").await;
    agent.ask("1").await.expect_error(400, "invalid_request");
    let htu = format!("{LOCAL}/token");
    let claims = json!({"jti": "1", "htm": "POST", "htu": htu, "iat": agent.world.now()});
    let proof = agent.key.sign_with(&json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": agent.key.jwk}), &claims);
    let form = format!("grant_type=client_credentials{}", parameters(&agent.assertion("2")));
    let answer = agent.world.token(&events::with_header(events::token(&form), "dpop", proof)).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["token_type"]), (200, &json!("DPoP")));

    let log = Log::capture();
    agent.key = ClientKey::new(Algorithm::ES384);
    agent.site.answer(ok(&agent.document()));
    agent.world.pass(300);
    agent.ask("3").await.expect_error(401, "invalid_client");
    let line = log.requests().pop().expect("a line");
    assert!(line["cause"].as_str().is_some_and(|cause| cause.contains("algorithm not allowed")), "{line}");
    agent.key = ClientKey::new(Algorithm::ES256);
    agent.ask("4").await.expect_error(401, "invalid_client");
    let line = log.requests().pop().expect("a line");
    let expected = "jwks holds no key for an algorithm this server supports";
    assert!(line["cause"].as_str().is_some_and(|cause| cause.contains(expected)), "{line}");
}

/// C5: the log shows the URL, and why it proved nothing.
#[tokio::test]
async fn c5_o3_the_log() {
    let agent = Agent::new().await;
    let log = Log::capture();
    agent.token("1").await;
    let line = log.requests().pop().expect("a line");
    assert_eq!(line["client.id"], agent.site.url);
    let unknown = agent.site.url.replace("127.0.0.1", "localhost");
    ask(&agent.world, &agent.key.sign(&claims(&agent.world, &unknown, "2"))).await.expect_error(401, "invalid_client");
    let line = log.requests().pop().expect("a line");
    assert_eq!((&line["client.id"], &line["cause"]), (&json!("(not a UUID)"), &json!("unknown client")));
}
