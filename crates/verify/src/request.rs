//! What the verification must know of a request.

/// The facts of a request. They come from the HTTP server or from API Gateway's event, never from what the client says
/// about them.
#[derive(Clone, Copy, Debug)]
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
