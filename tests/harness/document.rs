//! `docs/openapi.json`, and whether a response is one that it describes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::http::StatusCode;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use crate::Answer;

/// The document, read once.
pub static DOCUMENT: LazyLock<Document> = LazyLock::new(Document::read);

/// Headers that any response may have: those of its content and of CORS, which the document describes in words.
const COMMON_HEADERS: [&str; 3] = ["content-type", "content-length", "vary"];
const CORS_HEADERS: &str = "access-control-";

/// An `OpenAPI` document whose schemas are compiled when they are first used.
#[derive(Debug)]
pub struct Document {
    /// The document as it stands.
    pub json: Value,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Document {
    fn read() -> Self {
        let text = include_str!("../../docs/openapi.json");
        Self { json: serde_json::from_str(text).expect("docs/openapi.json is JSON"), validators: Mutex::default() }
    }

    /// The paths, each with its methods in upper case.
    pub fn operations(&self) -> BTreeMap<String, BTreeSet<String>> {
        let methods = |item: &Value| {
            let names = item.as_object().expect("a path item").keys().filter(|name| *name != "parameters");
            names.map(|name| name.to_uppercase()).collect()
        };
        let paths = self.json["paths"].as_object().expect("paths");
        paths.iter().map(|(path, item)| (path.clone(), methods(item))).collect()
    }

    /// The responses of an operation by their status, references resolved to the place where they stand: a JSON
    /// Pointer.
    pub fn responses(&self, method: &str, path: &str) -> BTreeMap<u16, String> {
        let place = format!("/paths/{}/{}/responses", escaped(path), method.to_lowercase());
        let Some(responses) = self.json.pointer(&place).and_then(Value::as_object) else { return BTreeMap::new() };
        let status = |name: &String| name.parse().expect("a status");
        responses.keys().map(|name| (status(name), self.resolved(format!("{place}/{name}")))).collect()
    }

    /// The error codes in the schemas below this place. An error without a code is an empty text.
    pub fn error_codes(&self, place: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        collect_codes(self.json.pointer(place).unwrap_or_else(|| panic!("{place}")), &mut found);
        found
    }

    /// Checks that a response is one that the document describes: status, headers, media type and body.
    ///
    /// # Errors
    /// What the document does not describe.
    pub fn check(&self, method: &str, path: &str, answer: &Answer) -> Result<(), String> {
        let status = answer.status.as_u16();
        let place = match self.template(path).map(|path| self.responses(method_of(method), path)) {
            Some(responses) if responses.contains_key(&status) => responses[&status].clone(),
            // A preflight, which is no operation.
            _ if method == "OPTIONS" && answer.status == StatusCode::NO_CONTENT => return Ok(()),
            _ if answer.status == StatusCode::NOT_FOUND => "/components/responses/NotFound".to_owned(),
            Some(responses) if responses.is_empty() && answer.status == StatusCode::METHOD_NOT_ALLOWED => {
                "/components/responses/MethodNotAllowed".to_owned()
            }
            _ => return Err(format!("{method} {path}: the status {status} is not documented")),
        };
        self.check_headers(&place, answer)
            .and_then(|()| if method == "HEAD" { Ok(()) } else { self.check_body(&place, answer) })
            .map_err(|error| format!("{method} {path}, {status}: {error}"))
    }

    fn check_headers(&self, place: &str, answer: &Answer) -> Result<(), String> {
        let none = Map::new();
        let documented = self.json.pointer(&format!("{place}/headers")).and_then(Value::as_object).unwrap_or(&none);
        for name in documented.keys() {
            let header = self.resolved(format!("{place}/headers/{}", escaped(name)));
            match answer.header(name) {
                Some(value) => self.check_value(&format!("{header}/schema"), &json!(value))?,
                None if self.json.pointer(&format!("{header}/required")) == Some(&Value::Bool(true)) => {
                    return Err(format!("the header {name} is missing"));
                }
                None => {}
            }
        }
        let is_documented = |name: &str| {
            COMMON_HEADERS.contains(&name)
                || name.starts_with(CORS_HEADERS)
                || documented.keys().any(|documented| documented.eq_ignore_ascii_case(name))
        };
        match answer.headers.keys().find(|name| !is_documented(name.as_str())) {
            Some(name) => Err(format!("the header {name} is not documented")),
            None => Ok(()),
        }
    }

    fn check_body(&self, place: &str, answer: &Answer) -> Result<(), String> {
        let media_type = answer.header("content-type").map(|value| value.split(';').next().unwrap_or_default());
        let content = self.json.pointer(&format!("{place}/content")).and_then(Value::as_object);
        let (Some(content), Some(media_type)) = (content, media_type) else {
            let is_empty = answer.body.is_empty() && media_type.is_none() && content.is_none();
            return if is_empty { Ok(()) } else { Err("one of body and documented content is missing".to_owned()) };
        };
        if !content.contains_key(media_type) {
            return Err(format!("{media_type} is not documented"));
        }
        let schema = format!("{place}/content/{}/schema", escaped(media_type));
        let body = if media_type == "application/json" {
            serde_json::from_slice(&answer.body).map_err(|error| format!("not JSON: {error}"))?
        } else {
            Value::String(String::from_utf8(answer.body.clone()).map_err(|error| error.to_string())?)
        };
        self.check_value(&schema, &body)
    }

    /// Checks a value against the schema at this place.
    ///
    /// # Errors
    /// Everything in it that does not match, without its values, which may be secrets.
    pub fn check_value(&self, schema: &str, value: &Value) -> Result<(), String> {
        let errors = |error: jsonschema::ValidationError<'_>| format!("{} {}", error.instance_path(), error.masked());
        let errors: Vec<_> = self.validator(schema).iter_errors(value).map(errors).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
    }

    fn validator(&self, place: &str) -> Arc<Validator> {
        // A test that fails while it compiles a schema does not spoil the others.
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let compile = || {
            // Beside the schemas that it may refer to.
            let schema = self.json.pointer(place).unwrap_or_else(|| panic!("{place}"));
            let schemas = &self.json["components"]["schemas"];
            let schema = json!({"allOf": [schema], "components": {"schemas": schemas}});
            let compiled = jsonschema::options().should_validate_formats(true).build(&schema);
            Arc::new(compiled.unwrap_or_else(|error| panic!("{place}: {error}")))
        };
        validators.entry(place.to_owned()).or_insert_with(compile).clone()
    }

    /// The place itself, or the one that its `$ref` names.
    fn resolved(&self, place: String) -> String {
        match self.json.pointer(&place).and_then(|value| value["$ref"].as_str()) {
            Some(reference) => reference.strip_prefix('#').expect("a reference into the document").to_owned(),
            None => place,
        }
    }

    /// The documented path that a request's path matches.
    fn template(&self, path: &str) -> Option<&str> {
        let paths = self.json["paths"].as_object().expect("paths").keys();
        paths.map(String::as_str).find(|template| matches(template, path))
    }
}

/// `GET` for `HEAD`, whose responses are the same without a body.
fn method_of(method: &str) -> &str {
    if method == "HEAD" { "GET" } else { method }
}

/// Whether a path matches a template, whose parameters are whole segments that are not empty.
fn matches(template: &str, path: &str) -> bool {
    let (mut parts, mut segments) = (template.split('/'), path.split('/'));
    loop {
        match (parts.next(), segments.next()) {
            (None, None) => return true,
            (Some(part), Some(segment)) if part == segment => {}
            (Some(part), Some(segment)) if part.starts_with('{') && !segment.is_empty() => {}
            _ => return false,
        }
    }
}

/// A name as a part of a JSON Pointer (RFC 6901 §3).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Adds the error codes of a schema and of all schemas in it.
fn collect_codes(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(error) = members.get("error").and_then(|error| error["oneOf"].as_array()) {
                found.extend(error.iter().map(|code| code["const"].as_str().expect("a code").to_owned()));
            }
            members.values().for_each(|member| collect_codes(member, found));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| collect_codes(entry, found)),
        _ => {}
    }
}
