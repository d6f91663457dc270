//! What URIs a client may register: RFC 7591 §2 and §5, RFC 6749 §3.1.2, RFC 8252 §7 and §8.

use url::Url;

use crate::grant_type::GrantType;
use crate::issuer::is_loopback;

/// Schemes that are never an application's own: those that run or embed content or read local files, those of another
/// protocol, and `localhost`, which is a host whose scheme was forgotten.
const NOT_PRIVATE_USE: [&str; 22] = [
    "about",
    "blob",
    "chrome",
    "cid",
    "content",
    "data",
    "file",
    "filesystem",
    "ftp",
    "intent",
    "jar",
    "javascript",
    "localhost",
    "mailto",
    "mhtml",
    "resource",
    "tel",
    "urn",
    "vbscript",
    "view-source",
    "ws",
    "wss",
];

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
/// (RFC 8252 §7.3), or a private-use scheme.
///
/// RFC 8252 §7.1 makes a reversed domain name of such a scheme (`com.example.app`), so that no other application receives
/// what the redirect carries. As long as no grant of this server redirects, no redirect carries anything, and a name
/// without a dot (`cursor://…`), as applications in use have it, takes nothing from anybody.
pub(super) fn redirect(text: &str) -> Result<(), &'static str> {
    let url = absolute(text)?;
    if url.fragment().is_some() {
        return Err("must not have a fragment");
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(&url) => Ok(()),
        "http" => Err("http is for loopback addresses only"),
        scheme if NOT_PRIVATE_USE.contains(&scheme) => {
            Err("must be https, http on a loopback address, or a private-use scheme")
        }
        private_use if private_use.contains('.') || !GrantType::ALL.iter().any(|grant| grant.redirects()) => Ok(()),
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
