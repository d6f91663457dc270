//! The table of metadata members, with the bounds of each: RFC 7591 §2.
//!
//! A new member is one line in [`MEMBERS`]. `others.rs` checks those that are kept as sent; those on which the server
//! itself decides have rules of their own beside it.
//! Together the bounds keep a client far below the 400 KB of a DynamoDB item: what is sent is at most
//! [`MAX_BODY_BYTES`]. What is kept consists of strings, arrays of strings and `true`: a number could be one that
//! DynamoDB cannot hold.

use super::names;
use crate::certificate_name::NameForm;
use crate::scope;

/// The largest registration request, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

/// The longest software statement, in bytes.
pub const MAX_STATEMENT_BYTES: usize = 16 * 1024;

/// The longest URI, in bytes.
pub const MAX_URI_BYTES: usize = 2048;

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Member {
    /// Its name.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// Whether `name#tag` may hold a translation (§2.2).
    pub localizable: bool,
}

/// What a member may hold.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A text of at most so many bytes.
    Text(usize),
    /// `true` or `false`; `false` counts as not given.
    Flag,
    /// An https URL of at most [`MAX_URI_BYTES`]; never fetched.
    WebUri,
    /// An array of at most so many texts of at most so many bytes; kept when it is sent empty (R2).
    Texts(usize, usize),
    /// A set of public keys (RFC 7517 §5), registered without the members that are not known.
    Jwks,
    /// An algorithm of [`ALGORITHMS`](crate::jose::ALGORITHMS).
    Algorithm,
    /// A name of the client's certificates, of this form and at most so many bytes (RFC 8705 §2.1.2).
    CertificateName(NameForm, usize),
    /// An array of at most so many redirect URIs (RFC 6749 §3.1.2); kept when it is sent empty (R2).
    RedirectUris(usize),
    /// The subjects of trusted issuers that are the client (ours). Who may set them is the policy's decision.
    FederatedCredentials,
    /// What the client may get (ours). Who may set it is the policy's decision.
    TokenPolicy,
    /// A text of at most so many bytes, on which the server decides.
    DecidedText(usize),
    /// An array of at most so many texts of at most so many bytes, on which the server decides. Sent empty, it counts
    /// as not given: what comes back is the value that is in force.
    DecidedTexts(usize, usize),
}

/// Every member that is understood.
pub const MEMBERS: &[Member] = &[
    Member { name: "client_name", kind: Kind::Text(256), localizable: true },
    Member { name: names::CLIENT_URI, kind: Kind::WebUri, localizable: true },
    Member { name: "contacts", kind: Kind::Texts(16, 320), localizable: false },
    Member { name: names::DPOP_BOUND_ACCESS_TOKENS, kind: Kind::Flag, localizable: false },
    Member { name: names::FEDERATED_CREDENTIALS, kind: Kind::FederatedCredentials, localizable: false },
    Member { name: names::GRANT_TYPES, kind: Kind::DecidedTexts(16, 256), localizable: false },
    Member { name: names::JWKS, kind: Kind::Jwks, localizable: false },
    Member { name: names::JWKS_URI, kind: Kind::WebUri, localizable: false },
    Member { name: "logo_uri", kind: Kind::WebUri, localizable: true },
    Member { name: "policy_uri", kind: Kind::WebUri, localizable: true },
    Member { name: "redirect_uris", kind: Kind::RedirectUris(32), localizable: false },
    Member { name: names::RESPONSE_TYPES, kind: Kind::DecidedTexts(16, 256), localizable: false },
    Member { name: names::SCOPE, kind: Kind::DecidedText(scope::MAX_BYTES), localizable: false },
    Member { name: "software_id", kind: Kind::Text(256), localizable: false },
    Member { name: names::SOFTWARE_STATEMENT, kind: Kind::Text(MAX_STATEMENT_BYTES), localizable: false },
    Member { name: "software_version", kind: Kind::Text(256), localizable: false },
    Member { name: "tls_client_auth_san_dns", kind: Kind::CertificateName(NameForm::Dns, 253), localizable: false },
    Member { name: "tls_client_auth_san_email", kind: Kind::CertificateName(NameForm::Email, 320), localizable: false },
    Member { name: "tls_client_auth_san_ip", kind: Kind::CertificateName(NameForm::Ip, 45), localizable: false },
    Member {
        name: "tls_client_auth_san_uri",
        kind: Kind::CertificateName(NameForm::Uri, MAX_URI_BYTES),
        localizable: false,
    },
    Member {
        name: "tls_client_auth_subject_dn",
        kind: Kind::CertificateName(NameForm::DistinguishedName, 1024),
        localizable: false,
    },
    Member { name: names::TLS_CLIENT_CERTIFICATE_BOUND_ACCESS_TOKENS, kind: Kind::Flag, localizable: false },
    Member { name: names::TOKEN_ENDPOINT_AUTH_METHOD, kind: Kind::DecidedText(256), localizable: false },
    Member { name: names::TOKEN_ENDPOINT_AUTH_SIGNING_ALG, kind: Kind::Algorithm, localizable: false },
    Member { name: names::TOKEN_POLICY, kind: Kind::TokenPolicy, localizable: false },
    Member { name: "tos_uri", kind: Kind::WebUri, localizable: true },
];

