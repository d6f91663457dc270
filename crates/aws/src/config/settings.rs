//! The table of settings.

use std::ops::RangeInclusive;

use tokenmint_oauth::ACCESS_TOKEN_LIFETIMES as LIFETIMES;

use super::choices::{
    AssertionAudience, CERTIFICATE_METHODS, Ed25519Alg, GRANT_POLICIES, JWT_BEARER_GRANTS, KeyRotation, Registration,
    RegistrationStatus, SECURITY_PROFILES, SigningKeySpec, SigningMode,
};

/// A function that reads settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Registration.
    Register,
    /// Tokens, keys and discovery.
    Token,
}

impl Function {
    /// The function's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Token => "token",
        }
    }
}

/// One environment variable.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// The functions that read it.
    pub functions: &'static [Function],
    /// The default if it is absent or empty.
    pub default: Default,
    /// The valid values.
    pub kind: Kind,
    /// What it means.
    pub help: &'static str,
}

/// The default of a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// The setting is required.
    Required,
    /// This value.
    Value(&'static str),
    /// Another setting determines the default; a description.
    Derived(&'static str),
}

/// The valid values of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text that the code parses; a description.
    Text(&'static str),
    /// A whole number of seconds.
    Seconds(RangeInclusive<u32>),
    /// A whole number.
    Number(RangeInclusive<u32>),
    /// One of these names.
    OneOf(&'static [&'static str]),
}

const REGISTER: &[Function] = &[Function::Register];
const TOKEN: &[Function] = &[Function::Token];
const BOTH: &[Function] = &[Function::Register, Function::Token];

/// Ten years, in seconds.
const TEN_YEARS: u32 = 315_360_000;

