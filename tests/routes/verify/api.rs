//! The protected API of `examples/protected-api`, its issuer, and the three ways to call it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::http::Request;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use protected_api::{Gate, authorizer, http};
use serde_json::{Value, json};
use tokenmint_tests::{Answer, Credentials, World, events};
use tower::ServiceExt;

use super::host::Host;
use crate::dpop::ProofKey;

/// The resource, and its origin.
pub(crate) const API: &str = "https://api.example";

/// How the API is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Over HTTP.
    Http,
    /// By the authorizer's event of an HTTP API.
    HttpApi,
    /// By the authorizer's event of a REST API.
    RestApi,
}

pub(crate) const WAYS: [Way; 3] = [Way::Http, Way::HttpApi, Way::RestApi];

/// What a caller sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Allowed,
    /// 401, with the error code of the challenge where there is one.
    Unauthorized(Option<String>),
    /// 403, with the error code.
    Forbidden(String),
    Unavailable,
}

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: &'static str,
    route: &'static str,
    path: &'static str,
    query: String,
    pub(crate) authorization: Vec<String>,
    pub(crate) dpop: Vec<String>,
    pub(crate) certificate: Option<String>,
}

impl Call {
    pub(crate) fn read(authorization: String) -> Self {
        let (authorization, dpop) = (vec![authorization], Vec::new());
        Self {
            method: "GET",
            route: "/items/{id}",
            path: "/items/1",
            query: String::new(),
            authorization,
            dpop,
            certificate: None,
        }
    }

    pub(super) fn write(authorization: String) -> Self {
        Self { method: "POST", route: "/items", path: "/items", ..Self::read(authorization) }
    }

    /// Reading without the body.
    pub(super) fn head(authorization: String) -> Self {
        Self { method: "HEAD", ..Self::read(authorization) }
    }

    pub(super) fn unlisted(authorization: String) -> Self {
        Self { method: "DELETE", ..Self::read(authorization) }
    }

    pub(crate) fn with_proof(mut self, proof: String) -> Self {
        self.dpop.push(proof);
        self
    }

    /// Without an `Authorization` header, and with this query.
    pub(crate) fn by_query(query: String) -> Self {
        Self { query, authorization: Vec::new(), ..Self::read(String::new()) }
    }

    pub(crate) fn over(mut self, pem: &str) -> Self {
        self.certificate = Some(pem.to_owned());
        self
    }

    /// The event of an HTTP API.
    pub(super) fn http_api(&self) -> Value {
        let mut event = event("authorizer-http-api");
        event["routeKey"] = format!("{} {}", self.method, self.route).into();
        event["rawPath"] = self.path.into();
        event["rawQueryString"] = self.query.as_str().into();
        event["queryStringParameters"] = self.parameters();
        let headers = event["headers"].as_object_mut().expect("headers");
        headers.remove("authorization");
        for (name, values) in [("authorization", &self.authorization), ("dpop", &self.dpop)] {
            if !values.is_empty() {
                headers.insert(name.to_owned(), values.join(",").into());
            }
        }
        let context = &mut event["requestContext"];
        context["http"]["method"] = self.method.into();
        context["http"]["path"] = self.path.into();
        replace(&mut context["authentication"], "clientCert", self.certificate.as_deref());
        event
    }

    /// The event of a REST API.
    pub(super) fn rest_api(&self) -> Value {
        let mut event = event("authorizer-rest-api");
        event["httpMethod"] = self.method.into();
        event["resource"] = self.route.into();
        event["path"] = self.path.into();
        event["queryStringParameters"] = self.parameters();
        let context = &mut event["requestContext"];
        context["path"] = self.path.into();
        replace(&mut context["identity"], "clientCert", self.certificate.as_deref());
        for (name, values) in [("Authorization", &self.authorization), ("dPoP", &self.dpop)] {
            for (member, value) in [("headers", json!(values.last())), ("multiValueHeaders", json!(values))] {
                let headers = event[member].as_object_mut().expect("headers");
                if values.is_empty() {
                    headers.remove(name);
                } else {
                    headers.insert(name.to_owned(), value);
                }
            }
        }
        event
    }

    fn parameters(&self) -> Value {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (name.to_owned(), json!(value))).collect()
    }
}

/// An event file of the example.
pub(super) fn event(name: &str) -> Value {
    serde_json::from_str(&crate::docs::text(&format!("examples/protected-api/events/{name}.json"))).expect("JSON")
}

fn replace(parent: &mut Value, member: &str, pem: Option<&str>) {
    match pem {
        Some(pem) => parent[member]["clientCertPem"] = pem.into(),
        None => drop(parent.as_object_mut().expect("an object").remove(member)),
    }
}

/// The API of a world.
pub(crate) struct Api {
    pub(crate) world: World,
    pub(crate) issuer: Host,
    gate: Arc<Gate>,
    next_proof: AtomicU64,
}

impl Api {
    /// A world that serves HTTP, and the API with these settings.
    pub(super) async fn start(settings: &[(&str, &str)]) -> Self {
        Self::of(World::new().await, settings).await
    }

