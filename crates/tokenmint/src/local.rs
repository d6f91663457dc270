//! Settings and services that let the functions run on one machine.

use tokenmint_aws::Sdk;
use tokenmint_aws::config::{ConfigErrors, Environment, RegisterConfig, Signing, TokenConfig};
use tokenmint_aws::provision::{self, KeySpec};
use tokenmint_oauth::jwk::SigningAlgorithm;

/// The default issuer: the address at which `tokenmint serve` listens by default.
pub(crate) const ISSUER: &str = "http://127.0.0.1:9000";

/// The default of `SIGNING_KEYS`. It is an alias, so that a restart finds the key again.
const SIGNING_KEY: &str = "alias/tokenmint-signing";

/// The same with `SECURITY_PROFILE=fapi2`, which does not allow RS256.
const FAPI2_SIGNING_KEY: &str = "alias/tokenmint-fapi2=ES256";

/// The settings that `template.yaml` always sets and that have no default.
const DEFAULTS: [(&str, &str); 5] = [
    ("CLIENTS_TABLE", "tokenmint-clients"),
    ("REGISTRATIONS_TABLE", "tokenmint-registrations"),
    ("TOKENS_TABLE", "tokenmint-tokens"),
    ("SCOPES", "client-scope"),
    ("REGISTRATION", "open"),
];

/// The settings of both functions.
pub(crate) struct Settings {
    /// As given, with defaults added.
    pub(crate) environment: Environment,
    /// As parsed for the register function.
    pub(crate) register: RegisterConfig,
    /// As parsed for the token function.
    pub(crate) token: TokenConfig,
}

impl Settings {
    /// Adds the defaults and parses the settings.
    ///
    /// # Errors
    /// [`ConfigErrors`] with all mistakes for either function, each once.
    pub(crate) fn read(environment: Environment, issuer: &str) -> Result<Self, ConfigErrors> {
        let environment = with_defaults(environment, issuer);
        let register = RegisterConfig::from_environment(&environment);
        let token = TokenConfig::from_environment(&environment);
        let (register, token) = ConfigErrors::both(register, token)?;
        Ok(Self { environment, register, token })
    }

    /// Creates the missing tables and keys.
    pub(crate) async fn provision(&self, sdk: &Sdk) -> Result<(), provision::Error> {
        operators_tables(sdk, &self.register).await?;
        provision::table(&sdk.dynamodb(), &self.token.tokens_table, tokenmint_aws::tokens::KEY).await?;
        match &self.token.signing {
            Signing::Kms(keys) => {
                for key in keys {
                    signing_key(sdk, &key.id, key.algorithm).await?;
                }
                Ok(())
            }
            Signing::Sealed(sealed) => {
                provision::keys_table(&sdk.dynamodb(), &sealed.keys_table).await?;
                provision::sealing_key(&sdk.kms(), &sealed.sealing_key).await.map(drop)
            }
        }
    }
}

/// Creates the tables of the operator's commands if they do not exist.
pub(crate) async fn operators_tables(sdk: &Sdk, config: &RegisterConfig) -> Result<(), provision::Error> {
    let dynamodb = sdk.dynamodb();
    provision::table(&dynamodb, &config.clients_table, tokenmint_aws::clients::KEY).await?;
    provision::table(&dynamodb, &config.registrations_table, tokenmint_aws::registrations::KEY).await
}

