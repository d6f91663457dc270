//! Signing a token with `SIGNING_MODE=sealed`, from the claims to the signature, for each key spec.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use tokenmint_aws::config::{Ed25519Alg, KeyRotation, Sealed, SigningKeySpec};
use tokenmint_aws::signer::sealed::SealedSigner;
use tokenmint_aws::{Sdk, provision};
use tokenmint_embedded::Embedded;
use tokenmint_oauth::access_token::{Claims, Confirmation};
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::key_schedule::Policy;
use tokenmint_oauth::resource::Audience;
use tokenmint_oauth::security_profile::SecurityProfile;
use tokio::runtime::Builder;

const NOW: u64 = 1_700_000_000;

fn sealed(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let issuer = Issuer::parse("https://as.example").expect("an issuer");
    let policy = Policy { rotation: 2_592_000, max_age: 3_600, token_ttl: 18_000 };
    let audience = Audience::One("https://as.example".to_owned());
    let claims = Claims {
        iss: issuer.as_str(),
        sub: "5d7d7ba0-4a8e-4a5e-9f5f-0c8f6a1f6a10",
        client_id: "5d7d7ba0-4a8e-4a5e-9f5f-0c8f6a1f6a10",
        aud: &audience,
        exp: NOW + 18_000,
        iat: NOW,
        jti: "5d7d7ba0-4a8e-4a5e-9f5f-0c8f6a1f6a11",
        scope: "client-scope",
        cnf: Confirmation::default(),
        more: None,
    };
    let embedded = runtime.block_on(Embedded::in_memory()).expect("embedded services");
    for (name, spec) in [
        ("RS256", SigningKeySpec::Rsa2048),
        ("ES256", SigningKeySpec::EccNistP256),
        ("ES384", SigningKeySpec::EccNistP384),
        ("EdDSA", SigningKeySpec::EccNistEdwards25519),
    ] {
        let signer = runtime.block_on(async {
            let sdk = Sdk::local(&embedded.dynamodb_url(), &embedded.kms_url()).await;
            provision::keys_table(&sdk.dynamodb(), name).await.expect("a table");
            let sealing_key = provision::sealing_key(&sdk.kms(), "alias/sealing").await.expect("a key");
            let sealed = Sealed {
                sealing_key,
                keys_table: name.to_owned(),
                spec,
                ed25519_alg: Ed25519Alg::EdDsa,
                rotation: policy.rotation,
                key_rotation: KeyRotation::On,
            };
            SealedSigner::start(&sdk, sealed, policy, SecurityProfile::None, &issuer, NOW).await.expect("a start")
        });
        criterion.bench_function(&format!("sealed: sign a token with {name}"), |bencher| {
            bencher.iter(|| runtime.block_on(signer.sign(black_box(&claims), NOW)).expect("a token"));
        });
    }
}

criterion_group!(benches, sealed);
criterion_main!(benches);
