//! The identifiers of a request in others' traces: the `traceparent` header of
//! [W3C Trace Context](https://www.w3.org/TR/trace-context/#traceparent-header), and the trace of AWS X-Ray.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName};
use lambda_http::Context;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const AMZN_TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// The traces of a request, for the log. They are not trusted: anyone can send these headers. What is not an identifier in
/// the exact form of its specification is ignored, so that nothing else of a header reaches the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    /// `trace-id` and `parent-id` of the `traceparent` header.
    pub(crate) parent: Option<TraceParent>,
    /// `Root` of X-Ray's trace header.
    pub(crate) xray: Option<String>,
}

/// What a `traceparent` header names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceParent {
    /// 32 hexadecimal digits in lower case.
    pub(crate) trace_id: String,
    /// 16 hexadecimal digits in lower case.
    pub(crate) parent_id: String,
}

impl Trace {
    /// The traces that a request names. Lambda's own name for its trace, if there is one, wins over the header's.
    pub(crate) fn of(request: &Request) -> Self {
        let lambda = request.extensions().get::<Context>().and_then(|context| context.xray_trace_id.as_deref());
        let headers = request.headers();
        Self {
            parent: only(headers, &TRACEPARENT).and_then(TraceParent::parse),
            xray: lambda.and_then(root).or_else(|| only(headers, &AMZN_TRACE_ID).and_then(root)).map(str::to_owned),
        }
    }
}

/// The value of a header that occurs once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

impl TraceParent {
    /// Parses `version "-" trace-id "-" parent-id "-" trace-flags`. A version above 00 may have more after that, behind
    /// another `-`; version ff does not exist.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(5, '-');
        let mut part = |digits| parts.next().filter(|part| is_lower_hex(part, digits));
        let (version, trace_id, parent_id, _flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        let is_complete = version != "00" || parts.next().is_none();
        let is_valid = version != "ff" && is_complete && !is_zero(trace_id) && !is_zero(parent_id);
        is_valid.then(|| Self { trace_id: trace_id.to_owned(), parent_id: parent_id.to_owned() })
    }
}

/// The identifier in the `Root` of X-Ray's trace header, `Root=1-5759e988-bd862e3fe1be46a994272793;…`: version 1, 8 digits
/// of time, 24 random ones.
fn root(header: &str) -> Option<&str> {
    let root = header.split(';').find_map(|part| part.trim().strip_prefix("Root="))?;
    let (time, random) = root.strip_prefix("1-")?.split_once('-')?;
    (is_lower_hex(time, 8) && is_lower_hex(random, 24)).then_some(root)
}

