//! Configuration, read once at startup from the environment. All mistakes are reported together (O5).
//!
//! [`SETTINGS`] is the table of all settings, with their defaults and bounds. A new setting needs a row there, a
//! field below, and a parameter in `template.yaml`. Tests compare the template and the documentation with the table.

mod choices;
mod environment;
mod profile;
mod settings;
mod values;

use tokenmint_oauth::authorization_endpoint::AuthorizationEndpoint;
use tokenmint_oauth::client_document::MetadataHosts;
use tokenmint_oauth::cors::Origins;
use tokenmint_oauth::federation::TrustedIssuers;
use tokenmint_oauth::grant::GrantPolicy;
use tokenmint_oauth::grant_type::JwtBearerGrant;
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::jwk::SigningAlgorithm;
use tokenmint_oauth::mutual_tls::MutualTls;
use tokenmint_oauth::registration::Lifetimes;
use tokenmint_oauth::resource::Resources;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::security_profile::SecurityProfile;
use tokenmint_oauth::software_statement::TrustedIssuer;

use crate::registrations::Limits;

pub use choices::{
    AssertionAudience, Ed25519Alg, KeyRotation, Registration, RegistrationStatus, SigningKeySpec, SigningMode,
};
use environment::Reader;
pub use environment::{ConfigErrors, Environment};
use profile::Restricted;
pub(crate) use profile::kms_key as kms_key_outside_profile;
pub use settings::{Default, Function, Kind, SETTINGS, Setting};

/// A key in `SIGNING_KEYS`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// The key's id, ARN or alias.
    pub id: String,
    /// The algorithm; if absent, the default algorithm of the key.
    pub algorithm: Option<SigningAlgorithm>,
}

/// How tokens are signed, and with which keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signing {
    /// KMS signs every token, with `SIGNING_KEYS` (K1).
    Kms(Vec<SigningKey>),
    /// The function signs, with keys that KMS generated and encrypted (K2).
    Sealed(Sealed),
}

/// The settings of sealed keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// `SEALING_KEY`: the symmetric KMS key that encrypts the private keys.
    pub sealing_key: String,
    /// `KEYS_TABLE`.
    pub keys_table: String,
    /// `SIGNING_KEY_SPEC`.
    pub spec: SigningKeySpec,
    /// `ED25519_ALG`.
    pub ed25519_alg: Ed25519Alg,
    /// `SIGNING_KEY_ROTATION`, seconds.
    pub rotation: u32,
    /// `KEY_ROTATION`.
    pub key_rotation: KeyRotation,
}

/// `METRICS`: whether the log is the source of CloudWatch metrics (O4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Metrics {
    /// It is not.
    #[default]
    Off,
    /// It is, and this is the name of the function in the metrics.
    On(String),
}

/// The configuration of the register function.
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
    /// `CORS_ORIGINS`.
    pub cors_origins: Origins,
    /// `MUTUAL_TLS` and `MUTUAL_TLS_METHOD`.
    pub mutual_tls: MutualTls,
    /// `REGISTRATION`.
    pub registration: Registration,
    /// `REGISTRATION_STATUS`.
    pub registration_status: RegistrationStatus,
    /// `SECURITY_PROFILE`.
    pub security_profile: SecurityProfile,
    /// `METRICS`.
    pub metrics: Metrics,
}

