//! What the server knows when it verifies credentials.

use crate::EpochSeconds;
use crate::method::CertificateMethod;
use crate::security_profile::SecurityProfile;

/// What credentials are verified against beside the registered client.
#[derive(Clone, Copy, Debug)]
pub struct ProofContext<'a> {
    /// The time.
    pub now: EpochSeconds,
    /// What an assertion may name as its audience: the issuer and, where the operator wants it, the token
    /// endpoint (A6).
    pub audiences: &'a [String],
    /// The longest lifetime of an assertion from now, in seconds, beside the allowed difference between clocks. Its
    /// use is remembered until it expires, and until then anyone who obtains it could use it first (A6, RFC 7523
    /// §3).
    pub assertion_max_lifetime: u32,
    /// The method with certificates that this deployment offers, if it offers one (A7).
    pub certificate_method: Option<CertificateMethod>,
    /// What this deployment requires of clients beyond the RFCs.
    pub profile: SecurityProfile,
}
