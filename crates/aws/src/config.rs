//! Configuration: read once at start, from the environment; every mistake is reported at once (O5).
//!
//! [`SETTINGS`] is the table of all settings. A new one is a line there, a field below, and a parameter
//! in `template.yaml`; a test fails if they differ.

mod environment;
mod settings;
mod values;

use tokenmint_oauth::grant::GrantPolicy;
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::jwk::SigningAlgorithm;
use tokenmint_oauth::scope::Scope;

pub use environment::{ConfigErrors, Environment};
pub use settings::{Function, SETTINGS, Setting};

/// Who may register (R15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Anyone.
    Open,
    /// Nobody.
    Disabled,
}

/// The status of a successful registration (R12).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistrationStatus {
    /// 201, as RFC 7591 §3.2.1 says.
    Created,
    /// 200, for clients that were built against the system this one replaces.
    Ok,
}

/// A key in `SIGNING_KEYS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// The key's id, ARN or alias.
    pub id: String,
    /// The algorithm; the key's usual one if not given.
    pub algorithm: Option<SigningAlgorithm>,
}

/// What the register function needs to know.
#[derive(Clone, Debug)]
pub struct RegisterConfig {
    /// `ISSUER`.
    pub issuer: Issuer,
    /// `CLIENTS_TABLE`.
    pub clients_table: String,
    /// `SCOPES`.
    pub scopes: Scope,
    /// `DEFAULT_SCOPES`.
    pub default_scopes: Scope,
    /// `CLIENT_SECRET_TTL`, seconds, 0 = never.
    pub client_secret_ttl: u32,
    /// `REGISTRATION`.
    pub registration: Registration,
    /// `REGISTRATION_STATUS`.
    pub registration_status: RegistrationStatus,
}

/// What the token function needs to know.
#[derive(Clone, Debug)]
pub struct TokenConfig {
    /// `ISSUER`.
    pub issuer: Issuer,
    /// `CLIENTS_TABLE`.
    pub clients_table: String,
    /// `SIGNING_KEYS`.
    pub signing_keys: Vec<SigningKey>,
    /// `SCOPES`.
    pub scopes: Scope,
    /// `AUDIENCE`.
    pub audience: String,
    /// `ACCESS_TOKEN_TTL`, seconds.
    pub access_token_ttl: u32,
    /// `REGISTRATION`.
    pub registration: Registration,
    /// `GRANT_POLICY`.
    pub grant_policy: GrantPolicy,
}

impl RegisterConfig {
    /// Reads the settings of the register function.
    ///
    /// # Errors
    /// [`ConfigErrors`] with every mistake there is.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigErrors> {
        let mut reader = environment.reader(Function::Register);
        let issuer = reader.read("ISSUER", values::issuer);
        let clients_table = reader.read("CLIENTS_TABLE", values::table_name);
        let scopes = reader.read("SCOPES", values::scope);
        let default_scopes = reader.read_optional("DEFAULT_SCOPES", |text| {
            let wanted = values::scope(text)?;
            // Where SCOPES itself is wrong, that is the mistake to report.
            let offered = scopes.as_ref().is_none_or(|offered| wanted.is_subset_of(offered));
            offered.then_some(wanted).ok_or_else(|| "must be among SCOPES".to_owned())
        });
        let client_secret_ttl = reader.read("CLIENT_SECRET_TTL", values::client_secret_ttl);
        let registration = reader.read("REGISTRATION", values::registration);
        let registration_status = reader.read("REGISTRATION_STATUS", values::registration_status);
        reader.finish(|| {
            let scopes = scopes?;
            Some(Self {
                issuer: issuer?,
                clients_table: clients_table?,
                default_scopes: default_scopes.unwrap_or_else(|| scopes.clone()),
                scopes,
                client_secret_ttl: client_secret_ttl?,
                registration: registration?,
                registration_status: registration_status?,
            })
        })
    }
}

impl TokenConfig {
    /// Reads the settings of the token function.
    ///
    /// # Errors
    /// [`ConfigErrors`] with every mistake there is.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigErrors> {
        let mut reader = environment.reader(Function::Token);
        let issuer = reader.read("ISSUER", values::issuer);
        let clients_table = reader.read("CLIENTS_TABLE", values::table_name);
        let _kms: Option<()> = reader.read("SIGNING_MODE", values::signing_mode);
        let signing_keys = reader.read("SIGNING_KEYS", values::signing_keys);
        let scopes = reader.read("SCOPES", values::scope);
        let audience = reader.read_optional("AUDIENCE", values::audience);
        let access_token_ttl = reader.read("ACCESS_TOKEN_TTL", values::access_token_ttl);
        let registration = reader.read("REGISTRATION", values::registration);
        let grant_policy = reader.read("GRANT_POLICY", values::grant_policy);
        reader.finish(|| {
            let issuer = issuer?;
            Some(Self {
                audience: audience.unwrap_or_else(|| issuer.as_str().to_owned()),
                issuer,
                clients_table: clients_table?,
                signing_keys: signing_keys?,
                scopes: scopes?,
                access_token_ttl: access_token_ttl?,
                registration: registration?,
                grant_policy: grant_policy?,
            })
        })
    }
}

#[cfg(test)]
mod tests;