/// The configuration of the token function.
#[derive(Clone, Debug)]
pub struct TokenConfig {
    /// `ISSUER`.
    pub issuer: Issuer,
    /// `CLIENTS_TABLE`.
    pub clients_table: String,
    /// `TOKENS_TABLE`.
    pub tokens_table: String,
    /// `SIGNING_MODE` and the settings of that mode.
    pub signing: Signing,
    /// `JWKS_MAX_AGE`, seconds.
    pub jwks_max_age: u32,
    /// `SCOPES`.
    pub scopes: Scope,
    /// `AUDIENCE`.
    pub audience: String,
    /// `RESOURCES`: the resources that a request may name in addition to the audience, and the scopes allowed at
    /// each.
    pub resources: Resources,
    /// `ACCESS_TOKEN_TTL`, seconds.
    pub access_token_ttl: u32,
    /// `INTROSPECTION_SCOPE`: a client with this scope may introspect all tokens.
    pub introspection_scope: Option<String>,
    /// `ASSERTION_AUDIENCE`.
    pub assertion_audience: AssertionAudience,
    /// `ASSERTION_MAX_LIFETIME`, seconds.
    pub assertion_max_lifetime: u32,
    /// `TRUSTED_ISSUERS`.
    pub trusted_issuers: TrustedIssuers,
    /// `CLIENT_METADATA_HOSTS`.
    pub client_metadata_hosts: MetadataHosts,
    /// `AUTHORIZATION_ENDPOINT`.
    pub authorization_endpoint: AuthorizationEndpoint,
    /// `CORS_ORIGINS`.
    pub cors_origins: Origins,
    /// `MUTUAL_TLS` and `MUTUAL_TLS_METHOD`.
    pub mutual_tls: MutualTls,
    /// `DPOP_NONCE_TTL`, seconds, 0 = no nonces.
    pub dpop_nonce_ttl: u32,
    /// `REGISTRATION`.
    pub registration: Registration,
    /// `GRANT_POLICY`.
    pub grant_policy: GrantPolicy,
    /// `JWT_BEARER_GRANT`.
    pub jwt_bearer_grant: JwtBearerGrant,
    /// `SECURITY_PROFILE`.
    pub security_profile: SecurityProfile,
    /// `CLIENT_CACHE_TTL`, seconds, 0 = every token request reads its client.
    pub client_cache_ttl: u32,
    /// `METRICS`.
    pub metrics: Metrics,
}

impl RegisterConfig {
    /// Reads the settings of the register function.
    ///
    /// # Errors
    /// [`ConfigErrors`] with all mistakes.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigErrors> {
        let mut reader = environment.reader(Function::Register);
        let issuer = reader.read("ISSUER", values::issuer);
        let clients_table = reader.read("CLIENTS_TABLE", values::table_name);
        let registration = reader.one_of("REGISTRATION", Registration::from_name);
        let scopes = reader.read("SCOPES", values::scope);
        let introspection_scope = introspection_scope(&mut reader, scopes.as_ref(), registration);
        let default_scopes = reader.read_optional("DEFAULT_SCOPES", |text| {
            let wanted = values::scope(text)?;
            // If SCOPES itself is invalid, only that mistake is reported.
            if scopes.as_ref().is_some_and(|offered| !wanted.is_subset_of(offered)) {
                return Err("must be among SCOPES".to_owned());
            }
            match &introspection_scope {
                Some(scope) if wanted.contains(scope) => Err("must not contain INTROSPECTION_SCOPE".to_owned()),
                _ => Ok(wanted),
            }
        });
        let registrations_table = reader.read("REGISTRATIONS_TABLE", values::table_name);
        let secret = reader.number("CLIENT_SECRET_TTL");
        let overlap = reader.number("CLIENT_SECRET_OVERLAP");
        let unused = reader.number("UNUSED_CLIENT_TTL");
        let per_address = reader.number("REGISTRATION_RATE");
        let total = reader.number_if("REGISTRATION_RATE_TOTAL", |total| {
            // Without a total, a limit per address does not bound an attacker with many addresses.
            let bounded = total > 0 || per_address.is_none_or(|limit| limit == 0);
            bounded.then_some(()).ok_or_else(|| "must not be 0 where REGISTRATION_RATE is not".to_owned())
        });
        let security_profile = reader.one_of("SECURITY_PROFILE", choices::security_profile);
        let issuers = reader.read_optional("SOFTWARE_STATEMENT_ISSUERS", |text| {
            let issuers = TrustedIssuer::parse_list(text)?;
            profile::statement_issuers(security_profile, &issuers).map(|()| issuers)
        });
        let cors_origins = reader.read("CORS_ORIGINS", Origins::parse);
        let mutual_tls = mutual_tls(&mut reader);
        let registration_status = reader.one_of("REGISTRATION_STATUS", RegistrationStatus::from_name);
        let metrics = reader.read("METRICS", values::metrics);
        reader.finish(|| {
            let scopes = scopes?;
            Some(Self {
                issuer: issuer?,
                clients_table: clients_table?,
                default_scopes: default_scopes.unwrap_or_else(|| {
                    scopes.tokens().filter(|scope| Some(*scope) != introspection_scope.as_deref()).collect()
                }),
                scopes,
                registrations_table: registrations_table?,
                lifetimes: Lifetimes { secret: secret?, overlap: overlap?, unused: unused? },
                limits: Limits { per_address: per_address?, total: total? },
                software_statement_issuers: issuers.unwrap_or_default(),
                cors_origins: cors_origins?,
                mutual_tls: mutual_tls?,
                registration: registration?,
                registration_status: registration_status?,
                security_profile: security_profile?,
                metrics: metrics?,
            })
        })
    }
}

