//! Configuration: read once at start, from the environment; every mistake is reported at once (O5).
//!
//! [`SETTINGS`] is the table of all settings. A new one is a line there, a field below, and a parameter
//! in `template.yaml`; a test fails if they differ.

mod environment;
mod settings;
mod values;

use tokenmint_oauth::discovery::MutualTls;
use tokenmint_oauth::grant::GrantPolicy;
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::jwk::SigningAlgorithm;
use tokenmint_oauth::registration::Lifetimes;
use tokenmint_oauth::resource::Resources;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::software_statement::TrustedIssuer;

use crate::registrations::Limits;

use environment::Reader;
pub use environment::{ConfigErrors, Environment};
pub use settings::{Function, SETTINGS, Setting};
use values::SigningMode;

/// Who may register (R15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Anyone.
    Open,
    /// Whoever has an initial access token.
    Protected,
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

/// Who signs, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signing {
    /// KMS signs every token, with `SIGNING_KEYS` (K1).
    Kms(Vec<SigningKey>),
    /// The function signs, with keys that KMS made and sealed (K2).
    Sealed(Sealed),
}

/// How sealed keys are made and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// `SEALING_KEY`: the symmetric KMS key under which private halves lie.
    pub sealing_key: String,
    /// `KEYS_TABLE`.
    pub keys_table: String,
    /// `SIGNING_KEY_SPEC`.
    pub spec: SigningKeySpec,
    /// `SIGNING_KEY_ROTATION`, seconds.
    pub rotation: u32,
}

/// The kind of a sealed key pair, by KMS's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningKeySpec {
    /// RSA with 2048 bits: RS256.
    Rsa2048,
    /// P-256: ES256.
    EccNistP256,
    /// P-384: ES384.
    EccNistP384,
    /// Ed25519: EdDSA.
    EccNistEdwards25519,
}

