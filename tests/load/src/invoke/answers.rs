//! Checks of a function's answers. A load test that does not check them measures how fast a function fails.

use std::collections::HashSet;

use axum::body::Bytes;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::ValueEnum;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value};

use crate::{Failure, failure};

/// What a function is expected to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A greeting.
    Hello,
    /// A new client (RFC 7591 §3.2.1), with a secret.
    Registration,
    /// A new access token (RFC 6749 §5.1, RFC 9068).
    Token,
    /// The key set (RFC 7517 §5).
    Keys,
}

/// The claims and the key that each token must have.
#[derive(Debug)]
pub(crate) struct ExpectedToken {
    /// `iss`.
    pub(crate) issuer: String,
    /// `sub` and `client_id`.
    pub(crate) client_id: String,
    /// `alg`.
    pub(crate) algorithm: Algorithm,
    /// The keys that the same function publishes.
    pub(crate) keys: JwkSet,
}

/// Checks all answers of a run. What must be new in each answer, such as the identifier of a token, must not occur in
/// another.
///
/// # Errors
/// A description of the first wrong answer. It contains no secret and no token.
pub(crate) fn check(kind: Kind, answers: &[Bytes], token: Option<&ExpectedToken>) -> Result<(), Failure> {
    let mut seen = HashSet::with_capacity(answers.len());
    for (number, answer) in (1..).zip(answers) {
        let number = |error| failure(format_args!("answer {number} of {}: {error}", answers.len()));
        if let Some(unique) = check_one(kind, answer, token).map_err(number)?
            && !seen.insert(unique)
        {
            return Err(number(failure("an identifier occurs twice")));
        }
    }
    Ok(())
}

/// Checks one answer; returns the part that must be unique.
fn check_one(kind: Kind, answer: &[u8], expected: Option<&ExpectedToken>) -> Result<Option<String>, Failure> {
    let (status, body) = open(answer)?;
    let expected_status = if kind == Kind::Registration { 201 } else { 200 };
    if status != expected_status {
        // An error's description says what is wrong, and contains no secret.
        return Err(failure(format_args!("status {status}: {}", String::from_utf8_lossy(&body))));
    }
    match kind {
        Kind::Hello => (body == b"Hello, world!").then_some(None).ok_or_else(|| failure("another greeting")),
        Kind::Registration => check_registration(&object(&body)?).map(Some),
        Kind::Token => {
            let expected = expected.ok_or_else(|| failure("no token to compare with"))?;
            check_token(&object(&body)?, expected).map(Some)
        }
        Kind::Keys => keys(&body).map(|_| None),
    }
}

/// Status and body of what a function answers to API Gateway.
///
/// # Errors
/// If it is not such an answer.
pub(crate) fn open(answer: &[u8]) -> Result<(u64, Vec<u8>), Failure> {
    let answer = object(answer)?;
    let status = answer.get("statusCode").and_then(Value::as_u64).ok_or_else(|| failure("no statusCode"))?;
    let body = text(&answer, "body").unwrap_or_default();
    let is_base64 = answer.get("isBase64Encoded") == Some(&Value::Bool(true));
    let body = if is_base64 { BASE64_STANDARD.decode(body)? } else { body.as_bytes().to_vec() };
    Ok((status, body))
}

