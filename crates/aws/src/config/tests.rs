use tokenmint_oauth::method::CertificateMethod;

use super::*;

fn good() -> Environment {
    Environment::default()
        .with("ISSUER", "https://as.example")
        .with("CLIENTS_TABLE", "clients")
        .with("REGISTRATIONS_TABLE", "registrations")
        .with("TOKENS_TABLE", "tokens")
        .with("SIGNING_KEYS", "alias/tokenmint")
        .with("SCOPES", "read write")
        .with("REGISTRATION", "open")
}

/// O5: the defaults.
#[test]
fn o5_defaults() {
    let register = RegisterConfig::from_environment(&good()).expect("good");
    assert_eq!(register.default_scopes.as_str(), "read write");
    assert_eq!(register.lifetimes, Lifetimes { secret: 0, overlap: 86_400, unused: 0 });
    assert_eq!(register.limits, Limits { per_address: 20, total: 300 });
    assert_eq!(register.registration_status, RegistrationStatus::Created);
    let token = TokenConfig::from_environment(&good()).expect("good");
    assert_eq!(token.audience, "https://as.example");
    assert_eq!(token.access_token_ttl, 18_000);
    assert_eq!(token.grant_policy, GrantPolicy::Server);
    assert_eq!(token.signing, Signing::Kms(vec![SigningKey { id: "alias/tokenmint".to_owned(), algorithm: None }]));
    assert_eq!((token.jwks_max_age, token.dpop_nonce_ttl), (3600, 0));
    assert_eq!((token.assertion_max_lifetime, token.client_cache_ttl), (3600, 30));
}

/// A6, O5: the bounds of an assertion's lifetime.
#[test]
fn a6_o5_assertion_max_lifetime() {
    let read = |text| TokenConfig::from_environment(&good().with("ASSERTION_MAX_LIFETIME", text));
    for (text, seconds) in [("60", 60), ("86400", 86_400)] {
        assert_eq!(read(text).expect(text).assertion_max_lifetime, seconds);
    }
    for bad in ["0", "59", "86401", "-60", "600s", "4294967356"] {
        let errors = read(bad).expect_err(bad).to_string();
        assert_eq!(errors, "ASSERTION_MAX_LIFETIME: must be a whole number of seconds from 60 to 86400", "{bad}");
    }
}

/// F1, O5: a mistake in the trusted issuers stops the start by its name; one in the issuer is reported alone.
#[test]
fn f1_o5_trusted_issuers() {
    let entry = r#"[{"issuer":"https://issuer.example","jwks_uri":"https://issuer.example/jwks"}]"#;
    let read = |text| TokenConfig::from_environment(&good().with("TRUSTED_ISSUERS", text));
    let trusted = read(entry).expect("settings").trusted_issuers;
    let own = good().value("ISSUER").expect("set").to_owned();
    assert_eq!(trusted.by_iss("https://issuer.example").map(|issuer| issuer.audience.as_str()), Some(own.as_str()));
    assert!(read("").expect("none").trusted_issuers.is_empty() && read("[]").expect("none").trusted_issuers.is_empty());
    let errors =
        read(&format!("{}]", &entry[..entry.len() - 1].replace("jwks_uri", "jwks_url"))).expect_err("a mistake");
    assert_eq!(
        errors.to_string(),
        "TRUSTED_ISSUERS: \"https://issuer.example\" has an unknown member \"jwks_url\"; \
         \"https://issuer.example\" needs exactly one of `jwks`, `jwks_uri` and `spiffe_bundle`"
    );
    let environment = good().with("TRUSTED_ISSUERS", "x").with("ISSUER", "x");
    let errors = TokenConfig::from_environment(&environment).expect_err("a mistake").to_string();
    assert!(errors.starts_with("ISSUER: ") && !errors.contains("TRUSTED_ISSUERS"), "{errors}");
}

