//! A client's certificate: RFC 5280 §4.1, in the textual form of RFC 7468 §5.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::prelude::BASE64_STANDARD;
use spki::ObjectIdentifier;
use spki::der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::BasicConstraints;

use crate::EpochSeconds;
use crate::certificate_name::{CertificateName, alternative_names};
use crate::distinguished_name::DistinguishedName;
use crate::error::{ErrorCode, OAuthError};
use crate::jwk::{PublicKey, SigningAlgorithm};
use crate::security_profile::SecurityProfile;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The names of the subject beside its distinguished one (RFC 5280 §4.2.1.6).
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");

/// Whether a certificate's key may sign other certificates (RFC 5280 §4.2.1.9).
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");

/// What the server reads of a certificate. TLS proves that it belongs to the sender of the request, and that it
/// chains to a trusted authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    names: Vec<CertificateName>,
    not_before: EpochSeconds,
    not_after: EpochSeconds,
    is_authority: bool,
    key: Option<String>,
    has_long_key: bool,
    thumbprint: String,
}

/// The text is not a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed")]
pub struct CertificateError;

impl Certificate {
    /// Reads the one certificate of a PEM text. Line breaks may be anywhere.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn parse(pem: &str) -> Result<Self, CertificateError> {
        let inner = pem.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END)).ok_or(CertificateError)?;
        let base64: String = inner.split_ascii_whitespace().collect();
        let der = BASE64_STANDARD.decode(base64).map_err(|_| CertificateError)?;
        Self::from_der(&der)
    }

    fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let certificate = x509_cert::Certificate::from_der(der).map_err(|_| CertificateError)?.tbs_certificate;
        let extensions = certificate.extensions.as_deref().unwrap_or_default();
        let constraints = extension(extensions, BASIC_CONSTRAINTS)?.map(BasicConstraints::from_der).transpose();
        let constraints = constraints.map_err(|_| CertificateError)?;
        let names =
            extension(extensions, SUBJECT_ALT_NAME)?.map(|names| alternative_names(names).ok_or(CertificateError));
        let mut names = names.transpose()?.unwrap_or_default();
        names.push(CertificateName::Subject(DistinguishedName::of(&certificate.subject)));
        let spki = certificate.subject_public_key_info.to_der().map_err(|_| CertificateError)?;
        let key = SigningAlgorithm::ALL.iter().find_map(|algorithm| PublicKey::from_spki(&spki, *algorithm).ok());
        Ok(Self {
            names,
            not_before: certificate.validity.not_before.to_unix_duration().as_secs(),
            not_after: certificate.validity.not_after.to_unix_duration().as_secs(),
            is_authority: constraints.is_some_and(|constraints| constraints.ca),
            has_long_key: key.as_ref().is_some_and(|key| !key.is_short()),
            key: key.map(|key| key.kid.as_str().to_owned()),
            thumbprint: URL_SAFE_NO_PAD.encode(digest(&SHA256, der)),
        })
    }

    /// Whether it is valid at this time; its last second is one of them (RFC 5280 §4.1.2.5).
    pub const fn is_valid_at(&self, now: EpochSeconds) -> bool {
        self.not_before <= now && now <= self.not_after
    }

    /// Whether this is one of its names: the subject's, or an alternative one.
    pub fn is_for(&self, name: &CertificateName) -> bool {
        self.names.contains(name)
    }

    /// Whether its key may sign other certificates: `CA:TRUE` among its basic constraints (RFC 5280 §4.2.1.9).
    pub const fn is_authority(&self) -> bool {
        self.is_authority
    }

    /// The RFC 7638 thumbprint of its key, if that is of a kind that this server knows.
    pub fn key_thumbprint(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Whether its key is of a kind that this server knows, and of at least 2048 bits if it is RSA.
    pub const fn has_long_key(&self) -> bool {
        self.has_long_key
    }

    /// What a token is bound by: base64url of the SHA-256 of the certificate (RFC 8705 §3.1).
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }
}

/// The content of an extension. There must not be two of a kind (RFC 5280 §4.2): two readers might take different
/// ones.
fn extension(extensions: &[Extension], id: ObjectIdentifier) -> Result<Option<&[u8]>, CertificateError> {
    let mut found = extensions.iter().filter(|extension| extension.extn_id == id);
    match (found.next(), found.next()) {
        (found, None) => Ok(found.map(|extension| extension.extn_value.as_bytes())),
        (_, Some(_)) => Err(CertificateError),
    }
}

/// Why a client that wants its tokens bound to its certificate gets none (J6, RFC 8705 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindError {
    /// The request came without a certificate, or to an address that asks for none.
    #[error("this client's tokens are bound to its certificate, and the request came without one")]
    NoCertificate,
    /// The certificate cannot be read.
    #[error("this client's tokens are bound to its certificate, which cannot be read")]
    Malformed,
    /// The certificate is expired or not yet valid.
    #[error("this client's tokens are bound to its certificate, which is expired or not yet valid")]
    Time,
    /// The certificate's key is shorter than the security profile allows, or of an unknown kind.
    #[error(
        "the token would be bound to a certificate whose key is not RSA of at least 2048 bits, P-256, P-384 or Ed25519"
    )]
    ShortKey,
}

