//! Compares the documentation with the code and the template.

mod links;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fmt, fs};

use serde_yaml_ng::Value;
use tokenmint_aws::config::{Default, Kind, SETTINGS, Setting};
use tokenmint_oauth::error::ErrorCode;
use tokenmint_oauth::metadata::members::MEMBERS;

/// The first letters of rule ids.
const RULE_LETTERS: &str = "rmtafcjkdovupgs";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

pub(crate) fn text(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A table in a document, identified by the comment before it.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) document: &'static str,
    pub(crate) name: &'static str,
}

const SETTINGS_TABLE: Place = Place { document: "docs/configuration.md", name: "settings" };
const PARAMETERS_TABLE: Place = Place { document: "docs/configuration.md", name: "parameters" };
const ERRORS_TABLE: Place = Place { document: "docs/http.md", name: "errors" };
const MEMBERS_TABLE: Place = Place { document: "docs/http.md", name: "members" };
const FINDINGS_TABLE: Place = Place { document: "docs/security.md", name: "findings" };
const RULES_TABLE: Place = Place { document: "docs/rules.md", name: "rules" };
const FAPI_TABLE: Place = Place { document: "docs/fapi.md", name: "fapi" };
const MODULES_TABLE: Place = Place { document: "docs/fapi.md", name: "modules" };

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the table {} of {}", self.name, self.document)
    }
}

/// The cells of each row, without the head and its separator. The table is the whole text between `<!-- name -->`
/// and `<!-- end -->`.
pub(crate) fn table(place: Place) -> Vec<Vec<String>> {
    let document = text(place.document);
    let begin = format!("<!-- {} -->", place.name);
    let mut lines = document.lines().skip_while(|line| *line != begin);
    assert!(lines.next().is_some(), "{} has no line {begin}", place.document);
    let lines: Vec<_> = lines.take_while(|line| *line != "<!-- end -->").collect();
    assert!(lines.iter().all(|line| line.starts_with('|')), "{place} is not one table");
    let cells = |row: &&str| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    let rows: Vec<_> = lines.iter().skip(2).map(cells).collect();
    assert!(!rows.is_empty(), "{place} is empty");
    rows
}

/// Asserts that the table has these rows in this order. Only as many cells are compared as `expected` has.
#[track_caller]
fn expect_rows(place: Place, expected: &[Vec<String>]) {
    let cells = expected[0].len();
    let rows: Vec<_> = table(place).into_iter().map(|row| row.into_iter().take(cells).collect::<Vec<_>>()).collect();
    let without = |rows: &[Vec<String>], others: &[Vec<String>], what| {
        let alone = rows.iter().filter(|row| !others.contains(row));
        alone.map(|row| format!("{what}: {}", row.join(" | "))).collect::<Vec<_>>()
    };
    let differences = [without(expected, &rows, "it lacks"), without(&rows, expected, "it has  ")].concat();
    assert!(differences.is_empty(), "{place}:\n{}", differences.join("\n"));
    let names: Vec<_> = expected.iter().map(|row| row[0].as_str()).collect();
    assert!(rows == expected, "{place} is in another order than {}", names.join(", "));
}

fn code(text: &str) -> String {
    if text.is_empty() { "(empty)".to_owned() } else { format!("`{text}`") }
}

/// The table of settings is generated from the code. `UPDATE_DOCS=1 cargo test -p tokenmint-tests settings_are`
/// writes it.
#[test]
fn settings_are_those_of_the_code() {
    let rows = SETTINGS.iter().map(|setting| format!("| {} |\n", settings_row(setting).join(" | ")));
    let head = "| setting | read by | default | values | meaning |\n|---|---|---|---|---|\n";
    let generated = std::iter::once(head.to_owned()).chain(rows).collect::<String>();
    let (begin, end) = ("<!-- settings -->\n", "<!-- end -->");
    let document = text(SETTINGS_TABLE.document);
    let (before, rest) = document.split_once(begin).expect("the begin of the table");
    let (written, after) = rest.split_once(end).expect("the end of the table");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path(SETTINGS_TABLE.document), [before, begin, &generated, end, after].concat()).expect("written");
    } else {
        assert_eq!(written, generated, "{SETTINGS_TABLE} is stale");
    }
}

