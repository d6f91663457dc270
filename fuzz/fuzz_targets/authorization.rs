//! The `Authorization` header: client credentials (RFC 6749 §2.3.1) and bearer tokens (RFC 6750 §2.1).
#![no_main]

use base64::prelude::{BASE64_STANDARD, Engine};
use libfuzzer_sys::fuzz_target;
use tokenmint_oauth::bearer::BearerToken;
use tokenmint_oauth::client_auth::{Claim, Credentials, Presented};
use tokenmint_oauth::error::{ErrorCode, OAuthError};
use tokenmint_oauth::federation::TrustedIssuers;
use tokenmint_oauth::form::Form;

fn present(header: &[u8]) {
    let empty = Form::parse(b"").expect("an empty form");
    let trusted_issuers = &TrustedIssuers::default();
    let presented =
        Presented { authorization: &[header], query: &empty, form: &empty, certificate: None, trusted_issuers };
    match Credentials::present(&presented) {
        Ok(Claim::Subject(assertion)) => panic!("no issuer is trusted: {assertion:?}"),
        Ok(Claim::Client(credentials)) => {
            assert!(header.len() >= 6 && header[..6].eq_ignore_ascii_case(b"basic "));
            assert!(!credentials.client_id().as_str().is_empty());
            // A secret never shows.
            let secret = BASE64_STANDARD.decode(header[6..].trim_ascii()).unwrap_or_default();
            let secret = secret.splitn(2, |byte| *byte == b':').nth(1).unwrap_or_default();
            let shown = format!("{credentials:?}");
            if let Ok(secret) = str::from_utf8(secret)
                && secret.len() >= 24
            {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
        Err(error) => {
            let code = OAuthError::from(error).code;
            assert!(matches!(code, ErrorCode::InvalidClient | ErrorCode::InvalidRequest), "{code:?}");
        }
    }
    match BearerToken::present(&[header]) {
        Ok(token) => assert!(!token.reveal().is_empty() && token.reveal().bytes().all(|byte| byte.is_ascii_graphic())),
        Err(error) => {
            let code = OAuthError::from(error).code;
            assert!(
                matches!(code, ErrorCode::MissingToken | ErrorCode::InvalidToken | ErrorCode::InvalidRequest),
                "{code:?}"
            );
        }
    }
}

fuzz_target!(|header: &[u8]| {
    present(header);
    present(&[b"Basic ".as_slice(), header].concat());
    present(&[b"Basic ".as_slice(), BASE64_STANDARD.encode(header).as_bytes()].concat());
    present(&[b"Bearer ".as_slice(), header].concat());
});
