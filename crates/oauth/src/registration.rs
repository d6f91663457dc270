//! Registering a client, and what it is told of its registration: RFC 7591 §3, RFC 7592 §3.

use serde::Serialize;

use crate::EpochSeconds;
use crate::client::{Client, ClientId, StoredSecret};
use crate::client_configuration::UpdateRequest;
use crate::issuer::{Issuer, path};
use crate::metadata::ClientMetadata;
use crate::scope::Scope;
use crate::secret::Secret;

/// How long what is made for a client lasts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifetimes {
    /// Seconds until a new secret expires; 0 = never.
    pub secret: u32,
    /// Seconds for which the previous secret stays valid beside a new one.
    pub overlap: u32,
    /// Seconds until a client expires that never got a token; 0 = never (R20).
    pub unused: u32,
}

/// A client that is about to be stored, with the one copy in clear of what was made for it.
#[derive(Debug)]
pub struct Issued {
    /// The record to store.
    pub client: Client,
    secret: Option<Secret>,
    registration_access_token: Secret,
}

impl Issued {
    /// Makes a client with an identifier and, where its method needs one, a secret (R11).
    ///
    /// `scope_ceiling` is the most scope that the client may ever register; `None` for open registration.
    /// `random` fills a buffer with random bytes of cryptographic quality.
    pub fn new(
        metadata: ClientMetadata,
        scope_ceiling: Option<Scope>,
        now: EpochSeconds,
        lifetimes: Lifetimes,
        mut random: impl FnMut(&mut [u8]),
    ) -> Self {
        let mut id = [0; 16];
        random(&mut id);
        let registration_access_token = Secret::generate(&mut random);
        let mut client = Client {
            client_id: ClientId::from_random(id),
            client_id_issued_at: now,
            client_secrets: Vec::new(),
            registration_access_token: Some(registration_access_token.hash()),
            scope_ceiling,
            disabled: false,
            expires_at: end(now, lifetimes.unused),
            metadata,
        };
        let secret = client.metadata.token_endpoint_auth_method().has_secret().then(|| {
            let secret = Secret::generate(random);
            client.client_secrets.push(stored(&secret, now, lifetimes));
            secret
        });
        Self { client, secret, registration_access_token }
    }

    /// Changes a client (RFC 7592 §2.2): the metadata replaced as a whole, the registration access token
    /// rotated, and a new secret where it is asked for or the method needs one that was not there (M4, M5).
    pub fn update(
        mut client: Client,
        metadata: ClientMetadata,
        request: UpdateRequest,
        now: EpochSeconds,
        lifetimes: Lifetimes,
        mut random: impl FnMut(&mut [u8]),
    ) -> Self {
        let registration_access_token = Secret::generate(&mut random);
        client.registration_access_token = Some(registration_access_token.hash());
        client.metadata = metadata;
        let needs_secret = client.metadata.token_endpoint_auth_method().has_secret();
        let secret = (needs_secret && (request.rotate_secret || client.client_secrets.is_empty()))
            .then(|| rotate_secret(&mut client, now, lifetimes, random));
        if !needs_secret {
            client.client_secrets.clear();
        }
        Self { client, secret, registration_access_token }
    }

    /// The client information response (RFC 7591 §3.2.1): what was made, and all that is registered.
    pub fn response<'a>(&'a self, issuer: &Issuer) -> ClientInformation<'a> {
        let token = self.registration_access_token.reveal();
        ClientInformation::new(&self.client, issuer, token, self.secret.as_ref().map(Secret::reveal))
    }
}

