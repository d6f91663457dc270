//! DynamoDB's limits for an item. DynamoDB rejects the whole write if an item exceeds them, after the registration
//! has been counted. So they are checked first.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use tokenmint_oauth::error::{ErrorCode, OAuthError};

/// The maximum size of an item, in bytes, attribute names included.
pub const MAX_ITEM_BYTES: usize = 400 * 1024;

/// The maximum nesting depth of lists and maps, the attribute itself included.
pub const MAX_DEPTH: usize = 32;

/// The maximum number of digits of a number. Only whole numbers are written.
pub const MAX_DIGITS: usize = 38;

/// Why DynamoDB cannot store an item.
#[derive(Debug, thiserror::Error)]
pub enum ItemError {
    /// DynamoDB has no type for the value.
    #[error("the client cannot be stored: {0}")]
    Form(#[source] serde_dynamo::Error),
    /// A number is not whole or has more than [`MAX_DIGITS`] digits.
    #[error("the client cannot be stored: a number is not whole or has more than {MAX_DIGITS} digits")]
    Number,
    /// A member of an object has an empty name.
    #[error("the client cannot be stored: a member has an empty name")]
    EmptyName,
    /// Lists and maps are nested more than [`MAX_DEPTH`] levels deep.
    #[error("the client cannot be stored: its metadata nests more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// The item is larger than [`MAX_ITEM_BYTES`].
    #[error("the client cannot be stored: it takes more than {MAX_ITEM_BYTES} bytes")]
    TooLarge,
}

impl From<ItemError> for OAuthError {
    /// Clients control only the metadata of an item.
    fn from(error: ItemError) -> Self {
        Self::new(ErrorCode::InvalidClientMetadata, error.to_string())
    }
}

/// Checks that DynamoDB can store the item.
pub(super) fn check(item: &HashMap<String, AttributeValue>) -> Result<(), ItemError> {
    let mut bytes = 0_usize;
    for (name, value) in item {
        bytes = bytes.saturating_add(size(name)?).saturating_add(value_size(value, 1)?);
    }
    if bytes > MAX_ITEM_BYTES { Err(ItemError::TooLarge) } else { Ok(()) }
}

fn size(name: &str) -> Result<usize, ItemError> {
    if name.is_empty() { Err(ItemError::EmptyName) } else { Ok(name.len()) }
}

/// An upper bound for the size of a value in bytes, as Amazon's guide counts it.
fn value_size(value: &AttributeValue, depth: usize) -> Result<usize, ItemError> {
    /// The overhead of a list or map, and of each element.
    const CONTAINER: usize = 3;
    const ELEMENT: usize = 1;
    /// The size of the longest number.
    const NUMBER: usize = 21;
    if depth > MAX_DEPTH {
        return Err(ItemError::TooDeep);
    }
    match value {
        AttributeValue::S(text) => Ok(text.len()),
        AttributeValue::B(blob) => Ok(blob.as_ref().len()),
        AttributeValue::Bool(_) | AttributeValue::Null(_) => Ok(ELEMENT),
        AttributeValue::N(number) if is_whole(number) => Ok(NUMBER),
        AttributeValue::N(_) => Err(ItemError::Number),
        AttributeValue::L(list) => list.iter().try_fold(CONTAINER, |bytes, element| {
            Ok(bytes.saturating_add(ELEMENT).saturating_add(value_size(element, depth + 1)?))
        }),
        AttributeValue::M(map) => map.iter().try_fold(CONTAINER, |bytes, (name, element)| {
            let element = value_size(element, depth + 1)?;
            Ok(bytes.saturating_add(ELEMENT).saturating_add(size(name)?).saturating_add(element))
        }),
        // Sets, and types that DynamoDB may add: this server writes none of them.
        _ => Err(ItemError::Form(serde::ser::Error::custom("unknown type"))),
    }
}

fn is_whole(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    (1..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn checked(value: &Value) -> Result<(), ItemError> {
        check(&serde_dynamo::to_item(json!({"metadata": value})).expect("an item"))
    }

    fn nested(levels: usize) -> Value {
        (0..levels).fold(json!("x"), |value, level| if level % 2 == 0 { json!([value]) } else { json!({"a": value}) })
    }

    /// R1: each limit, exactly at its boundary.
    #[test]
    fn r1_limits_of_an_item() {
        for good in
            [json!({}), json!([]), json!(""), json!("\u{0}"), json!(["", null, true]), json!(u64::MAX), json!(-1)]
        {
            checked(&good).expect("holds");
        }
        for bad in [json!(1e300), json!(1e-200), json!(0.5), json!({"a": [-1e126]})] {
            assert!(matches!(checked(&bad), Err(ItemError::Number)), "{bad}");
        }
        for bad in [json!({"": 1}), json!([{"a": {"": ""}}])] {
            assert!(matches!(checked(&bad), Err(ItemError::EmptyName)), "{bad}");
        }
        checked(&nested(MAX_DEPTH - 1)).expect("holds");
        for levels in [MAX_DEPTH, 100] {
            assert!(matches!(checked(&nested(levels)), Err(ItemError::TooDeep)), "{levels}");
        }
        let room = MAX_ITEM_BYTES - "metadata".len();
        checked(&json!("x".repeat(room))).expect("holds");
        assert!(matches!(checked(&json!("x".repeat(room + 1))), Err(ItemError::TooLarge)));
        // Three bytes for the list, and one and two bytes for the elements.
        let elements = (room - 3) / 3;
        checked(&json!(vec!["xx"; elements])).expect("holds");
        assert!(matches!(checked(&json!(vec!["xx"; elements + 1])), Err(ItemError::TooLarge)));
        let map =
            |entries: usize| (0..entries).map(|n| (format!("{n:09}"), json!(""))).collect::<serde_json::Map<_, _>>();
        checked(&map((room - 3) / 10).into()).expect("holds");
        assert!(matches!(checked(&map((room - 3) / 10 + 1).into()), Err(ItemError::TooLarge)));
    }

    /// R1: metadata that cannot be stored is a client error, and the error says so.
    #[test]
    fn r1_the_client_is_told() {
        let error = OAuthError::from(checked(&json!([1e300])).expect_err("too large a number"));
        assert_eq!(error.code, ErrorCode::InvalidClientMetadata);
    }
}
