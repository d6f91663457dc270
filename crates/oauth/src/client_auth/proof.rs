//! What valid credentials prove.

use std::sync::Arc;

use super::error::{AssertionError, ProveError};
use super::jti::Jti;
use crate::EpochSeconds;
use crate::client::Client;
use crate::jose::Verified;

/// Credentials that are valid.
#[derive(Debug)]
pub enum Proof {
    /// Nothing is left to check.
    Complete(AuthenticatedClient),
    /// The client has proven who it is if this is the first use of its assertion.
    FirstUse(FirstUse),
}

/// A valid assertion, of which only the first use counts.
#[derive(Debug)]
pub struct FirstUse {
    pub(super) client: AuthenticatedClient,
    pub(super) jti: Jti<Verified>,
    pub(super) checked_at: EpochSeconds,
}

impl FirstUse {
    /// The identifier under which the use of the assertion is stored: different for each client, or issuer, and each `jti`.
    pub fn id(&self) -> &str {
        &self.jti.id
    }

    /// The first second at which the assertion is expired.
    pub const fn expires_at(&self) -> EpochSeconds {
        self.jti.expires_at
    }

    /// The time at which the assertion was found not to be expired, always before [`Self::expires_at`]. A use
    /// that is remembered counts at this time, however late it is now: by a later time the assertion might have
    /// expired, and its first use would be forgotten.
    pub const fn checked_at(&self) -> EpochSeconds {
        self.checked_at
    }

    /// The client, if this was the first use.
    ///
    /// # Errors
    /// [`AssertionError::Replayed`] if it was not.
    pub fn complete(self, is_first: bool) -> Result<AuthenticatedClient, ProveError> {
        if is_first { Ok(self.client) } else { Err(AssertionError::Replayed.into()) }
    }
}

/// A client that has proven who it is. Only a [`Proof`] holds one.
#[derive(Clone, Debug)]
pub struct AuthenticatedClient {
    client: Arc<Client>,
    assertion_expires_at: Option<EpochSeconds>,
}

impl AuthenticatedClient {
    pub(super) const fn by_secret_or_certificate(client: Arc<Client>) -> Self {
        Self { client, assertion_expires_at: None }
    }

    pub(super) const fn by_assertion(client: Arc<Client>, expires_at: EpochSeconds) -> Self {
        Self { client, assertion_expires_at: Some(expires_at) }
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The first second at which the assertion that proved it is expired, the allowed difference between clocks included.
    /// `None` if no assertion did.
    pub const fn assertion_expires_at(&self) -> Option<EpochSeconds> {
        self.assertion_expires_at
    }
}