impl TokenConfig {
    /// Reads the settings of the token function.
    ///
    /// # Errors
    /// [`ConfigErrors`] with all mistakes.
    pub fn from_environment(environment: &Environment) -> Result<Self, ConfigErrors> {
        let mut reader = environment.reader(Function::Token);
        let issuer = reader.read("ISSUER", values::issuer);
        let clients_table = reader.read("CLIENTS_TABLE", values::table_name);
        let tokens_table = reader.read("TOKENS_TABLE", values::table_name);
        let jwks_max_age = reader.number("JWKS_MAX_AGE");
        let signing = match reader.one_of("SIGNING_MODE", SigningMode::from_name) {
            Some(SigningMode::Kms) => reader.read("SIGNING_KEYS", values::signing_keys).map(Signing::Kms),
            Some(SigningMode::Sealed) => sealed(&mut reader, jwks_max_age).map(Signing::Sealed),
            None => None,
        };
        let registration = reader.one_of("REGISTRATION", Registration::from_name);
        let scopes = reader.read("SCOPES", values::scope);
        let audience = reader.read_optional("AUDIENCE", values::audience);
        let resources = reader.read_optional("RESOURCES", |text| {
            let resources = Resources::parse(text)?;
            // If AUDIENCE or ISSUER itself is invalid, only that mistake is reported.
            let audience = audience.as_deref().or_else(|| issuer.as_ref().map(Issuer::as_str));
            match audience.and_then(|audience| Some((audience, resources.spelling(audience)?))) {
                Some((audience, spelling)) if audience != spelling => {
                    Err(format!("spells the audience {audience:?} as {spelling:?}; a token can have one of them only"))
                }
                _ => Ok(resources),
            }
        });
        let introspection_scope = introspection_scope(&mut reader, scopes.as_ref(), registration);
        let assertion_audience = reader.one_of("ASSERTION_AUDIENCE", AssertionAudience::from_name);
        let assertion_max_lifetime = reader.number("ASSERTION_MAX_LIFETIME");
        let trusted_issuers = reader.read_optional("TRUSTED_ISSUERS", |text| {
            // If ISSUER itself is invalid, only that mistake is reported.
            issuer.as_ref().map_or_else(|| Ok(TrustedIssuers::default()), |own| TrustedIssuers::parse(text, own))
        });
        let client_metadata_hosts = reader.read_optional("CLIENT_METADATA_HOSTS", MetadataHosts::parse);
        let authorization_endpoint = reader.read_optional("AUTHORIZATION_ENDPOINT", values::authorization_endpoint);
        let cors_origins = reader.read("CORS_ORIGINS", Origins::parse);
        let mutual_tls = mutual_tls(&mut reader);
        let dpop_nonce_ttl = reader.number("DPOP_NONCE_TTL");
        let access_token_ttl = reader.number("ACCESS_TOKEN_TTL");
        let grant_policy = reader.one_of("GRANT_POLICY", choices::grant_policy);
        let jwt_bearer_grant = reader.one_of("JWT_BEARER_GRANT", choices::jwt_bearer_grant);
        let security_profile = reader.one_of("SECURITY_PROFILE", choices::security_profile);
        let restricted = Restricted {
            signing: signing.as_ref(),
            assertion_audience,
            trusted_issuers: trusted_issuers.as_ref(),
            authorization_endpoint: authorization_endpoint.as_ref(),
            jwt_bearer_grant,
        };
        restricted.check(security_profile, &mut reader);
        let client_cache_ttl = reader.number("CLIENT_CACHE_TTL");
        let metrics = reader.read("METRICS", values::metrics);
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
                trusted_issuers: trusted_issuers.unwrap_or_default(),
                client_metadata_hosts: client_metadata_hosts.unwrap_or_default(),
                authorization_endpoint: authorization_endpoint.unwrap_or_default(),
                cors_origins: cors_origins?,
                mutual_tls: mutual_tls?,
                dpop_nonce_ttl: dpop_nonce_ttl?,
                scopes: scopes?,
                access_token_ttl: access_token_ttl?,
                registration: registration?,
                grant_policy: grant_policy?,
                jwt_bearer_grant: jwt_bearer_grant?,
                security_profile: security_profile?,
                client_cache_ttl: client_cache_ttl?,
                metrics: metrics?,
            })
        })
    }
}