/// F5, O5: the JWT bearer grant is off unless the operator turns it on.
#[test]
fn f5_o5_jwt_bearer_grant() {
    let read = |text| TokenConfig::from_environment(&good().with("JWT_BEARER_GRANT", text));
    for (text, expected) in [("", JwtBearerGrant::Off), ("off", JwtBearerGrant::Off), ("on", JwtBearerGrant::On)] {
        assert_eq!(read(text).expect(text).jwt_bearer_grant, expected);
    }
    for bad in ["On", "true", "1", "client_credentials"] {
        assert_eq!(read(bad).expect_err(bad).to_string(), "JWT_BEARER_GRANT: must be off or on", "{bad}");
    }
}

/// O2, O5: the bounds of the time for which clients are kept.
#[test]
fn o2_o5_client_cache_ttl() {
    let read = |text| TokenConfig::from_environment(&good().with("CLIENT_CACHE_TTL", text));
    for (text, seconds) in [("", 30), ("0", 0), ("1", 1), ("300", 300)] {
        assert_eq!(read(text).expect(text).client_cache_ttl, seconds);
    }
    for bad in ["301", "-1", "30s", "1.5", "off", "4294967296"] {
        let errors = read(bad).expect_err(bad).to_string();
        assert_eq!(errors, "CLIENT_CACHE_TTL: must be a whole number of seconds from 0 to 300", "{bad}");
    }
}

/// O5: all mistakes are reported together, by name.
#[test]
fn o5_every_mistake_at_once() {
    let environment = good()
        .with("ISSUER", "http://as.example")
        .with("DEFAULT_SCOPES", "admin")
        .with("CLIENT_SECRET_TTL", "-1")
        .with("REGISTRATION", "maybe")
        .with("REGISTRATION_STATUS", "204")
        .with("CLIENTS_TABLE", "");
    let errors = RegisterConfig::from_environment(&environment).expect_err("mistakes").to_string();
    let named: Vec<_> = errors.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(
        named,
        ["ISSUER", "CLIENTS_TABLE", "DEFAULT_SCOPES", "CLIENT_SECRET_TTL", "REGISTRATION", "REGISTRATION_STATUS"]
    );
    let environment = good()
        .with("SIGNING_KEYS", "a,b=HS256")
        .with("AUDIENCE", "api")
        .with("ACCESS_TOKEN_TTL", "59")
        .with("GRANT_POLICY", "none");
    let errors = TokenConfig::from_environment(&environment).expect_err("mistakes").to_string();
    let named: Vec<_> = errors.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(named, ["SIGNING_KEYS", "AUDIENCE", "ACCESS_TOKEN_TTL", "GRANT_POLICY"]);
    let errors = TokenConfig::from_environment(&good().with("SIGNING_MODE", "paper")).expect_err("a mistake");
    assert_eq!(errors.to_string(), "SIGNING_MODE: must be kms or sealed");
}

/// D3, O5: open registration must not offer the scope that lets a client introspect every token. It is not a default
/// scope either.
#[test]
fn d3_o5_introspection_scope() {
    let scopes = |registration, scopes: &str, defaults: &str| {
        let environment = good().with("INTROSPECTION_SCOPE", "introspect").with("SCOPES", scopes);
        let environment = environment.with("REGISTRATION", registration).with("DEFAULT_SCOPES", defaults);
        let token = TokenConfig::from_environment(&environment).map(drop).map_err(|errors| errors.to_string());
        let register = RegisterConfig::from_environment(&environment);
        (token, register.map(|config| config.default_scopes.to_string()).map_err(|errors| errors.to_string()))
    };
    let (token, register) = scopes("open", "read introspect", "");
    for error in [token.expect_err("stops the start"), register.expect_err("stops the start")] {
        assert!(
            error.starts_with("INTROSPECTION_SCOPE: must not be among SCOPES where REGISTRATION is open"),
            "{error}"
        );
        assert_eq!(error.lines().count(), 1);
    }
    assert_eq!(scopes("open", "read introspector", ""), (Ok(()), Ok("read introspector".to_owned())));
    for registration in ["protected", "disabled"] {
        assert_eq!(scopes(registration, "read introspect write", ""), (Ok(()), Ok("read write".to_owned())));
        let (token, register) = scopes(registration, "read introspect", "introspect");
        assert_eq!((token, register), (Ok(()), Err("DEFAULT_SCOPES: must not contain INTROSPECTION_SCOPE".to_owned())));
    }
}

