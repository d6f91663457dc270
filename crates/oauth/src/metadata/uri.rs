//! What URIs a client may register: RFC 7591 §2 and §5, RFC 6749 §3.1.2, RFC 8252 §7 and §8.

use url::Url;

use crate::issuer::is_loopback;

/// Checks the URL of a page: https, or http on loopback where the server itself is local.
pub(super) fn web(text: &str, local: bool) -> Result<(), &'static str> {
    let url = absolute(text)?;
    match url.scheme() {
        "https" => Ok(()),
        "http" if local && is_loopback(&url) => Ok(()),
        _ => Err("must be an https URL"),
    }
}

/// Checks a redirect URI: absolute and without fragment (RFC 6749 §3.1.2); https, or http on loopback
/// (RFC 8252 §7.3), or a private-use scheme, which is a reversed domain name (RFC 8252 §7.1, §8.4).
pub(super) fn redirect(text: &str) -> Result<(), &'static str> {
    let url = absolute(text)?;
    if url.fragment().is_some() {
        return Err("must not have a fragment");
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        "http" => Err("http is for loopback addresses only"),
        private_use if private_use.contains('.') => Ok(()),
        _ => Err("must be https, http on a loopback address, or a private-use scheme with a dot"),
    }
}

/// An absolute URL. The parser forgives spaces and control characters; what is stored must not need that.
fn absolute(text: &str) -> Result<Url, &'static str> {
    if !text.bytes().all(|byte| matches!(byte, 0x21..=0x7E)) {
        return Err("must be a URI of ASCII characters without spaces");
    }
    Url::parse(text).map_err(|_| "must be an absolute URI")
}
