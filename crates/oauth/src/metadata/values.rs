//! Values of members, whatever the member: their JSON types and bounds.

use serde_json::Value;

use super::error::MetadataError;

/// The value as a string of at most `max_bytes` bytes.
pub(super) fn string<'v>(member: &str, value: &'v Value, max_bytes: usize) -> Result<&'v str, MetadataError> {
    let text = value.as_str().ok_or_else(|| MetadataError::Type { member: member.to_owned(), expected: "a string" })?;
    if text.len() > max_bytes {
        return Err(MetadataError::TooLong { member: member.to_owned(), bound: format!("{max_bytes} bytes") });
    }
    Ok(text)
}

/// Whether the value is an array of strings.
pub(super) fn is_strings(value: &Value) -> bool {
    value.as_array().is_some_and(|entries| entries.iter().all(Value::is_string))
}

/// The value as an array of at most `max_entries` strings of at most `max_bytes` bytes each.
pub(super) fn strings(
    member: &str,
    value: &Value,
    max_entries: usize,
    max_bytes: usize,
) -> Result<Vec<String>, MetadataError> {
    let wrong = || MetadataError::Type { member: member.to_owned(), expected: "an array of strings" };
    let entries = value.as_array().ok_or_else(wrong)?;
    if entries.len() > max_entries {
        return Err(MetadataError::TooLong { member: member.to_owned(), bound: format!("{max_entries} entries") });
    }
    entries
        .iter()
        .map(|entry| {
            if !entry.is_string() {
                return Err(wrong());
            }
            string(member, entry, max_bytes).map(str::to_owned)
        })
        .collect()
}
