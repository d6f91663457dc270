//! SPIFFE bundles: the keys of a trust domain (SPIFFE Trust Domain and Bundle §4).

use serde_json::{Value, json};

use super::{KeysError, PublicKeys};

/// The `use` of a key that signs JWT-SVIDs (§4.2.2).
const JWT_SVID: &str = "jwt-svid";

impl PublicKeys {
    /// Reads the keys of a SPIFFE bundle that sign JWT-SVIDs, from a document of at most so many bytes of JSON. The other
    /// keys, which sign X.509-SVIDs, verify nothing here; neither does a key without `use` or `kid`, which the standard
    /// requires.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn parse_spiffe_bundle(document: &Value, max_bytes: usize) -> Result<Self, KeysError> {
        let keys = document.get("keys").and_then(Value::as_array).ok_or(KeysError::Malformed)?;
        let mut of_jwts = Vec::new();
        for key in keys {
            let members = key.as_object().ok_or(KeysError::Malformed)?;
            let text = |name: &str| members.get(name).and_then(Value::as_str);
            if text("use") == Some(JWT_SVID) && text("kid").is_some() {
                let mut members = members.clone();
                // The value is not one of RFC 7517 §4.2, which knows signatures by another name.
                members.insert("use".to_owned(), "sig".into());
                of_jwts.push(Value::Object(members));
            }
        }
        Self::parse_within(&json!({"keys": of_jwts}), max_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jose::MAX_JWKS_BYTES;

    fn key(usage: &Value, kid: &Value) -> Value {
        json!({
            "kty": "EC", "crv": "P-256", "use": usage, "kid": kid,
            "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
        })
    }

    /// F1: only keys of JWT-SVIDs verify JWT-SVIDs.
    #[test]
    fn f1_keys_of_a_bundle() {
        let parse = |keys: &[Value]| {
            let bundle = json!({"spiffe_sequence": 1, "spiffe_refresh_hint": 300, "keys": keys});
            PublicKeys::parse_spiffe_bundle(&bundle, MAX_JWKS_BYTES).map(|keys| keys.thumbprints().count())
        };
        let (jwt, x509) = (key(&json!("jwt-svid"), &json!("1")), key(&json!("x509-svid"), &json!("1")));
        assert_eq!(parse(&[x509.clone(), jwt.clone()]), Ok(1));
        let sig = key(&json!("sig"), &json!("1"));
        let nameless = key(&json!("jwt-svid"), &json!(null));
        assert_eq!(parse(&[x509, sig, nameless, key(&json!(null), &json!("1"))]), Err(KeysError::NoUsableKey));
        let mut private = jwt;
        private["d"] = "AA".into();
        assert_eq!(parse(&[private]), Err(KeysError::NotPublic));
        assert_eq!(PublicKeys::parse_spiffe_bundle(&json!([]), 100), Err(KeysError::Malformed));
    }
}
