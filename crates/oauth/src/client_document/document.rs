//! What a document says of its client: draft-ietf-oauth-client-id-metadata-document-02 §4.

use serde_json::Value;

use super::DocumentUrl;
use crate::EpochSeconds;
use crate::client::Client;
use crate::metadata::{ClientMetadata, Federation, MetadataError, Policy, RequestedMetadata, TokenPolicies, names};
use crate::method::Method;
use crate::security_profile::SecurityProfile;

/// The largest document, in bytes. The draft recommends a limit and 5 kilobytes for it (§8.7), in which a few RSA keys and
/// their certificates would not have room.
pub const MAX_DOCUMENT_BYTES: usize = 16 * 1024;

/// The members that a document must not have (§4.1).
const SECRETS: [&str; 2] = [names::CLIENT_SECRET, names::CLIENT_SECRET_EXPIRES_AT];

/// What a deployment allows in documents, beside the scopes of their hosts.
#[derive(Clone, Debug)]
pub struct DocumentTerms {
    /// Whether http on loopback is accepted where https is required.
    pub local: bool,
    /// The methods of authentication that the deployment offers.
    pub methods: Vec<Method>,
    /// What it requires of clients beyond the RFCs.
    pub profile: SecurityProfile,
}

/// Why a document describes no client. For the log only.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// More than [`MAX_DOCUMENT_BYTES`].
    #[error("is larger than {MAX_DOCUMENT_BYTES} bytes")]
    TooLarge,
    /// `client_id` is absent or not the URL of the document (§4).
    #[error("has a client_id that is not its URL")]
    ClientId,
    /// A secret, which everyone could read (§4.1).
    #[error("has {0}, which a document must not have")]
    Secret(&'static str),
    /// Another method of authentication, or none.
    #[error("has a token_endpoint_auth_method that is not private_key_jwt")]
    Method,
    /// Metadata that no client could register.
    #[error("cannot be accepted: {0}")]
    Metadata(#[from] MetadataError),
}

impl DocumentError {
    /// Whether the response is a document at all. What is none says nothing of the client: it may come from something
    /// between this server and the host.
    pub const fn is_about_the_client(&self) -> bool {
        !matches!(self, Self::TooLarge | Self::Metadata(MetadataError::NotAnObject(_)))
    }
}

impl DocumentUrl<'_> {
    /// The client that a document describes, checked like a registration: it has the scopes that it asks for and its host
    /// allows, or all that its host allows if it asks for none.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub fn client(&self, document: &[u8], terms: &DocumentTerms, now: EpochSeconds) -> Result<Client, DocumentError> {
        if document.len() > MAX_DOCUMENT_BYTES {
            return Err(DocumentError::TooLarge);
        }
        let requested = RequestedMetadata::parse(document)?;
        let text = |name| requested.sent(name).and_then(Value::as_str);
        if text(names::CLIENT_ID) != Some(self.as_str()) {
            return Err(DocumentError::ClientId);
        }
        if let Some(name) = SECRETS.into_iter().find(|name| requested.sent(name).is_some()) {
            return Err(DocumentError::Secret(name));
        }
        // Without the member, the method would be one with a secret (RFC 7591 §2).
        if text(names::TOKEN_ENDPOINT_AUTH_METHOD) != Some(Method::PrivateKeyJwt.as_str()) {
            return Err(DocumentError::Method);
        }
        let metadata = ClientMetadata::verify(&requested, &self.policy(terms))?;
        Ok(Client {
            client_id: self.id().clone(),
            client_id_issued_at: now,
            client_secrets: Vec::new(),
            registration_access_token: None,
            scope_ceiling: Some(self.scope().clone()),
            disabled: false,
            expires_at: None,
            metadata,
        })
    }

    /// Whoever writes a document does not decide what tokens say, nor which workloads are the client.
    fn policy(&self, terms: &DocumentTerms) -> Policy {
        Policy {
            offered: self.scope().clone(),
            default: self.scope().clone(),
            local: terms.local,
            methods: terms.methods.clone(),
            profile: terms.profile,
            federation: Federation::Refused,
            token_policy: TokenPolicies::Fixed(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::client::ClientId;
    use crate::client_document::MetadataHosts;
    use crate::metadata::tests::jwks;

    const URL: &str = "https://agents.example/a.json";

    fn terms(profile: SecurityProfile) -> DocumentTerms {
        DocumentTerms { local: false, methods: vec![Method::ClientSecretBasic, Method::PrivateKeyJwt], profile }
    }

    fn client_of(document: &[u8]) -> Result<Client, DocumentError> {
        let hosts = MetadataHosts::parse(r#"{"agents.example": "read write"}"#).expect("hosts");
        let id = ClientId::parse(URL).expect("an identifier");
        let url = hosts.find(&id, false).expect("on the host");
        url.client(document, &terms(SecurityProfile::None), 7)
    }

    fn document() -> Value {
        json!({"client_id": URL, "client_name": "An agent", "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks()})
    }

    fn with(name: &str, value: Value) -> Result<Client, DocumentError> {
        let mut document = document();
        document[name] = value;
        client_of(document.to_string().as_bytes())
    }

    /// C3: the client is what its document says, within the scopes of its host.
    #[test]
    fn c3_the_client_of_a_document() {
        let client = client_of(document().to_string().as_bytes()).expect("a client");
        assert_eq!((client.client_id.as_str(), client.client_id_issued_at), (URL, 7));
        assert_eq!((client.disabled, client.expires_at, client.registration_access_token), (false, None, None));
        assert!(client.client_secrets.is_empty());
        assert_eq!(client.metadata.token_endpoint_auth_method(), Method::PrivateKeyJwt);
        assert_eq!(client.metadata.others()["client_name"], "An agent");
        assert_eq!(client.metadata.scope.as_str(), "read write", "all that its host allows");
        let scope = |asked: &str| with("scope", json!(asked)).map(|client| client.metadata.scope.as_str().to_owned());
        for (asked, given) in [("write", "write"), ("write admin", "write"), ("", "read write")] {
            assert_eq!(scope(asked).as_deref(), Ok(given), "{asked}");
        }
        assert!(with("unknown", json!({"a": [1e300]})).is_ok(), "what is not known is ignored");
    }

    /// C3: `client_id` is the URL of the document, byte by byte.
    #[test]
    fn c3_whose_document() {
        for bad in [
            json!("https://agents.example/b.json"),
            json!("https://agents.example/a.json "),
            json!("https://agents.example:443/a.json"),
            json!("HTTPS://agents.example/a.json"),
            json!(""),
            json!([URL]),
            json!(null),
        ] {
            assert_eq!(with("client_id", bad.clone()), Err(DocumentError::ClientId), "{bad}");
        }
    }

    /// C3, R1: a member that is there twice is refused: two readers must not see two clients.
    #[test]
    fn c3_r1_a_repeated_member() {
        let text = document().to_string();
        for name in ["client_id", "jwks", "token_endpoint_auth_method"] {
            let twice = text.replacen('{', &format!("{{\"{name}\":null,"), 1);
            let error = client_of(twice.as_bytes()).expect_err(name);
            assert!(matches!(error, DocumentError::Metadata(MetadataError::Repeated(_))), "{name}: {error}");
        }
    }

    /// C3: a document has no secret, and names the only method that needs none.
    #[test]
    fn c3_no_secrets() {
        for name in SECRETS {
            assert_eq!(with(name, json!(0)), Err(DocumentError::Secret(name)));
            assert!(with(name, json!(null)).is_ok());
        }
        for bad in
            [json!("client_secret_basic"), json!("none"), json!("tls_client_auth"), json!(""), json!(null), json!(1)]
        {
            assert_eq!(with("token_endpoint_auth_method", bad.clone()), Err(DocumentError::Method), "{bad}");
        }
    }

    /// C3: everything else is checked like a registration; what only operators set is refused.
    #[test]
    fn c3_metadata() {
        for (name, bad) in [
            ("jwks", json!(null)),
            ("jwks", json!({"keys": []})),
            ("jwks_uri", json!("http://agents.example/jwks")),
            ("scope", json!("a  b")),
            ("token_endpoint_auth_signing_alg", json!("HS256")),
            ("federated_credentials", json!([{"issuer": "https://a.example", "sub": "a"}])),
            ("token_policy", json!({"claims": {"tenant": "a"}})),
            ("tls_client_certificate_bound_access_tokens", json!(true)),
            ("client_name", json!(1)),
        ] {
            let error = with(name, bad.clone()).expect_err(name);
            assert!(matches!(error, DocumentError::Metadata(_)) && error.is_about_the_client(), "{name}: {error}");
        }
    }

    /// C4: what is no document, or too large, says nothing of the client.
    #[test]
    fn c4_what_is_no_document() {
        for bad in ["", "<p>", "[]", "\"a\"", "{"] {
            let error = client_of(bad.as_bytes()).expect_err(bad);
            assert!(!error.is_about_the_client(), "{error}");
        }
        let padded = |bytes| format!("{:<bytes$}", document().to_string());
        assert!(client_of(padded(16_384).as_bytes()).is_ok());
        let error = client_of(padded(16_385).as_bytes()).expect_err("too large");
        assert_eq!((error.is_about_the_client(), error), (false, DocumentError::TooLarge));
    }

    proptest! {
        /// C3: any bytes make a client of this URL, or none.
        #[test]
        fn c3_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0_usize..400) {
            let _ = client_of(&bytes);
            let mut text = document().to_string().into_bytes();
            let at = at % text.len();
            for (to, from) in text[at..].iter_mut().zip(&bytes) {
                *to = *from;
            }
            if let Ok(client) = client_of(&text) {
                prop_assert_eq!(client.client_id.as_str(), URL);
                prop_assert!(client.metadata.scope.tokens().all(|token| ["read", "write"].contains(&token)));
            }
        }
    }
}
