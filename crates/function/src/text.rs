//! The log's form for a person: the time, the level, the message, and the fields as `name=value`.
//!
//! It looks like the default format of `tracing-subscriber`, and takes a fraction of its instructions.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Writes an event in one line. Spans are not written, because this project has none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text;

impl<S, N> FormatEvent<S, N> for Text
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        SystemTime.format_time(&mut writer)?;
        let level = event.metadata().level();
        if writer.has_ansi_escapes() {
            write!(writer, " \x1b[{}m{:>5}\x1b[0m", colour(*level), level.as_str())?;
        } else {
            write!(writer, " {:>5}", level.as_str())?;
        }
        let mut fields = Fields { writer: &mut writer, written: Ok(()) };
        event.record(&mut fields);
        fields.written?;
        writer.write_char('\n')
    }
}

/// The parameter of SGR, ECMA-48 §8.3.117.
fn colour(level: Level) -> u8 {
    match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    }
}

/// Writes the fields of an event, each after a space.
struct Fields<'w, W> {
    writer: &'w mut W,
    written: fmt::Result,
}

impl<W: Write> Fields<'_, W> {
    fn field(&mut self, field: &Field, value: impl FnOnce(&mut W) -> fmt::Result) {
        self.written = self.written.and_then(|()| {
            self.writer.write_char(' ')?;
            if field.name() != "message" {
                self.writer.write_str(field.name())?;
                self.writer.write_char('=')?;
            }
            value(self.writer)
        });
    }
}

impl<W: Write> Visit for Fields<'_, W> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, |writer| {
            // Most values need no escape, and `Debug` looks at each character for one.
            if value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
                writer.write_char('"')?;
                writer.write_str(value)?;
                writer.write_char('"')
            } else {
                write!(writer, "{value:?}")
            }
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.field(field, |writer| write!(OneLine(writer), "{value:?}"));
    }
}

/// Writes control characters as escapes, so that an event stays in one line and controls no terminal.
struct OneLine<'w, W>(&'w mut W);

impl<W: Write> Write for OneLine<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !text.contains(char::is_control) {
            return self.0.write_str(text);
        }
        text.chars().try_for_each(|character| {
            if character.is_control() {
                write!(self.0, "{}", character.escape_default())
            } else {
                self.0.write_char(character)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tracing_subscriber::layer::SubscriberExt;

    use crate::captured::Captured;
    use crate::telemetry::text_layer;

    /// What is logged, without the time.
    fn logged(ansi: bool, log: impl FnOnce()) -> String {
        let captured = Captured::default();
        let writer = captured.clone();
        let layer = text_layer(ansi, move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let text = captured.take();
        let (time, rest) = text.split_once(' ').expect("a time");
        assert!(time.ends_with('Z') && time.len() == "2026-01-01T00:00:00.000000Z".len(), "{time}");
        rest.to_owned()
    }

    /// O3: each kind of value.
    #[test]
    fn o3_a_line_for_a_person() {
        let absent: Option<u32> = None;
        let line = logged(false, || {
            tracing::info!(a.b = "x", n = 1.5, i = -1_i64, u = 2_u64, yes = true, absent, d = %"q", "said");
        });
        assert_eq!(line, " INFO said a.b=\"x\" n=1.5 i=-1 u=2 yes=true d=q\n");
        assert_eq!(logged(true, || tracing::error!("said")), "\u{1b}[31mERROR\u{1b}[0m said\n");
        assert_eq!(logged(false, || tracing::warn!(t = "a\n\"", "a\u{1b}[1m")), " WARN a\\u{1b}[1m t=\"a\\n\\\"\"\n");
    }

    proptest! {
        /// O3: no text ends the line or controls the terminal.
        #[test]
        fn o3_any_text_for_a_person(text in any::<String>()) {
            let line = logged(false, || tracing::warn!(text, shown = %text, "any"));
            prop_assert_eq!(line.find(char::is_control), Some(line.len() - 1));
        }
    }
}
