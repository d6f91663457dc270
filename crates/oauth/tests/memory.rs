//! The estimates of memory by which caches are bounded, compared with what is really allocated.

use std::alloc::System;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokenmint_oauth::client::{Client, ClientId, StoredSecret};
use tokenmint_oauth::metadata::{ClientMetadata, StoredMetadata};
use tokenmint_oauth::method::Method;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::secret::SecretHash;
use tokenmint_oauth::token_policy::TokenPolicy;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn object(members: Value) -> Map<String, Value> {
    let Value::Object(members) = members else { panic!("an object") };
    members
}

fn client(method: Method, others: &Map<String, Value>, scope: &str) -> Arc<Client> {
    trusting(method, others, scope, &[])
}

fn with_policy(policy: &Value) -> Arc<Client> {
    let client = client(Method::ClientSecretBasic, &Map::new(), "read");
    let policy = TokenPolicy::parse(policy).expect("a policy");
    let client = Arc::into_inner(client).expect("the only one");
    Arc::new(Client { metadata: client.metadata.clone().with_token_policy(Some(policy)), ..client })
}

fn trusting(method: Method, others: &Map<String, Value>, scope: &str, subjects: &[Value]) -> Arc<Client> {
    Arc::new(Client {
        client_id: ClientId::from_random([7; 16]),
        client_id_issued_at: 1,
        client_secrets: vec![StoredSecret { sha256: SecretHash::of("s"), expires_at: 0 }; 2],
        registration_access_token: Some(SecretHash::of("t")),
        scope_ceiling: Some(Scope::parse(scope).expect("a scope")),
        disabled: false,
        expires_at: None,
        metadata: ClientMetadata::from_stored(StoredMetadata {
            token_endpoint_auth_method: method,
            grant_types: vec!["client_credentials".to_owned(), "authorization_code".to_owned()],
            response_types: vec!["code".to_owned()],
            scope: Scope::parse(scope).expect("a scope"),
            others: others.clone(),
            federated_credentials: subjects.to_vec(),
            ..StoredMetadata::default()
        })
        .expect("metadata"),
    })
}

/// O2: the estimate of a client's memory is never less than what it takes, and not many times more.
#[test]
fn o2_the_memory_of_a_client() {
    let key = json!({
        "kty": "EC", "crv": "P-256", "kid": "1", "use": "sig",
        "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
    });
    let rsa = json!({"kty": "RSA", "n": format!("w{}", "A".repeat(341)), "e": "AQAB", "x5c": vec!["x".repeat(900); 3]});
    let many = (0..200).map(|n| (format!("client_name#x-{n}"), json!(n.to_string()))).collect::<Map<_, _>>();
    let uris = object(json!({"redirect_uris": vec!["https://client.example/callback"; 300]}));
    let subject = (0..40).map(|n| format!("OU={n}")).collect::<Vec<_>>().join(",");
    let joined = (0..40).map(|n| format!("OU={n}")).collect::<Vec<_>>().join("+");
    let cases = [
        (Method::ClientSecretBasic, Map::new(), ""),
        (Method::ClientSecretBasic, Map::new(), "read write client-scope"),
        (Method::ClientSecretPost, object(json!({"client_name": "x".repeat(10_000)})), "read"),
        (Method::ClientSecretBasic, many, "read"),
        (Method::ClientSecretBasic, uris, "read"),
        (Method::PrivateKeyJwt, object(json!({"jwks": {"keys": [key]}})), "read"),
        (Method::PrivateKeyJwt, object(json!({"jwks": {"keys": vec![key; 16]}})), "read"),
        (Method::PrivateKeyJwt, object(json!({"jwks": {"keys": vec![rsa; 4]}})), "read"),
        (Method::PrivateKeyJwt, object(json!({"jwks_uri": "https://client.example/jwks.json"})), "read"),
        (Method::TlsClientAuth, object(json!({"tls_client_auth_san_dns": "client.example"})), "read"),
        (Method::TlsClientAuth, object(json!({"tls_client_auth_subject_dn": subject})), "read"),
        (Method::TlsClientAuth, object(json!({"tls_client_auth_subject_dn": joined})), "read"),
    ];
    for (method, others, scope) in cases {
        compare(&format!("{method:?}"), || client(method, &others, scope));
    }
    let subject = |claims: usize| {
        let claims = (0..claims).map(|n| (format!("kubernetes.io.{n}"), json!("x".repeat(n)))).collect::<Map<_, _>>();
        json!({"issuer": "https://token.actions.githubusercontent.com", "sub": "repo:o/r:ref:refs/heads/main", "claims": claims})
    };
    for subjects in [vec![subject(0)], vec![subject(0); 10], vec![subject(1); 3], vec![subject(10); 10]] {
        let what = format!("{} subjects", subjects.len());
        compare(&what, || trusting(Method::PrivateKeyJwt, &Map::new(), "read", &subjects));
    }
    let claims = (0..100).map(|n| (format!("claim-{n}"), json!([n, "x"]))).collect::<Map<_, _>>();
    let resources = vec!["https://billing.example/"; 16];
    for policy in [
        json!({"access_token_ttl": 60}),
        json!({"claims": {"a": "x".repeat(2000)}}),
        json!({"claims": claims, "resources": resources, "default_resource": resources[0]}),
    ] {
        compare("a policy", || with_policy(&policy));
    }
}

fn compare(what: &str, client: impl FnOnce() -> Arc<Client>) {
    let region = Region::new(ALLOCATOR);
    let client = client();
    let change = region.change();
    let taken = change.bytes_allocated - change.bytes_deallocated;
    // An allocator adds at least 8 bytes to each allocation.
    let taken = taken + 8 * (change.allocations - change.deallocations);
    let estimate = client.memory_bytes();
    assert!(estimate >= taken, "{what}: {estimate} is less than {taken}");
    assert!(estimate <= 4 * taken, "{what}: {estimate} is much more than {taken}");
}
