//! SPIFFE identifiers: SPIFFE-ID §2.

/// The longest trust domain, in bytes (§2.1).
const MAX_TRUST_DOMAIN_BYTES: usize = 255;

/// The longest identifier, in bytes (§2.3).
const MAX_BYTES: usize = 2048;

/// The trust domain of a SPIFFE ID of a workload, as an identifier: `spiffe://` and the domain. `None` if the text is
/// not such an ID in its only form: no capital letters in the domain, no empty or relative segments, no slash at the end.
pub fn trust_domain(id: &str) -> Option<&str> {
    let rest = id.strip_prefix("spiffe://").filter(|_| id.len() <= MAX_BYTES)?;
    let (domain, path) = rest.split_once('/')?;
    let domain = is_domain(domain).then(|| &id[.."spiffe://".len() + domain.len()])?;
    path.split('/').all(is_segment).then_some(domain)
}

/// Whether the text is the identifier of a trust domain: a SPIFFE ID without a path.
pub(super) fn is_trust_domain(id: &str) -> bool {
    id.strip_prefix("spiffe://").is_some_and(is_domain)
}

fn is_domain(text: &str) -> bool {
    let allowed = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_');
    (1..=MAX_TRUST_DOMAIN_BYTES).contains(&text.len()) && text.bytes().all(allowed)
}

fn is_segment(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !matches!(text, "" | "." | "..") && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// F1: the standard's examples, and texts that a lenient reader would take for another ID.
    #[test]
    fn f1_spiffe_ids() {
        for (id, domain) in [
            ("spiffe://example.org/ns/prod/sa/billing", "spiffe://example.org"),
            ("spiffe://k8s-west.example.com/A._-9", "spiffe://k8s-west.example.com"),
        ] {
            assert_eq!(trust_domain(id), Some(domain));
            assert!(is_trust_domain(domain) && !is_trust_domain(id));
        }
        for bad in [
            "",
            "spiffe://example.org",
            "spiffe://example.org/",
            "spiffe://example.org/a/",
            "spiffe://example.org//a",
            "spiffe://example.org/a/../b",
            "spiffe://example.org/./b",
            "spiffe://Example.org/a",
            "SPIFFE://example.org/a",
            "spiffe://example.org:80/a",
            "spiffe://user@example.org/a",
            "spiffe://example.org/a?b",
            "spiffe://example.org/a#b",
            "spiffe://example.org/%61",
            "spiffe://exämple.org/a",
            "spiffe:///a",
            "https://example.org/a",
        ] {
            assert_eq!(trust_domain(bad), None, "{bad}");
        }
        assert!(!is_trust_domain("spiffe://") && !is_trust_domain(&format!("spiffe://{}", "a".repeat(256))));
    }
}
