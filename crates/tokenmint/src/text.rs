//! Readable output: times, client-chosen names, tables, lists of members.

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokenmint_oauth::EpochSeconds;
use unicode_width::UnicodeWidthStr;

/// The maximum number of characters per column of a shortened cell: a letter and three combining marks.
const CHARACTERS_PER_COLUMN: usize = 4;

/// A point in time in UTC, such as `2026-01-31T12:00:00Z` (RFC 3339), or in seconds if the year has five digits.
pub(crate) fn moment(time: EpochSeconds) -> String {
    let known = i64::try_from(time).ok().and_then(|time| OffsetDateTime::from_unix_timestamp(time).ok());
    known.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_else(|| time.to_string())
}

/// Text from a client, made safe for a terminal: it cannot move the cursor, change the writing direction or hide
/// characters on the operator's screen.
pub(crate) fn visible(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The same for a JSON text, which stays the same value: these characters become `\uXXXX` (RFC 8259 §7). Line breaks stay,
/// which are raw only between values.
pub(crate) fn visible_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || !is_hidden(c) {
            text.push(c);
            continue;
        }
        text.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
    }
    text
}

fn is_hidden(c: char) -> bool {
    c.is_control() || is_format(c)
}

/// Direction marks, joiners and other characters of zero width.
const fn is_format(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E0FFF}')
}

/// The text in at most this many columns, made safe. Truncated text ends in `…`; an empty text is `-`.
pub(crate) fn cell(text: &str, columns: usize) -> String {
    let text = visible(text);
    if text.is_empty() {
        return "-".to_owned();
    }
    if text.width() <= columns {
        return text;
    }
    // The width of a sequence differs from the sum of its characters' widths. Combining characters have zero width,
    // so the number of characters is limited as well.
    let most = columns.saturating_mul(CHARACTERS_PER_COLUMN);
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8()).take(most);
    let end = ends.take_while(|end| text[..*end].width() < columns).last().unwrap_or_default();
    format!("{}…", &text[..end])
}

/// The text as one single-quoted shell word. Single quotes allow no escapes.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The same, without quotes if none are needed.
pub(crate) fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-:@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) { text.to_owned() } else { quoted(text) }
}

/// A table printed in pages: a column may become wider on a later page, never narrower.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    heads: [&'static str; N],
    widths: [usize; N],
    begun: bool,
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(heads: [&'static str; N]) -> Self {
        Self { heads, widths: heads.map(UnicodeWidthStr::width), begun: false }
    }

    /// The lines of a page, after the heads on the first page. No rows produce no lines.
    pub(crate) fn page(&mut self, rows: &[[String; N]]) -> String {
        for row in rows {
            for (own, cell) in self.widths.iter_mut().zip(row) {
                *own = cell.width().max(*own);
            }
        }
        let mut lines = String::new();
        if !self.begun && !rows.is_empty() {
            self.begun = true;
            self.line(&mut lines, &self.heads.map(str::to_owned));
        }
        for row in rows {
            self.line(&mut lines, row);
        }
        lines
    }

    fn line(&self, lines: &mut String, row: &[String; N]) {
        let start = lines.len();
        for (cell, own) in row.iter().zip(self.widths) {
            lines.push_str(cell);
            lines.extend(std::iter::repeat_n(' ', own - cell.width() + 2));
        }
        lines.truncate(start + lines[start..].trim_end().len());
        lines.push('\n');
    }
}

/// The members of a JSON object, one per line.
pub(crate) fn members(object: &Map<String, Value>) -> String {
    let rows = object.iter().map(|(name, value)| [visible(name), said(name, value)]);
    Table { heads: [""; 2], widths: [0; 2], begun: true }.page(&rows.collect::<Vec<_>>())
}

