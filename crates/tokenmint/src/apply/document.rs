//! The file of a list: YAML, of which JSON is a part.

use std::path::Path;

use serde_json::{Map, Number, Value};
use serde_yaml_ng::Value as Yaml;

use crate::Error;
use crate::client;

/// The largest file, in bytes.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Reads a file.
///
/// # Errors
/// The file cannot be read, or [`parse`] refuses it.
pub(super) fn read(file: &Path) -> Result<Value, Error> {
    let text = client::read(file, MAX_BYTES)?;
    parse(&text).map_err(|mistake| Error::File { file: file.display().to_string(), mistakes: vec![mistake] })
}

/// Parses YAML that JSON could also say.
///
/// # Errors
/// What is wrong, with its line if the syntax is. A mapping that has a key twice is an error.
fn parse(text: &[u8]) -> Result<Value, String> {
    let yaml: Yaml = serde_yaml_ng::from_slice(text).map_err(|error| error.to_string())?;
    json(yaml)
}

fn json(yaml: Yaml) -> Result<Value, String> {
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => flag.into(),
        Yaml::Number(number) => {
            let whole = number.as_u64().map(Number::from).or_else(|| number.as_i64().map(Number::from));
            let number = whole.or_else(|| number.as_f64().and_then(Number::from_f64));
            number.ok_or("a number is infinite, or none: quote it if it is a text")?.into()
        }
        Yaml::String(text) => text.into(),
        Yaml::Sequence(entries) => entries.into_iter().map(json).collect::<Result<_, _>>()?,
        Yaml::Mapping(mapping) => {
            let mut members = Map::new();
            for (key, value) in mapping {
                let Yaml::String(name) = key else {
                    return Err("a key of a mapping is not a text: quote it".to_owned());
                };
                members.insert(name, json(value)?);
            }
            members.into()
        }
        Yaml::Tagged(tagged) => return Err(format!("the tag {} has no meaning here", tagged.tag)),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn said(text: &str) -> String {
        parse(text.as_bytes()).expect_err(text)
    }

    /// U1: a file in YAML or JSON; what two readers could understand differently is an error.
    #[test]
    fn u1_yaml_as_json() {
        let expected = json!({"owner": "a", "clients": [{"name": "b", "n": 1, "off": true, "no": "no"}]});
        let yaml = "owner: a\nclients:\n  - name: b\n    n: 1\n    off: true\n    no: no\n";
        assert_eq!(parse(yaml.as_bytes()).as_ref(), Ok(&expected));
        assert_eq!(parse(expected.to_string().as_bytes()), Ok(expected));
        assert_eq!(parse(b"a: &x [1]\nb: *x\n"), Ok(json!({"a": [1], "b": [1]})));
        let twice = said("owner: a\nclients:\n  - name: b\n    scope: x\n    scope: y\n");
        assert!(twice.contains("duplicate") && twice.contains("line 3"), "{twice}");
        assert!(said("owner: [").contains("line 2"), "{}", said("owner: ["));
        assert!(said("1: a").contains("not a text"));
        assert!(said("a: .inf").contains("infinite"));
        assert!(said("a: !secret b").contains("tag"));
        assert!(said("a: 1\n---\nb: 1\n").contains("more than one document"));
    }

    /// U1: references cannot make a small file large.
    #[test]
    fn u1_a_file_that_refers_to_itself() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let before = format!("*a{}", level - 1);
            bomb.extend([format!("a{level}: &a{level} ["), [before.as_str(); 10].join(", "), "]\n".to_owned()]);
        }
        assert!(said(&bomb).contains("repetition limit"), "{}", said(&bomb));
    }

    proptest! {
        /// U1: any text is a document or an error.
        #[test]
        fn u1_any_text(text: String) {
            let _ = parse(text.as_bytes());
        }
    }
}