/// O5, A7: one certificate method, and none if mutual TLS is off.
#[test]
fn o5_a7_mutual_tls_method() {
    let read = |domain: &str, method: &str| {
        let environment = good().with("MUTUAL_TLS", domain).with("MUTUAL_TLS_METHOD", method);
        let token = TokenConfig::from_environment(&environment).map(|config| config.mutual_tls);
        let register = RegisterConfig::from_environment(&environment).map(|config| config.mutual_tls);
        assert_eq!(token, register);
        token.map_err(|error| error.to_string())
    };
    let method = |domain: &str, method: &str| read(domain, method).expect("good").method();
    let (authority, self_signed) = (CertificateMethod::TlsClientAuth, CertificateMethod::SelfSignedTlsClientAuth);
    for off in ["", "off"] {
        assert_eq!(read(off, "").expect("good"), MutualTls::Off);
        for set in ["tls_client_auth", "self_signed_tls_client_auth"] {
            let error = read(off, set).expect_err("a mistake");
            assert_eq!(error, "MUTUAL_TLS_METHOD: must not be set where MUTUAL_TLS is off");
        }
    }
    for on in ["on", "https://mtls.as.example"] {
        assert_eq!(method(on, ""), Some(authority));
        assert_eq!(method(on, "tls_client_auth"), Some(authority));
        assert_eq!(method(on, "self_signed_tls_client_auth"), Some(self_signed));
        for bad in ["both", "TLS_CLIENT_AUTH", "private_key_jwt", "tls_client_auth self_signed_tls_client_auth"] {
            let error = read(on, bad).expect_err(bad);
            assert_eq!(error, "MUTUAL_TLS_METHOD: must be tls_client_auth or self_signed_tls_client_auth");
        }
    }
    let error = read("mtls.as.example", "tls_client_auth").expect_err("a mistake");
    assert!(error.starts_with("MUTUAL_TLS: ") && error.lines().count() == 1, "{error}");
}

/// O4, O5: `METRICS` is off unless it is set, and its value is fit for a dimension.
#[test]
fn o4_o5_metrics() {
    let read = |text: &str| {
        let environment = good().with("METRICS", text);
        let token = TokenConfig::from_environment(&environment).map(|config| config.metrics);
        let register = RegisterConfig::from_environment(&environment).map(|config| config.metrics);
        assert_eq!(token, register);
        token.map_err(|error| error.to_string())
    };
    for off in ["", "off"] {
        assert_eq!(read(off), Ok(Metrics::Off));
    }
    let longest = "x".repeat(255);
    for on in ["tokenmint-token", "a", "A_1.b", &longest] {
        assert_eq!(read(on), Ok(Metrics::On(on.to_owned())));
    }
    for bad in [" ", "a b", "a\"b", "a,b", "\u{e9}", &format!("{longest}x")] {
        let error = read(bad).expect_err(bad);
        assert_eq!(error, "METRICS: must be off, or 1 to 255 letters, digits, '-', '_' or '.'");
    }
}

/// O5: `CORS_ORIGINS` is read by both functions, and a mistake is reported once.
#[test]
fn o5_cors_origins() {
    let read = |text| {
        let environment = good().with("CORS_ORIGINS", text);
        let token = TokenConfig::from_environment(&environment).map(|config| config.cors_origins);
        let register = RegisterConfig::from_environment(&environment).map(|config| config.cors_origins);
        ConfigErrors::both(register, token).map_err(|errors| errors.to_string())
    };
    let (register, token) = read("").expect("none");
    assert!(register.is_empty() && token.is_empty());
    let (register, token) = read("https://a.example http://localhost:3000").expect("two");
    for origins in [register, token] {
        assert!(origins.contains(b"https://a.example") && origins.contains(b"http://localhost:3000"));
    }
    for bad in ["*", "null", "https://a.example/", "http://a.example", "https://a.example  https://b.example"] {
        let errors = read(bad).expect_err(bad);
        assert!(errors.starts_with("CORS_ORIGINS: ") && errors.lines().count() == 1, "{errors}");
    }
}

