//! Checks of the answers. A count of instructions that does not check them counts how a server fails.

use std::collections::HashSet;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Value, json};

use crate::server::{Answer, Client, ISSUER, NOW};
use crate::{Failure, failure};

/// The checks of one run.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    /// Identifiers, of which none may occur twice.
    seen: HashSet<String>,
}

impl Checks {
    /// Checks the response to a registration (RFC 7591 §3.2.1), and returns the client.
    ///
    /// # Errors
    /// What is wrong, without the secret.
    pub(crate) fn registration(&mut self, answer: &Answer) -> Result<Client, Failure> {
        let body = body(answer, StatusCode::CREATED)?;
        let (id, secret) = (text(&body, "client_id")?, text(&body, "client_secret")?);
        let is_secret = secret.len() == 32 && secret.bytes().all(|byte| byte.is_ascii_alphanumeric());
        require(is_secret, "client_secret is not 32 letters and digits")?;
        require(body["scope"] == "client-scope", "scope is not what is offered")?;
        self.require_new(id)?;
        Ok(Client { id: id.to_owned(), secret: secret.to_owned() })
    }

    /// Checks a token response (RFC 6749 §5.1) and its token (RFC 9068), signature included.
    ///
    /// # Errors
    /// What is wrong, without the token.
    pub(crate) fn token(&mut self, answer: &Answer, client: &Client, keys: &JwkSet) -> Result<(), Failure> {
        let body = body(answer, StatusCode::OK)?;
        require(body["token_type"] == "Bearer", "token_type is not Bearer")?;
        let token = text(&body, "access_token")?;
        let header = decode_header(token)?;
        require(header.typ.as_deref() == Some("at+jwt"), "typ is not at+jwt")?;
        require(header.alg == Algorithm::ES256, "alg is not ES256")?;
        let key = header.kid.as_deref().and_then(|kid| keys.find(kid));
        let key = key.ok_or_else(|| failure("the token's kid is not in the key set"))?;
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[ISSUER]);
        // By the time of this process, which stands still, it is compared below.
        validation.validate_exp = false;
        let claims: Value = decode(token, &DecodingKey::from_jwk(key)?, &validation)?.claims;
        require(claims["sub"] == client.id && claims["client_id"] == client.id, "the token is another client's")?;
        require(claims["iat"] == NOW && claims["exp"].as_u64() > Some(NOW), "the token is not of this time")?;
        require(claims["scope"] == "client-scope", "scope is not what was asked for")?;
        self.require_new(text(&claims, "jti")?)
    }

    fn require_new(&mut self, id: &str) -> Result<(), Failure> {
        require(self.seen.insert(id.to_owned()), "an identifier occurs twice")
    }
}

/// Checks a header and claims that are not signed yet.
///
/// # Errors
/// What is wrong.
pub(crate) fn signing_input(text: &str) -> Result<(), Failure> {
    let (header, claims) = text.split_once('.').ok_or_else(|| failure("no header and claims"))?;
    let json =
        |part: &str| -> Result<Value, Failure> { Ok(serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part)?)?) };
    let (header, claims) = (json(header)?, json(claims)?);
    require(header["typ"] == "at+jwt" && header["alg"] == "ES256" && header["kid"].is_string(), "another header")?;
    let id = "07070707-0707-4707-8707-070707070707";
    let expected = json!({
        "iss": ISSUER, "aud": ISSUER, "sub": id, "client_id": id, "scope": "client-scope",
        "jti": "5d7d7ba0-4a8e-4a5e-9f5f-0c8f6a1f6a10", "iat": NOW + 1, "exp": NOW + 18_001,
    });
    require(claims == expected, "other claims")
}

fn body((status, body): &Answer, expected: StatusCode) -> Result<Value, Failure> {
    if *status != expected {
        // An error's description says what is wrong, and contains no secret.
        return Err(failure(format_args!("status {status}: {}", String::from_utf8_lossy(body))));
    }
    Ok(serde_json::from_slice(body)?)
}

fn text<'a>(object: &'a Value, name: &str) -> Result<&'a str, Failure> {
    object[name].as_str().ok_or_else(|| failure(format_args!("{name} is absent or not a string")))
}

fn require(is_so: bool, otherwise: &str) -> Result<(), Failure> {
    is_so.then_some(()).ok_or_else(|| failure(otherwise))
}
