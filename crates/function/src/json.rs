//! The log's form in CloudWatch: one JSON object per line.
//!
//! `tracing-subscriber` has such a format too. This one takes a fraction of its instructions, which were a tenth of a
//! token request, and can write a member that is an object: the `_aws` of the [embedded metric format](crate::metrics).

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::metrics;

/// Writes an event as a JSON object: `timestamp`, `level`, `message`, then the fields of the event. Spans are not written,
/// because this project has none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        writer.write_str(r#"{"timestamp":""#)?;
        SystemTime.format_time(&mut writer)?;
        writer.write_str(r#"","level":""#)?;
        writer.write_str(event.metadata().level().as_str())?;
        writer.write_char('"')?;
        let mut members = Members { writer: &mut writer, written: Ok(()) };
        event.record(&mut members);
        members.written?;
        writer.write_str("}\n")
    }
}

/// Writes the fields of an event as members of an object that has at least one member.
struct Members<'w, W> {
    writer: &'w mut W,
    written: fmt::Result,
}

impl<W: Write> Members<'_, W> {
    fn member(&mut self, field: &Field, value: impl FnOnce(&mut W) -> fmt::Result) {
        let name = field.name();
        self.written = self.written.and_then(|()| {
            self.writer.write_str(",\"")?;
            Text(self.writer).write_str(name)?;
            self.writer.write_str("\":")?;
            value(self.writer)
        });
    }
}

impl<W: Write> Visit for Members<'_, W> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.member(field, |writer| {
            writer.write_char('"')?;
            Text(writer).write_str(value)?;
            writer.write_char('"')
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.member(field, |writer| {
            if field.name() == metrics::MEMBER {
                // Already JSON.
                return write!(writer, "{value:?}");
            }
            writer.write_char('"')?;
            write!(Text(writer), "{value:?}")?;
            writer.write_char('"')
        });
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no number that is not finite. `Display` of any other is one, because it never has an exponent.
        self.member(
            field,
            |writer| if value.is_finite() { write!(writer, "{value}") } else { writer.write_str("null") },
        );
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, |writer| write!(writer, "{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, |writer| writer.write_str(if value { "true" } else { "false" }));
    }
}

/// Writes text as the inside of a JSON string (RFC 8259 §7).
struct Text<'w, W>(&'w mut W);

impl<W: Write> Write for Text<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
            // What is escaped is ASCII, so both indices are boundaries of characters.
            let (plain, escaped) = rest.split_at(at);
            let (escaped, after) = escaped.split_at(1);
            self.0.write_str(plain)?;
            match escaped {
                "\"" => self.0.write_str("\\\"")?,
                "\\" => self.0.write_str("\\\\")?,
                "\n" => self.0.write_str("\\n")?,
                control => control.bytes().try_for_each(|byte| write!(self.0, "\\u{byte:04x}"))?,
            }
            rest = after;
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;
    use tracing_subscriber::layer::SubscriberExt;

    use crate::captured::Captured;
    use crate::telemetry::json_layer;

    /// The one line that is logged.
    fn logged(log: impl FnOnce()) -> Value {
        let captured = Captured::default();
        let writer = captured.clone();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(json_layer(move || writer.clone())), log);
        let mut text = captured.take();
        assert_eq!((text.pop(), text.contains('\n')), (Some('\n'), false), "{text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// O3: each kind of value.
    #[test]
    fn o3_a_line_is_an_object() {
        let absent: Option<u32> = None;
        let line = logged(|| {
            tracing::info!(a.b = "x", n = 1.5, i = -1_i64, u = 2_u64, yes = true, nan = f64::NAN, absent, d = ?"q", "said");
        });
        let expected = serde_json::json!({
            "level": "INFO", "message": "said", "a.b": "x", "n": 1.5, "i": -1, "u": 2, "yes": true, "nan": null,
            "d": "\"q\"", "timestamp": line["timestamp"],
        });
        assert_eq!(line, expected);
    }

    proptest! {
        /// O3: any text is a string of the same text, in one line.
        #[test]
        fn o3_any_text(text in any::<String>(), number in any::<f64>()) {
            let line = logged(|| tracing::warn!(text, shown = %text, number, "any"));
            prop_assert_eq!(&line["text"], &Value::from(text.clone()));
            prop_assert_eq!(&line["shown"], &Value::from(text));
            // serde_json reads long numbers with a small error.
            let is_near = |read: f64| (read - number).abs() <= number.abs() * 1e-12;
            prop_assert_eq!(line["number"].as_f64().map(is_near), number.is_finite().then_some(true));
        }
    }
}