impl From<BindError> for OAuthError {
    fn from(error: BindError) -> Self {
        Self::new(ErrorCode::InvalidRequest, error.to_string())
    }
}

/// What a token is bound by that is issued over a connection with this certificate.
///
/// # Errors
/// [`BindError`].
pub fn bind(
    certificate: Option<Result<&Certificate, CertificateError>>,
    now: EpochSeconds,
    profile: SecurityProfile,
) -> Result<String, BindError> {
    let certificate = certificate.ok_or(BindError::NoCertificate)?.map_err(|_| BindError::Malformed)?;
    if profile.requires_long_certificate_keys() && !certificate.has_long_key {
        return Err(BindError::ShortKey);
    }
    if certificate.is_valid_at(now) { Ok(certificate.thumbprint.clone()) } else { Err(BindError::Time) }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;
    use spki::der::asn1::OctetString;

    use super::*;

    /// RFC 8705 Appendix A, the example certificate.
    pub(crate) const EXAMPLE: &str = "-----BEGIN CERTIFICATE-----
MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAx
ODEyMzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ
/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwID
SQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOV
bUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=
-----END CERTIFICATE-----";

    /// A certificate with `CA:TRUE`, from 2026-11-24T19:48:28Z to 2126-10-31T19:48:28Z.
    pub(crate) const AUTHORITY: &str = "-----BEGIN CERTIFICATE-----
MIIBMDCB16ADAgECAhQAtRx+K+AThBVqqddlEech0LDTBjAKBggqhkjOPQQDAjAN
MQswCQYDVQQDDAJjYTAgFw0yNjExMjQxOTQ4MjhaGA8yMTI2MTAzMTE5NDgyOFow
DTELMAkGA1UEAwwCY2EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARFN6gjVphC
xI6n5pwry0tpgWvNHxIC1iNwM3pxWYfrbAPcDtCF3UjmzXDJN68lq23zlvxCJmXL
JVkDQMSEbNrgoxMwETAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gAMEUC
IF0afb3jau/mju65bugEcjmNifg967LYklD27fTM8V3wAiEAsKh5+LVPI8wJuTYU
AeGQ0Z94Miv2Te5QnmQxrBARqHQ=
-----END CERTIFICATE-----";

    /// A certificate of an RSA key of 1024 bits, from 2026-11-28T20:19:53Z to 2126-11-04T20:19:53Z.
    pub(crate) const SHORT: &str = "-----BEGIN CERTIFICATE-----
MIIB/jCCAWegAwIBAgIUYPm2ufvvBT8Zun4NcEU+7oYt+70wDQYJKoZIhvcNAQEL
BQAwEDEOMAwGA1UEAwwFc2hvcnQwIBcNMjYxMTI4MjAxOTUzWhgPMjEyNjExMDQy
MDE5NTNaMBAxDjAMBgNVBAMMBXNob3J0MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCB
iQKBgQDHq2GGZukZySlWyfw/vihSF+bxjamxQKy45mvjNo9Rf4YjeGPIHC59RgwD
uXqvf1eYZRAvYRsmXHffNvSeqs2Zgct35glLV1SCmTZxJ66p0Qxllx3altaOGhN4
KAoxVcsuF1zdUPhzdFUVxt4sIBQuKiT0eGcNRAGoNK1FcDkHAQIDAQABo1MwUTAd
BgNVHQ4EFgQU3lfg1WHF/ZYjIAiIPd6SaSMy4TgwHwYDVR0jBBgwFoAU3lfg1WHF
/ZYjIAiIPd6SaSMy4TgwDwYDVR0TAQH/BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOB
gQATHY/+pIU2su/lmmQUx1K25bbl38aCegTSPJxMmKKVAHi0wMMvID8+7YB+4dP6
Ut3c9EeTjMbstu6y74zdjbT47FzOumYZoeBbFYHknPjMBdq1T80h1B9wNLTrjJyM
aGWha2IEALOfFKQ1B5djoGDkQ9whD7MfOvetcWcju5MlxA==
-----END CERTIFICATE-----";

    /// J6: the confirmation value and the public key that RFC 8705 Appendix A gives for its certificate.
    #[test]
    fn j6_rfc8705_appendix_a() {
        let certificate = Certificate::parse(EXAMPLE).expect("parses");
        assert_eq!(certificate.thumbprint(), "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0");
        let jwk = serde_json::json!({"keys": [{
            "kty": "EC", "crv": "P-256",
            "x": "1yfLHCpXqFjxCeHHHMVDTcLscpb07KUxudBmOMn8C7Q",
            "y": "8_coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8",
        }]});
        let keys = crate::jose::PublicKeys::parse(&jwk).expect("a key");
        assert_eq!(certificate.key_thumbprint().map(str::to_owned), keys.thumbprints().next());
        let name = DistinguishedName::parse("CN=mtls").expect("a name");
        assert!(certificate.is_for(&CertificateName::Subject(name)));
        // 2018-10-18T12:37:09Z to 2022-05-02T12:37:09Z.
        for (now, good) in
            [(1_539_866_228, false), (1_539_866_229, true), (1_651_495_029, true), (1_651_495_030, false)]
        {
            assert_eq!(certificate.is_valid_at(now), good, "{now}");
        }
    }

    /// A7, J6: another name, no authority, and what a token is bound by.
    #[test]
    fn a7_j6_names_and_binding() {
        let certificate = Certificate::parse(EXAMPLE).expect("parses");
        let name = |text| CertificateName::Subject(DistinguishedName::parse(text).expect("a name"));
        assert!(certificate.is_for(&name("CN=mtls")) && !certificate.is_for(&name("CN=other")));
        assert!(!certificate.is_for(&CertificateName::Dns("mtls".to_owned())));
        assert!(!certificate.is_authority());
        let valid = 1_539_866_229;
        for profile in [SecurityProfile::None, SecurityProfile::Fapi2] {
            let bind = |certificate, now| bind(certificate, now, profile);
            assert_eq!(bind(Some(Ok(&certificate)), valid).as_deref(), Ok(certificate.thumbprint()));
            assert_eq!(bind(Some(Ok(&certificate)), valid - 1), Err(BindError::Time));
            assert_eq!(bind(Some(Err(CertificateError)), valid), Err(BindError::Malformed));
            assert_eq!(bind(None, valid), Err(BindError::NoCertificate));
        }
    }

    /// A7: a certificate that may sign others says so.
    #[test]
    fn a7_an_authority() {
        let authority = Certificate::parse(AUTHORITY).expect("parses");
        assert!(authority.is_authority());
        assert!(authority.is_for(&CertificateName::Subject(DistinguishedName::parse("CN=ca").expect("a name"))));
        assert!(authority.is_valid_at(1_795_549_708) && !authority.is_valid_at(1_795_549_707));
    }

    /// S3, J6: with FAPI 2.0 no token is bound to a certificate whose RSA key has less than 2048 bits.
    #[test]
    fn s3_j6_short_keys() {
        let (example, short) =
            (Certificate::parse(EXAMPLE).expect("parses"), Certificate::parse(SHORT).expect("parses"));
        assert!(example.has_long_key() && !short.has_long_key());
        assert!(short.key_thumbprint().is_some(), "of a kind that is known");
        let bind = |profile| bind(Some(Ok(&short)), 1_795_897_193, profile);
        assert_eq!(bind(SecurityProfile::None).as_deref(), Ok(short.thumbprint()));
        assert_eq!(bind(SecurityProfile::Fapi2), Err(BindError::ShortKey));
    }

    /// A7: certificates of our making, with the extensions that are read: names and `cA`.
    #[test]
    fn a7_extensions() {
        let id = |text: &str| ObjectIdentifier::new(text).expect("an identifier");
        let extension = |text: &str, value: &[u8]| Extension {
            extn_id: id(text),
            critical: false,
            extn_value: OctetString::new(value).expect("octets"),
        };
        let all = [extension("2.5.29.17", b"names"), extension("2.5.29.19", b"constraints")];
        assert_eq!(super::extension(&all, id("2.5.29.19")), Ok(Some(b"constraints".as_slice())));
        assert_eq!(super::extension(&all, id("2.5.29.15")), Ok(None));
        let twice = [all[0].clone(), all[0].clone()];
        assert_eq!(super::extension(&twice, id("2.5.29.17")), Err(CertificateError));
    }

    /// A7: line breaks are whoever's the text is; everything else is exact.
    #[test]
    fn a7_pem() {
        let one_line = EXAMPLE.replace('\n', "");
        let crlf = format!("\n{}\r\n", EXAMPLE.replace('\n', "\r\n"));
        for same in [&one_line, &crlf] {
            assert_eq!(Certificate::parse(same), Certificate::parse(EXAMPLE));
        }
        let cut = EXAMPLE.replace("bUlJ", "");
        for bad in ["", BEGIN, "CERT_CONTENT", &EXAMPLE[1..], &cut, &format!("{EXAMPLE}\n{EXAMPLE}")] {
            assert_eq!(Certificate::parse(bad), Err(CertificateError), "{bad}");
        }
    }

    proptest! {
        /// Any text: no panic.
        #[test]
        fn any_text(text: String) {
            let _ = Certificate::parse(&text);
            let _ = Certificate::parse(&format!("{BEGIN}{text}{END}"));
        }

        /// Any bytes for a certificate, also the example with some changed: no panic, and no other client.
        #[test]
        fn any_bytes(bytes: Vec<u8>, at in 0_usize..266, byte: u8) {
            prop_assert_eq!(Certificate::from_der(&bytes), Err(CertificateError));
            let base64: String = EXAMPLE.lines().filter(|line| !line.starts_with('-')).collect();
            let mut der = BASE64_STANDARD.decode(base64).expect("base64");
            let before = std::mem::replace(&mut der[at], byte);
            if let Ok(changed) = Certificate::from_der(&der) {
                let same = changed.thumbprint() == "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0";
                prop_assert_eq!(same, before == byte);
            }
        }
    }
}
