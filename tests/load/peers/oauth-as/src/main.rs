//! The crate `oauth-as` as a server: dynamic client registration (RFC 7591) and client credentials, everything in
//! memory, JWT access tokens (RFC 9068) signed with ES256.
//!
//!     peer-oauth-as PORT EC_KEY        EC_KEY is a file with a P-256 private key, PKCS #8 in DER

use std::error::Error;
use std::future::Future;
use std::sync::Arc;

use axum::serve::ListenerExt as _;
use oauth_as::grant::GrantType;
use oauth_as::http::ServiceBuilder;
use oauth_as::jwt::{
    AccessTokenFormat, EcdsaP256Key, Jwk, JwsAlg, JwsSignature, JwsSigner, JwtConfig, SignerError,
};
use oauth_as::registration::{RegistrationAttempt, RegistrationConfig, RegistrationDecision, RegistrationPolicy};
use oauth_as::scope::ScopeSet;
use oauth_as::server::{AuthorizationServer, ServerConfig};
use oauth_as::store::MemoryStorage;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

/// ring's P-256 behind the library's trait. The library's own signer, in plain Rust, takes several times as long, which
/// would say nothing about the rest of the library.
struct RingSigner {
    key: EcdsaKeyPair,
    random: SystemRandom,
    jwk: Jwk,
}

impl JwsSigner for RingSigner {
    fn alg(&self) -> JwsAlg {
        JwsAlg::Es256
    }

    fn sign(&self, message: &[u8]) -> impl Future<Output = Result<JwsSignature, SignerError>> + Send {
        let signature = self.key.sign(&self.random, message).map_err(|_| SignerError::new("ring"));
        let wire = signature.and_then(|signature| {
            JwsSignature::from_wire(JwsAlg::Es256, signature.as_ref()).ok_or_else(|| SignerError::new("length"))
        });
        async move { wire }
    }

    fn public_jwk(&self) -> Jwk {
        self.jwk.clone()
    }
}

struct Open;

impl RegistrationPolicy for Open {
    fn authorize(&self, _: &RegistrationAttempt<'_>) -> RegistrationDecision {
        RegistrationDecision::Allow
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, port, key] = &arguments[..] else { return Err("usage: peer-oauth-as PORT EC_KEY".into()) };
    let (port, der): (u16, _) = (port.parse()?, std::fs::read(key)?);
    let issuer = format!("http://127.0.0.1:{port}");

    let mut registration = RegistrationConfig::new();
    registration.allowed_grant_types = vec![GrantType::ClientCredentials];
    registration.allowed_scopes = ScopeSet::from_tokens(["read", "write"])?;

    let jwk = EcdsaP256Key::from_pkcs8_der("es256-1", &der)?.public_jwk();
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &random)
        .map_err(|error| error.to_string())?;
    let tokens = JwtConfig::new(RingSigner { key, random, jwk }, "https://api.example");

    let mut config = ServerConfig::new(issuer.clone(), format!("{issuer}/device"));
    config.scopes_supported = Some(vec!["read".into(), "write".into()]);
    config.registration = Some(Box::new(registration));
    config.access_token_format = AccessTokenFormat::Jwt(Box::new(tokens.with_jwks_uri(format!("{issuer}/jwks"))));

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = AuthorizationServer::new(config, MemoryStorage::new()).with_registration_policy(Box::new(Open));
        let service = ServiceBuilder::new(Arc::new(server)).build().map_err(|error| error.to_string())?;
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        // Without it a failure is only slower.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        Ok(axum::serve(listener, axum::Router::from(service)).await?)
    })
}
