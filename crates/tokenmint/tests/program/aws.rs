//! `tokenmint aws`: starts the token function with the printed environment.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::Arc;

use serde_json::Value;
use token::Token;
use tokenmint_aws::Sdk;
use tokenmint_aws::config::{Environment, RegisterConfig, SETTINGS, Signing, TokenConfig};
use tokenmint_function::Clock;
use tokenmint_oauth::jose::{PublicKeys, UnverifiedToken};
use tokio::net::TcpListener;

use crate::harness::{Data, curl, json, program, shell, text};

/// The services, stopped at the end of the test.
struct Services {
    process: Child,
    /// The printed lines.
    exports: String,
}

impl Services {
    fn start(data: &Data, settings: &[(&str, &str)]) -> Self {
        let mut command = program(&data.on(&["aws", "--dynamodb-port", "0", "--kms-port", "0"]));
        command.envs(settings.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let (mut stdout, mut exports) = (BufReader::new(process.stdout.take().unwrap()), String::new());
        while !exports.contains("export REGISTRATION_RATE_TOTAL=") {
            assert_ne!(stdout.read_line(&mut exports).unwrap(), 0, "it ended: {exports}");
        }
        Self { process, exports }
    }

    /// The value of a variable in a shell that has read the lines.
    fn value(&self, name: &str) -> String {
        shell(&format!("unset {name}\n{}\nprintf %s \"${name}\"", self.exports))
    }

    /// The settings that a function started by that shell reads.
    fn environment(&self) -> Environment {
        let names = SETTINGS.iter().map(|setting| setting.name);
        names.fold(Environment::default(), |environment, name| environment.with(name, self.value(name)))
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs the token function with the printed environment, and gets a token for a client that an operator creates.
/// Returns the configuration and the token's algorithm.
async fn token(data: &Data, services: &Services) -> (TokenConfig, String) {
    let config = TokenConfig::from_environment(&services.environment()).unwrap();
    let (dynamodb, kms) = (services.value("AWS_ENDPOINT_URL_DYNAMODB"), services.value("AWS_ENDPOINT_URL_KMS"));
    let sdk = Sdk::local(&dynamodb, &kms).await;
    let token = Token::start(config.clone(), &sdk, Clock::System).await.unwrap();
    let routes = tokenmint_function::shell(token::routes(Arc::new(token)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = axum::serve(listener, routes.into_make_service_with_connect_info::<SocketAddr>());
    let server = tokio::spawn(server.into_future());

    let made = json(&data.on(&["client", "create", "--scope", "client-scope"]));
    let (id, secret) = (text(&made, "client_id"), text(&made, "client_secret"));
    let (status, answer) = curl(&format!("-u {id}:{secret} {url}/token -d grant_type=client_credentials"));
    assert_eq!(status, 200, "{answer}");
    let (_, keys): (_, Value) = curl(&format!("{url}/.well-known/jwks.json"));
    server.abort();
    let token = UnverifiedToken::parse(text(&answer, "access_token")).unwrap();
    token.verify(&PublicKeys::parse(&keys).unwrap()).unwrap();
    (config, token.header("alg").unwrap().to_owned())
}

/// K2: sealed keys need a table and a sealing key, which exist and are named.
#[tokio::test(flavor = "multi_thread")]
async fn k2_functions_with_sealed_keys() {
    let data = Data::new();
    let services = Services::start(&data, &[("SIGNING_MODE", "sealed"), ("SIGNING_KEY_SPEC", "ECC_NIST_EDWARDS25519")]);
    let (config, algorithm) = token(&data, &services).await;
    let Signing::Sealed(sealed) = config.signing else { panic!("another mode") };
    assert_eq!((sealed.keys_table.as_str(), algorithm.as_str()), ("tokenmint-keys", "EdDSA"));
    assert!(!services.exports.contains("SIGNING_KEYS"), "{}", services.exports);
}

/// K1: with KMS keys, by their aliases. The other settings are passed on unchanged.
#[tokio::test(flavor = "multi_thread")]
async fn k1_functions_with_keys_in_kms() {
    let data = Data::new();
    let settings =
        [("SIGNING_KEYS", "alias/mine=ES384"), ("SCOPES", "a b client-scope"), ("AUDIENCE", "https://api.example")];
    let services = Services::start(&data, &settings);
    let (config, algorithm) = token(&data, &services).await;
    assert_eq!((config.audience.as_str(), algorithm.as_str()), ("https://api.example", "ES384"));
    assert_eq!(RegisterConfig::from_environment(&services.environment()).unwrap().scopes.as_str(), "a b client-scope");
    assert!(!services.exports.contains("SEALING_KEY") && !services.exports.contains("KEYS_TABLE"));
}
