//! Writes HCL as `terraform fmt` does.

/// An expression.
#[derive(Clone, Debug)]
pub(super) enum Hcl {
    /// As it is: a reference, a number, a condition.
    Raw(String),
    /// A template in quotes. The text may have interpolations, which are written as they are.
    Text(String),
    List(Vec<Hcl>),
    Object(Vec<(String, Hcl)>),
    /// `jsonencode(…)`.
    Json(Box<Hcl>),
}

/// An attribute or a block in a body.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Attribute(String, Hcl),
    Block(Block),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    kind: String,
    labels: Vec<String>,
    items: Vec<Item>,
}

pub(super) fn raw(text: impl Into<String>) -> Hcl {
    Hcl::Raw(text.into())
}

pub(super) fn text(text: impl Into<String>) -> Hcl {
    Hcl::Text(text.into())
}

impl Block {
    pub(super) fn new(kind: &str, labels: &[&str]) -> Self {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        Self { kind: kind.to_owned(), labels, items: Vec::new() }
    }

    #[must_use]
    pub(super) fn set(mut self, name: &str, value: Hcl) -> Self {
        self.items.push(Item::Attribute(name.to_owned(), value));
        self
    }

    #[must_use]
    pub(super) fn with(mut self, block: Self) -> Self {
        self.items.push(Item::Block(block));
        self
    }

    pub(super) fn write(&self) -> String {
        self.indented(0)
    }

    fn indented(&self, depth: usize) -> String {
        let labels: String = self.labels.iter().flat_map(|label| [" ".to_owned(), quoted(label)]).collect();
        let indent = "  ".repeat(depth);
        format!("{indent}{}{labels} {{\n{}{indent}}}\n", self.kind, items(&self.items, depth + 1))
    }
}

fn items(items: &[Item], depth: usize) -> String {
    let mut written = String::new();
    let mut rest = items;
    while let Some((first, others)) = rest.split_first() {
        match first {
            Item::Block(block) => {
                written += if written.is_empty() { "" } else { "\n" };
                written += &block.indented(depth);
                written += if matches!(others.first(), Some(Item::Attribute(..))) { "\n" } else { "" };
                rest = others;
            }
            Item::Attribute(..) => {
                let count = rest.iter().take_while(|item| matches!(item, Item::Attribute(..))).count();
                let attributes = rest[..count].iter().filter_map(|item| match item {
                    Item::Attribute(name, value) => Some((name.clone(), value)),
                    Item::Block(_) => None,
                });
                written += &aligned(&attributes.collect::<Vec<_>>(), depth);
                rest = &rest[count..];
            }
        }
    }
    written
}

/// Attributes, with the equals signs of neighbours on one line each below each other.
fn aligned(attributes: &[(String, &Hcl)], depth: usize) -> String {
    let values: Vec<_> = attributes.iter().map(|(_, value)| value.write(depth)).collect();
    let is_short = |at: usize| !values[at].contains('\n');
    let mut lines = String::new();
    for (at, (name, _)) in attributes.iter().enumerate() {
        let width = if is_short(at) {
            let before = (0..at).rev().take_while(|at| is_short(*at));
            let after = (at..values.len()).take_while(|at| is_short(*at));
            before.chain(after).map(|at| attributes[at].0.len()).max().unwrap_or_default()
        } else {
            name.len()
        };
        lines.extend(["  ".repeat(depth), format!("{name:width$} = {}\n", values[at])]);
    }
    lines
}

impl Hcl {
    pub(super) fn write(&self, depth: usize) -> String {
        let indent = "  ".repeat(depth);
        match self {
            Self::Raw(text) => text.clone(),
            Self::Text(text) => quoted(text),
            Self::Json(value) => format!("jsonencode({})", value.write(depth)),
            Self::List(entries) if entries.is_empty() => "[]".to_owned(),
            Self::List(entries) => {
                let written: Vec<_> = entries.iter().map(|entry| entry.write(depth + 1)).collect();
                let line = written.join(", ");
                if line.contains('\n') || line.len() > 90 {
                    let lines: String = written.iter().flat_map(|entry| [&indent, "  ", entry, ",\n"]).collect();
                    format!("[\n{lines}{indent}]")
                } else {
                    format!("[{line}]")
                }
            }
            Self::Object(members) if members.is_empty() => "{}".to_owned(),
            Self::Object(members) => {
                let members: Vec<_> = members.iter().map(|(name, value)| (key(name), value)).collect();
                format!("{{\n{}{indent}}}", aligned(&members, depth + 1))
            }
        }
    }

    /// The expression inside a template.
    pub(super) fn interpolated(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            other => format!("${{{}}}", other.write(0)),
        }
    }
}

fn key(name: &str) -> String {
    let is_plain =
        name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit());
    if is_plain { name.to_owned() } else { quoted(name) }
}

fn quoted(text: &str) -> String {
    // Quotes inside an interpolation are part of the expression.
    let mut written = String::from("\"");
    let mut depth = 0_usize;
    // `${` begins an interpolation, and `$${` does not.
    let mut dollars = 0_usize;
    for c in text.chars() {
        match c {
            '{' if dollars % 2 == 1 || depth > 0 => depth += 1,
            '}' if depth > 0 => depth -= 1,
            _ => {}
        }
        match c {
            '"' if depth == 0 => written += "\\\"",
            '\\' if depth == 0 => written += "\\\\",
            '\n' => written += "\\n",
            c => written.push(c),
        }
        dollars = if c == '$' { dollars + 1 } else { 0 };
    }
    written + "\""
}
