//! The file of a list: YAML, of which JSON is a part.

use std::fmt;
use std::path::Path;

use serde::de::{self, DeserializeSeed, EnumAccess, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_yaml_ng::Deserializer;

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

/// Parses YAML that JSON could also say. References that make it longer than [`MAX_BYTES`] are refused before that much is
/// in memory: each key and value counts with the
/// length of its text and one byte, which is what it takes in a file at least.
///
/// # Errors
/// What is wrong, with its line if it is known. A mapping that has a key twice is an error.
fn parse(text: &[u8]) -> Result<Value, String> {
    let mut left = MAX_BYTES;
    Json { left: &mut left }.deserialize(Deserializer::from_slice(text)).map_err(|error| error.to_string())
}

/// Reads a value, while these bytes are left.
struct Json<'l> {
    left: &'l mut usize,
}

impl Json<'_> {
    fn take<E: de::Error>(&mut self, bytes: usize) -> Result<(), E> {
        *self.left = self.left.checked_sub(bytes).ok_or_else(|| {
            E::custom(format_args!("with its references written out, it is longer than {MAX_BYTES} bytes"))
        })?;
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Json<'_> {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(mut self, deserializer: D) -> Result<Value, D::Error> {
        self.take(1)?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Json<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has")
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(flag.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        let number = Number::from_f64(number);
        Ok(number.ok_or_else(|| E::custom("a number is infinite, or none: quote it if it is a text"))?.into())
    }

    fn visit_str<E: de::Error>(mut self, text: &str) -> Result<Value, E> {
        self.take(text.len())?;
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element_seed(Json { left: self.left })? {
            list.push(entry);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(key) = entries.next_key_seed(Json { left: self.left })? {
            let Value::String(name) = key else {
                return Err(de::Error::custom("a key of a mapping is not a text: quote it"));
            };
            if members.contains_key(&name) {
                return Err(de::Error::custom(format_args!("duplicate key {name:?}")));
            }
            let value = entries.next_value_seed(Json { left: self.left })?;
            members.insert(name, value);
        }
        Ok(members.into())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<Value, A::Error> {
        let (tag, _) = tagged.variant::<String>()?;
        Err(de::Error::custom(format_args!("the tag !{tag} has no meaning here")))
    }
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
        assert_eq!(parse("\u{feff}a: 1\n".as_bytes()), Ok(json!({"a": 1})));
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
        assert!(said("a: &x [*x]").contains("limit"), "{}", said("a: &x [*x]"));
    }

    /// U1: nor can many references to one long text, which no limit of their number stops, or to many short ones.
    #[test]
    fn u1_many_references_to_a_long_text() {
        let long = "x".repeat(80_000);
        let references =
            |anchor: &str, count: usize| format!("a: &x {anchor}\nb: [{}]\n", vec!["*x"; count].join(", "));
        let most = parse(references(&long, 100).as_bytes()).expect("8 MB");
        assert_eq!((&most["b"][99], most["b"].as_array().map(Vec::len)), (&json!(long), Some(100)));
        for bomb in [
            references(&long, 110),
            references(&format!("{{? {long} : 1}}"), 110),
            references(&format!("[{}]", "~,".repeat(40_000)), 220),
        ] {
            assert!(bomb.len() < 100_000, "{}", bomb.len());
            assert!(said(&bomb).contains("it is longer than 8388608 bytes"), "{}", said(&bomb));
        }
    }

    /// U1: a file of this size is not refused, whatever it consists of, unless it has references.
    #[test]
    fn u1_a_large_file() {
        for entry in ["~,", "[],", "a,", "{a},", "{a,b: c},", "'',"] {
            let text = format!("[{}]", entry.repeat((1 << 18) / entry.len()));
            let mut left = text.len();
            Json { left: &mut left }.deserialize(Deserializer::from_slice(text.as_bytes())).expect(entry);
        }
    }

    proptest! {
        /// U1: any text is a document or an error.
        #[test]
        fn u1_any_text(text: String) {
            let _ = parse(text.as_bytes());
        }
    }
}
