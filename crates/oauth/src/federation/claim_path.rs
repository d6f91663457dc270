//! Dotted paths to nested claims.

use serde_json::{Map, Value};

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Found<'c> {
    /// Nothing.
    Nothing,
    /// One value.
    One(&'c Value),
    /// More than one value, because a dot may separate two names or be a part of one.
    Several,
}

/// Follows a dotted path from these members. Names contain dots themselves (`kubernetes.io`,
/// `https://sts.amazonaws.com/`), so every way to split the path is tried. Each way ends at another value, so the work is
/// bounded by the size of the claims.
pub(super) fn find<'c>(members: &'c Map<String, Value>, path: &str) -> Found<'c> {
    let mut found = members.get(path).map_or(Found::Nothing, Found::One);
    for (at, _) in path.match_indices('.') {
        let Some(Value::Object(inner)) = members.get(&path[..at]) else { continue };
        found = match (found, find(inner, &path[at + 1..])) {
            (one, Found::Nothing) | (Found::Nothing, one) => one,
            _ => return Found::Several,
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn at(claims: &Value, path: &str) -> Option<Value> {
        match find(claims.as_object().expect("an object"), path) {
            Found::One(value) => Some(value.clone()),
            Found::Nothing | Found::Several => None,
        }
    }

    /// F2: names with dots, and names of nested members.
    #[test]
    fn f2_paths() {
        let claims = json!({
            "repository_id": "1",
            "kubernetes.io": {"namespace": "prod", "serviceaccount": {"name": "billing"}},
            "https://sts.amazonaws.com/": {"org_id": "o-1", "request_tags": {"a.b": "c"}},
        });
        for (path, value) in [
            ("repository_id", json!("1")),
            ("kubernetes.io.namespace", json!("prod")),
            ("kubernetes.io.serviceaccount.name", json!("billing")),
            ("https://sts.amazonaws.com/.org_id", json!("o-1")),
            ("https://sts.amazonaws.com/.request_tags.a.b", json!("c")),
        ] {
            assert_eq!(at(&claims, path), Some(value), "{path}");
        }
        for nothing in
            ["", ".", "kubernetes", "kubernetes.io.", "kubernetes.io..namespace", "repository_id.x", "Repository_id"]
        {
            assert_eq!(at(&claims, nothing), None, "{nothing}");
        }
    }

    /// F2: whoever can add a claim cannot make a path lead elsewhere: two ways are none.
    #[test]
    fn f2_an_ambiguous_path_leads_nowhere() {
        for claims in [
            json!({"a.b": 1, "a": {"b": 1}}),
            json!({"a.b": {"c": 1}, "a": {"b.c": 1}}),
            json!({"a": {"b": {"c": 1}, "b.c": 2}}),
            json!({"a.b.c": 1, "a": {"b": {"c": 2}}}),
        ] {
            let path = if claims.get("a.b").is_some_and(Value::is_number) { "a.b" } else { "a.b.c" };
            assert_eq!(find(claims.as_object().expect("an object"), path), Found::Several, "{claims}");
        }
        assert_eq!(at(&json!({"a.b": {"x": 1}, "a": {"b": {"c": 1}}}), "a.b.c"), Some(json!(1)));
    }

    proptest! {
        /// F2: the work stays small, whatever the path is and however deep the claims are.
        #[test]
        fn f2_any_path(path in "[a.]{0,256}", depth in 0_usize..100) {
            let nested = |inner: Value| json!({"a": inner, "a.a": {"a": {"a.a": 1}}, "": {"": 1}});
            let claims = (0..depth).fold(json!({"a": 1}), |inner, _| nested(inner));
            find(claims.as_object().expect("an object"), &path);
        }
    }
}