/// `INTROSPECTION_SCOPE`. Open registration must not offer it: anyone could then register a client that introspects
/// the tokens of all other clients.
fn introspection_scope(
    reader: &mut Reader<'_>,
    scopes: Option<&Scope>,
    registration: Option<Registration>,
) -> Option<String> {
    reader.read_optional("INTROSPECTION_SCOPE", |text| {
        let scope = values::scope_token(text)?;
        if registration == Some(Registration::Open) && scopes.is_some_and(|offered| offered.contains(&scope)) {
            let reason = "must not be among SCOPES where REGISTRATION is open, because anyone could then introspect every \
                          token; create the clients that need it with `tokenmint client create --scope`";
            return Err(reason.to_owned());
        }
        Ok(scope)
    })
}

/// `MUTUAL_TLS` and `MUTUAL_TLS_METHOD`.
fn mutual_tls(reader: &mut Reader<'_>) -> Option<MutualTls> {
    let domain = reader.read("MUTUAL_TLS", values::mutual_tls);
    let method = reader.optional_one_of("MUTUAL_TLS_METHOD", choices::certificate_method, || {
        // If MUTUAL_TLS itself is invalid, only that mistake is reported.
        let off = matches!(domain, Some(None));
        if off { Err("must not be set where MUTUAL_TLS is off".to_owned()) } else { Ok(()) }
    });
    let on = |domain| MutualTls::On { domain, method: method.unwrap_or_default() };
    domain.map(|domain| domain.map_or(MutualTls::Off, on))
}

/// The settings of sealed keys.
fn sealed(reader: &mut Reader<'_>, jwks_max_age: Option<u32>) -> Option<Sealed> {
    let sealing_key = reader.read("SEALING_KEY", values::kms_key);
    let keys_table = reader.read("KEYS_TABLE", values::table_name);
    let spec = reader.one_of("SIGNING_KEY_SPEC", SigningKeySpec::from_name);
    let ed25519_alg = reader.one_of("ED25519_ALG", Ed25519Alg::from_name);
    let rotation = reader.number_if("SIGNING_KEY_ROTATION", |rotation| {
        // A key is published for two cache lifetimes before it signs. The next key needs the same time.
        let long_enough = jwks_max_age.is_none_or(|max_age| rotation / 4 >= max_age);
        long_enough.then_some(()).ok_or_else(|| "must be at least four times JWKS_MAX_AGE".to_owned())
    });
    let key_rotation = reader.one_of("KEY_ROTATION", KeyRotation::from_name);
    Some(Sealed {
        sealing_key: sealing_key?,
        keys_table: keys_table?,
        spec: spec?,
        ed25519_alg: ed25519_alg?,
        rotation: rotation?,
        key_rotation: key_rotation?,
    })
}

#[cfg(test)]
mod tests;
