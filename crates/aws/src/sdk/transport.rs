//! HTTPS to AWS.
//!
//! A cold start would spend most of its time on the system's trust store: about 150 certificates, of which AWS's
//! endpoints use five.

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

/// The root certificates of Amazon Trust Services: Amazon Root CA 1 to 4, and the Starfield root that signed them
/// (<https://www.amazontrust.com/repository/>). AWS asks its users to trust exactly these.
const AMAZON_TRUST_SERVICES: &[u8] = include_bytes!("amazon_trust_services.pem");

/// The names with which a region of the public partition `aws` begins, up to the first hyphen.
const PUBLIC_REGIONS: [&str; 9] = ["af", "ap", "ca", "eu", "il", "me", "mx", "sa", "us"];

/// An HTTP client for this region's endpoints.
///
/// It trusts Amazon's own roots only. The system's certificates are used in the other partitions (China, `GovCloud`, the
/// isolated and sovereign ones), whose endpoints may have other roots, and where `SSL_CERT_FILE` or `SSL_CERT_DIR` names
/// some.
pub(super) fn https(region: Option<&str>, variable: impl Fn(&str) -> Option<String>) -> SharedHttpClient {
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| variable(name).is_some());
    let trust = if named || !region.is_some_and(is_public) {
        TrustStore::default()
    } else {
        TrustStore::empty().with_pem_certificate(AMAZON_TRUST_SERVICES)
    };
    let tls = TlsContext::builder().with_trust_store(trust).build().expect("a trust store is all that it needs");
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(tls).build_https()
}

/// Whether this is a region of the partition `aws`: an area, a direction and a number, for example `eu-central-1`.
fn is_public(region: &str) -> bool {
    let mut parts = region.split('-');
    let area = parts.next().is_some_and(|area| PUBLIC_REGIONS.contains(&area));
    area && parts.count() == 2
}

#[cfg(test)]
mod tests {
    use rustls::RootCertStore;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    use super::*;

    #[test]
    fn the_roots_are_those_of_amazon() {
        let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(AMAZON_TRUST_SERVICES).collect();
        let roots = roots.expect("certificates");
        let (added, refused) = RootCertStore::empty().add_parsable_certificates(roots.clone());
        assert_eq!((added, refused), (5, 0));
        // The SHA-256 fingerprints that the repository publishes.
        let fingerprints: Vec<_> =
            roots.iter().map(|root| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, root)).collect();
        let known = [
            "8ecde6884f3d87b1125ba31ac3fcb13d7016de7f57cc904fe1cb97c6ae98196e",
            "1ba5b2aa8c65401a82960118f80bec4f62304d83cec4713a19c39c011ea46db4",
            "18ce6cfe7bf14e60b2e347b8dfe868cb31d02ebb3ada271569f50343b46db3a4",
            "e35d28419ed02025cfa69038cd623962458da5c695fbdea3c22b0bfb25897092",
            "568d6905a2c88708a4b3025190edcfedb1974a606a13c6e5290fcb2ae63edab5",
        ];
        let hexadecimal = |bytes: &[u8]| bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        assert_eq!(fingerprints.iter().map(|digest| hexadecimal(digest.as_ref())).collect::<Vec<_>>(), known);
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
