use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};

use super::*;
use crate::client::{Client, ClientId, StoredSecret};
use crate::client_auth::{Claim, Credentials, Presented, Progress, Proof, ProofContext};
use crate::federation::TrustedIssuers;
use crate::form::Form;
use crate::metadata::{ClientMetadata, StoredMetadata};
use crate::secret::SecretHash;
use crate::security_profile::SecurityProfile;

const ID: &str = "07070707-0707-4707-8707-070707070707";
const AS: &str = "https://as.example";
const API: &str = "https://api.example";

fn scope(text: &str) -> Scope {
    Scope::parse(text).expect("a scope")
}

/// A client that registered this scope and these grant types, and has proven who it is.
fn client(registered: &str, grant_types: &[&str]) -> AuthenticatedClient {
    stored(registered, grant_types, None)
}

/// A client with this policy, which has proven who it is.
fn with_policy(token_policy: Option<Value>, grant_types: &[&str]) -> AuthenticatedClient {
    stored("read write", grant_types, token_policy)
}

fn stored(registered: &str, grant_types: &[&str], token_policy: Option<Value>) -> AuthenticatedClient {
    let grant_types = grant_types.iter().map(|name| (*name).to_owned()).collect();
    let stored = StoredMetadata { scope: scope(registered), grant_types, token_policy, ..StoredMetadata::default() };
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
    let (audiences, profile) = (&[][..], SecurityProfile::None);
    let at = ProofContext { now: 1, audiences, assertion_max_lifetime: 600, certificate_method: None, profile };
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
    let terms = Terms { policy, resources: &known, default_audience: AS, access_token_ttl: 3600 };
    super::decide(GrantType::ClientCredentials, client, asked, &terms).map(|granted| (granted.scope, granted.audience))
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

const A: &str = "https://a.example/";

/// What the client gets, where two resources have their own scopes, and one a lifetime.
fn granted(client: &AuthenticatedClient, resources: &[&str], scope: Option<&str>) -> Result<Granted, GrantError> {
    let configured = r#"{"https://a.example/":{"scope":"read","ttl":300},"https://b.example/":"read write"}"#;
    let configured = Resources::parse(configured).expect("resources");
    let policy = GrantPolicy::Server;
    let terms = Terms { policy, resources: &configured, default_audience: AS, access_token_ttl: 600 };
    let scope = scope.map(|text| Scope::parse(text).expect("a scope"));
    super::decide(GrantType::ClientCredentials, client, Asked { scope: scope.as_ref(), resources }, &terms)
}

/// P2: the shortest lifetime counts.
#[test]
fn p2_the_shortest_of_three() {
    let ttl =
        |policy, resources: &[&str]| granted(&with_policy(policy, &[]), resources, None).map(|granted| granted.ttl);
    assert_eq!(ttl(None, &[]), Ok(600));
    assert_eq!(ttl(None, &[A]), Ok(300));
    assert_eq!(ttl(Some(json!({"access_token_ttl": 60})), &[A]), Ok(60));
    assert_eq!(ttl(Some(json!({"access_token_ttl": 400})), &[A]), Ok(300));
    assert_eq!(ttl(Some(json!({"access_token_ttl": 400})), &[]), Ok(400));
    assert_eq!(ttl(Some(json!({"access_token_ttl": 6000})), &[]), Ok(600));
}

/// P3, P4: what a client may ask for, what it gets if it does not ask, and which refusal depends on its own record.
#[test]
fn p3_p4_resources_of_a_client() {
    let audience = |client: &AuthenticatedClient, resources: &[&str]| {
        granted(client, resources, None).map(|granted| match granted.audience {
            Audience::One(one) => one,
            Audience::Many(many) => many.join(" "),
        })
    };
    let free = with_policy(None, &[]);
    assert_eq!(audience(&free, &["https://unknown.example"]), Err(GrantError::Target));
    let own = with_policy(Some(json!({"resources": ["https://a.example", "https://gone.example"]})), &[]);
    assert_eq!(audience(&own, &["https://a.example"]), Ok(A.to_owned()));
    for other in [&[][..], &["https://b.example"], &[AS], &[A, "https://b.example"], &["https://unknown.example"]] {
        assert_eq!(audience(&own, other), Err(GrantError::ClientTarget), "{other:?}");
    }
    // The client may, but the deployment does not have it.
    assert_eq!(audience(&own, &["https://gone.example"]), Err(GrantError::Target));
    let default = with_policy(Some(json!({"default_resource": "https://b.example"})), &[]);
    assert_eq!(audience(&default, &[]), Ok("https://b.example/".to_owned()));
    assert_eq!(audience(&default, &[AS]), Ok(AS.to_owned()));
    let unknown = with_policy(Some(json!({"default_resource": "https://gone.example"})), &[]);
    assert_eq!(audience(&unknown, &[]), Err(GrantError::ClientTarget));
    assert_eq!(audience(&unknown, &["https://gone.example"]), Err(GrantError::Target));
    let scope = |resources: &[&str], scope| granted(&free, resources, scope).map(|granted| granted.scope.into());
    assert_eq!(scope(&[A], None), Ok("read".to_owned()));
    assert_eq!(scope(&[A], Some("read write")), Err(GrantError::Scope));
    assert_eq!(scope(&[], Some("read write")), Ok("read write".to_owned()));
    assert_eq!(scope(&[], Some("admin")), Err(GrantError::Scope));
}

/// F5, R5: where the policy asks for it, a client has registered the very grant that it uses.
#[test]
fn f5_r5_each_grant_is_registered_by_itself() {
    let resources = Resources::default();
    let policy = GrantPolicy::Registered;
    let terms = Terms { policy, resources: &resources, default_audience: AS, access_token_ttl: 600 };
    let asked = Asked { scope: None, resources: &[] };
    for own in GrantType::ALL {
        let client = with_policy(None, &[own.as_str()]);
        for used in GrantType::ALL {
            let expected = if own == used { Ok(()) } else { Err(GrantError::Unauthorized) };
            assert_eq!(super::decide(*used, &client, asked, &terms).map(drop), expected);
        }
    }
}