fn settings_row(setting: &Setting) -> [String; 5] {
    let functions: Vec<_> = setting.functions.iter().map(|function| function.as_str()).collect();
    let default = match setting.default {
        Default::Required => "required".to_owned(),
        Default::Value(value) => code(value),
        Default::Derived(words) => words.to_owned(),
    };
    let values = match &setting.kind {
        Kind::Text(words) => (*words).to_owned(),
        Kind::Seconds(bounds) => format!("{} to {} seconds", bounds.start(), bounds.end()),
        Kind::Number(bounds) => format!("{} to {}", bounds.start(), bounds.end()),
        Kind::OneOf(names) => names.iter().map(|name| code(name)).collect::<Vec<_>>().join(", "),
    };
    [code(setting.name), functions.join(", "), default, values, setting.help.to_owned()]
}

/// The table of parameters lists those of `template.yaml`, with their defaults.
#[test]
fn parameters_are_those_of_the_template() {
    let template: Value = serde_yaml_ng::from_str(&text("template.yaml")).expect("YAML");
    let parameters = template["Parameters"].as_mapping().expect("parameters").iter();
    let expected = parameters.map(|(name, parameter)| {
        let default = match parameter.get("Default") {
            None => "required".to_owned(),
            Some(Value::String(default)) => code(default),
            Some(default) => code(&default.as_i64().expect("a whole number").to_string()),
        };
        vec![code(name.as_str().expect("a name")), default]
    });
    expect_rows(PARAMETERS_TABLE, &expected.collect::<Vec<_>>());
}

/// The table of errors lists every code, in the order of the code's own table, with its status.
#[test]
fn errors_are_those_of_the_code() {
    let expected = ErrorCode::ALL.iter().map(|error| vec![code(error.as_str()), error.status().to_string()]);
    expect_rows(ERRORS_TABLE, &expected.collect::<Vec<_>>());
}

/// The table of metadata lists exactly the members that registration understands.
#[test]
fn members_are_those_of_the_code() {
    let names = table(MEMBERS_TABLE).into_iter().flat_map(|row| {
        let names = row[0].split(',').map(|name| name.trim().trim_matches('`').to_owned());
        names.collect::<Vec<_>>()
    });
    let mut names: Vec<_> = names.collect();
    names.sort();
    let mut expected: Vec<_> = MEMBERS.iter().map(|member| member.name).collect();
    expected.sort_unstable();
    assert_eq!(names, expected);
}

/// Every finding names the tests that failed before its fix, and they are there.
#[test]
fn findings_name_tests_that_exist() {
    let tests = tests();
    for row in table(FINDINGS_TABLE) {
        let [finding, _, named] = &row[..] else { panic!("not three cells: {row:?}") };
        let missing = named.split(',').map(|name| name.trim().trim_matches('`')).find(|name| !tests.contains(*name));
        assert_eq!(missing, None, "{finding}");
    }
}

/// Every test that a rule names exists. Every rule names a test, unless it states that there is none yet.
#[test]
fn rules_name_tests_that_exist() {
    let tests = tests();
    let mut missing = Vec::new();
    for row in table(RULES_TABLE) {
        let [rule, what, named] = &row[..] else { panic!("not three cells: {row:?}") };
        if what.starts_with("Not there yet") && named == "none" {
            continue;
        }
        let named: Vec<_> = named.split(',').map(|name| name.trim().trim_matches('`')).collect();
        missing.extend(named.iter().filter(|name| !tests.contains(**name)).map(|name| format!("{rule}: {name:?}")));
    }
    assert!(missing.is_empty(), "{RULES_TABLE} names tests that do not exist:\n{}", missing.join("\n"));
}

