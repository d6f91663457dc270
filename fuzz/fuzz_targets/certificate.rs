//! Client certificates (RFC 8705) as PEM and DER, and the names that they are registered by.
#![no_main]

use base64::prelude::{BASE64_STANDARD, Engine};
use libfuzzer_sys::fuzz_target;
use tokenmint_oauth::certificate::Certificate;
use tokenmint_oauth::certificate_name::NameForm;
use tokenmint_oauth::distinguished_name::DistinguishedName;

const FORMS: [NameForm; 5] = [NameForm::DistinguishedName, NameForm::Dns, NameForm::Uri, NameForm::Ip, NameForm::Email];

fuzz_target!(|bytes: &[u8]| {
    let der = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", BASE64_STANDARD.encode(bytes));
    let pem = str::from_utf8(bytes).ok();
    let certificates = [Certificate::parse(&der).ok(), pem.and_then(|pem| Certificate::parse(pem).ok())];
    let text = String::from_utf8_lossy(bytes);
    let names: Vec<_> = FORMS.iter().filter_map(|form| form.parse(&text).ok()).collect();
    for certificate in certificates.iter().flatten() {
        // base64url of a SHA-256.
        assert_eq!(certificate.thumbprint().len(), 43);
        let _ = (certificate.is_authority(), certificate.is_valid_at(1_700_000_000), certificate.key_thumbprint());
        for name in &names {
            let _ = certificate.is_for(name);
        }
    }
    let _ = DistinguishedName::parse(&text);
});
