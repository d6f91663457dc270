//! The table of settings.

/// A function that reads settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Registration.
    Register,
    /// Tokens, keys and discovery.
    Token,
}

/// One environment variable.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// The functions that read it.
    pub functions: &'static [Function],
    /// What holds where it is not given or empty.
    pub default: Default,
    /// What it means, with its unit and bounds.
    pub help: &'static str,
}

/// What holds where a setting is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// It must be given.
    Required,
    /// This value.
    Value(&'static str),
    /// Something that another setting decides, in words.
    Derived(&'static str),
}

const REGISTER: &[Function] = &[Function::Register];
const TOKEN: &[Function] = &[Function::Token];
const BOTH: &[Function] = &[Function::Register, Function::Token];

/// Every setting, in the order in which an operator thinks of them.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "ISSUER",
        functions: BOTH,
        default: Default::Required,
        help: "The issuer identifier: an https origin (http on loopback), without path or trailing slash",
    },
    Setting {
        name: "CLIENTS_TABLE",
        functions: BOTH,
        default: Default::Required,
        help: "The DynamoDB table of clients",
    },
    Setting {
        name: "REGISTRATIONS_TABLE",
        functions: REGISTER,
        default: Default::Required,
        help: "The DynamoDB table of initial access tokens and registration counters",
    },
    Setting {
        name: "SIGNING_MODE",
        functions: TOKEN,
        default: Default::Value("kms"),
        help: "Who signs: `kms` (every token by `kms:Sign`) or `sealed` (the function, with keys that KMS made and sealed)",
    },
    Setting {
        name: "SIGNING_KEYS",
        functions: TOKEN,
        default: Default::Derived("must be set for `kms`"),
        help: "For `kms`: KMS keys, separated by commas: id, ARN or alias, optionally with `=` and RS256, PS256, ES256 or ES384; \
               the first signs, all are published",
    },
    Setting {
        name: "SEALING_KEY",
        functions: TOKEN,
        default: Default::Derived("must be set for `sealed`"),
        help: "For `sealed`: the symmetric KMS key (id, ARN or alias) under which private keys lie",
    },
    Setting {
        name: "KEYS_TABLE",
        functions: TOKEN,
        default: Default::Derived("must be set for `sealed`"),
        help: "For `sealed`: the DynamoDB table of sealed keys",
    },
    Setting {
        name: "SIGNING_KEY_SPEC",
        functions: TOKEN,
        default: Default::Value("RSA_2048"),
        help: "For `sealed`: `RSA_2048` (RS256), `ECC_NIST_P256` (ES256), `ECC_NIST_P384` (ES384) or \
               `ECC_NIST_EDWARDS25519` (EdDSA)",
    },
    Setting {
        name: "SIGNING_KEY_ROTATION",
        functions: TOKEN,
        default: Default::Value("2592000"),
        help: "For `sealed`: for how many seconds a key signs, 3600 to 31536000 and at least four times `JWKS_MAX_AGE`",
    },
    Setting {
        name: "JWKS_MAX_AGE",
        functions: TOKEN,
        default: Default::Value("3600"),
        help: "For how many seconds verifiers may cache the JWKS, 60 to 86400",
    },
    Setting {
        name: "TOKENS_TABLE",
        functions: TOKEN,
        default: Default::Required,
        help: "The DynamoDB table of revoked tokens and of assertions and proofs that were used",
    },
    Setting {
        name: "SCOPES",
        functions: BOTH,
        default: Default::Value(""),
        help: "The scopes offered, separated by spaces",
    },
    Setting {
        name: "DEFAULT_SCOPES",
        functions: REGISTER,
        default: Default::Derived("all of `SCOPES`"),
        help: "The scopes of a client that registers without `scope`; among `SCOPES`",
    },
    Setting {
        name: "AUDIENCE",
        functions: TOKEN,
        default: Default::Derived("the issuer"),
        help: "The resource that tokens are for (`aud`)",
    },
    Setting {
        name: "RESOURCES",
        functions: TOKEN,
        default: Default::Derived("the audience, with every scope"),
        help: "Resources that clients may ask for: a JSON object of resource and its scopes, separated by spaces",
    },
    Setting {
        name: "INTROSPECTION_SCOPE",
        functions: TOKEN,
        default: Default::Derived("none: a client sees its own tokens"),
        help: "The scope whose holders may introspect the tokens of all clients",
    },
    Setting {
        name: "ASSERTION_AUDIENCE",
        functions: TOKEN,
        default: Default::Value("issuer"),
        help: "What a client's assertion may name as `aud`: `issuer`, or `token-endpoint` for either",
    },
    Setting {
        name: "ASSERTION_MAX_LIFETIME",
        functions: TOKEN,
        default: Default::Value("3600"),
        help: "How far ahead `exp` of a client's assertion may be in seconds, 60 to 86400",
    },
    Setting {
        name: "MUTUAL_TLS",
        functions: BOTH,
        default: Default::Value("off"),
        help: "Whether clients can show certificates: `off`, `on` (at the issuer itself), or the https origin where they can",
    },
    Setting {
        name: "DPOP_NONCE_TTL",
        functions: TOKEN,
        default: Default::Value("0"),
        help: "For how many seconds a DPoP nonce of this server is good, 0 = proofs need none, at most 86400",
    },
    Setting {
        name: "ACCESS_TOKEN_TTL",
        functions: TOKEN,
        default: Default::Value("18000"),
        help: "Lifetime of an access token in seconds, 60 to 604800",
    },
    Setting {
        name: "CLIENT_SECRET_TTL",
        functions: REGISTER,
        default: Default::Value("0"),
        help: "Lifetime of a client secret in seconds, 0 = it never expires, at most 315360000 (ten years)",
    },
    Setting {
        name: "CLIENT_SECRET_OVERLAP",
        functions: REGISTER,
        default: Default::Value("86400"),
        help: "For how many seconds the previous secret stays good beside a new one, at most 315360000",
    },
    Setting {
        name: "UNUSED_CLIENT_TTL",
        functions: REGISTER,
        default: Default::Value("0"),
        help: "After how many seconds a client is removed that never asked for a token, 0 = never, at most 315360000",
    },
    Setting {
        name: "REGISTRATION",
        functions: BOTH,
        default: Default::Required,
        help: "Who may register: `open` (anyone), `protected` (with an initial access token) or `disabled` (nobody)",
    },
    Setting {
        name: "REGISTRATION_STATUS",
        functions: REGISTER,
        default: Default::Value("201"),
        help: "Status of a successful registration: `201` (RFC 7591), or `200` for clients that insist on it",
    },
    Setting {
        name: "REGISTRATION_RATE",
        functions: REGISTER,
        default: Default::Value("20"),
        help: "How many clients may register openly from one address in a minute, 0 = any number, at most 3000",
    },
    Setting {
        name: "REGISTRATION_RATE_TOTAL",
        functions: REGISTER,
        default: Default::Value("300"),
        help: "The same from all addresses together; 0 only where `REGISTRATION_RATE` is 0 too",
    },
    Setting {
        name: "SOFTWARE_STATEMENT_ISSUERS",
        functions: REGISTER,
        default: Default::Derived("none"),
        help: "Trusted issuers of software statements: a JSON array of objects with `issuer` and `jwks`",
    },
    Setting {
        name: "GRANT_POLICY",
        functions: TOKEN,
        default: Default::Value("server"),
        help: "Who may use client_credentials: `server` (every client) or `registered` (clients that registered it)",
    },
];
