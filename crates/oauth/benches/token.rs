//! The pure path of a token: parse → authenticate → decide → claims → signing input. The signature is
//! left out: it is KMS's work, or the processor's, and the same for everyone.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tokenmint_oauth::access_token::{Claims, EncodedHeader, signing_input};
use tokenmint_oauth::client::{Client, ClientId, StoredSecret};
use tokenmint_oauth::client_auth::{Credentials, Presented, Progress, Proof, ProofContext};
use tokenmint_oauth::form::Form;
use tokenmint_oauth::grant::{self, GrantPolicy};
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::jwk::{PublicKey, SigningAlgorithm};
use tokenmint_oauth::metadata::{ClientMetadata, StoredMetadata};
use tokenmint_oauth::resource::Resources;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::secret::SecretHash;
use tokenmint_oauth::token_request::TokenRequest;

/// An uncompressed P-256 point with its DER around it (RFC 5480): the curve's generator.
const P256: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200\
                    046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                    4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";

fn client() -> Client {
    Client {
        client_id: ClientId::from_random([7; 16]),
        client_id_issued_at: 1_700_000_000,
        client_secrets: vec![StoredSecret {
            sha256: SecretHash::of("abcdefghijklmnopqrstuvwxyz012345"),
            expires_at: 0,
        }],
        registration_access_token: None,
        scope_ceiling: None,
        disabled: false,
        expires_at: None,
        metadata: ClientMetadata::from_stored(StoredMetadata {
            grant_types: vec!["client_credentials".to_owned()],
            scope: Scope::parse("read write client-scope").expect("a scope"),
            ..StoredMetadata::default()
        })
        .expect("metadata"),
    }
}

fn token(criterion: &mut Criterion) {
    let issuer = Issuer::parse("https://as.example").expect("an issuer");
    let spki = (0..P256.len() / 2).map(|at| u8::from_str_radix(&P256[2 * at..2 * at + 2], 16).expect("hex"));
    let key = PublicKey::from_spki(&spki.collect::<Vec<_>>(), SigningAlgorithm::Es256).expect("a key");
    let header = EncodedHeader::new(SigningAlgorithm::Es256, &key.kid);
    let resources = Resources::default();
    let client = Arc::new(client());
    // base64 of 07070707-0707-4707-8707-070707070707:abcdefghijklmnopqrstuvwxyz012345
    let authorization: &[u8] =
        b"Basic MDcwNzA3MDctMDcwNy00NzA3LTg3MDctMDcwNzA3MDcwNzA3OmFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6MDEyMzQ1";
    let body = b"grant_type=client_credentials&scope=client-scope";

    criterion.bench_function("token: parse, authenticate, decide, signing input", |bencher| {
        bencher.iter_batched(
            || client.clone(),
            |client| {
                let query = Form::parse(b"").expect("empty");
                let form = Form::parse(black_box(body)).expect("a form");
                let request = TokenRequest::parse(&form).expect("a request");
                let authorization: &[&[u8]] = &[black_box(authorization)];
                let presented = Presented { authorization, query: &query, form: &form, certificate: None };
                let credentials = Credentials::present(&presented).expect("presents");
                let at = ProofContext {
                    now: 1_700_000_001,
                    audiences: &[],
                    assertion_max_lifetime: 0,
                    certificate_method: None,
                };
                let Ok(Progress::Proven(Proof::Complete(client))) = credentials.prove(Some(client), &at) else {
                    panic!("proves")
                };
                let granted = grant::client_credentials(
                    &client,
                    request.asked(),
                    GrantPolicy::Server,
                    &resources,
                    issuer.as_str(),
                );
                let granted = granted.expect("grants");
                let jti = "5d7d7ba0-4a8e-4a5e-9f5f-0c8f6a1f6a10";
                let claims = Claims::new(&issuer, &client.client().client_id, &granted, jti, 1_700_000_001, 18_000);
                signing_input(&header, &claims)
            },
            criterion::BatchSize::SmallInput,
        );
    });
}

/// A scope of so many bytes in as many tokens as they hold, all of them different: the most work that a request can
/// make of it.
fn hostile_scope(bytes: usize) -> String {
    // Two characters and a space.
    const CHARACTERS: &[u8] =
        b"!#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz";
    let tokens = CHARACTERS.iter().flat_map(|a| CHARACTERS.iter().map(|b| [char::from(*a), char::from(*b)]));
    let mut scope: String = tokens.take(bytes / 3).flat_map(|[a, b]| [a, b, ' ']).collect();
    scope.pop();
    scope
}

/// Scopes of growing length: twice the bytes are to take about twice the time, not four times.
fn scopes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scope");
    for bytes in [512, 1024, 2048, 4096] {
        let text = hostile_scope(bytes);
        let asked = Scope::parse(&text).expect("a scope");
        // The same tokens in another order: equal texts need no look at the tokens.
        let registered: Scope = text.split(' ').rev().collect();
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(BenchmarkId::new("parse", bytes), |bencher| {
            bencher.iter(|| Scope::parse(black_box(&text)));
        });
        group.bench_function(BenchmarkId::new("is_subset_of", bytes), |bencher| {
            bencher.iter(|| black_box(&asked).is_subset_of(black_box(&registered)));
        });
        group.bench_function(BenchmarkId::new("reduced_to", bytes), |bencher| {
            bencher.iter(|| black_box(&asked).reduced_to(black_box(&registered)));
        });
    }
    group.finish();
}

criterion_group!(benches, token, scopes);
criterion_main!(benches);
