//! Changing a registration: RFC 7592 §2.2.

use serde_json::Value;

use crate::client::Client;
use crate::error::{ErrorCode, OAuthError};
use crate::metadata::{Federation, Policy, RequestedMetadata, TokenPolicies, names};
use crate::secret::SecretHash;

/// Members that only the server sets (RFC 7592 §2.2).
const FORBIDDEN: [&str; 4] = [
    names::REGISTRATION_ACCESS_TOKEN,
    names::REGISTRATION_CLIENT_URI,
    names::CLIENT_SECRET_EXPIRES_AT,
    names::CLIENT_ID_ISSUED_AT,
];

/// What an update asks for beside the metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpdateRequest {
    /// Whether the client wants a new secret.
    pub rotate_secret: bool,
}

/// Why an update is not one for this client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// `client_id` is missing or that of another client.
    #[error("client_id must be that of the client")]
    ClientId,
    /// A member that only the server sets.
    #[error("{0} must not be sent")]
    Forbidden(&'static str),
    /// `client_secret` is not the client's current one.
    #[error("client_secret is not the current one")]
    ClientSecret,
    /// `rotate_client_secret` is not a boolean.
    #[error("rotate_client_secret must be true or false")]
    Rotate,
}

impl From<UpdateError> for OAuthError {
    fn from(error: UpdateError) -> Self {
        Self::new(ErrorCode::InvalidClientMetadata, error.to_string())
    }
}

/// The policy for an update of this client: a client never registers more than its ceiling (R10, R16), and does not
/// change its federated credentials (F4) or its token policy (P6).
///
/// `open` is the policy of open registration, `is_open` whether registration is open. A client without a
/// ceiling registered openly, or was stored before ceilings were: where registration is open, it may
/// register what a new client may and keep what it has; elsewhere it may keep what it has.
pub fn policy(client: &Client, open: &Policy, is_open: bool) -> Policy {
    let own = &client.metadata.scope;
    let federation = Federation::Kept(client.metadata.federated_credentials().clone());
    let token_policy = TokenPolicies::Fixed(client.metadata.token_policy().cloned().map(Box::new));
    let policy = match &client.scope_ceiling {
        Some(ceiling) => open.within(ceiling),
        None if is_open => Policy { offered: open.offered.tokens().chain(own.tokens()).collect(), ..open.clone() },
        None => open.within(own),
    };
    Policy { federation, token_policy, ..policy }
}

