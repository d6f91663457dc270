//! The pure path of a token: parse → authenticate → decide → claims → signing input. The signature is left out: it is
//! KMS's work, or the processor's, and the same for everyone.
//!
//! `benches/token.rs` measures its time, `tests/load/instructions` counts its instructions.

use std::hint::black_box;
use std::sync::Arc;

use tokenmint_oauth::access_token::{Claims, EncodedHeader, signing_input};
use tokenmint_oauth::client::{Client, ClientId, StoredSecret};
use tokenmint_oauth::client_auth::{Claim, Credentials, Presented, Progress, Proof, ProofContext};
use tokenmint_oauth::federation::TrustedIssuers;
use tokenmint_oauth::form::Form;
use tokenmint_oauth::grant::{self, GrantPolicy, Terms};
use tokenmint_oauth::grant_type::{GrantType, JwtBearerGrant};
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::jwk::{PublicKey, SigningAlgorithm};
use tokenmint_oauth::metadata::{ClientMetadata, StoredMetadata};
use tokenmint_oauth::resource::Resources;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::secret::SecretHash;
use tokenmint_oauth::security_profile::SecurityProfile;
use tokenmint_oauth::token_request::TokenRequest;

/// An uncompressed P-256 point with its DER around it (RFC 5480): the curve's generator.
const P256: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200\
                    046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                    4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";

/// What an instance has before the request arrives.
pub(crate) struct PurePath {
    issuer: Issuer,
    header: EncodedHeader,
    resources: Resources,
    trusted_issuers: TrustedIssuers,
    client: Arc<Client>,
}

impl PurePath {
    /// An issuer, a key, and a client with a secret.
    pub(crate) fn new() -> Self {
        let issuer = Issuer::parse("https://as.example").expect("an issuer");
        let spki = (0..P256.len() / 2).map(|at| u8::from_str_radix(&P256[2 * at..2 * at + 2], 16).expect("hex"));
        let key = PublicKey::from_spki(&spki.collect::<Vec<_>>(), SigningAlgorithm::Es256).expect("a key");
        let header = EncodedHeader::new(SigningAlgorithm::Es256, &key.kid);
        Self {
            issuer,
            header,
            resources: Resources::default(),
            trusted_issuers: TrustedIssuers::default(),
            client: Arc::new(client()),
        }
    }

    /// What is signed for one request.
    pub(crate) fn signing_input(&self) -> String {
        // base64 of 07070707-0707-4707-8707-070707070707:abcdefghijklmnopqrstuvwxyz012345
        let authorization: &[u8] =
            b"Basic MDcwNzA3MDctMDcwNy00NzA3LTg3MDctMDcwNzA3MDcwNzA3OmFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6MDEyMzQ1";
        let body = b"grant_type=client_credentials&scope=client-scope";

        let query = Form::parse(b"").expect("empty");
        let form = Form::parse(black_box(body)).expect("a form");
        let request = TokenRequest::parse(&form, JwtBearerGrant::Off).expect("a request");
        let authorization: &[&[u8]] = &[black_box(authorization)];
        let presented = Presented {
            authorization,
            query: &query,
            form: &form,
            certificate: None,
            trusted_issuers: &self.trusted_issuers,
        };
        let Ok(Claim::Client(credentials)) = Credentials::present(&presented) else { panic!("presents") };
        let at = ProofContext {
            now: 1_700_000_001,
            audiences: &[],
            assertion_max_lifetime: 0,
            certificate_method: None,
            profile: SecurityProfile::None,
        };
        let Ok(Progress::Proven(Proof::Complete(client))) = credentials.prove(Some(self.client.clone()), &at) else {
            panic!("proves")
        };
        let granted = grant::decide(
            GrantType::ClientCredentials,
            &client,
            request.asked(),
            &Terms {
                policy: GrantPolicy::Server,
                resources: &self.resources,
                default_audience: self.issuer.as_str(),
                access_token_ttl: 18_000,
            },
        );
        let granted = granted.expect("grants");
        let jti = "5d7d7ba0-4a8e-4a5e-9f5f-0c8f6a1f6a10";
        let claims = Claims::new(&self.issuer, &client.client().client_id, &granted, jti, 1_700_000_001, granted.ttl);
        signing_input(&self.header, &claims)
    }
}

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
