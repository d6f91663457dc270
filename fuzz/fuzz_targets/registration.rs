//! The body of a registration (RFC 7591 §3.1), from bytes to what is stored and back.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tokenmint_oauth::error::{ErrorCode, OAuthError};
use tokenmint_oauth::metadata::{ClientMetadata, Federation, Policy, RequestedMetadata, TokenPolicies};
use tokenmint_oauth::method::Method;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::security_profile::SecurityProfile;

static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy {
    offered: Scope::parse("client-scope read write").expect("a scope"),
    default: Scope::parse("read").expect("a scope"),
    local: false,
    methods: Method::ALL.to_vec(),
    profile: SecurityProfile::None,
    federation: Federation::Allowed,
    token_policy: TokenPolicies::Allowed,
});

fuzz_target!(|body: &[u8]| {
    let metadata = match RequestedMetadata::parse(body).and_then(|asked| ClientMetadata::verify(&asked, &POLICY)) {
        Ok(metadata) => metadata,
        Err(error) => {
            let code = OAuthError::from(error).code;
            assert!(
                matches!(
                    code,
                    ErrorCode::InvalidClientMetadata
                        | ErrorCode::InvalidRedirectUri
                        | ErrorCode::InvalidSoftwareStatement
                        | ErrorCode::UnapprovedSoftwareStatement
                ),
                "{code:?}"
            );
            return;
        }
    };
    // What is registered can be stored, loaded and registered again, and stays the same.
    let registered = serde_json::to_value(&metadata).expect("serializes");
    let loaded = ClientMetadata::from_stored(metadata.to_stored()).expect("what was stored loads");
    assert_eq!(registered, serde_json::to_value(&loaded).expect("serializes"));
    let again = RequestedMetadata::parse(registered.to_string().as_bytes()).expect("a registration");
    let again = ClientMetadata::verify(&again, &POLICY).expect("what was registered is acceptable");
    assert_eq!(registered, serde_json::to_value(&again).expect("serializes"));
    // No more than what is offered (R10), and nothing that runs as a script (R7).
    let scope = Scope::parse(registered["scope"].as_str().expect("a scope")).expect("a scope");
    assert!(scope.is_subset_of(&POLICY.offered), "{scope:?}");
    for uri in registered["redirect_uris"].as_array().into_iter().flatten() {
        let uri = uri.as_str().expect("a text").to_ascii_lowercase();
        assert!(
            !["javascript:", "data:", "file:", "vbscript:", "blob:"].iter().any(|bad| uri.starts_with(bad)),
            "{uri}"
        );
    }
});