fn object(json: &[u8]) -> Result<Map<String, Value>, Failure> {
    Ok(serde_json::from_slice(json)?)
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a str, Failure> {
    let value = object.get(name).and_then(Value::as_str);
    value.ok_or_else(|| failure(format_args!("{name} is absent or not a string")))
}

fn require(is_so: bool, otherwise: &str) -> Result<(), Failure> {
    is_so.then_some(()).ok_or_else(|| failure(otherwise))
}

fn check_registration(client: &Map<String, Value>) -> Result<String, Failure> {
    let secret = text(client, "client_secret")?;
    let is_secret = secret.len() == 32 && secret.bytes().all(|byte| byte.is_ascii_alphanumeric());
    require(is_secret, "client_secret is not 32 letters and digits")?;
    let is_basic = text(client, "token_endpoint_auth_method")? == "client_secret_basic";
    require(is_basic, "token_endpoint_auth_method is not client_secret_basic")?;
    require(!text(client, "scope")?.is_empty(), "scope is empty")?;
    Ok(text(client, "client_id")?.to_owned())
}

fn check_token(response: &Map<String, Value>, expected: &ExpectedToken) -> Result<String, Failure> {
    require(text(response, "token_type")? == "Bearer", "token_type is not Bearer")?;
    require(response.get("expires_in").and_then(Value::as_u64) > Some(0), "expires_in is not a positive number")?;

    let token = text(response, "access_token")?;
    let header = decode_header(token)?;
    require(header.typ.as_deref() == Some("at+jwt"), "typ is not at+jwt")?;
    require(header.alg == expected.algorithm, "alg is another algorithm")?;
    let kid = header.kid.ok_or_else(|| failure("the token has no kid"))?;
    let key = expected.keys.find(&kid).ok_or_else(|| failure("the token's kid is not in the key set"))?;

    let mut validation = Validation::new(expected.algorithm);
    validation.set_issuer(&[&expected.issuer]);
    // That it is present is checked; which resource it names is not this stand's business.
    validation.validate_aud = false;
    validation.set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
    let claims: Map<String, Value> = decode(token, &DecodingKey::from_jwk(key)?, &validation)?.claims;
    require(text(&claims, "sub")? == expected.client_id, "sub is another client")?;
    require(text(&claims, "client_id")? == expected.client_id, "client_id is another client")?;
    require(claims.get("scope") == response.get("scope"), "the scope of the token is not that of the response")?;
    Ok(text(&claims, "jti")?.to_owned())
}

/// The key set.
///
/// # Errors
/// If it is none, has no key, or has a private member.
pub(crate) fn keys(body: &[u8]) -> Result<JwkSet, Failure> {
    let set = object(body)?;
    let listed = set.get("keys").and_then(Value::as_array).ok_or_else(|| failure("no keys"))?;
    require(!listed.is_empty(), "the key set is empty")?;
    require(listed.iter().all(|key| key["kid"].is_string()), "a key has no kid")?;
    let is_private = |key: &Value| ["d", "p", "q", "k"].iter().any(|member| !key[member].is_null());
    require(!listed.iter().any(is_private), "a key has a private member")?;
    Ok(serde_json::from_slice(body)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: &Value) -> Bytes {
        json!({"statusCode": status, "body": body.to_string(), "isBase64Encoded": false}).to_string().into()
    }

    fn client(id: &str) -> Value {
        json!({
            "client_id": id,
            "client_secret": "a".repeat(32),
            "token_endpoint_auth_method": "client_secret_basic",
            "scope": "read",
        })
    }

    fn check_registrations(answers: &[Bytes]) -> Result<(), String> {
        check(Kind::Registration, answers, None).map_err(|error| error.to_string())
    }

    #[test]
    fn registrations() {
        assert_eq!(check_registrations(&[answer(201, &client("1")), answer(201, &client("2"))]), Ok(()));
        let repeated = check_registrations(&[answer(201, &client("1")), answer(201, &client("1"))]);
        assert_eq!(repeated, Err("answer 2 of 2: an identifier occurs twice".to_owned()));
        let mut short = client("1");
        short["client_secret"] = "short".into();
        for wrong in [answer(200, &client("1")), answer(429, &json!({})), answer(201, &short), Bytes::from("{}")] {
            assert!(check_registrations(&[wrong]).is_err());
        }
    }

    #[test]
    fn key_sets() {
        let key =
            json!({"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        assert!(keys(json!({"keys": [key]}).to_string().as_bytes()).is_ok());
        let mut private = key.clone();
        private["d"] = "secret".into();
        for wrong in [json!({}), json!({"keys": []}), json!({"keys": [private]}), json!({"keys": [{"kty": "OKP"}]})] {
            assert!(keys(wrong.to_string().as_bytes()).is_err(), "{wrong}");
        }
    }
}
