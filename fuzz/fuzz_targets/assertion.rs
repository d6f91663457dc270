//! A client assertion (RFC 7523 §2.2): as raw text, and as a header and claims that the client's key signs.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use tokenmint_fuzz::{halves, jwk, signed};
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::client_auth::{
    Claim, Credentials, Presented, Progress, Proof, ProofContext, ProveError, private_key_jwt,
};
use tokenmint_oauth::error::{ErrorCode, OAuthError};
use tokenmint_oauth::federation::TrustedIssuers;
use tokenmint_oauth::form::Form;
use tokenmint_oauth::metadata::{ClientMetadata, Federation, Policy, RequestedMetadata, TokenPolicies};
use tokenmint_oauth::method::Method;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::security_profile::SecurityProfile;
use url::form_urlencoded;

const ID: &str = "07070707-0707-4707-8707-070707070707";
const ISSUER: &str = "https://as.example";
const NOW: u64 = 1_700_000_000;
const MAX_LIFETIME: u32 = 600;

static AUDIENCES: LazyLock<[String; 1]> = LazyLock::new(|| [ISSUER.to_owned()]);

static CLIENT: LazyLock<Arc<Client>> = LazyLock::new(|| {
    let scope = Scope::parse("read").expect("a scope");
    let policy = Policy {
        offered: scope.clone(),
        default: scope,
        local: false,
        methods: Method::ALL.to_vec(),
        profile: SecurityProfile::None,
        federation: Federation::Refused,
        token_policy: TokenPolicies::default(),
    };
    let body = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [jwk()]}});
    let asked = RequestedMetadata::parse(body.to_string().as_bytes()).expect("metadata");
    Arc::new(Client {
        client_id: ClientId::parse(ID).expect("an identifier"),
        client_id_issued_at: 1,
        client_secrets: Vec::new(),
        registration_access_token: None,
        scope_ceiling: None,
        disabled: false,
        expires_at: None,
        metadata: ClientMetadata::verify(&asked, &policy).expect("registers"),
    })
});

/// The use of the assertion, if it proves that this is [`CLIENT`].
fn prove(assertion: &str) -> Option<u64> {
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("client_assertion_type", private_key_jwt::TYPE)
        .append_pair("client_assertion", assertion)
        .finish();
    let (query, form) = (Form::parse(b"").expect("an empty form"), Form::parse(body.as_bytes()).ok()?);
    let trusted_issuers = &TrustedIssuers::default();
    let presented = Presented { authorization: &[], query: &query, form: &form, certificate: None, trusted_issuers };
    let at = ProofContext {
        now: NOW,
        audiences: &*AUDIENCES,
        assertion_max_lifetime: MAX_LIFETIME,
        certificate_method: None,
        profile: SecurityProfile::None,
    };
    let refused = |code| assert!(matches!(code, ErrorCode::InvalidClient | ErrorCode::InvalidRequest), "{code:?}");
    let credentials = match Credentials::present(&presented) {
        Ok(Claim::Client(credentials)) => credentials,
        Ok(Claim::Subject(assertion)) => panic!("no issuer is trusted: {assertion:?}"),
        Err(error) => {
            refused(OAuthError::from(error).code);
            return None;
        }
    };
    let found = (*credentials.client_id() == CLIENT.client_id).then(|| CLIENT.clone());
    match credentials.prove(found, &at) {
        Ok(Progress::Proven(Proof::FirstUse(first))) => Some(first.expires_at()),
        Ok(other) => panic!("an assertion counts once: {other:?}"),
        Err(error) => {
            let error: ProveError = error;
            refused(OAuthError::from(error).code);
            None
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    // Without the key, nothing is accepted.
    if let Ok(text) = str::from_utf8(bytes) {
        assert_eq!(prove(text), None);
    }
    // With it, only what RFC 7523 §3 and rule A6 allow.
    let (header, claims) = halves(bytes);
    let Some(expires_at) = prove(&signed(header, claims)) else { return };
    let header: Value = serde_json::from_slice(header).expect("a header that is accepted is JSON");
    assert_eq!(header["alg"], "ES256");
    assert!(header.get("crit").is_none());
    let claims: Value = serde_json::from_slice(claims).expect("claims that are accepted are JSON");
    assert!(claims["iss"] == ID && claims["sub"] == ID, "{claims}");
    assert!(claims["aud"] == ISSUER || claims["aud"].as_array().is_some_and(|all| all.iter().all(|one| one == ISSUER)));
    assert!(claims["jti"].as_str().is_some_and(|jti| !jti.is_empty()), "{claims}");
    let exp = claims["exp"].as_f64().expect("a number");
    let (now, limit) = (1_700_000_000.0, 600.0);
    assert!(exp > now - 60.0 && exp <= now + 60.0 + limit, "{claims}");
    assert!(expires_at > NOW && expires_at <= NOW + 120 + u64::from(MAX_LIFETIME), "{expires_at}");
    for name in ["nbf", "iat"] {
        assert!(claims.get(name).is_none_or(|time| time.as_f64().is_some_and(|time| time <= now + 60.0)), "{claims}");
    }
});