/// The members that name the certificates of a `tls_client_auth` client, each with its form.
pub(super) fn certificate_names() -> impl Iterator<Item = (&'static str, NameForm)> {
    MEMBERS.iter().filter_map(|member| match member.kind {
        Kind::CertificateName(form, _) => Some((member.name, form)),
        _ => None,
    })
}

/// Whether the table has a row for `name`, or for `name#language-tag`.
pub(crate) fn is_understood(name: &str) -> bool {
    find(name).is_some()
}

/// The row for `name` or for `name#language-tag`.
pub(super) fn find(name: &str) -> Option<&'static Member> {
    let (base, tag) = match name.split_once('#') {
        Some((base, tag)) => (base, Some(tag)),
        None => (name, None),
    };
    let member = MEMBERS.iter().find(|member| member.name == base)?;
    tag.is_none_or(|tag| member.localizable && is_language_tag(tag)).then_some(member)
}

/// BCP 47 by its shape: subtags of one to eight letters or digits, the first of letters.
fn is_language_tag(tag: &str) -> bool {
    let mut subtags = tag.split('-');
    let fits = |subtag: &str| (1..=8).contains(&subtag.len());
    tag.len() <= 64
        && subtags.next().is_some_and(|first| fits(first) && first.bytes().all(|b| b.is_ascii_alphabetic()))
        && subtags.all(|subtag| fits(subtag) && subtag.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::metadata::tests::policy;
    use crate::metadata::{ClientMetadata, MetadataError, RequestedMetadata};

    /// R1: of every bounded member, a value of exactly its bound is not too long, and one byte or entry more is.
    #[test]
    fn r1_every_bound_of_the_table() {
        let is_too_long = |name: &str, value: serde_json::Value| {
            let body = json!({name: value}).to_string();
            let requested = RequestedMetadata::parse(body.as_bytes()).expect("an object");
            matches!(ClientMetadata::verify(&requested, &policy()), Err(MetadataError::TooLong { .. }))
        };
        let uri = |bytes: usize| format!("{:x<bytes$}", "https://a.example/");
        for member in MEMBERS {
            let text = |bytes: usize| json!("x".repeat(bytes));
            let texts = |entries: usize, bytes: usize| json!(vec!["x".repeat(bytes); entries]);
            let (at_bound, above) = match member.kind {
                Kind::Text(max) | Kind::DecidedText(max) | Kind::CertificateName(_, max) => {
                    (text(max), vec![text(max + 1)])
                }
                Kind::Algorithm => (text(16), vec![text(17)]),
                Kind::WebUri => (uri(2048).into(), vec![uri(2049).into()]),
                Kind::Texts(entries, bytes) | Kind::DecidedTexts(entries, bytes) => {
                    (texts(entries, bytes), vec![texts(entries + 1, 1), texts(1, bytes + 1)])
                }
                Kind::RedirectUris(entries) => {
                    (json!(vec![uri(2048); entries]), vec![json!(vec![uri(18); entries + 1]), json!([uri(2049)])])
                }
                // Without a bound of this kind.
                _ => continue,
            };
            assert!(!is_too_long(member.name, at_bound), "{}", member.name);
            for value in above {
                assert!(is_too_long(member.name, value), "{}", member.name);
            }
        }
    }

    /// R1, R17: a software statement has at most 16 KiB, and one of that length fits into a request.
    #[test]
    fn r1_r17_the_longest_software_statement() {
        for (bytes, is_accepted) in [(16 * 1024, true), (16 * 1024 + 1, false)] {
            let body = json!({"software_statement": "x".repeat(bytes)}).to_string();
            assert!(body.len() <= MAX_BODY_BYTES);
            let requested = RequestedMetadata::parse(body.as_bytes()).expect("an object");
            assert_eq!(requested.software_statement().is_ok(), is_accepted, "{bytes} bytes");
        }
    }

    /// R9: what counts as a language tag. A member with anything else behind `#` is not understood.
    #[test]
    fn r9_the_shape_of_a_language_tag() {
        let sixty_four = ["abcdefgh"; 7].join("-") + "-x";
        assert_eq!(sixty_four.len(), 64);
        for tag in ["d", "de", "abcdefgh", "de-CH-1996", "zh-12345678", "de-1-a", &sixty_four] {
            assert!(is_understood(&format!("client_name#{tag}")), "{tag}");
            // A member without translations has none in any language.
            assert!(!is_understood(&format!("software_id#{tag}")), "{tag}");
        }
        let sixty_five = sixty_four + "y";
        for tag in
            ["", "-", "de-", "-de", "de--ch", "1996", "d3", "dé", "abcdefghi", "de-123456789", "de-é", &sixty_five]
        {
            assert!(!is_understood(&format!("client_name#{tag}")), "{tag}");
        }
    }
}