/// Every setting, in the order of the documentation.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "ISSUER",
        functions: BOTH,
        default: Default::Required,
        kind: Kind::Text("an https origin (http on loopback), without a path or trailing slash"),
        help: "The issuer identifier, byte for byte as in the tokens",
    },
    Setting {
        name: "CLIENTS_TABLE",
        functions: BOTH,
        default: Default::Required,
        kind: Kind::Text("a table name or ARN"),
        help: "The DynamoDB table of clients",
    },
    Setting {
        name: "REGISTRATIONS_TABLE",
        functions: REGISTER,
        default: Default::Required,
        kind: Kind::Text("a table name or ARN"),
        help: "The DynamoDB table of initial access tokens and registration counters",
    },
    Setting {
        name: "SIGNING_MODE",
        functions: TOKEN,
        default: Default::Value("kms"),
        kind: Kind::OneOf(SigningMode::NAMES),
        help: "Who signs tokens: `kms` (KMS, with `kms:Sign`) or `sealed` (the function, with keys that KMS generated \
               and encrypted)",
    },
    Setting {
        name: "SIGNING_KEYS",
        functions: TOKEN,
        default: Default::Derived("must be set for `kms`"),
        kind: Kind::Text(
            "KMS keys, separated by commas: id, ARN or alias, optionally with `=` and RS256, PS256, ES256 or ES384",
        ),
        help: "For `kms`: the first key signs, all are published",
    },
    Setting {
        name: "SEALING_KEY",
        functions: TOKEN,
        default: Default::Derived("must be set for `sealed`"),
        kind: Kind::Text("a KMS key: id, ARN or alias"),
        help: "For `sealed`: the symmetric KMS key that encrypts the private keys",
    },
    Setting {
        name: "KEYS_TABLE",
        functions: TOKEN,
        default: Default::Derived("must be set for `sealed`"),
        kind: Kind::Text("a table name or ARN"),
        help: "For `sealed`: the DynamoDB table of signing keys",
    },
    Setting {
        name: "SIGNING_KEY_SPEC",
        functions: TOKEN,
        default: Default::Value("RSA_2048"),
        kind: Kind::OneOf(SigningKeySpec::NAMES),
        help: "For `sealed`: `RSA_2048` (RS256), `ECC_NIST_P256` (ES256), `ECC_NIST_P384` (ES384) or \
               `ECC_NIST_EDWARDS25519` (`ED25519_ALG`)",
    },
    Setting {
        name: "ED25519_ALG",
        functions: TOKEN,
        default: Default::Value("EdDSA"),
        kind: Kind::OneOf(Ed25519Alg::NAMES),
        help: "For `sealed`: `alg` of an Ed25519 key and of the tokens that it signs: `EdDSA` (RFC 8037) or `Ed25519` \
               (RFC 9864), two names of one algorithm",
    },
    Setting {
        name: "SIGNING_KEY_ROTATION",
        functions: TOKEN,
        default: Default::Value("2592000"),
        kind: Kind::Seconds(3_600..=31_536_000),
        help: "For `sealed`: how long a key signs; at least four times `JWKS_MAX_AGE`",
    },
    Setting {
        name: "KEY_ROTATION",
        functions: TOKEN,
        default: Default::Value("on"),
        kind: Kind::OneOf(KeyRotation::NAMES),
        help: "For `sealed`: whether this region makes the signing keys; `off` where another region makes them",
    },
    Setting {
        name: "JWKS_MAX_AGE",
        functions: TOKEN,
        default: Default::Value("3600"),
        kind: Kind::Seconds(60..=86_400),
        help: "How long verifiers may cache the key set",
    },
    Setting {
        name: "TOKENS_TABLE",
        functions: TOKEN,
        default: Default::Required,
        kind: Kind::Text("a table name or ARN"),
        help: "The DynamoDB table of revoked tokens, of used assertions and proofs, and of counters of tokens per hour",
    },
    Setting {
        name: "SCOPES",
        functions: BOTH,
        default: Default::Value(""),
        kind: Kind::Text("scope tokens, separated by single spaces"),
        help: "The scopes that clients may register",
    },
    Setting {
        name: "DEFAULT_SCOPES",
        functions: REGISTER,
        default: Default::Derived("all of `SCOPES` except `INTROSPECTION_SCOPE`"),
        kind: Kind::Text("a subset of `SCOPES`"),
        help: "The scopes of a client that registers without `scope`",
    },
    Setting {
        name: "AUDIENCE",
        functions: TOKEN,
        default: Default::Derived("the issuer"),
        kind: Kind::Text("an absolute URI without a fragment"),
        help: "The default resource: `aud` of a token whose request names no resource",
    },
    Setting {
        name: "RESOURCES",
        functions: TOKEN,
        default: Default::Derived("the audience, with every scope"),
        kind: Kind::Text(
            "a JSON object: by resource, its scopes, separated by single spaces, or an object of `scope` and `ttl`",
        ),
        help: "Further resources that a request may name, the scopes allowed there, and the lifetime of tokens for them",
    },
    Setting {
        name: "INTROSPECTION_SCOPE",
        functions: BOTH,
        default: Default::Derived("none: a client sees its own tokens"),
        kind: Kind::Text("one scope token"),
        help: "The scope whose holders may introspect the tokens of all clients; never a default scope, and not among `SCOPES` \
               where `REGISTRATION` is `open`",
    },
    Setting {
        name: "ASSERTION_AUDIENCE",
        functions: TOKEN,
        default: Default::Value("issuer"),
        kind: Kind::OneOf(AssertionAudience::NAMES),
        help: "What `aud` of a client assertion may be: `issuer`, or `token-endpoint` for the issuer or the token \
               endpoint's URL",
    },
    Setting {
        name: "ASSERTION_MAX_LIFETIME",
        functions: TOKEN,
        default: Default::Value("3600"),
        kind: Kind::Seconds(60..=86_400),
        help: "How far ahead `exp` of a client assertion may be",
    },
    Setting {
        name: "TRUSTED_ISSUERS",
        functions: TOKEN,
        default: Default::Derived("none"),
        kind: Kind::Text("a JSON array of objects with `issuer` and one of `jwks_uri`, `jwks` and `spiffe_bundle`"),
        help: "Issuers whose assertions authenticate the clients that name them in `federated_credentials`",
    },
    Setting {
        name: "CLIENT_METADATA_HOSTS",
        functions: TOKEN,
        default: Default::Derived("none"),
        kind: Kind::Text("a JSON object of hosts, each with its scopes separated by spaces"),
        help: "Hosts whose https URLs are identifiers of clients that have their metadata document there, by host the scopes \
               that these clients may have",
    },
    Setting {
        name: "AUTHORIZATION_ENDPOINT",
        functions: TOKEN,
        default: Default::Derived("none"),
        kind: Kind::Text("`compat`, or an https URL (http on loopback) without a fragment"),
        help: "`authorization_endpoint` of the metadata, for clients that refuse metadata without it: `compat` for this \
               server's `/authorize`, which refuses every request, or the URL of another server's",
    },
    Setting {
        name: "CORS_ORIGINS",
        functions: BOTH,
        default: Default::Value(""),
        kind: Kind::Text("https origins (http on loopback), separated by single spaces"),
        help: "The origins whose web pages may use the endpoints; the key set and the metadata are open to every origin",
    },
    Setting {
        name: "MUTUAL_TLS",
        functions: BOTH,
        default: Default::Value("off"),
        kind: Kind::Text("`off`, `on`, or an https origin"),
        help: "Where clients may present certificates: `on` means at the issuer itself",
    },
    Setting {
        name: "MUTUAL_TLS_METHOD",
        functions: BOTH,
        default: Default::Derived("`tls_client_auth`; none where `MUTUAL_TLS` is `off`"),
        kind: Kind::OneOf(CERTIFICATE_METHODS),
        help: "How clients authenticate with certificates; may be set only where `MUTUAL_TLS` is not `off`",
    },
    Setting {
        name: "DPOP_NONCE_TTL",
        functions: TOKEN,
        default: Default::Value("0"),
        kind: Kind::Seconds(0..=86_400),
        help: "Lifetime of a DPoP nonce; 0 = nonces are not required",
    },
    Setting {
        name: "ACCESS_TOKEN_TTL",
        functions: TOKEN,
        default: Default::Value("18000"),
        kind: Kind::Seconds(LIFETIMES),
        help: "Lifetime of an access token; a resource or a client may have a shorter one",
    },
    Setting {
        name: "CLIENT_SECRET_TTL",
        functions: REGISTER,
        default: Default::Value("0"),
        kind: Kind::Seconds(0..=TEN_YEARS),
        help: "Lifetime of a client secret; 0 = it never expires",
    },
    Setting {
        name: "CLIENT_SECRET_OVERLAP",
        functions: REGISTER,
        default: Default::Value("86400"),
        kind: Kind::Seconds(0..=TEN_YEARS),
        help: "How long the previous secret remains valid after a rotation",
    },
    Setting {
        name: "UNUSED_CLIENT_TTL",
        functions: REGISTER,
        default: Default::Value("0"),
        kind: Kind::Seconds(0..=TEN_YEARS),
        help: "Lifetime of a client that has not yet received a token; 0 = unlimited",
    },
    Setting {
        name: "REGISTRATION",
        functions: BOTH,
        default: Default::Required,
        kind: Kind::OneOf(Registration::NAMES),
        help: "Who may register: `open` (anyone), `protected` (with an initial access token) or `disabled` (nobody)",
    },
    Setting {
        name: "REGISTRATION_STATUS",
        functions: REGISTER,
        default: Default::Value("201"),
        kind: Kind::OneOf(RegistrationStatus::NAMES),
        help: "HTTP status of a successful registration: `201` (RFC 7591), or `200` for clients that require it",
    },
    Setting {
        name: "REGISTRATION_RATE",
        functions: REGISTER,
        default: Default::Value("20"),
        kind: Kind::Number(0..=3_000),
        help: "For `open`: registrations per minute from one address; 0 = no limit",
    },
    Setting {
        name: "REGISTRATION_RATE_TOTAL",
        functions: REGISTER,
        default: Default::Value("300"),
        kind: Kind::Number(0..=3_000),
        help: "For `open`: registrations per minute from all addresses; may be 0 (no limit) only if `REGISTRATION_RATE` is 0",
    },
    Setting {
        name: "SOFTWARE_STATEMENT_ISSUERS",
        functions: REGISTER,
        default: Default::Derived("none"),
        kind: Kind::Text("a JSON array of objects with `issuer` and `jwks`"),
        help: "Trusted issuers of software statements",
    },
    Setting {
        name: "GRANT_POLICY",
        functions: TOKEN,
        default: Default::Value("server"),
        kind: Kind::OneOf(GRANT_POLICIES),
        help: "Which clients may use a grant that the server runs: `server` (all) or `registered` (those that registered it)",
    },
    Setting {
        name: "JWT_BEARER_GRANT",
        functions: TOKEN,
        default: Default::Value("off"),
        kind: Kind::OneOf(JWT_BEARER_GRANTS),
        help: "Whether an assertion alone gets a token, with the grant type `urn:ietf:params:oauth:grant-type:jwt-bearer`",
    },
    Setting {
        name: "SECURITY_PROFILE",
        functions: BOTH,
        default: Default::Value("none"),
        kind: Kind::OneOf(SECURITY_PROFILES),
        help: "What is required beyond the RFCs: `fapi2` for the FAPI 2.0 Security Profile, which some other settings \
               contradict",
    },
    Setting {
        name: "CLIENT_CACHE_TTL",
        functions: TOKEN,
        default: Default::Value("30"),
        kind: Kind::Seconds(0..=300),
        help: "How long an instance may issue tokens to a client without reading it again; a client that was disabled or \
               deleted, or a replaced secret, may be accepted that long. 0 = every token reads the client",
    },
    Setting {
        name: "METRICS",
        functions: BOTH,
        default: Default::Value("off"),
        kind: Kind::Text("`off`, or 1 to 255 letters, digits, `-`, `_`, `.`"),
        help: "Whether the log line of a request is a document of CloudWatch's embedded metric format, and the value of \
               the metrics' dimension `function`",
    },
];

/// The setting with this name.
///
/// # Panics
/// If there is no such setting: names are literals in the code, never input.
pub(super) fn setting(name: &str) -> &'static Setting {
    SETTINGS.iter().find(|setting| setting.name == name).expect("a setting of the table")
}