/// What a client's assertion may name as its audience (A6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssertionAudience {
    /// The issuer only.
    Issuer,
    /// The issuer or the token endpoint's URL.
    IssuerOrTokenEndpoint,
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
    /// `REGISTRATIONS_TABLE`.
    pub registrations_table: String,
    /// `CLIENT_SECRET_TTL`, `CLIENT_SECRET_OVERLAP` and `UNUSED_CLIENT_TTL`, in seconds.
    pub lifetimes: Lifetimes,
    /// `REGISTRATION_RATE` and `REGISTRATION_RATE_TOTAL`, registrations per minute.
    pub limits: Limits,
    /// `SOFTWARE_STATEMENT_ISSUERS`.
    pub software_statement_issuers: Vec<TrustedIssuer>,
    /// `MUTUAL_TLS`.
    pub mutual_tls: MutualTls,
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
    /// `TOKENS_TABLE`.
    pub tokens_table: String,
    /// `SIGNING_MODE` and what belongs to it.
    pub signing: Signing,
    /// `JWKS_MAX_AGE`, seconds.
    pub jwks_max_age: u32,
    /// `SCOPES`.
    pub scopes: Scope,
    /// `AUDIENCE`.
    pub audience: String,
    /// `RESOURCES`: what may be asked for beside the audience, and the scopes that make sense there.
    pub resources: Resources,
    /// `ACCESS_TOKEN_TTL`, seconds.
    pub access_token_ttl: u32,
    /// `INTROSPECTION_SCOPE`: the scope whose holder may introspect all tokens.
    pub introspection_scope: Option<String>,
    /// `ASSERTION_AUDIENCE`.
    pub assertion_audience: AssertionAudience,
    /// `ASSERTION_MAX_LIFETIME`, seconds.
    pub assertion_max_lifetime: u32,
    /// `MUTUAL_TLS`.
    pub mutual_tls: MutualTls,
    /// `DPOP_NONCE_TTL`, seconds, 0 = no nonces.
    pub dpop_nonce_ttl: u32,
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
        let registrations_table = reader.read("REGISTRATIONS_TABLE", values::table_name);
        let secret = reader.read("CLIENT_SECRET_TTL", values::ten_years);
        let overlap = reader.read("CLIENT_SECRET_OVERLAP", values::ten_years);
        let unused = reader.read("UNUSED_CLIENT_TTL", values::ten_years);
        let per_address = reader.read("REGISTRATION_RATE", values::registration_rate);
        let total = reader.read("REGISTRATION_RATE_TOTAL", |text| {
            let total = values::registration_rate(text)?;
            // What bounds the number of addresses bounds the item that counts them.
            let bounded = total > 0 || per_address.is_none_or(|limit| limit == 0);
            bounded.then_some(total).ok_or_else(|| "must not be 0 where REGISTRATION_RATE is not".to_owned())
        });
        let issuers = reader.read_optional("SOFTWARE_STATEMENT_ISSUERS", TrustedIssuer::parse_list);
        let mutual_tls = reader.read("MUTUAL_TLS", values::mutual_tls);
        let registration = reader.read("REGISTRATION", values::registration);
        let registration_status = reader.read("REGISTRATION_STATUS", values::registration_status);
        reader.finish(|| {
            let scopes = scopes?;
            Some(Self {
                issuer: issuer?,
                clients_table: clients_table?,
                default_scopes: default_scopes.unwrap_or_else(|| scopes.clone()),
                scopes,
                registrations_table: registrations_table?,
                lifetimes: Lifetimes { secret: secret?, overlap: overlap?, unused: unused? },
                limits: Limits { per_address: per_address?, total: total? },
                software_statement_issuers: issuers.unwrap_or_default(),
                mutual_tls: mutual_tls?,
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
        let tokens_table = reader.read("TOKENS_TABLE", values::table_name);
        let jwks_max_age = reader.read("JWKS_MAX_AGE", values::jwks_max_age);
        let signing = match reader.read("SIGNING_MODE", values::signing_mode) {
            Some(SigningMode::Kms) => reader.read("SIGNING_KEYS", values::signing_keys).map(Signing::Kms),
            Some(SigningMode::Sealed) => sealed(&mut reader, jwks_max_age).map(Signing::Sealed),
            None => None,
        };
        let scopes = reader.read("SCOPES", values::scope);
        let audience = reader.read_optional("AUDIENCE", values::audience);
        let resources = reader.read_optional("RESOURCES", Resources::parse);
        let introspection_scope = reader.read_optional("INTROSPECTION_SCOPE", values::scope_token);
        let assertion_audience = reader.read("ASSERTION_AUDIENCE", values::assertion_audience);
        let assertion_max_lifetime = reader.read("ASSERTION_MAX_LIFETIME", values::assertion_max_lifetime);
        let mutual_tls = reader.read("MUTUAL_TLS", values::mutual_tls);
        let dpop_nonce_ttl = reader.read("DPOP_NONCE_TTL", values::dpop_nonce_ttl);
        let access_token_ttl = reader.read("ACCESS_TOKEN_TTL", values::access_token_ttl);
        let registration = reader.read("REGISTRATION", values::registration);
        let grant_policy = reader.read("GRANT_POLICY", values::grant_policy);
        reader.finish(|| {
            let issuer = issuer?;
            Some(Self {
                audience: audience.unwrap_or_else(|| issuer.as_str().to_owned()),
                issuer,
                clients_table: clients_table?,
                tokens_table: tokens_table?,
                signing: signing?,
                jwks_max_age: jwks_max_age?,
                resources: resources.unwrap_or_default(),
                introspection_scope,
                assertion_audience: assertion_audience?,
                assertion_max_lifetime: assertion_max_lifetime?,
                mutual_tls: mutual_tls?,
                dpop_nonce_ttl: dpop_nonce_ttl?,
                scopes: scopes?,
                access_token_ttl: access_token_ttl?,
                registration: registration?,
                grant_policy: grant_policy?,
            })
        })
    }
}

/// The settings of sealed keys.
fn sealed(reader: &mut Reader<'_>, jwks_max_age: Option<u32>) -> Option<Sealed> {
    let sealing_key = reader.read("SEALING_KEY", values::kms_key);
    let keys_table = reader.read("KEYS_TABLE", values::table_name);
    let spec = reader.read("SIGNING_KEY_SPEC", values::signing_key_spec);
    let rotation = reader.read("SIGNING_KEY_ROTATION", |text| {
        let rotation = values::signing_key_rotation(text)?;
        // A key is published for two cache lifetimes before it signs, and the next one must have that time too.
        let long_enough = jwks_max_age.is_none_or(|max_age| rotation / 4 >= max_age);
        long_enough.then_some(rotation).ok_or_else(|| "must be at least four times JWKS_MAX_AGE".to_owned())
    });
    Some(Sealed { sealing_key: sealing_key?, keys_table: keys_table?, spec: spec?, rotation: rotation? })
}

#[cfg(test)]
mod tests;
