//! Public documents: RFC 9110 §8.8.3 and §13.1.2, RFC 9111 §5.2.2.

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use serde::Serialize;

/// A JSON document that anybody may cache for `max_age` seconds. It has a strong entity tag, and a request that names
/// the tag in `If-None-Match` gets 304 without the document.
///
/// # Panics
/// If the document cannot be serialized, which none of this server's documents can cause.
pub fn cacheable(request: &HeaderMap, max_age: u32, document: &impl Serialize) -> Response<Body> {
    let body = serde_json::to_vec(document).expect("documents always serialise");
    let tag = BASE64_URL_SAFE_NO_PAD.encode(&digest(&SHA256, &body).as_ref()[..16]);
    let is_known = request.get_all(IF_NONE_MATCH).iter().any(|tags| names(tags.as_bytes(), &tag));
    let mut response = Response::new(if is_known { Body::empty() } else { Body::from(body) });
    let headers = response.headers_mut();
    let text = |text: String| HeaderValue::try_from(text).expect("visible characters");
    headers.insert(ETAG, text(format!("\"{tag}\"")));
    headers.insert(CACHE_CONTROL, text(format!("public, max-age={max_age}")));
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response
}

/// Whether a list of entity tags names this one. Weak and strong tags match alike (RFC 9110 §8.8.3.2).
fn names(list: &[u8], tag: &str) -> bool {
    let Ok(list) = str::from_utf8(list) else { return false };
    if list.trim() == "*" {
        return true;
    }
    // A tag may hold a comma. This one does not, so splitting another tag there makes no match.
    list.split(',').any(|entry| {
        let entry = entry.trim();
        let opaque = entry.strip_prefix("W/").unwrap_or(entry);
        opaque.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) == Some(tag)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// D2: RFC 9110 §13.1.2's forms of the header.
    #[test]
    fn d2_if_none_match() {
        for good in [r#""x""#, r#"W/"x""#, r#""y", "x""#, r#""a,b","x""#, r#" "x" "#, "*", r#"W/"y" , W/"x""#] {
            assert!(names(good.as_bytes(), "x"), "{good}");
        }
        for bad in ["", "x", r#""X""#, r#""y""#, r#"w/"x""#, r#""x"#, r#"x""#, r#"""x"""#, "\"x\u{e9}\"", r#""*""#] {
            assert!(!names(bad.as_bytes(), "x"), "{bad}");
        }
        assert!(!names(b"\"x\", \xff", "x"));
    }

    proptest! {
        /// Any header: no panic, and no match without the tag.
        #[test]
        fn any_if_none_match(list in any::<Vec<u8>>()) {
            let found = list.windows(3).any(|bytes| bytes == br#""x""#) || list.contains(&b'*');
            prop_assert!(!names(&list, "x") || found);
        }
    }
}