/// Gives a client a new secret. The previous one stays valid for the overlap, then expires; any older one
/// is revoked now, so that at most two are valid at any time (M5).
pub fn rotate_secret(
    client: &mut Client,
    now: EpochSeconds,
    lifetimes: Lifetimes,
    random: impl FnMut(&mut [u8]),
) -> Secret {
    let secret = Secret::generate(random);
    client.client_secrets.truncate(1);
    client.client_secrets.retain_mut(|previous| {
        let overlap = now + EpochSeconds::from(lifetimes.overlap);
        previous.expires_at = if previous.expires_at == 0 { overlap } else { previous.expires_at.min(overlap) };
        previous.is_valid_at(now)
    });
    client.client_secrets.insert(0, stored(&secret, now, lifetimes));
    secret
}

fn stored(secret: &Secret, now: EpochSeconds, lifetimes: Lifetimes) -> StoredSecret {
    StoredSecret { sha256: secret.hash(), expires_at: end(now, lifetimes.secret).unwrap_or(0) }
}

/// When something expires that is valid for so many seconds; `None` for 0, which means for ever.
fn end(now: EpochSeconds, seconds: u32) -> Option<EpochSeconds> {
    (seconds != 0).then(|| now + EpochSeconds::from(seconds))
}

/// The members of a client information response (RFC 7591 §3.2.1, RFC 7592 §3). It carries secrets, so it
/// has no `Debug`.
#[derive(Serialize)]
pub struct ClientInformation<'a> {
    client_id: &'a str,
    client_id_issued_at: EpochSeconds,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<EpochSeconds>,
    registration_client_uri: String,
    registration_access_token: &'a str,
    #[serde(flatten)]
    metadata: &'a ClientMetadata,
}