impl UpdateRequest {
    /// Checks that an update is one for this client.
    ///
    /// # Errors
    /// [`UpdateError`].
    pub fn check(requested: &RequestedMetadata, client: &Client) -> Result<Self, UpdateError> {
        if requested.sent(names::CLIENT_ID).and_then(Value::as_str) != Some(client.client_id.as_str()) {
            return Err(UpdateError::ClientId);
        }
        if let Some(name) = FORBIDDEN.into_iter().find(|name| requested.sent(name).is_some()) {
            return Err(UpdateError::Forbidden(name));
        }
        if let Some(secret) = requested.sent(names::CLIENT_SECRET) {
            let presented = secret.as_str().map(SecretHash::of).ok_or(UpdateError::ClientSecret)?;
            let current = client.client_secrets.first().ok_or(UpdateError::ClientSecret)?;
            if current.sha256 != presented {
                return Err(UpdateError::ClientSecret);
            }
        }
        let rotate_secret = match requested.sent(names::ROTATE_CLIENT_SECRET) {
            None => false,
            Some(value) => value.as_bool().ok_or(UpdateError::Rotate)?,
        };
        Ok(Self { rotate_secret })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::{ClientId, StoredSecret};
    use crate::metadata::tests::policy as open_policy;
    use crate::metadata::{ClientMetadata, StoredMetadata};
    use crate::method::Method;
    use crate::scope::Scope;
    use crate::security_profile::SecurityProfile;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).expect("a scope")
    }

    fn client(ceiling: Option<&str>) -> Client {
        let metadata = StoredMetadata { scope: scope("own read"), ..StoredMetadata::default() };
        Client {
            client_id: ClientId::from_random([7; 16]),
            client_id_issued_at: 1,
            client_secrets: vec![StoredSecret { sha256: SecretHash::of("current"), expires_at: 0 }],
            registration_access_token: None,
            scope_ceiling: ceiling.map(scope),
            disabled: false,
            expires_at: None,
            metadata: ClientMetadata::from_stored(metadata).expect("metadata"),
        }
    }

    /// R10, R16: what a client may register in an update, by its ceiling and by who may register.
    #[test]
    fn r10_r16_policy_of_an_update() {
        let open = Policy {
            offered: scope("read write"),
            default: scope("read"),
            local: false,
            methods: Method::ALL.to_vec(),
            profile: SecurityProfile::None,
            federation: Federation::Refused,
            token_policy: TokenPolicies::default(),
        };
        for (ceiling, is_open, expected) in [
            (Some("write"), true, "write"),
            (Some("write"), false, "write"),
            (None, true, "own read write"),
            (None, false, "own read"),
        ] {
            let offered = policy(&client(ceiling), &open, is_open).offered;
            let expected = scope(expected);
            assert!(offered.is_subset_of(&expected) && expected.is_subset_of(&offered), "{ceiling:?} {is_open}");
        }
    }

    /// F4: an update keeps the client's federated credentials, whatever open registration allows.
    #[test]
    fn f4_an_update_keeps_federated_credentials() {
        let mut client = client(None);
        let own = vec![json!({"issuer": "https://a.example", "sub": "own"})];
        client.metadata = ClientMetadata::from_stored(StoredMetadata {
            token_endpoint_auth_method: Method::PrivateKeyJwt,
            federated_credentials: own,
            ..StoredMetadata::default()
        })
        .expect("metadata");
        let kept = Federation::Kept(client.metadata.federated_credentials().clone());
        for federation in [Federation::Refused, Federation::Allowed] {
            let open = Policy { federation, ..open_policy() };
            for (ceiling, is_open) in [(None, true), (None, false), (Some(scope("read")), true)] {
                let client = Client { scope_ceiling: ceiling, ..client.clone() };
                assert_eq!(policy(&client, &open, is_open).federation, kept, "{is_open}");
            }
        }
    }

    /// P6: an update keeps the client's token policy, or keeps it without one, whoever may register.
    #[test]
    fn p6_m4_an_update_keeps_the_token_policy() {
        for own in [None, Some(json!({"access_token_ttl": 60}))] {
            let stored = StoredMetadata { token_policy: own, ..StoredMetadata::default() };
            let metadata = ClientMetadata::from_stored(stored).expect("metadata");
            let kept = TokenPolicies::Fixed(metadata.token_policy().cloned().map(Box::new));
            let client = Client { metadata, ..client(None) };
            let open = Policy { token_policy: TokenPolicies::Allowed, ..open_policy() };
            for (ceiling, is_open) in [(None, true), (None, false), (Some(scope("read")), true)] {
                let client = Client { scope_ceiling: ceiling, ..client.clone() };
                assert_eq!(policy(&client, &open, is_open).token_policy, kept, "{is_open}");
            }
        }
    }

    /// M4, M5: an update is for this client, and holds nothing that only the server sets.
    #[test]
    fn m4_m5_check_of_an_update() {
        let client = client(None);
        let id = client.client_id.as_str();
        let check = |body: Value| {
            let requested = RequestedMetadata::parse(body.to_string().as_bytes()).expect("an object");
            UpdateRequest::check(&requested, &client).map(|update| update.rotate_secret)
        };
        assert_eq!(check(json!({"client_id": id})), Ok(false));
        assert_eq!(check(json!({"client_id": id, "client_secret": "current"})), Ok(false));
        assert_eq!(check(json!({"client_id": id, "rotate_client_secret": true})), Ok(true));
        assert_eq!(check(json!({})), Err(UpdateError::ClientId));
        assert_eq!(check(json!({"client_id": "other"})), Err(UpdateError::ClientId));
        assert_eq!(check(json!({"client_id": id, "client_secret": "other"})), Err(UpdateError::ClientSecret));
        assert_eq!(check(json!({"client_id": id, "rotate_client_secret": 1})), Err(UpdateError::Rotate));
        for name in FORBIDDEN {
            assert_eq!(check(json!({"client_id": id, name: "x"})), Err(UpdateError::Forbidden(name)));
        }
    }
}