fn is_lower_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_zero(digits: &str) -> bool {
    digits.bytes().all(|digit| digit == b'0')
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use proptest::prelude::*;

    use super::*;

    const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT_ID: &str = "00f067aa0ba902b7";

    fn parsed(text: &str) -> Option<(String, String)> {
        TraceParent::parse(text).map(|parent| (parent.trace_id, parent.parent_id))
    }

    /// O3: the examples of W3C Trace Context, and whatever differs from the form of a `traceparent`.
    #[test]
    fn o3_traceparent() {
        let ids = Some((TRACE_ID.to_owned(), PARENT_ID.to_owned()));
        for good in ["-01", "-00", "-ff"] {
            assert_eq!(parsed(&format!("00-{TRACE_ID}-{PARENT_ID}{good}")), ids, "{good}");
        }
        // Later versions may add something.
        for good in ["01", "fe"] {
            for more in ["", "-", "-more-of it"] {
                assert_eq!(parsed(&format!("{good}-{TRACE_ID}-{PARENT_ID}-01{more}")), ids, "{good}{more}");
            }
        }
        for bad in [
            String::new(),
            "00".to_owned(),
            format!("00-{TRACE_ID}-{PARENT_ID}"),
            format!("00-{TRACE_ID}-{PARENT_ID}-"),
            format!("00-{TRACE_ID}-{PARENT_ID}-1"),
            format!("00-{TRACE_ID}-{PARENT_ID}-01-"),
            format!("00-{TRACE_ID}-{PARENT_ID}-01 "),
            format!(" 00-{TRACE_ID}-{PARENT_ID}-01"),
            format!("01-{TRACE_ID}-{PARENT_ID}-01more"),
            format!("ff-{TRACE_ID}-{PARENT_ID}-01"),
            format!("0-{TRACE_ID}-{PARENT_ID}-01"),
            format!("00-{}-{PARENT_ID}-01", TRACE_ID.to_uppercase()),
            format!("00-{}-{PARENT_ID}-01", "0".repeat(32)),
            format!("00-{TRACE_ID}-{}-01", "0".repeat(16)),
            format!("00-{TRACE_ID}-{PARENT_ID}-0g"),
            format!("00-{PARENT_ID}-{TRACE_ID}-01"),
            format!("00-{TRACE_ID}-{PARENT_ID}-01,00-{TRACE_ID}-{PARENT_ID}-01"),
            format!("00_{TRACE_ID}_{PARENT_ID}_01"),
        ] {
            assert_eq!(parsed(&bad), None, "{bad}");
        }
    }

    /// O3: X-Ray's header, as Lambda and API Gateway write it, and others.
    #[test]
    fn o3_xray() {
        let id = "1-5759e988-bd862e3fe1be46a994272793";
        for good in
            ["Root={}", "Root={};Parent=53995c3f42cd8ad8;Sampled=1", "Self=1-67891234-0;Root={}", "Sampled=?; Root={}"]
        {
            assert_eq!(root(&good.replace("{}", id)), Some(id), "{good}");
        }
        for bad in ["", id, "Root=", "root={}", "Root={}0", "Root={}-", "Root=2-5759e988-bd862e3fe1be46a994272793"] {
            assert_eq!(root(&bad.replace("{}", id)), None, "{bad}");
        }
        assert_eq!(root(&format!("Root={}", id.to_uppercase())), None);
    }

    /// O3: Lambda's trace wins, and a header that occurs twice says nothing.
    #[test]
    fn o3_traces_of_a_request() {
        let (of_lambda, of_header) = ("1-5759e988-bd862e3fe1be46a994272793", "1-11111111-222222222222222222222222");
        let parent = format!("00-{TRACE_ID}-{PARENT_ID}-01");
        let request =
            Request::builder().header(TRACEPARENT, &parent).header(AMZN_TRACE_ID, format!("Root={of_header}"));
        let mut request = request.body(Body::empty()).expect("a request");
        assert_eq!(Trace::of(&request).xray.as_deref(), Some(of_header));
        let mut context = Context::default();
        context.xray_trace_id = Some(format!("Root={of_lambda};Sampled=0"));
        request.extensions_mut().insert(context);
        assert_eq!(Trace::of(&request).xray.as_deref(), Some(of_lambda));
        assert_eq!(Trace::of(&request).parent.expect("a parent").trace_id, TRACE_ID);
        request.headers_mut().append(TRACEPARENT, parent.parse().expect("a value"));
        assert_eq!(Trace::of(&request).parent, None);
    }

    proptest! {
        /// O3: any header, in any bytes: only identifiers of the exact form come out, and they stand in the header.
        #[test]
        fn o3_any_trace_header(parent in any::<Vec<u8>>(), xray in "(Root=|;|1-|[0-9a-f]{8}-|[0-9a-f]{24}|\\PC){0,6}") {
            let mut request = Request::new(Body::empty());
            let values = [(TRACEPARENT, parent.clone()), (AMZN_TRACE_ID, xray.clone().into_bytes())];
            for (name, value) in values {
                if let Ok(value) = value.as_slice().try_into() {
                    request.headers_mut().insert(name, value);
                }
            }
            let trace = Trace::of(&request);
            if let Some(id) = trace.xray {
                prop_assert!(id.len() == 35 && xray.contains(&id));
            }
            prop_assert!(trace.parent.is_none_or(|found| is_lower_hex(&found.trace_id, 32)));
        }

        /// O3: a valid header with one character replaced is valid only if that is another digit, or a later version.
        #[test]
        fn o3_traceparent_with_one_other_character(at in 0_usize..55, other in any::<char>()) {
            let mut text: Vec<char> = format!("00-{TRACE_ID}-{PARENT_ID}-01").chars().collect();
            text[at] = other;
            let is_digit = matches!(other, '0'..='9' | 'a'..='f');
            let is_separator = [2, 35, 52].contains(&at);
            let found = TraceParent::parse(&text.iter().collect::<String>());
            prop_assert_eq!(found.is_some(), if is_separator { other == '-' } else { is_digit });
        }
    }
}