impl<'a> ClientInformation<'a> {
    /// What a client is told. `secret` is given only where it was just generated: of others, only the hash is
    /// known.
    pub fn new(
        client: &'a Client,
        issuer: &Issuer,
        registration_access_token: &'a str,
        secret: Option<&'a str>,
    ) -> Self {
        Self {
            client_id: client.client_id.as_str(),
            client_id_issued_at: client.client_id_issued_at,
            client_secret: secret,
            client_secret_expires_at: client.client_secrets.first().map(|secret| secret.expires_at),
            registration_client_uri: issuer.url(&format!("{}/{}", path::REGISTER, client.client_id.as_str())),
            registration_access_token,
            metadata: &client.metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::StoredMetadata;
    use crate::method::Method;

    fn client() -> Issued {
        let metadata = ClientMetadata::from_stored(StoredMetadata::default()).expect("metadata");
        Issued::new(metadata, None, 100, Lifetimes::default(), |bytes| {
            bytes.fill(1);
        })
    }

    /// M5: at most two secrets are valid at any time, and the older one expires.
    #[test]
    fn m5_rotation() {
        let mut client = client().client;
        let lifetimes = Lifetimes { secret: 1000, overlap: 50, unused: 0 };
        rotate_secret(&mut client, 200, lifetimes, |bytes| bytes.fill(2));
        let ends: Vec<_> = client.client_secrets.iter().map(|secret| secret.expires_at).collect();
        assert_eq!(ends, [1200, 250]);
        rotate_secret(&mut client, 210, lifetimes, |bytes| bytes.fill(3));
        let ends: Vec<_> = client.client_secrets.iter().map(|secret| secret.expires_at).collect();
        assert_eq!(ends, [1210, 260]);
        // Without an overlap the old one ends at once.
        rotate_secret(&mut client, 220, Lifetimes::default(), |bytes| bytes.fill(4));
        let ends: Vec<_> = client.client_secrets.iter().map(|secret| secret.expires_at).collect();
        assert_eq!(ends, [0]);
        // An overlap does not make a secret live longer than it would have.
        rotate_secret(&mut client, 230, Lifetimes { secret: 10, overlap: 0, unused: 0 }, |bytes| bytes.fill(5));
        rotate_secret(&mut client, 235, Lifetimes { secret: 10, overlap: 99, unused: 0 }, |bytes| bytes.fill(6));
        let ends: Vec<_> = client.client_secrets.iter().map(|secret| secret.expires_at).collect();
        assert_eq!(ends, [245, 240]);
    }

    /// M4, M5, R11: an update rotates the registration access token, and makes a secret where the method needs one and
    /// it is asked for, or none is there. A method without a secret has none.
    #[test]
    fn m4_m5_r11_secrets_of_an_update() {
        let metadata = |method| {
            let (others, token_endpoint_auth_method) = (serde_json::json!({"jwks_uri": "https://a.example"}), method);
            let others = others.as_object().expect("an object").clone();
            let stored = StoredMetadata { token_endpoint_auth_method, others, ..StoredMetadata::default() };
            ClientMetadata::from_stored(stored).expect("metadata")
        };
        let (post, by_key) = (Method::ClientSecretPost, Method::PrivateKeyJwt);
        let issued = client();
        let lifetimes = Lifetimes { secret: 0, overlap: 50, unused: 0 };
        for (secrets, method, rotate_secret, is_new, expected) in [
            (1, post, false, false, vec![0]),
            (1, post, true, true, vec![0, 250]),
            (0, post, false, true, vec![0]),
            (0, post, true, true, vec![0]),
            (1, by_key, false, false, vec![]),
            (1, by_key, true, false, vec![]),
            (0, by_key, true, false, vec![]),
        ] {
            let mut before = issued.client.clone();
            before.client_secrets.truncate(secrets);
            let request = UpdateRequest { rotate_secret };
            let updated =
                Issued::update(before.clone(), metadata(method), request, 200, lifetimes, |bytes| bytes.fill(2));
            let Issued { client, secret, registration_access_token } = updated;
            assert_eq!(client.metadata, metadata(method));
            assert_eq!(client.registration_access_token, Some(registration_access_token.hash()));
            assert_ne!(client.registration_access_token, before.registration_access_token);
            let ends: Vec<_> = client.client_secrets.iter().map(|secret| secret.expires_at).collect();
            assert_eq!((secret.is_some(), ends), (is_new, expected), "{secrets} {method:?} {rotate_secret}");
            if let Some(secret) = secret {
                assert_eq!(client.client_secrets[0].sha256, secret.hash());
            }
        }
    }

    /// R11, R13, M1: what a client is told: its identifier, where it manages itself, and its secret with the expiry.
    #[test]
    fn r11_r13_m1_response() {
        let issuer = Issuer::parse("https://as.example").expect("an issuer");
        let (registered, secret) = (client(), "B".repeat(32));
        let response = serde_json::to_value(registered.response(&issuer)).expect("serialises");
        let expected = serde_json::json!({
            "client_id": "01010101-0101-4101-8101-010101010101",
            "client_id_issued_at": 100,
            "client_secret": secret,
            "client_secret_expires_at": 0,
            "registration_client_uri": "https://as.example/register/01010101-0101-4101-8101-010101010101",
            "registration_access_token": secret,
            "token_endpoint_auth_method": "client_secret_basic",
            "grant_types": [],
            "response_types": [],
        });
        assert_eq!(response, expected);
        // A secret of before is not known any more, but its expiry is.
        let response = ClientInformation::new(&registered.client, &issuer, "t", None);
        let response = serde_json::to_value(response).expect("serialises");
        assert_eq!((response.get("client_secret"), &response["client_secret_expires_at"]), (None, &0.into()));
    }

    /// R20: a new client has an expiry where the operator wants one.
    #[test]
    fn r20_end_of_an_unused_client() {
        assert_eq!(client().client.expires_at, None);
        assert_eq!(end(100, 60), Some(160));
        let metadata = ClientMetadata::from_stored(StoredMetadata::default()).expect("metadata");
        let lifetimes = Lifetimes { secret: 10, overlap: 0, unused: 60 };
        let client = Issued::new(metadata, None, 100, lifetimes, |bytes| bytes.fill(1)).client;
        assert_eq!((client.expires_at, client.client_secrets[0].expires_at), (Some(160), 110));
    }
}