    pub(crate) async fn of(mut world: World, settings: &[(&str, &str)]) -> Self {
        let issuer = Host::start().await;
        world.environment = std::mem::take(&mut world.environment)
            .with("ISSUER", &issuer.url)
            .with("SCOPES", "read write introspect")
            .with("DEFAULT_SCOPES", "read write")
            .with("INTROSPECTION_SCOPE", "introspect")
            .with("REGISTRATION", "protected")
            .with("RESOURCES", r#"{"https://api.example":"read write","https://other.example":"read write"}"#);
        world.restart().await;
        issuer.set(world.router());
        let gate = Arc::new(gate(&issuer.url, settings));
        Self { world, issuer, gate, next_proof: AtomicU64::new(0) }
    }

    /// The same issuer, and another process of the API with these settings.
    pub(crate) fn restart(&mut self, settings: &[(&str, &str)]) {
        self.gate = Arc::new(gate(&self.issuer.url, settings));
    }

    /// The answer over HTTP.
    pub(crate) async fn http(&self, call: &Call) -> Answer {
        let mark = if call.query.is_empty() { "" } else { "?" };
        let mut request = Request::builder().method(call.method).uri(format!("{}{mark}{}", call.path, call.query));
        for value in &call.authorization {
            request = request.header("authorization", value);
        }
        for value in &call.dpop {
            request = request.header("dpop", value);
        }
        let now = self.world.now();
        let routes = http::routes(self.gate.clone(), move || now);
        Answer::of(routes.oneshot(request.body(Body::empty()).expect("a request")).await.expect("an answer")).await
    }

    /// The answer of the authorizer to an event.
    pub(super) async fn authorizer(&self, event: &Value) -> Result<Value, authorizer::NoAnswer> {
        authorizer::answer(&self.gate, event, self.world.now()).await
    }

    /// What a caller sees.
    pub(crate) async fn call(&self, way: Way, call: &Call) -> Outcome {
        let answered = match way {
            Way::Http => return over_http(&self.http(call).await),
            Way::HttpApi => self.authorizer(&call.http_api()).await,
            Way::RestApi => self.authorizer(&call.rest_api()).await,
        };
        let answer = match answered {
            Ok(answer) => answer,
            Err(authorizer::NoAnswer::Unauthorized) => return Outcome::Unauthorized(None),
            Err(authorizer::NoAnswer::Unavailable) => return Outcome::Unavailable,
            Err(error @ authorizer::NoAnswer::Event) => panic!("{error}"),
        };
        let allowed = match way {
            Way::HttpApi => answer["isAuthorized"] == true,
            _ => answer["policyDocument"]["Statement"][0]["Effect"] == "Allow",
        };
        let error = answer["context"]["error"].as_str();
        if allowed { Outcome::Allowed } else { Outcome::Forbidden(error.expect("a reason").to_owned()) }
    }

    /// Asserts what a caller sees in each way. A code is seen over HTTP only.
    pub(crate) async fn expect_everywhere(&self, call: &Call, code: &str, why: &str) {
        for way in WAYS {
            let code = (way == Way::Http).then(|| code.to_owned());
            assert_eq!(self.call(way, call).await, Outcome::Unauthorized(code), "{why}, {way:?}");
        }
    }

    /// A client, whose tokens may read and write.
    pub(super) async fn client(&self, metadata: Value) -> Credentials {
        self.world.client_with_initial_access_token("read write", metadata).await
    }

    /// A token for the API, with these parameters.
    pub(super) async fn token(&self, client: &Credentials, form: &str) -> String {
        let answer = self.world.ask(client, &format!("&resource={API}{form}")).await.json();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// A token for the API that is bound to a key.
    pub(super) async fn bound_token(&self, client: &Credentials, key: &ProofKey) -> String {
        let proof = key.prove(&json!({
            "jti": self.jti(), "htm": "POST", "htu": format!("{}/token", self.issuer.url), "iat": self.world.now(),
        }));
        let event = events::token(&format!("grant_type=client_credentials&resource={API}"));
        let event = events::with_header(event, "authorization", client.basic());
        let answer = self.world.token(&events::with_header(event, "dpop", proof)).await.json();
        assert_eq!(answer["token_type"], "DPoP", "{answer}");
        answer["access_token"].as_str().expect("a token").to_owned()
    }

    /// The claims of a proof for reading with this token.
    pub(crate) fn proof(&self, token: &str) -> Value {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
        json!({
            "jti": self.jti(), "htm": "GET", "htu": format!("{API}/items/1"), "iat": self.world.now(),
            "ath": BASE64_URL_SAFE_NO_PAD.encode(hash),
        })
    }

    fn jti(&self) -> String {
        self.next_proof.fetch_add(1, Ordering::SeqCst).to_string()
    }
}

fn gate(issuer: &str, settings: &[(&str, &str)]) -> Gate {
    let defaults = [
        ("ISSUER", issuer),
        ("AUDIENCE", API),
        ("ORIGINS", API),
        ("ROUTES", r#"{"GET /items": "read", "GET /items/{id}": "read", "POST /items": "write"}"#),
    ];
    let value = |name: &str| settings.iter().chain(&defaults).find(|(known, _)| *known == name);
    Gate::from_environment(|name| value(name).map(|(_, value)| (*value).to_owned())).expect("settings")
}

fn over_http(answer: &Answer) -> Outcome {
    let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
    let body = answer.json();
    let error = body["error"].as_str().map(str::to_owned);
    match answer.status.as_u16() {
        200 | 201 => Outcome::Allowed,
        // A repeated header is 400 over HTTP, which an authorizer cannot say.
        400 | 401 => {
            assert_eq!(challenges.len(), 2, "{answer:?}");
            let quoted = error.as_ref().map(|error| format!("error=\"{error}\""));
            let named = |text: &str| challenges.iter().any(|header| header.to_str().expect("ASCII").contains(text));
            assert!(quoted.map_or_else(|| !named("error="), |quoted| named(&quoted)), "{answer:?}");
            Outcome::Unauthorized(error)
        }
        403 => Outcome::Forbidden(error.expect("a reason")),
        503 => {
            assert_eq!((challenges.len(), error.as_deref()), (0, Some("temporarily_unavailable")));
            Outcome::Unavailable
        }
        status => panic!("{status}: {body}"),
    }
}
