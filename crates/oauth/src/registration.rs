//! Registering a client: RFC 7591 §3.

use serde::Serialize;

use crate::EpochSeconds;
use crate::client::{Client, ClientId, StoredSecret};
use crate::metadata::ClientMetadata;
use crate::secret::Secret;

/// A client that is about to be stored, with the one copy of its secret in clear.
#[derive(Debug)]
pub struct NewClient {
    /// The record to store.
    pub client: Client,
    secret: Option<Secret>,
}

impl NewClient {
    /// Makes a client with an identifier and, where its method needs one, a secret (R11).
    ///
    /// `random` fills a buffer with random bytes of cryptographic quality. The secret ends after
    /// `secret_ttl` seconds, never if that is 0.
    pub fn new(
        metadata: ClientMetadata,
        now: EpochSeconds,
        secret_ttl: u32,
        mut random: impl FnMut(&mut [u8]),
    ) -> Self {
        let mut id = [0; 16];
        random(&mut id);
        let secret = metadata.token_endpoint_auth_method.has_secret().then(|| Secret::generate(random));
        let expires_at = if secret_ttl == 0 { 0 } else { now + EpochSeconds::from(secret_ttl) };
        let stored = secret.iter().map(|secret| StoredSecret { sha256: secret.hash(), expires_at }).collect();
        let client = Client {
            client_id: ClientId::from_random(id),
            client_id_issued_at: now,
            client_secrets: stored,
            disabled: false,
            metadata,
        };
        Self { client, secret }
    }

    /// The client information response (RFC 7591 §3.2.1): what was made, and all that was registered.
    pub fn response(&self) -> ClientInformation<'_> {
        let secret = self.secret.as_ref().zip(self.client.client_secrets.first());
        ClientInformation {
            client_id: self.client.client_id.as_str(),
            client_id_issued_at: self.client.client_id_issued_at,
            client_secret: secret.map(|(secret, _)| secret.reveal()),
            client_secret_expires_at: secret.map(|(_, stored)| stored.expires_at),
            metadata: &self.client.metadata,
        }
    }
}

/// The members of a client information response. It carries a secret, so it has no `Debug`.
#[derive(Serialize)]
pub struct ClientInformation<'a> {
    client_id: &'a str,
    client_id_issued_at: EpochSeconds,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<EpochSeconds>,
    #[serde(flatten)]
    metadata: &'a ClientMetadata,
}
