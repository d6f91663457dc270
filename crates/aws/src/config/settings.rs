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
        help: "Who signs tokens: `kms` (KMS, with `kms:Sign`) or `sealed` (the function, with keys that KMS generated \
               and encrypted)",
    },
    Setting {
        name: "SIGNING_KEYS",
        functions: TOKEN,
        default: Default::Derived("must be set for `kms`"),
        help: "For `kms`: KMS keys, separated by commas: id, ARN or alias, optionally with `=` and RS256, PS256, \
               ES256 or ES384; the first signs, all are published",
    },
    Setting {
        name: "SEALING_KEY",
        functions: TOKEN,
        default: Default::Derived("must be set for `sealed`"),
        help: "For `sealed`: the symmetric KMS key (id, ARN or alias) that encrypts the private keys",
    },
    Setting {
        name: "KEYS_TABLE",
        functions: TOKEN,
        default: Default::Derived("must be set for `sealed`"),
        help: "For `sealed`: the DynamoDB table of signing keys",
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
        help: "For `sealed`: how long a key signs in seconds, 3600 to 31536000 and at least four times `JWKS_MAX_AGE`",
    },
    Setting {
        name: "JWKS_MAX_AGE",
        functions: TOKEN,
        default: Default::Value("3600"),
        help: "How long verifiers may cache the key set in seconds, 60 to 86400",
    },
    Setting {
        name: "TOKENS_TABLE",
        functions: TOKEN,
        default: Default::Required,
        help: "The DynamoDB table of revoked tokens and of used assertions and proofs",
    },
    Setting {
        name: "SCOPES",
        functions: BOTH,
        default: Default::Value(""),
        help: "The scopes that clients may register, separated by single spaces",
    },
    Setting {
        name: "DEFAULT_SCOPES",
        functions: REGISTER,
        default: Default::Derived("all of `SCOPES` except `INTROSPECTION_SCOPE`"),
        help: "The scopes of a client that registers without `scope`; a subset of `SCOPES`",
    },
    Setting {
        name: "AUDIENCE",
        functions: TOKEN,
        default: Default::Derived("the issuer"),
        help: "The default resource: `aud` of a token whose request names no resource",
    },
    Setting {
        name: "RESOURCES",
        functions: TOKEN,
        default: Default::Derived("the audience, with every scope"),
        help: "Further resources that a request may name: a JSON object of resources and their scopes, separated by \
               single spaces",
    },
    Setting {
        name: "INTROSPECTION_SCOPE",
        functions: BOTH,
        default: Default::Derived("none: a client sees its own tokens"),
        help: "The scope whose holders may introspect the tokens of all clients; never a default scope, and not among `SCOPES` \
               where `REGISTRATION` is `open`",
    },
    Setting {
        name: "ASSERTION_AUDIENCE",
        functions: TOKEN,
        default: Default::Value("issuer"),
        help: "What `aud` of a client assertion may be: `issuer`, or `token-endpoint` for the issuer or the token \
               endpoint's URL",
    },
    Setting {
        name: "MUTUAL_TLS",
        functions: BOTH,
        default: Default::Value("off"),
        help: "Where clients may present certificates: `off`, `on` (at the issuer itself), or the https origin for \
               mutual TLS",
    },
    Setting {
        name: "DPOP_NONCE_TTL",
        functions: TOKEN,
        default: Default::Value("0"),
        help: "Lifetime of a DPoP nonce in seconds, at most 86400; 0 = nonces are not required",
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
        help: "Lifetime of a client secret in seconds, at most 315360000 (ten years); 0 = it never expires",
    },
    Setting {
        name: "CLIENT_SECRET_OVERLAP",
        functions: REGISTER,
        default: Default::Value("86400"),
        help: "How long the previous secret remains valid after a rotation in seconds, at most 315360000",
    },
    Setting {
        name: "UNUSED_CLIENT_TTL",
        functions: REGISTER,
        default: Default::Value("0"),
        help: "Lifetime of a client that has not yet received a token in seconds, at most 315360000; 0 = unlimited",
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
        help: "HTTP status of a successful registration: `201` (RFC 7591), or `200` for clients that require it",
    },
    Setting {
        name: "REGISTRATION_RATE",
        functions: REGISTER,
        default: Default::Value("20"),
        help: "For `open`: registrations per minute from one address, at most 3000; 0 = no limit",
    },
    Setting {
        name: "REGISTRATION_RATE_TOTAL",
        functions: REGISTER,
        default: Default::Value("300"),
        help: "For `open`: registrations per minute from all addresses, at most 3000; may be 0 (no limit) only if \
               `REGISTRATION_RATE` is 0",
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
        help: "Which clients may use client_credentials: `server` (all) or `registered` (those that registered the \
               grant)",
    },
];
