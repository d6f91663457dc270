//! HTTPS to AWS.
//!
//! A cold start would spend most of its instructions on reading the system's trust store, of which AWS's endpoints need
//! five certificates.
//!
//! The connections are those of `hyper`, which the Lambda runtime uses too. The SDK's own client brings HTTP/2 and
//! proxies, which these calls do not need.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::{RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::ErrorKind;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::{CaptureConnection, HttpConnector as Tcp, capture_connection};
use hyper_util::client::legacy::{Client, Error as ClientError};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use super::CONNECT;

/// The root certificates of Amazon Trust Services: Amazon Root CA 1 to 4, and the Starfield root that signed them
/// (<https://www.amazontrust.com/repository/>). In DER, because each cold start reads them.
const AMAZON_TRUST_SERVICES: [&[u8]; 5] = [
    include_bytes!("amazon_trust_services/amazon_root_ca_1.der"),
    include_bytes!("amazon_trust_services/amazon_root_ca_2.der"),
    include_bytes!("amazon_trust_services/amazon_root_ca_3.der"),
    include_bytes!("amazon_trust_services/amazon_root_ca_4.der"),
    include_bytes!("amazon_trust_services/starfield_root_g2.der"),
];

/// The names with which a region of the public partition `aws` begins, up to the first hyphen.
const PUBLIC_REGIONS: [&str; 9] = ["af", "ap", "ca", "eu", "il", "me", "mx", "sa", "us"];

/// An HTTP client for this region's endpoints.
///
/// It trusts Amazon's own roots only. The system's certificates are used in the other partitions (China, `GovCloud`, the
/// isolated and sovereign ones), whose endpoints may have other roots, where `SSL_CERT_FILE` or `SSL_CERT_DIR` names some,
/// and where a variable names another https endpoint.
pub(super) fn https(region: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> SharedHttpClient {
    client(if needs_system_roots(region, variable) { system_roots() } else { amazon_roots() })
}

fn needs_system_roots(region: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> bool {
    let is_named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| variable(name).is_some());
    let is_https = |name: &&str| variable(name).is_some_and(|url| url.starts_with("https:"));
    let is_elsewhere = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_KMS"].iter().any(is_https);
    is_named || is_elsewhere || !region.is_some_and(is_public)
}

/// An HTTP client that trusts the system's certificates.
pub(super) fn system_https() -> SharedHttpClient {
    client(system_roots())
}

/// An HTTP client for services on this machine, without certificates.
pub(super) fn http() -> SharedHttpClient {
    client(RootCertStore::empty())
}

fn amazon_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(AMAZON_TRUST_SERVICES.map(CertificateDer::from_slice));
    roots
}

fn system_roots() -> RootCertStore {
    let loaded = rustls_native_certs::load_native_certs();
    for error in &loaded.errors {
        tracing::warn!(cause = %error, "a certificate of the system cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(loaded.certs);
    roots
}

fn client(roots: RootCertStore) -> SharedHttpClient {
    let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let mut tcp = Tcp::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT));
    let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
    let client = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(https);
    SharedHttpClient::new(Transport(SharedHttpConnector::new(Connections(client))))
}

/// The SDK's view of the connections.
#[derive(Clone, Debug)]
struct Transport(SharedHttpConnector);

impl HttpClient for Transport {
    /// The time limit for connecting is the same for every client, so it is not taken from the settings.
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.0.clone()
    }
}

/// The open connections.
struct Connections(Client<HttpsConnector<Tcp>, SdkBody>);

impl fmt::Debug for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}

impl HttpConnector for Connections {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(error) => return HttpConnectorFuture::ready(Err(ConnectorError::user(error.into()))),
        };
        let used = capture_connection(&mut request);
        if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
            capture.set_connection_retriever(move || metadata(&used));
        }
        let response = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let response = response.await.map_err(classified)?;
            HttpResponse::try_from(response.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Lets the SDK close the connection after an error of the server, so that the retry uses another one.
fn metadata(used: &CaptureConnection) -> Option<ConnectionMetadata> {
    used.connection_metadata().as_ref()?;
    let used = used.clone();
    let close = move || {
        if let Some(connection) = used.connection_metadata().as_ref() {
            connection.poison();
        }
    };
    Some(ConnectionMetadata::builder().proxied(false).poison_fn(close).build())
}

/// The kind of a failure, by which the SDK decides whether to retry: a connection that fails or closes is retried, a
/// request that is malformed is not.
fn classified(error: ClientError) -> ConnectorError {
    let hyper = source::<hyper::Error>(&error);
    if error.is_connect() || source::<std::io::Error>(&error).is_some() {
        return ConnectorError::io(error.into());
    }
    match hyper {
        Some(hyper) if hyper.is_timeout() => ConnectorError::timeout(error.into()),
        Some(hyper) if hyper.is_closed() || hyper.is_canceled() => ConnectorError::io(error.into()),
        Some(hyper) if hyper.is_incomplete_message() => {
            ConnectorError::other(error.into(), Some(ErrorKind::TransientError))
        }
        Some(hyper) if hyper.is_user() => ConnectorError::user(error.into()),
        _ => ConnectorError::other(error.into(), None),
    }
}

fn source<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    crate::unavailable::chain(error).find_map(<dyn Error>::downcast_ref)
}

/// Whether this is a region of the partition `aws`: an area, a direction and a number, for example `eu-central-1`.
fn is_public(region: &str) -> bool {
    let mut parts = region.split('-');
    let area = parts.next().is_some_and(|area| PUBLIC_REGIONS.contains(&area));
    area && parts.count() == 2
}

#[cfg(test)]
mod tests {
    use ::aws_lc_rs::digest;

    use super::*;

    #[test]
    fn the_roots_are_those_of_amazon() {
        assert_eq!(amazon_roots().len(), AMAZON_TRUST_SERVICES.len());
        // The SHA-256 fingerprints that the repository publishes.
        let known = [
            "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
            "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
            "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
            "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
            "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
        ];
        let hexadecimal = |bytes: &[u8]| bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let fingerprints =
            AMAZON_TRUST_SERVICES.map(|root| hexadecimal(digest::digest(&digest::SHA256, root).as_ref()));
        assert_eq!(fingerprints, known);
    }

    #[test]
    fn named_certificates_and_endpoints_use_the_certificates_of_the_system() {
        let needs = |name: &str, value: &str| {
            needs_system_roots(Some("eu-central-1"), |asked| (asked == name).then(|| value.to_owned()))
        };
        assert!(!needs("AWS_REGION", "eu-central-1") && !needs("AWS_ENDPOINT_URL", "http://127.0.0.1:4566"));
        assert!(needs("SSL_CERT_FILE", "/ca.pem") && needs("SSL_CERT_DIR", "/ca"));
        for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_KMS"] {
            assert!(needs(name, "https://dynamodb.example"), "{name}");
        }
        assert!(needs_system_roots(None, |_| None));
    }

    #[test]
    fn other_partitions_use_the_certificates_of_the_system() {
        for region in ["us-east-1", "eu-central-1", "ap-southeast-7", "il-central-1", "mx-central-1"] {
            assert!(is_public(region), "{region}");
        }
        for region in [
            "cn-north-1",
            "us-gov-west-1",
            "us-iso-east-1",
            "us-isob-east-1",
            "eusc-de-east-1",
            "eu-isoe-west-1",
            "",
            "us",
        ] {
            assert!(!is_public(region), "{region}");
        }
    }
}
