//! The registered client: RFC 7591 §2, as it is stored.

use std::fmt;

use crate::EpochSeconds;
use crate::federation::SubjectKey;
use crate::memory;
use crate::metadata::ClientMetadata;
use crate::scope::Scope;
use crate::secret::SecretHash;

/// The longest client identifier looked up, in bytes.
pub const MAX_CLIENT_ID_BYTES: usize = 255;

/// A client identifier: 1 to [`MAX_CLIENT_ID_BYTES`] visible characters or spaces (RFC 6749 Appendix A.1).
///
/// The ones this server makes are UUIDs. Its `Display` shows only these: a text that was sent as
/// an identifier may be a secret in the wrong place.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClientId(String);

/// The text cannot be a client identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a client identifier")]
pub struct ClientIdError;

impl ClientId {
    /// Makes an identifier, a version 4 UUID, from random bytes.
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(random).into_uuid().to_string())
    }

    /// Makes an identifier, a version 8 UUID, from a part of a hash.
    pub(crate) fn from_hash(hash: [u8; 16]) -> Self {
        Self(uuid::Builder::from_custom_bytes(hash).into_uuid().to_string())
    }

    /// Parses an identifier that a request presents.
    ///
    /// # Errors
    /// [`ClientIdError`] when no client can have it. That includes the keys of [`SubjectKey`], which are stored among
    /// the clients.
    pub fn parse(text: &str) -> Result<Self, ClientIdError> {
        let fits = (1..=MAX_CLIENT_ID_BYTES).contains(&text.len()) && !text.starts_with(SubjectKey::PREFIX);
        if fits && text.bytes().all(|byte| matches!(byte, 0x20..=0x7E)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ClientIdError)
        }
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_ours = self.0.len() == 36 && uuid::Uuid::try_parse(&self.0).is_ok();
        f.write_str(if is_ours { &self.0 } else { "(not a UUID)" })
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientId({self})")
    }
}

/// A registered client, one record.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// Its identifier.
    pub client_id: ClientId,
    /// When it was registered.
    pub client_id_issued_at: EpochSeconds,
    /// Its secrets, the newest first; empty for a method without one.
    pub client_secrets: Vec<StoredSecret>,
    /// The hash of its registration access token (RFC 7592 §3).
    pub registration_access_token: Option<SecretHash>,
    /// The most scope that it may ever register: that of its initial access token, or what an operator named.
    /// `None` for a client that registered openly (R10, R16).
    pub scope_ceiling: Option<Scope>,
    /// An operator has disabled it.
    pub disabled: bool,
    /// The first second at which it is expired, unless it gets a token before (R20).
    pub expires_at: Option<EpochSeconds>,
    /// What it registered.
    pub metadata: ClientMetadata,
}

impl Client {
    /// Whether it has not expired. DynamoDB deletes expired items late, so the expiry is checked too (R20).
    pub fn is_live_at(&self, now: EpochSeconds) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }

    /// An upper estimate of the memory that it takes, in bytes, itself included.
    pub fn memory_bytes(&self) -> usize {
        let ceiling = self.scope_ceiling.as_ref().map_or(0, Scope::memory_bytes);
        // The counters of an `Arc`, in which it is shared.
        size_of::<Self>()
            + 2 * size_of::<usize>()
            + memory::text(&self.client_id.0)
            + memory::list(&self.client_secrets)
            + ceiling
            + self.metadata.memory_bytes()
    }
}

/// What is stored of a client secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    /// Its SHA-256.
    pub sha256: SecretHash,
    /// The first second at which it is expired; 0 = never (RFC 7591 §3.2.1).
    pub expires_at: EpochSeconds,
}

impl StoredSecret {
    /// Whether the secret has not expired.
    pub const fn is_valid_at(&self, now: EpochSeconds) -> bool {
        self.expires_at == 0 || now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::StoredMetadata;

    /// R11: the identifier is a UUID of the server's making.
    #[test]
    fn r11_client_id_is_a_uuid() {
        let id = ClientId::from_random([7; 16]);
        assert_eq!(id.as_str(), "07070707-0707-4707-8707-070707070707");
        assert_eq!(id.to_string(), id.as_str());
    }

    #[test]
    fn what_is_not_a_uuid_is_not_shown() {
        let id = ClientId::parse("s3cr3t").expect("visible characters");
        assert_eq!(format!("{id} {id:?}"), "(not a UUID) ClientId((not a UUID))");
        for bad in [String::new(), "é".to_owned(), "a\n".to_owned(), "a".repeat(256)] {
            assert_eq!(ClientId::parse(&bad), Err(ClientIdError));
        }
    }

    /// F3: the key of a subject is no client's identifier.
    #[test]
    fn f3_keys_of_subjects_are_no_identifiers() {
        let key = SubjectKey::new("https://issuer.example", "subject");
        for text in [key.as_str(), SubjectKey::PREFIX] {
            assert_eq!(ClientId::parse(text), Err(ClientIdError));
        }
        assert!(ClientId::parse("federated").is_ok());
    }

    /// A5: `expires_at` of a secret is the first second at which it is invalid.
    #[test]
    fn a5_end_of_a_secret() {
        let secret = |expires_at| StoredSecret { sha256: SecretHash::of("s"), expires_at };
        assert!(secret(0).is_valid_at(u64::MAX));
        assert!(secret(10).is_valid_at(9));
        assert!(!secret(10).is_valid_at(10));
    }

    /// R20: the first second of the end is the first at which the client is gone.
    #[test]
    fn r20_end_of_a_client() {
        let client = |expires_at| Client {
            client_id: ClientId::from_random([7; 16]),
            client_id_issued_at: 1,
            client_secrets: Vec::new(),
            registration_access_token: None,
            scope_ceiling: None,
            disabled: false,
            expires_at,
            metadata: ClientMetadata::from_stored(StoredMetadata::default()).expect("metadata"),
        };
        assert!(client(None).is_live_at(u64::MAX));
        assert!(client(Some(10)).is_live_at(9));
        assert!(!client(Some(10)).is_live_at(10) && !client(Some(10)).is_live_at(11));
    }

    /// An identifier of 36 characters that is no UUID is not shown either, nor a UUID in another form.
    #[test]
    fn r19_only_identifiers_of_our_form_are_shown() {
        for text in ["a".repeat(36), "07070707070747078707070707070707".to_owned()] {
            assert_eq!(ClientId::parse(&text).expect("visible characters").to_string(), "(not a UUID)");
        }
    }
}
