//! What the server knows when it verifies credentials.

use crate::EpochSeconds;
use crate::method::CertificateMethod;

/// What credentials are verified against beside the registered client.
#[derive(Clone, Copy, Debug)]
pub struct ProofContext<'a> {
    /// The time.
    pub now: EpochSeconds,
    /// What an assertion may name as its audience: the issuer and, where the operator wants it, the token
    /// endpoint (A6).
    pub audiences: &'a [&'a str],
    /// How far ahead `exp` of an assertion may be, in seconds, beside what clocks may differ. An assertion is
    /// remembered until it expires, and until then it is valid in the hands of whoever finds it (A6, RFC 7523 §3).
    pub assertion_max_lifetime: u32,
    /// The method with certificates that this deployment offers, if it offers one (A7).
    pub certificate_method: Option<CertificateMethod>,
}
