//! The names in a certificate (RFC 5280 §4.1.2.6, §4.2.1.6), and in the metadata of a client (RFC 8705 §2.1.2).

use std::net::IpAddr;

use spki::der::asn1::AnyRef;
use spki::der::{Decode, Tag, TagNumber, Tagged};
use url::Url;

use crate::distinguished_name::DistinguishedName;
use crate::memory;

/// A name, in the form in which it is compared: two names match if they are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateName {
    /// The subject's distinguished name.
    Subject(DistinguishedName),
    /// A DNS name, in lower case (RFC 5280 §7.2).
    Dns(String),
    /// A URI, compared character by character.
    Uri(String),
    /// An IP address, compared by its bytes (RFC 5952 §8).
    Ip(IpAddr),
    /// An email address, its domain in lower case (RFC 5280 §7.5).
    Email(String),
}

/// What kind of name a metadata member holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameForm {
    /// A distinguished name in the string form of RFC 4514.
    DistinguishedName,
    /// A DNS name.
    Dns,
    /// A URI.
    Uri,
    /// An IP address.
    Ip,
    /// An email address.
    Email,
}

impl CertificateName {
    /// An upper estimate of the memory that it takes beside itself, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        match self {
            Self::Subject(name) => name.memory_bytes(),
            Self::Dns(name) | Self::Uri(name) | Self::Email(name) => memory::text(name),
            Self::Ip(_) => 0,
        }
    }
}

impl NameForm {
    /// Reads a name of this form.
    ///
    /// # Errors
    /// What is wrong with it, to be put after the name of the member.
    pub fn parse(self, text: &str) -> Result<CertificateName, &'static str> {
        match self {
            Self::DistinguishedName => DistinguishedName::parse(text)
                .map(CertificateName::Subject)
                .map_err(|_| "is not a distinguished name of RFC 4514"),
            Self::Dns if is_dns_name(text) => Ok(CertificateName::Dns(text.to_ascii_lowercase())),
            Self::Dns => Err("is not a DNS name (international labels are written as xn--)"),
            Self::Uri if is_absolute_uri(text) => Ok(CertificateName::Uri(text.to_owned())),
            Self::Uri => Err("is not an absolute URI"),
            Self::Ip => text.parse().map(CertificateName::Ip).map_err(|_| "is not an IPv4 or IPv6 address"),
            Self::Email => match text.rsplit_once('@') {
                Some((local, domain)) if is_local_part(local) && is_dns_name(domain) => {
                    Ok(CertificateName::Email(with_lower_case_domain(text)))
                }
                _ => Err("is not an email address"),
            },
        }
    }
}

/// The names in a certificate's subjectAltName, DER. Forms of names that cannot be registered are left out. `None`
/// if the content is malformed.
pub(crate) fn alternative_names(der: &[u8]) -> Option<Vec<CertificateName>> {
    let names = Vec::<AnyRef<'_>>::from_der(der).ok()?;
    Some(names.into_iter().filter_map(alternative_name).collect())
}

/// One name (RFC 5280 §4.2.1.6, `GeneralName`).
fn alternative_name(name: AnyRef<'_>) -> Option<CertificateName> {
    let Tag::ContextSpecific { constructed: false, number } = name.tag() else { return None };
    let value = name.value();
    let text = || str::from_utf8(value).ok().filter(|text| text.is_ascii());
    match number {
        TagNumber::N1 => Some(CertificateName::Email(with_lower_case_domain(text()?))),
        TagNumber::N2 => Some(CertificateName::Dns(text()?.to_ascii_lowercase())),
        TagNumber::N6 => Some(CertificateName::Uri(text()?.to_owned())),
        TagNumber::N7 => {
            let v4 = || <[u8; 4]>::try_from(value).map(IpAddr::from);
            let v6 = || <[u8; 16]>::try_from(value).map(IpAddr::from);
            Some(CertificateName::Ip(v4().or_else(|_| v6()).ok()?))
        }
        _ => None,
    }
}

/// Whether this is a name in the preferred syntax (RFC 1034 §3.5, RFC 1123 §2.1), without a dot at the end. Names are
/// compared as a whole, so a wildcard is refused; so is an IPv4 address, which has a member of its own.
fn is_dns_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253 && text.split('.').all(is_label) && !last.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether this is a URI with a scheme (RFC 3986 §3).
fn is_absolute_uri(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&byte);
    let is_escape =
        |at: usize| bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    let has_more_than_a_scheme = text.split_once(':').is_some_and(|(_, rest)| !rest.is_empty());
    has_more_than_a_scheme
        && bytes.iter().enumerate().all(|(at, byte)| is_allowed(*byte) && (*byte != b'%' || is_escape(at)))
        && Url::parse(text).is_ok()
}

/// Whether this is a dot-string of at most 64 bytes (RFC 5321 §4.1.2, §4.5.3.1.1). The quoted form is refused.
fn is_local_part(text: &str) -> bool {
    let is_text = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    text.len() <= 64 && text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_text))
}

/// The address with its domain, which follows the last `@` (RFC 5321 §4.1.2), in lower case.
fn with_lower_case_domain(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_ascii_lowercase()),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests;
