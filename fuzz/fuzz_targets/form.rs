//! The body of a token request (RFC 6749 §4.4.2): form decoding and the parameters.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenmint_oauth::error::{ErrorCode, OAuthError};
use tokenmint_oauth::form::Form;
use tokenmint_oauth::grant_type::JwtBearerGrant;
use tokenmint_oauth::token_request::TokenRequest;
use url::form_urlencoded;

fuzz_target!(|body: &[u8]| {
    let form = match Form::parse(body) {
        Ok(form) => form,
        Err(error) => return assert_eq!(OAuthError::from(error).code, ErrorCode::InvalidRequest),
    };
    // Another implementation of the same encoding reads the same first value of each name, or the form is refused.
    for (name, value) in form_urlencoded::parse(body).filter(|(_, value)| !value.is_empty()) {
        assert!(form.values(&name).any(|read| read == value), "{name:?}={value:?}");
    }
    match TokenRequest::parse(&form, JwtBearerGrant::On) {
        Ok(_) => assert!(form.value("grant_type").is_some()),
        Err(error) => {
            let code = OAuthError::from(error).code;
            assert!(
                matches!(
                    code,
                    ErrorCode::InvalidRequest
                        | ErrorCode::InvalidScope
                        | ErrorCode::InvalidTarget
                        | ErrorCode::UnsupportedGrantType
                ),
                "{code:?}"
            );
        }
    }
});