/// Creates a signing key with its alias if the alias does not exist. An id or ARN names an existing key, so none is
/// created for it.
async fn signing_key(sdk: &Sdk, id: &str, algorithm: Option<SigningAlgorithm>) -> Result<(), provision::Error> {
    if !id.starts_with("alias/") {
        return Ok(());
    }
    let spec = match algorithm {
        // Every verifier supports RS256 (RFC 9068 §2.1).
        None | Some(SigningAlgorithm::Rs256 | SigningAlgorithm::Ps256) => KeySpec::Rsa2048,
        Some(SigningAlgorithm::Es256) => KeySpec::EccNistP256,
        Some(SigningAlgorithm::Es384) => KeySpec::EccNistP384,
        // Unreachable by configuration: KMS does not sign with it.
        Some(SigningAlgorithm::EdDsa | SigningAlgorithm::Ed25519) => return Ok(()),
    };
    match provision::signing_key(&sdk.kms(), id, spec).await {
        // The existing key has another spec. The token function decides whether it is usable when it loads the key.
        Ok(_) | Err(provision::Error::Key { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The settings with defaults for one machine: registration is not limited unless a limit is set.
pub(crate) fn with_defaults(environment: Environment, issuer: &str) -> Environment {
    let limited = environment.value("REGISTRATION_RATE").is_some_and(|rate| rate != "0");
    let environment = environment
        .with_default("ISSUER", issuer)
        .with_default("REGISTRATION_RATE", "0")
        .with_default("SIGNING_MODE", "kms");
    // With a limit per address, the usual total limit applies.
    let environment = if limited { environment } else { environment.with_default("REGISTRATION_RATE_TOTAL", "0") };
    let signing_key =
        if environment.value("SECURITY_PROFILE") == Some("fapi2") { FAPI2_SIGNING_KEY } else { SIGNING_KEY };
    let keys: &[_] = if environment.value("SIGNING_MODE") == Some("sealed") {
        &[("SEALING_KEY", "alias/tokenmint-sealing"), ("KEYS_TABLE", "tokenmint-keys")]
    } else {
        &[("SIGNING_KEYS", signing_key)]
    };
    let defaults = DEFAULTS.iter().chain(keys);
    defaults.fold(environment, |environment, (name, value)| environment.with_default(name, *value))
}

#[cfg(test)]
mod tests {
    use tokenmint_aws::config::SigningKey;

    use super::*;

    fn read(environment: Environment) -> Result<Settings, String> {
        Settings::read(environment, ISSUER).map_err(|errors| errors.to_string())
    }

    /// R18: one limit can be set without the other.
    #[test]
    fn r18_a_limit_for_each_address_needs_no_other_setting() {
        let limits = |environment| {
            let limits = read(environment).map(|settings| settings.register.limits).expect("good settings");
            (limits.per_address, limits.total)
        };
        assert_eq!(limits(Environment::default()), (0, 0));
        assert_eq!(limits(Environment::default().with("REGISTRATION_RATE", "0")), (0, 0));
        assert_eq!(limits(Environment::default().with("REGISTRATION_RATE", "5")), (5, 300));
        assert_eq!(limits(Environment::default().with("REGISTRATION_RATE_TOTAL", "7")), (0, 7));
    }

    /// O5: mistakes in settings of one function are reported with the others.
    #[test]
    fn o5_mistakes_of_both_functions_at_once() {
        let environment = Environment::default()
            .with("ISSUER", "x")
            .with("CLIENT_SECRET_TTL", "soon")
            .with("AUDIENCE", "api")
            .with("SIGNING_MODE", "paper");
        let errors = read(environment).map(drop).expect_err("mistakes");
        let named: Vec<_> = errors.lines().filter_map(|line| line.split(':').next()).collect();
        assert_eq!(named, ["ISSUER", "CLIENT_SECRET_TTL", "SIGNING_MODE", "AUDIENCE"]);
    }

    /// S1: with FAPI 2.0 the key that is made has an algorithm of the profile. A kind of sealed key must be named.
    #[test]
    fn s1_a_local_key_within_the_profile() {
        let fapi2 = Environment::default().with("SECURITY_PROFILE", "fapi2");
        let signing = |environment| read(environment).map(|settings| settings.token.signing);
        let key = SigningKey { id: "alias/tokenmint-fapi2".to_owned(), algorithm: Some(SigningAlgorithm::Es256) };
        assert_eq!(signing(fapi2.clone()), Ok(Signing::Kms(vec![key])));
        let sealed = fapi2.with("SIGNING_MODE", "sealed");
        let error = signing(sealed.clone()).expect_err("RSA");
        assert!(error.starts_with("SIGNING_KEY_SPEC: RSA_2048 signs RS256") && error.lines().count() == 1, "{error}");
        signing(sealed.with("SIGNING_KEY_SPEC", "ECC_NIST_P256")).expect("within the profile");
    }

    #[test]
    fn each_mode_has_its_own_defaults() {
        let named = |environment| {
            let environment = with_defaults(environment, ISSUER);
            ["SIGNING_KEYS", "SEALING_KEY", "KEYS_TABLE"].map(|name| environment.value(name).is_some())
        };
        assert_eq!(named(Environment::default()), [true, false, false]);
        assert_eq!(named(Environment::default().with("SIGNING_MODE", "sealed")), [false, true, true]);
    }
}
