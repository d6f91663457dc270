//! The table of metadata members, with the bounds of each: RFC 7591 §2.
//!
//! A new member is one line in [`MEMBERS`]. Most are checked and kept as sent; those on which the server
//! itself decides have rules of their own beside this file.
//! Together the bounds keep a client far below the 400 KB of a DynamoDB item: what is sent is at most
//! [`MAX_BODY_BYTES`]. What is kept consists of strings, arrays of strings and `true`: a number could be one that
//! DynamoDB cannot hold.

use serde_json::{Map, Value};

use crate::certificate_name::NameForm;
use crate::jose;

use super::requested::{string, strings};
use super::{MetadataError, Policy, RequestedMetadata, keys, uri};

/// The largest registration request, in bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;

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
    /// An algorithm of [`jose::ALGORITHMS`].
    Algorithm,
    /// A name of the client's certificates, of this form and at most so many bytes (RFC 8705 §2.1.2).
    CertificateName(NameForm, usize),
    /// An array of at most so many redirect URIs (RFC 6749 §3.1.2); kept when it is sent empty (R2).
    RedirectUris(usize),
    /// A text of at most so many bytes, on which the server decides.
    DecidedText(usize),
    /// An array of at most so many texts of at most so many bytes, on which the server decides. Sent empty, it counts
    /// as not given: what comes back is the value that is in force.
    DecidedTexts(usize, usize),
}

/// Every member that is understood.
pub const MEMBERS: &[Member] = &[
    Member { name: "client_name", kind: Kind::Text(256), localizable: true },
    Member { name: "client_uri", kind: Kind::WebUri, localizable: true },
    Member { name: "contacts", kind: Kind::Texts(16, 320), localizable: false },
    Member { name: "dpop_bound_access_tokens", kind: Kind::Flag, localizable: false },
    Member { name: "grant_types", kind: Kind::DecidedTexts(16, 256), localizable: false },
    Member { name: "jwks", kind: Kind::Jwks, localizable: false },
    Member { name: "jwks_uri", kind: Kind::WebUri, localizable: false },
    Member { name: "logo_uri", kind: Kind::WebUri, localizable: true },
    Member { name: "policy_uri", kind: Kind::WebUri, localizable: true },
    Member { name: "redirect_uris", kind: Kind::RedirectUris(32), localizable: false },
    Member { name: "response_types", kind: Kind::DecidedTexts(16, 256), localizable: false },
    Member { name: "scope", kind: Kind::DecidedText(crate::scope::MAX_BYTES), localizable: false },
    Member { name: "software_id", kind: Kind::Text(256), localizable: false },
    Member { name: "software_statement", kind: Kind::Text(crate::software_statement::MAX_BYTES), localizable: false },
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
    Member { name: "tls_client_certificate_bound_access_tokens", kind: Kind::Flag, localizable: false },
    Member { name: "token_endpoint_auth_method", kind: Kind::DecidedText(256), localizable: false },
    Member { name: "token_endpoint_auth_signing_alg", kind: Kind::Algorithm, localizable: false },
    Member { name: "tos_uri", kind: Kind::WebUri, localizable: true },
];

/// A text on which the server decides, if it was given.
pub(super) fn text<'r>(requested: &'r RequestedMetadata, name: &str) -> Result<Option<&'r str>, MetadataError> {
    match find(name).map(|member| member.kind) {
        Some(Kind::DecidedText(max_bytes)) => requested.string(name, max_bytes),
        _ => Ok(None),
    }
}

/// An array of texts on which the server decides, if it was given.
pub(super) fn texts(requested: &RequestedMetadata, name: &str) -> Result<Option<Vec<String>>, MetadataError> {
    match find(name).map(|member| member.kind) {
        Some(Kind::DecidedTexts(max_entries, max_bytes)) => requested.strings(name, max_entries, max_bytes),
        _ => Ok(None),
    }
}

/// The members that name the certificates of a `tls_client_auth` client, each with its form.
pub(super) fn certificate_names() -> impl Iterator<Item = (&'static str, NameForm)> {
    MEMBERS.iter().filter_map(|member| match member.kind {
        Kind::CertificateName(form, _) => Some((member.name, form)),
        _ => None,
    })
}

/// The members of the table that were given and on which the server does not decide, each checked.
pub(super) fn check(requested: &RequestedMetadata, policy: &Policy) -> Result<Map<String, Value>, MetadataError> {
    if given(requested, "jwks") && given(requested, "jwks_uri") {
        let reason = "must not be sent together with jwks_uri";
        return Err(MetadataError::Value { member: "jwks".to_owned(), reason });
    }
    let mut kept = Map::new();
    for (name, value) in requested.iter() {
        if let Some(member) = find(name)
            && !value.is_null()
            && let Some(value) = registered(member, name, value, policy)?
        {
            kept.insert(name.to_owned(), value);
        }
    }
    Ok(kept)
}

/// Whether a member was sent with a value that means something.
fn given(requested: &RequestedMetadata, name: &str) -> bool {
    requested.sent(name).is_some_and(|value| value != "")
}

/// Whether the table has a row for `name`, or for `name#language-tag`.
pub(super) fn is_understood(name: &str) -> bool {
    find(name).is_some()
}

/// The row for `name` or for `name#language-tag`.
fn find(name: &str) -> Option<&'static Member> {
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

/// Checks one member; gives what is registered of it, `None` when its value means "not given" (R2).
fn registered(member: &Member, name: &str, value: &Value, policy: &Policy) -> Result<Option<Value>, MetadataError> {
    let wrong = |reason| MetadataError::Value { member: name.to_owned(), reason };
    let is_given = match member.kind {
        Kind::DecidedText(_) | Kind::DecidedTexts(..) => false,
        Kind::Text(max_bytes) => !string(name, value, max_bytes)?.is_empty(),
        Kind::Flag => {
            value.as_bool().ok_or_else(|| MetadataError::Type { member: name.to_owned(), expected: "true or false" })?
        }
        Kind::WebUri => {
            let text = string(name, value, MAX_URI_BYTES)?;
            if !text.is_empty() {
                uri::web(text, policy.local).map_err(wrong)?;
            }
            // Ours (R2): the exchange this server grew out of sends `client_uri: ""` and gets it back.
            !text.is_empty() || name == "client_uri"
        }
        Kind::Texts(max_entries, max_bytes) => {
            strings(name, value, max_entries, max_bytes)?;
            true
        }
        Kind::Jwks => {
            let keys = keys::registered(value);
            return keys.map(Some).map_err(|error| MetadataError::Keys { member: name.to_owned(), error });
        }
        Kind::Algorithm => {
            let text = string(name, value, 16)?;
            if !text.is_empty() && !jose::ALGORITHMS.iter().any(|(known, _)| *known == text) {
                return Err(wrong("is not an algorithm this server supports; see its metadata document"));
            }
            !text.is_empty()
        }
        Kind::CertificateName(form, max_bytes) => {
            let text = string(name, value, max_bytes)?;
            if !text.is_empty() {
                form.parse(text).map_err(wrong)?;
            }
            !text.is_empty()
        }
        Kind::RedirectUris(max_entries) => {
            let entries = strings(name, value, max_entries, MAX_URI_BYTES)?;
            // Ours (R2): `[""]` is that exchange's way to give none, and comes back as sent.
            if entries != [""] {
                entries.iter().try_for_each(|entry| uri::redirect(entry).map_err(MetadataError::RedirectUri))?;
            }
            true
        }
    };
    Ok(is_given.then(|| value.clone()))
}
