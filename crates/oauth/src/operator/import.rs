//! One line of a file of clients that are taken over: from another table, or from another server.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::chosen::{chosen_client_id, chosen_secret};
use super::export::{MANAGED_BY, SECRET_HASHES, TOKEN_HASH};
use super::lacks_secret;
use super::managed::ManagedBy;
use super::members::{self, EXPIRES_AT, OperatorMembers, SCOPE_CEILING, take};
use crate::EpochSeconds;
use crate::client::{Client, ClientId, StoredSecret};
use crate::metadata::members::MAX_BODY_BYTES;
use crate::metadata::{ClientMetadata, RequestedMetadata, names};
use crate::scope::Scope;
use crate::secret::SecretHash;

/// The longest line, in bytes: metadata, secrets and identifiers. An export writes characters that a terminal acts upon as
/// `\uXXXX`, six bytes for at least one.
pub const MAX_LINE_BYTES: usize = 6 * MAX_BODY_BYTES + 16 * 1024;

/// The latest time: 9999-12-31T23:59:59Z, in seconds.
const MAX_TIME: EpochSeconds = 253_402_300_799;

/// Why a line is no client. It shows no value of the line but its `client_id`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", mistakes.join("; "))]
pub struct ImportError {
    /// The identifier, if the line has one.
    pub client_id: Option<ClientId>,
    mistakes: Vec<String>,
}

/// A client that is taken over. Its secrets are hashed as soon as they are read.
#[derive(Clone, Debug)]
pub struct Imported {
    client_id: ClientId,
    managed: Option<Given<ManagedBy>>,
    metadata: ClientMetadata,
    operator: OperatorMembers,
    issued_at: Option<EpochSeconds>,
    expires_at: Option<Given<EpochSeconds>>,
    secrets: Option<Vec<StoredSecret>>,
    token: Option<SecretHash>,
    ceiling: Option<Given<Scope>>,
}

/// What a line says of something that a client may not have.
#[derive(Clone, Debug)]
enum Given<T> {
    /// `false`: the client has none.
    No,
    /// This.
    Some(T),
}

