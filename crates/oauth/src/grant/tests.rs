use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine};

use super::*;
use crate::client::{Client, ClientId, StoredSecret};
use crate::client_auth::{Claim, Credentials, Presented, Progress, Proof, ProofContext};
use crate::federation::TrustedIssuers;
use crate::form::Form;
use crate::metadata::{ClientMetadata, StoredMetadata};
use crate::secret::SecretHash;

const ID: &str = "07070707-0707-4707-8707-070707070707";
const AS: &str = "https://as.example";
const API: &str = "https://api.example";

fn scope(text: &str) -> Scope {
    Scope::parse(text).expect("a scope")
}

/// A client that registered this scope and these grant types, and has proven who it is.
fn client(registered: &str, grant_types: &[&str]) -> AuthenticatedClient {
    let grant_types = grant_types.iter().map(|name| (*name).to_owned()).collect();
    let stored = StoredMetadata { scope: scope(registered), grant_types, ..StoredMetadata::default() };
    let client = Client {
        client_id: ClientId::parse(ID).expect("a UUID"),
        client_id_issued_at: 1,
        client_secrets: vec![StoredSecret { sha256: SecretHash::of("s"), expires_at: 0 }],
        registration_access_token: None,
        scope_ceiling: None,
        disabled: false,
        expires_at: None,
        metadata: ClientMetadata::from_stored(stored).expect("metadata"),
    };
    let header = format!("Basic {}", BASE64_STANDARD.encode(format!("{ID}:s")));
    let empty = Form::parse(b"").expect("empty");
    let (authorization, trusted_issuers) = (&[header.as_bytes()][..], &TrustedIssuers::default());
    let presented = Presented { authorization, query: &empty, form: &empty, certificate: None, trusted_issuers };
    let Ok(Claim::Client(credentials)) = Credentials::present(&presented) else { panic!("presents") };
    let at = ProofContext { now: 1, audiences: &[], assertion_max_lifetime: 600, certificate_method: None };
    match credentials.prove(Some(Arc::new(client)), &at) {
        Ok(Progress::Proven(Proof::Complete(client))) => client,
        other => panic!("{other:?}"),
    }
}

/// The scope and the audience that the client gets, where the API has the scopes `read` and `write`.
fn decide(
    client: &AuthenticatedClient,
    policy: GrantPolicy,
    asked: Option<&str>,
    resources: &[&str],
) -> Result<(Scope, Audience), GrantError> {
    let known = Resources::parse(r#"{"https://api.example":"read write"}"#).expect("resources");
    let asked = asked.map(scope);
    let asked = Asked { scope: asked.as_ref(), resources };
    client_credentials(client, asked, policy, &known, AS).map(|granted| (granted.scope, granted.audience))
}

/// R5: the deployment's policy decides whether the client must have registered the grant.
#[test]
fn r5_who_may_use_the_grant() {
    for (policy, grant_types, is_granted) in [
        (GrantPolicy::Server, &["client_credentials"][..], true),
        (GrantPolicy::Server, &["authorization_code"], true),
        (GrantPolicy::Server, &[], true),
        (GrantPolicy::Registered, &["client_credentials"], true),
        (GrantPolicy::Registered, &["authorization_code", "client_credentials"], true),
        (GrantPolicy::Registered, &["authorization_code"], false),
        (GrantPolicy::Registered, &[], false),
    ] {
        let outcome = decide(&client("read", grant_types), policy, None, &[]);
        let expected =
            if is_granted { Ok((scope("read"), Audience::One(AS.to_owned()))) } else { Err(GrantError::Unauthorized) };
        assert_eq!(outcome, expected, "{policy:?} {grant_types:?}");
    }
}

/// T4, J3: the scope that is asked for, up to the registered one; all of that if none is. At a resource, what it has.
#[test]
fn t4_j3_scope_and_audience() {
    let client = client("read write admin", &[]);
    for (asked, resources, expected) in [
        (None, &[][..], Ok(("read write admin", AS))),
        (Some("admin read"), &[], Ok(("admin read", AS))),
        (Some("read"), &[AS], Ok(("read", AS))),
        (None, &[API], Ok(("read write", API))),
        (Some("write admin"), &[API], Ok(("write", API))),
        (Some("admin"), &[API], Err(GrantError::Scope)),
        (Some("read other"), &[], Err(GrantError::Scope)),
        (Some("Read"), &[], Err(GrantError::Scope)),
        (Some("read"), &["https://other.example"], Err(GrantError::Target)),
        (Some("other"), &["https://other.example"], Err(GrantError::Scope)),
    ] {
        let expected = expected.map(|(left, audience)| (scope(left), Audience::One(audience.to_owned())));
        assert_eq!(decide(&client, GrantPolicy::Server, asked, resources), expected, "{asked:?} {resources:?}");
    }
}

/// T4, T6: the code that goes with each error.
#[test]
fn t4_t6_codes() {
    for (error, code) in [
        (GrantError::Unauthorized, ErrorCode::UnauthorizedClient),
        (GrantError::Scope, ErrorCode::InvalidScope),
        (GrantError::Target, ErrorCode::InvalidTarget),
    ] {
        assert_eq!(OAuthError::from(error).code, code, "{error}");
    }
}
