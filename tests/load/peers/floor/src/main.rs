//! The floor of the comparison: an HTTP server that signs a token with ring for whoever asks. It reads the request's
//! body, but parses nothing, authenticates nobody and stores nothing.
//!
//!     floor PORT RSA_KEY        RSA_KEY is a file with a private key of 2048 bits, PKCS #8 in DER
//!
//! `POST /ES256` and `POST /RS256` answer with a token response of the usual size.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::serve::ListenerExt as _;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair};

struct Keys {
    ec: EcdsaKeyPair,
    rsa: RsaKeyPair,
    random: SystemRandom,
    signed: AtomicU64,
}

impl Keys {
    fn new(rsa: &[u8]) -> Result<Self, Box<dyn Error>> {
        let random = SystemRandom::new();
        let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(|_| "no P-256 key")?;
        let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, ec.as_ref(), &random)
            .map_err(|error| error.to_string())?;
        let rsa = RsaKeyPair::from_pkcs8(rsa).map_err(|error| error.to_string())?;
        Ok(Self { ec, rsa, random, signed: AtomicU64::new(0) })
    }

    /// Header and claims of a token, encoded. Only the identifier differs from token to token.
    fn message(&self, algorithm: &str) -> String {
        let number = self.signed.fetch_add(1, Ordering::Relaxed);
        let header = format!(r#"{{"alg":"{algorithm}","typ":"at+jwt","kid":"k1"}}"#);
        let claims = format!(
            r#"{{"iss":"http://127.0.0.1:4000","sub":"load","client_id":"load","aud":"https://api.example","iat":1795390218,"exp":1795393818,"jti":"{number:032x}","scope":"read"}}"#
        );
        format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(claims))
    }
}

fn response(message: &str, signature: &[u8]) -> impl IntoResponse + use<> {
    let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];
    let body = format!(
        r#"{{"access_token":"{message}.{signature}","token_type":"Bearer","expires_in":3600,"scope":"read"}}"#
    );
    (headers, body)
}

async fn es256(State(keys): State<Arc<Keys>>, _body: Bytes) -> impl IntoResponse {
    let message = keys.message("ES256");
    let signature = keys.ec.sign(&keys.random, message.as_bytes()).expect("the random generator works");
    response(&message, signature.as_ref())
}

async fn rs256(State(keys): State<Arc<Keys>>, _body: Bytes) -> impl IntoResponse {
    let message = keys.message("RS256");
    let mut signature = vec![0; keys.rsa.public().modulus_len()];
    keys.rsa
        .sign(&RSA_PKCS1_SHA256, &keys.random, message.as_bytes(), &mut signature)
        .expect("the buffer has the size of the modulus");
    response(&message, &signature)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, port, rsa] = &arguments[..] else { return Err("usage: floor PORT RSA_KEY".into()) };
    let (port, keys): (u16, _) = (port.parse()?, Arc::new(Keys::new(&std::fs::read(rsa)?)?));
    let routes = Router::new().route("/ES256", post(es256)).route("/RS256", post(rs256)).with_state(keys);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        // Without it a failure is only slower.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        Ok(axum::serve(listener, routes).await?)
    })
}