impl<T> Given<T> {
    const fn as_option(&self) -> Option<&T> {
        match self {
            Self::No => None,
            Self::Some(value) => Some(value),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HashedSecret {
    sha256: String,
    expires_at: EpochSeconds,
}

impl Imported {
    /// Reads a line. `local` is whether http on loopback is accepted.
    ///
    /// # Errors
    /// [`ImportError`] with every mistake.
    pub fn parse(line: &[u8], local: bool) -> Result<Self, ImportError> {
        let refused = |mistake: String| ImportError { client_id: None, mistakes: vec![mistake] };
        if line.len() > MAX_LINE_BYTES {
            return Err(refused(format!("the line is longer than {MAX_LINE_BYTES} bytes")));
        }
        // It finds members that are there twice.
        RequestedMetadata::parse(line).map_err(|error| refused(error.to_string()))?;
        let Ok(mut rest) = serde_json::from_slice::<Map<String, Value>>(line) else {
            return Err(refused("it is not a JSON object".to_owned()));
        };
        let mut reader = Reader { members: &mut rest, mistakes: Vec::new() };
        let client_id = reader.client_id();
        let secrets = reader.secrets();
        let token = reader.token(client_id.as_ref());
        let ceiling = reader.ceiling();
        let managed = reader.managed();
        let issued_at = reader.time(names::CLIENT_ID_ISSUED_AT);
        let expires_at = reader.unless_false(EXPIRES_AT, |reader| reader.time(EXPIRES_AT));
        let mut mistakes = reader.mistakes;
        let operator = OperatorMembers::take(&mut rest, &mut mistakes);
        let metadata = members::metadata(rest, local, &mut mistakes);
        if let (Some(metadata), Some(Given::Some(ceiling))) = (&metadata, &ceiling)
            && !metadata.scope.is_subset_of(ceiling)
        {
            mistakes.push(format!("scope exceeds {SCOPE_CEILING}"));
        }
        if let (Some(metadata), Some(_)) = (&metadata, &secrets)
            && !metadata.token_endpoint_auth_method().has_secret()
        {
            let method = metadata.token_endpoint_auth_method().as_str();
            mistakes.push(format!("the client has a secret, but its method {method} has none"));
        }
        match (client_id, metadata) {
            (Some(client_id), Some(metadata)) if mistakes.is_empty() => {
                Ok(Self { client_id, managed, metadata, operator, issued_at, expires_at, secrets, token, ceiling })
            }
            (client_id, _) => Err(ImportError { client_id, mistakes }),
        }
    }

    /// The identifier.
    pub const fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// The list that manages the client: the one in the line, or else the one that does already. If the line disables the
    /// client, that list does not enable it again.
    pub fn managed(&self, before: Option<&ManagedBy>) -> Option<ManagedBy> {
        let Some(given) = &self.managed else {
            let is_unlisted = |before: &ManagedBy| before.unlisted && self.operator.disabled != Some(true);
            return before.map(|before| ManagedBy { unlisted: is_unlisted(before), ..before.clone() });
        };
        given.as_option().cloned()
    }

    /// The client as it is to be stored. What the line says nothing of stays as it was `before`, except for metadata, which
    /// is replaced as a whole.
    ///
    /// # Errors
    /// [`ImportError`] if the client has expired, or its method needs a secret and it has none.
    pub fn client(&self, before: Option<&Client>, now: EpochSeconds) -> Result<Client, ImportError> {
        let metadata = self.metadata.clone();
        let has_secret = metadata.token_endpoint_auth_method().has_secret();
        let kept = before.map(|before| before.client_secrets.clone()).filter(|_| has_secret);
        let own = before.and_then(|before| before.scope_ceiling.clone());
        let ceiling = match (&self.ceiling, before) {
            (Some(ceiling), _) => ceiling.as_option().cloned(),
            (None, Some(_)) if own.as_ref().is_none_or(|own| metadata.scope.is_subset_of(own)) => own,
            (None, _) => Some(metadata.scope.clone()),
        };
        let mut client = Client {
            client_id: self.client_id.clone(),
            client_id_issued_at: self.issued_at.or(before.map(|before| before.client_id_issued_at)).unwrap_or(now),
            client_secrets: self.secrets.clone().or(kept).unwrap_or_default(),
            registration_access_token: self.token.or(before.and_then(|before| before.registration_access_token)),
            scope_ceiling: ceiling,
            disabled: before.is_some_and(|before| before.disabled),
            expires_at: match &self.expires_at {
                Some(end) => end.as_option().copied(),
                None => before.and_then(|before| before.expires_at),
            },
            metadata,
        };
        self.operator.set(&mut client);
        let refused = |mistake: &str| {
            Err(ImportError { client_id: Some(self.client_id.clone()), mistakes: vec![mistake.to_owned()] })
        };
        if !client.is_live_at(now) {
            return refused("the client has expired");
        }
        if lacks_secret(&client) {
            return refused(
                "its method needs a client_secret: add it, or export the clients with --with-secret-hashes",
            );
        }
        Ok(client)
    }
}

/// Takes members out of a line.
struct Reader<'m> {
    members: &'m mut Map<String, Value>,
    mistakes: Vec<String>,
}

impl Reader<'_> {
    fn mistake<T>(&mut self, mistake: impl Into<String>) -> Option<T> {
        self.mistakes.push(mistake.into());
        None
    }

    fn client_id(&mut self) -> Option<ClientId> {
        match take(self.members, names::CLIENT_ID)
            .as_ref()
            .map(|id| id.as_str().and_then(|id| chosen_client_id(id).ok()))
        {
            Some(Some(id)) => Some(id),
            Some(None) => self.mistake("client_id must be 1 to 255 visible ASCII characters, without \" and \\"),
            None => self.mistake("client_id is missing"),
        }
    }

    fn time(&mut self, name: &str) -> Option<EpochSeconds> {
        match take(self.members, name)?.as_u64() {
            Some(time) if time <= MAX_TIME => Some(time),
            _ => self.mistake(format!("{name} must be a time, in seconds since 1970")),
        }
    }

    /// A secret or token in clear, hashed.
    fn clear(&mut self, name: &str) -> Option<SecretHash> {
        match take(self.members, name)?.as_str().map(chosen_secret) {
            Some(Ok(hash)) => Some(hash),
            Some(Err(error)) => self.mistake(format!("{name} {error}")),
            None => self.mistake(format!("{name} must be a string")),
        }
    }

    fn secrets(&mut self) -> Option<Vec<StoredSecret>> {
        let is_both = self.members.contains_key(names::CLIENT_SECRET) && self.members.contains_key(SECRET_HASHES);
        let is_clear = self.members.get(names::CLIENT_SECRET).is_some_and(|secret| !secret.is_null());
        let clear = self.clear(names::CLIENT_SECRET);
        let end = self.time(names::CLIENT_SECRET_EXPIRES_AT);
        let hashed = take(self.members, SECRET_HASHES);
        match (clear, hashed) {
            _ if is_both => self.mistake(format!("client_secret and {SECRET_HASHES} exclude each other")),
            (None, None) if end.is_some() && !is_clear => {
                self.mistake("client_secret_expires_at needs client_secret beside it")
            }
            (Some(sha256), _) => Some(vec![StoredSecret { sha256, expires_at: end.unwrap_or(0) }]),
            (None, Some(_)) if end.is_some() => {
                self.mistake(format!("client_secret_expires_at and {SECRET_HASHES} exclude each other"))
            }
            (None, Some(hashed)) => self.hashed(hashed),
            (None, None) => None,
        }
    }

    fn hashed(&mut self, list: Value) -> Option<Vec<StoredSecret>> {
        let read = |secret: HashedSecret| {
            let sha256 = unhex(&secret.sha256).filter(|_| secret.expires_at <= MAX_TIME)?;
            Some(StoredSecret { sha256, expires_at: secret.expires_at })
        };
        let list = serde_json::from_value::<Vec<HashedSecret>>(list).ok().filter(|list| (1..=2).contains(&list.len()));
        list.and_then(|list| list.into_iter().map(read).collect()).or_else(|| {
            self.mistake(format!(
                "{SECRET_HASHES} must be one or two objects with sha256, 64 hexadecimal digits, and expires_at, in seconds"
            ))
        })
    }

    fn token(&mut self, client_id: Option<&ClientId>) -> Option<SecretHash> {
        let is_b64token = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b));
        let sent = self.members.get(names::REGISTRATION_ACCESS_TOKEN).and_then(Value::as_str);
        let is_fit = sent.is_none_or(is_b64token);
        let is_both = sent.is_some() && self.members.contains_key(TOKEN_HASH);
        let clear = self.clear(names::REGISTRATION_ACCESS_TOKEN);
        let hashed = take(self.members, TOKEN_HASH);
        let token = match hashed {
            _ if is_both => self.mistake(format!("registration_access_token and {TOKEN_HASH} exclude each other")),
            _ if !is_fit => self.mistake("registration_access_token has characters that no bearer token has"),
            None => clear,
            Some(hash) => hash
                .as_str()
                .and_then(unhex)
                .or_else(|| self.mistake(format!("{TOKEN_HASH} must be 64 hexadecimal digits"))),
        };
        // The identifier is a part of the path at which the token is used (RFC 7592 §2).
        if token.is_some() && client_id.is_some_and(|id| !is_path_segment(id.as_str())) {
            return self.mistake(
                "registration_access_token needs a client_id of letters, digits and - . _ ~, because it is used at \
                 /register/{client_id}",
            );
        }
        token
    }

    /// Reads a member that is `false` if the client has none.
    fn unless_false<T>(&mut self, name: &str, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Given<T>> {
        if self.members.get(name) == Some(&Value::Bool(false)) {
            self.members.remove(name);
            return Some(Given::No);
        }
        read(self).map(Given::Some)
    }

    fn ceiling(&mut self) -> Option<Given<Scope>> {
        self.unless_false(SCOPE_CEILING, |reader| match take(reader.members, SCOPE_CEILING)? {
            Value::String(text) => match Scope::parse(&text) {
                Ok(scope) => Some(scope),
                Err(error) => reader.mistake(format!("{SCOPE_CEILING}: {error}")),
            },
            _ => reader.mistake(format!("{SCOPE_CEILING} must be a scope, or false if the client registered openly")),
        })
    }

    fn managed(&mut self) -> Option<Given<ManagedBy>> {
        self.unless_false(MANAGED_BY, |reader| {
            let read = serde_json::from_value(take(reader.members, MANAGED_BY)?).ok();
            read.or_else(|| {
                reader.mistake(format!(
                    "{MANAGED_BY} must be an object with the owner and the name of a client of a list, or false"
                ))
            })
        })
    }
}

/// Whether a text is itself as a segment of a path (RFC 3986 §3.3), and no dot segment.
fn is_path_segment(text: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !matches!(text, "." | "..") && text.bytes().all(is_unreserved)
}

/// A hash of 64 hexadecimal digits.
fn unhex(text: &str) -> Option<SecretHash> {
    let digits: Vec<_> = text.chars().map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let bytes: Vec<_> = digits
        .chunks(2)
        .map(|pair| u8::try_from(pair.iter().fold(0, |n, digit| n * 16 + digit)))
        .collect::<Result<_, _>>()
        .ok()?;
    (digits.len() == 64).then(|| bytes.try_into().ok()).flatten().map(SecretHash::from_bytes)
}

#[cfg(test)]
mod tests;