/// The text of a member's value.
fn said(name: &str, value: &Value) -> String {
    let text = match value {
        Value::Number(seconds) if name.ends_with("_at") => match seconds.as_u64() {
            // 0 means that the secret never expires (RFC 7591 §3.2.1).
            Some(0) => "never".to_owned(),
            Some(seconds) => moment(seconds),
            None => seconds.to_string(),
        },
        Value::String(text) => text.clone(),
        Value::Array(entries) if entries.iter().all(Value::is_string) => {
            let entries: Vec<_> = entries.iter().filter_map(Value::as_str).collect();
            entries.join(", ")
        }
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    };
    cell(&text, usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_utc() {
        assert_eq!(moment(0), "1970-01-01T00:00:00Z");
        assert_eq!(moment(1_767_225_599), "2025-12-31T23:59:59Z");
        assert_eq!(moment(253_402_300_799), "9999-12-31T23:59:59Z");
        assert_eq!(moment(253_402_300_800), "253402300800");
        assert_eq!(moment(u64::MAX), u64::MAX.to_string());
    }

    #[test]
    fn a_stranger_does_not_write_on_the_terminal() {
        assert_eq!(visible("\u{1b}[2Jx\u{9b}1A\r\n"), "\u{fffd}[2Jx\u{fffd}1A\u{fffd}\u{fffd}");
        assert_eq!(visible("a\u{202e}b\u{200b}c\u{2066}"), "a\u{fffd}b\u{fffd}c\u{fffd}");
        assert_eq!(visible("Zürich 東京"), "Zürich 東京");
    }

    #[test]
    fn a_json_text_is_the_same_value() {
        assert_eq!(
            visible_json("[\n\"\u{7f}a\u{9b}\u{202e}\u{e0041}é\"]"),
            "[\n\"\\u007fa\\u009b\\u202e\\udb40\\udc41é\"]"
        );
    }

    #[test]
    fn words_of_a_shell() {
        assert_eq!(word("/home/a/.tokenmint"), "/home/a/.tokenmint");
        assert_eq!(word("/home/a b"), "'/home/a b'");
        assert_eq!(word("it's"), r"'it'\''s'");
        assert_eq!([word(""), word("$x"), word("~")], ["''", "'$x'", "'~'"]);
        assert_eq!(quoted("a"), "'a'");
    }

    #[test]
    fn cells_are_short() {
        assert_eq!(cell("", 5), "-");
        assert_eq!(cell("12345", 5), "12345");
        assert_eq!(cell("123456", 5), "1234…");
        assert_eq!(cell("東京東京", 5), "東京…");
        assert_eq!(cell("東京東京", 6), "東京…");
    }

    /// Combining marks take no column, and an emoji of several characters takes two.
    #[test]
    fn cells_are_as_wide_as_terminals_show_them() {
        assert_eq!(cell("Zu\u{308}rich", 6), "Zu\u{308}rich");
        assert_eq!(cell("Zu\u{308}rich!", 6), "Zu\u{308}ric…");
        assert_eq!(cell("⌚⌚⌚", 5), "⌚⌚…");
        assert_eq!(cell("☺\u{fe0f}☺\u{fe0f}☺\u{fe0f}", 4), "☺\u{fe0f}☺…");
        let marks = format!("a{}", "\u{301}".repeat(60_000));
        assert_eq!(cell(&marks, 1), marks);
        assert_eq!(cell(&format!("{marks}bcd"), 3).chars().count(), 13);
        let mut table = Table::new(["A", "B"]);
        assert_eq!(table.page(&[["u\u{308}".to_owned(), "2".to_owned()]]), "A  B\nu\u{308}  2\n");
    }

    proptest! {
        /// Any text in JSON: the same value, and nothing that [`visible`] would replace.
        #[test]
        fn any_json(text: String, hidden in "[\u{7f}-\u{9f}\u{202a}-\u{202e}\u{e0000}-\u{e0fff}]*") {
            let value = json!({ &text: [format!("{text}{hidden}")] });
            for json in [value.to_string(), serde_json::to_string_pretty(&value).expect("serializes")] {
                let shown = visible_json(&json);
                let read: Value = serde_json::from_str(&shown).expect("JSON");
                prop_assert_eq!(&read, &value);
                let lines: Vec<_> = shown.lines().map(visible).collect();
                prop_assert_eq!(lines.join("\n"), shown);
            }
        }

        /// Any text: no panic, one line, at most this many columns.
        #[test]
        fn any_cell(text: String, columns in 1_usize..40) {
            let cell = cell(&text, columns);
            prop_assert!(cell.width() <= columns, "{cell:?}");
            prop_assert!(!cell.chars().any(char::is_control));
        }
    }

    #[test]
    fn columns_are_aligned_over_pages() {
        let mut table = Table::new(["A", "BB", "C"]);
        assert_eq!(table.page(&[]), "");
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        let lines = table.page(&[row(["1", "東京", "3"]), row(["1", "2", ""])]);
        assert_eq!(lines, "A  BB    C\n1  東京  3\n1  2\n");
        assert_eq!(table.page(&[row(["1234", "2", "3"])]), "1234  2     3\n");
        assert_eq!(table.page(&[row(["1", "2", "3"])]), "1     2     3\n");
    }

    #[test]
    fn members_are_said_in_words() {
        let object = json!({
            "client_id": "1", "client_id_issued_at": 1, "client_secret_expires_at": 0, "scope": "", "disabled": false,
            "contacts": ["a", "b\u{7}"], "response_types": [], "jwks": { "keys": ["\u{9b}"] },
        });
        assert_eq!(
            members(object.as_object().expect("an object")),
            "client_id                 1\n\
             client_id_issued_at       1970-01-01T00:00:01Z\n\
             client_secret_expires_at  never\n\
             scope                     -\n\
             disabled                  no\n\
             contacts                  a, b\u{fffd}\n\
             response_types            -\n\
             jwks                      {\"keys\":[\"\u{fffd}\"]}\n"
        );
    }
}
