//! What the verification must know of a request.

use std::fmt;

/// The facts of a request. They come from the HTTP server or from API Gateway's event, never from what the client says
/// about them. Its `Debug` shows neither the token nor the proof nor the certificate.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a str,
    /// The URLs that the request may have been sent to, without query and fragment: scheme and host are those that the
    /// operator configured, not those of the `Host` header.
    pub urls: &'a [&'a str],
    /// The values of all `Authorization` headers.
    pub authorization: &'a [&'a [u8]],
    /// The values of all `DPoP` headers.
    pub dpop: &'a [&'a [u8]],
    /// The client certificate of the TLS connection, in PEM: for API Gateway,
    /// `requestContext.authentication.clientCert.clientCertPem` or `requestContext.identity.clientCert.clientCertPem`.
    pub certificate: Option<&'a str>,
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, urls, .. } = self;
        f.debug_struct("Request").field("method", method).field("urls", urls).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// V4: what a client proves itself with is not for the log.
    #[test]
    fn v4_debug_of_a_request() {
        let (authorization, proof): (&[&[u8]], &[&[u8]]) = (&[b"DPoP A"], &[b"B"]);
        let urls = ["https://api.example/items"];
        let request = Request { method: "GET", urls: &urls, authorization, dpop: proof, certificate: Some("C") };
        let expected = "Request { method: \"GET\", urls: [\"https://api.example/items\"], .. }";
        assert_eq!(format!("{request:?}"), expected);
    }
}