/// D1, O5: `compat`, a URL, or nothing.
#[test]
fn d1_o5_authorization_endpoint() {
    let read = |text| {
        let config = TokenConfig::from_environment(&good().with("AUTHORIZATION_ENDPOINT", text));
        config.map(|config| config.authorization_endpoint).map_err(|errors| errors.to_string())
    };
    let url = "https://login.example/authorize";
    assert_eq!(read(""), Ok(AuthorizationEndpoint::None));
    assert_eq!(read("compat"), Ok(AuthorizationEndpoint::Compat));
    assert_eq!(read(url), Ok(AuthorizationEndpoint::Other(url.to_owned())));
    let text =
        "AUTHORIZATION_ENDPOINT: must be compat, or an https URL (http only on a loopback address) without fragment";
    assert_eq!(read("on"), Err(text.to_owned()));
}

/// J3, O5: the audience has one spelling, with or without the slash of a bare origin.
#[test]
fn j3_o5_one_spelling_of_the_audience() {
    let read = |audience: &str, resource: &str| {
        let environment = good().with("AUDIENCE", audience).with("RESOURCES", format!(r#"{{"{resource}":"read"}}"#));
        TokenConfig::from_environment(&environment).map(drop).map_err(|errors| errors.to_string())
    };
    for (audience, resource) in [
        ("", "https://as.example"),
        ("https://api.example", "https://api.example"),
        ("https://api.example/", "https://api.example/"),
        ("https://api.example/x", "https://api.example/x/"),
    ] {
        assert_eq!(read(audience, resource), Ok(()));
    }
    for (audience, resource) in [("", "https://as.example/"), ("https://api.example/", "https://api.example")] {
        let error = read(audience, resource).expect_err(resource);
        assert!(error.starts_with("RESOURCES: spells the audience ") && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn sealed_signing() {
    let sealed = good().with("SIGNING_MODE", "sealed");
    let errors = TokenConfig::from_environment(&sealed).expect_err("mistakes").to_string();
    assert_eq!(errors, "SEALING_KEY: must be set\nKEYS_TABLE: must be set");
    let sealed = sealed.with("SEALING_KEY", "alias/seal").with("KEYS_TABLE", "keys");
    let Signing::Sealed(config) = TokenConfig::from_environment(&sealed).expect("good").signing else {
        panic!("another mode")
    };
    assert_eq!((config.spec, config.rotation), (SigningKeySpec::Rsa2048, 2_592_000));
    for (text, alg) in [("", Ed25519Alg::EdDsa), ("EdDSA", Ed25519Alg::EdDsa), ("Ed25519", Ed25519Alg::Ed25519)] {
        let environment = sealed.clone().with("ED25519_ALG", text);
        let Signing::Sealed(config) = TokenConfig::from_environment(&environment).expect(text).signing else {
            panic!("another mode")
        };
        assert_eq!(config.ed25519_alg, alg);
    }
    for bad in ["ed25519", "Ed448", "EdDSA,Ed25519"] {
        let errors = TokenConfig::from_environment(&sealed.clone().with("ED25519_ALG", bad)).expect_err(bad);
        assert_eq!(errors.to_string(), "ED25519_ALG: must be EdDSA or Ed25519");
    }
    for (text, rotation) in [("", KeyRotation::On), ("on", KeyRotation::On), ("off", KeyRotation::Off)] {
        let environment = sealed.clone().with("KEY_ROTATION", text);
        let Signing::Sealed(config) = TokenConfig::from_environment(&environment).expect(text).signing else {
            panic!("another mode")
        };
        assert_eq!(config.key_rotation, rotation);
    }
    for bad in ["ON", "true", "on off"] {
        let errors = TokenConfig::from_environment(&sealed.clone().with("KEY_ROTATION", bad)).expect_err(bad);
        assert_eq!(errors.to_string(), "KEY_ROTATION: must be on or off");
    }
    let often = sealed.with("SIGNING_KEY_ROTATION", "7200");
    TokenConfig::from_environment(&often).expect_err("verifiers cache for longer");
}

#[test]
fn signing_keys_with_algorithms() {
    let environment = good().with("SIGNING_KEYS", "arn:aws:kms:eu-west-1:1:key/a=PS256, alias/b");
    let Signing::Kms(keys) = TokenConfig::from_environment(&environment).expect("good").signing else {
        panic!("another mode")
    };
    assert_eq!(keys[0].algorithm, Some(SigningAlgorithm::Ps256));
    assert_eq!((keys[1].id.as_str(), keys[1].algorithm), ("alias/b", None));
    for bad in [",", "a,", "=RS256", "a b", "a=rs256", "a=EdDSA", "a=Ed25519"] {
        TokenConfig::from_environment(&good().with("SIGNING_KEYS", bad)).expect_err(bad);
    }
}

/// O5: the mistakes of both functions are reported together, each once.
#[test]
fn o5_every_mistake_of_both_functions_once() {
    let both = |environment: &Environment| {
        let (register, token) =
            (RegisterConfig::from_environment(environment), TokenConfig::from_environment(environment));
        ConfigErrors::both(register, token).map(drop).map_err(|errors| errors.to_string())
    };
    assert_eq!(both(&good()), Ok(()));
    let environment = good().with("ISSUER", "x").with("CLIENT_SECRET_TTL", "-1").with("ACCESS_TOKEN_TTL", "1");
    let errors = both(&environment).expect_err("mistakes");
    let named: Vec<_> = errors.lines().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(named, ["ISSUER", "CLIENT_SECRET_TTL", "ACCESS_TOKEN_TTL"]);
    for (setting, value) in [("CLIENT_SECRET_TTL", "-1"), ("AUDIENCE", "api")] {
        let errors = both(&good().with(setting, value)).expect_err(setting);
        assert!(errors.starts_with(setting) && errors.lines().count() == 1, "{errors}");
    }
}

/// S1, O5: with FAPI 2.0, every setting that contradicts it stops the start, each by its name. Without, none does.
#[test]
fn s1_o5_settings_that_contradict_the_profile() {
    let issuers = r#"[{"issuer":"https://issuer.example","jwks_uri":"https://issuer.example/jwks"}]"#;
    let contradicting = good()
        .with("SIGNING_KEYS", "a=RS256,b=PS256,c=ES384,d=ES256,e")
        .with("ASSERTION_AUDIENCE", "token-endpoint")
        .with("TRUSTED_ISSUERS", issuers)
        .with("AUTHORIZATION_ENDPOINT", "compat")
        .with("JWT_BEARER_GRANT", "on");
    let read = |environment: &Environment| {
        let token = TokenConfig::from_environment(environment);
        let register = RegisterConfig::from_environment(environment);
        let profiles = ConfigErrors::both(token, register);
        profiles.map(|(token, register)| {
            assert_eq!(token.security_profile, register.security_profile);
            token.security_profile
        })
    };
    for none in ["", "none"] {
        let environment = contradicting.clone().with("SECURITY_PROFILE", none);
        assert_eq!(read(&environment).expect("good"), SecurityProfile::None);
    }
    let errors = read(&contradicting.with("SECURITY_PROFILE", "fapi2")).expect_err("contradictions").to_string();
    assert_eq!(
        errors.lines().collect::<Vec<_>>(),
        [
            "SIGNING_KEYS: a signs RS256; with SECURITY_PROFILE=fapi2 every key must sign PS256 or ES256",
            "SIGNING_KEYS: c signs ES384; with SECURITY_PROFILE=fapi2 every key must sign PS256 or ES256",
            "ASSERTION_AUDIENCE: must be issuer with SECURITY_PROFILE=fapi2",
            "TRUSTED_ISSUERS: must not name an issuer with SECURITY_PROFILE=fapi2: clients authenticate with keys of their \
             own",
            "AUTHORIZATION_ENDPOINT: must not be set with SECURITY_PROFILE=fapi2: no flow with an authorization endpoint is \
             supported",
            "JWT_BEARER_GRANT: must be off with SECURITY_PROFILE=fapi2: the grant needs no client authentication",
        ]
    );
    // A key without an algorithm: KMS knows its kind. No trusted issuers at all, and issuers that are none.
    for issuers in ["", "[]"] {
        let within = good().with("SECURITY_PROFILE", "fapi2").with("TRUSTED_ISSUERS", issuers);
        assert_eq!(read(&within).expect("within the profile"), SecurityProfile::Fapi2);
    }
    for bad in ["FAPI2", "fapi", "fapi1", "on"] {
        let errors = read(&good().with("SECURITY_PROFILE", bad)).expect_err(bad).to_string();
        assert_eq!(errors, "SECURITY_PROFILE: must be none or fapi2", "{bad}");
    }
    // A mistake by itself is reported alone.
    let errors =
        read(&good().with("SECURITY_PROFILE", "fapi2").with("SIGNING_KEYS", "a=HS256")).expect_err("a mistake");
    assert!(errors.to_string().starts_with("SIGNING_KEYS: \"HS256\" is not one of"), "{errors}");
    assert_eq!(errors.to_string().lines().count(), 1, "{errors}");
}

/// S1, S3, O5: the kind of sealed keys, and the keys of the issuers of software statements.
#[test]
fn s1_s3_o5_keys_outside_the_profile() {
    let sealed = good().with("SECURITY_PROFILE", "fapi2").with("SIGNING_MODE", "sealed");
    let sealed = sealed.with("SEALING_KEY", "alias/seal").with("KEYS_TABLE", "keys");
    let read = |spec| {
        let config = TokenConfig::from_environment(&sealed.clone().with("SIGNING_KEY_SPEC", spec));
        config.map(drop).map_err(|errors| errors.to_string())
    };
    let refused = |signs| {
        let reason = "with SECURITY_PROFILE=fapi2 it must be ECC_NIST_P256 or ECC_NIST_EDWARDS25519";
        Err(format!("SIGNING_KEY_SPEC: {signs}; {reason}"))
    };
    assert_eq!(read(""), refused("RSA_2048 signs RS256"));
    assert_eq!(read("ECC_NIST_P384"), refused("ECC_NIST_P384 signs ES384"));
    assert_eq!(read("ECC_NIST_P256"), Ok(()));
    assert_eq!(read("ECC_NIST_EDWARDS25519"), Ok(()));

    let key = |alg: &str| {
        let n = "n".repeat(344);
        format!(
            r#"[{{"issuer":"https://v.example","jwks":{{"keys":[{{"kty":"RSA","n":"{n}","e":"AQAB","alg":"{alg}"}}]}}}}]"#
        )
    };
    let read = |profile, alg| {
        let environment = good().with("SECURITY_PROFILE", profile).with("SOFTWARE_STATEMENT_ISSUERS", key(alg));
        RegisterConfig::from_environment(&environment).map(drop).map_err(|errors| errors.to_string())
    };
    assert_eq!((read("none", "RS256"), read("fapi2", "PS256")), (Ok(()), Ok(())));
    let error =
        "SOFTWARE_STATEMENT_ISSUERS: the jwks of \"https://v.example\" holds no key for PS256, ES256, EdDSA, Ed25519";
    assert_eq!(read("fapi2", "RS256"), Err(error.to_owned()));
}