/// Every test that the page on FAPI 2.0 names exists, and every test of a rule S is there.
#[test]
fn fapi_names_tests_that_exist() {
    let tests = tests();
    let mut named = BTreeSet::new();
    for place in [FAPI_TABLE, MODULES_TABLE] {
        for row in table(place) {
            let of_row = row.last().expect("cells").split(',').map(|name| name.trim().trim_matches('`').to_owned());
            let of_row: Vec<_> = of_row.collect();
            let missing: Vec<_> = of_row.iter().filter(|name| !tests.contains(*name)).collect();
            assert!(missing.is_empty(), "{place}, {}: {missing:?} do not exist", row[0]);
            named.extend(of_row);
        }
    }
    let is_of_fapi = |test: &&String| rules(test).iter().any(|rule| rule.starts_with('S'));
    let left_out: Vec<_> = tests.iter().filter(is_of_fapi).filter(|test| !named.contains(*test)).collect();
    assert!(left_out.is_empty(), "{} does not name {left_out:?}", FAPI_TABLE.document);
}

/// Every rule id at the beginning of a test's name has exactly one row.
#[test]
fn tests_name_rules_that_are_listed() {
    let mut listed = BTreeSet::new();
    for row in table(RULES_TABLE) {
        assert!(listed.insert(row[0].clone()), "{RULES_TABLE} has the rule {} twice", row[0]);
    }
    let missing = tests().into_iter().flat_map(|test| {
        let rules = rules(&test).into_iter().filter(|rule| !listed.contains(rule));
        rules.map(|rule| format!("{rule}, of the test {test}")).collect::<Vec<_>>()
    });
    let missing: Vec<_> = missing.collect();
    assert!(missing.is_empty(), "{RULES_TABLE} lacks:\n{}", missing.join("\n"));
}

/// The rules are numbered without gaps and are in order.
#[test]
fn rules_have_no_gaps() {
    let rules: Vec<_> = table(RULES_TABLE).into_iter().map(|row| row[0].clone()).collect();
    let letters: BTreeSet<_> = rules.iter().filter_map(|rule| rule.chars().next()).collect();
    assert_eq!(letters, RULE_LETTERS.to_uppercase().chars().collect());
    for letter in letters {
        let found: Vec<_> = rules.iter().filter(|rule| rule.starts_with(letter)).collect();
        let expected: Vec<_> = (1..=found.len()).map(|number| format!("{letter}{number}")).collect();
        assert!(found.into_iter().eq(&expected), "the rules {letter} in {RULES_TABLE} are not {}", expected.join(", "));
    }
}

/// The ids at the beginning of a test's name: `j4_k1_k5_algorithms` proves J4, K1 and K5.
fn rules(test: &str) -> Vec<String> {
    let is_rule = |word: &&str| {
        let (letter, number) = word.split_at_checked(1).unwrap_or_default();
        let is_number = (1..=2).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
        RULE_LETTERS.contains(letter) && is_number
    };
    test.split('_').take_while(is_rule).map(str::to_uppercase).collect()
}

#[test]
fn rules_of_a_test() {
    assert_eq!(rules("j4_k1_k5_algorithms"), ["J4", "K1", "K5"]);
    assert_eq!(rules("r13_rfc7591_example"), ["R13"]);
    for none in ["a_key_must_fit", "rfc7638_key", "p256", "t", "", "_r1"] {
        assert_eq!(rules(none), Vec::<String>::new(), "{none}");
    }
}

/// The names of all tests in the workspace.
fn tests() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut folders: Vec<_> = ["crates", "examples", "functions", "tests"].map(path).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                names.extend(tests_of(&source));
            }
        }
    }
    names
}

/// The names of the functions below `#[test]` or `#[tokio::test]`.
fn tests_of(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut marked = false;
    for line in source.lines().map(str::trim) {
        if line == "#[test]" || line.starts_with("#[tokio::test") {
            marked = true;
        } else if let Some(function) = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")
            && std::mem::take(&mut marked)
        {
            names.extend(function.split('(').next().map(str::to_owned));
        }
    }
    names
}
