//! Estimates of the memory that values take, never less than they do. What a cache holds is bounded by them.

use serde_json::{Map, Value};

/// What an allocator adds to an allocation at most, in bytes: its own header, and rounding.
pub(crate) const ALLOCATION: usize = 32;

/// The size of a node of a B-tree of 11 members of JSON and 12 edges.
pub(crate) const NODE: usize = 11 * size_of::<(String, Value)>() + 13 * size_of::<usize>() + ALLOCATION;

/// The bytes that a text takes beside itself.
pub(crate) const fn text(text: &String) -> usize {
    text.capacity() + ALLOCATION
}

/// The bytes that the elements of a list take, without what they refer to.
pub(crate) const fn list<T>(list: &Vec<T>) -> usize {
    list.capacity() * size_of::<T>() + ALLOCATION
}

/// The bytes that texts and their list take.
pub(crate) fn texts(texts: &Vec<String>) -> usize {
    list(texts) + texts.iter().map(text).sum::<usize>()
}

/// The bytes that the members of an object take.
pub(crate) fn members(object: &Map<String, Value>) -> usize {
    // All nodes but the root hold at least 5 members.
    let nodes = object.len() / 5 + 1;
    nodes * NODE + object.iter().map(|(name, value)| text(name) + json(value)).sum::<usize>()
}

/// The bytes that a value takes beside itself.
pub(crate) fn json(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(string) => text(string),
        Value::Array(array) => list(array) + array.iter().map(json).sum::<usize>(),
        Value::Object(object) => members(object),
    }
}
