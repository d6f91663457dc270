//! `tokenmint client create`: a registration (RFC 7591 §3) by the operator.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::{Map, Value};
use tokenmint_aws::clients::{NewClient, WriteError};
use tokenmint_function::{Clock, random};
use tokenmint_oauth::issuer::Issuer;
use tokenmint_oauth::metadata::members::MAX_BODY_BYTES;
use tokenmint_oauth::metadata::{ClientMetadata, Policy, RequestedMetadata};
use tokenmint_oauth::method::Method;
use tokenmint_oauth::registration::{Issued, Lifetimes};

use crate::cli::{CreateArguments, PolicyArguments, Target};
use crate::tables::{self, Tables};
use crate::{Error, local, output, policy, text};

pub(super) async fn run(target: &Target, create: CreateArguments) -> Result<(), Error> {
    // Before anything is opened, because reading standard input may block.
    let body = match &create.metadata {
        Some(_) if create.policy != PolicyArguments::default() => {
            let why =
                "the metadata of --metadata is all of it: put a `token_policy` into the file instead of the options";
            return Err(Error::Usage(why.to_owned()));
        }
        Some(file) => read(file, MAX_BODY_BYTES)?,
        None => Value::Object(members(&create)?).to_string().into_bytes(),
    };
    let made = tables::with(target, async |tables| store(tables, &create, &body).await).await?;
    let shown = if create.json { output::print_json(&made) } else { output::print(&said(&made)) };
    shown.map_err(|error| {
        let id = made.get("client_id").and_then(Value::as_str).unwrap_or_default();
        Error::NotDone(format!(
            "the client {id} was created, but its secret could not be written: {error}; create a new secret with \
             `tokenmint client rotate-secret {id}`"
        ))
    })
}

/// The created client, and what the operator must know before the terminal is closed.
fn said(made: &Map<String, Value>) -> String {
    let mut said = text::members(made) + "\n";
    if !made.contains_key("scope") {
        said += "The client has no scope, and its tokens will have none. Give it one with --scope.\n";
    }
    said += if made.contains_key("client_secret") {
        "Keep client_secret and registration_access_token now: only their hashes are stored, and they cannot be shown \
         again.\n"
    } else {
        "Keep registration_access_token now: only its hash is stored, and it cannot be shown again.\n"
    };
    said
}

/// Verifies and stores the client. Returns the client information response (RFC 7591 §3.2.1).
async fn store(tables: &Tables, create: &CreateArguments, body: &[u8]) -> Result<Map<String, Value>, Error> {
    let metadata = verify(body, tables.local)?;
    // A client created by an operator does not expire while unused.
    let secret = create.secret_expires_in.unwrap_or(tables.lifetimes.secret);
    let lifetimes = Lifetimes { secret, unused: 0, ..tables.lifetimes };
    // The client may not widen the scope that the operator gave it.
    let ceiling = Some(metadata.scope.clone());
    let new = Issued::new(metadata, ceiling, Clock::System.now(), lifetimes, random);
    let client = NewClient::new(&new.client, &tables.operator).map_err(WriteError::from)?;
    tables.clients.insert(client).await?;

    let issuer = create.issuer.as_ref().or(tables.issuer.as_ref());
    let unknown = Issuer::parse(local::ISSUER).expect("an issuer");
    let mut made = output::members(&new.response(issuer.unwrap_or(&unknown)))?;
    made.retain(|name, _| issuer.is_some() || name != "registration_client_uri");
    Ok(made)
}

/// Applies registration to the metadata, offering every scope that it requests.
fn verify(body: &[u8], local: bool) -> Result<ClientMetadata, Error> {
    let requested = RequestedMetadata::parse(body)?;
    if requested.software_statement()?.is_some() {
        let why = "the client was not created: a software statement is verified at registration only; remove it from \
                   the metadata";
        return Err(Error::NotDone(why.to_owned()));
    }
    let policy = Policy::of_operator(&requested, local);
    Ok(ClientMetadata::verify(&requested, &policy)?)
}

/// The options as metadata.
///
/// # Errors
/// [`Error::Usage`] if the method needs metadata that no option provides.
fn members(create: &CreateArguments) -> Result<Map<String, Value>, Error> {
    let federated = &create.federated_credential;
    let lacks =
        create.method.and_then(lacking).filter(|(method, ..)| federated.is_empty() || *method != Method::PrivateKeyJwt);
    if let Some((method, needs, example)) = lacks {
        let method = method.as_str();
        return Err(Error::Usage(format!(
            "--method {method} needs {needs}: give all of the client's metadata with --metadata FILE instead, a file \
             such as {{\"token_endpoint_auth_method\":\"{method}\",{example}}}"
        )));
    }
    let mut members = Map::new();
    let mut set = |name: &str, value: Option<Value>| value.map(|value| members.insert(name.to_owned(), value));
    set("client_name", create.name.clone().map(Value::from));
    set("scope", create.scope.as_ref().map(|scope| scope.as_str().into()));
    let method = create.method.or_else(|| (!federated.is_empty()).then_some(Method::PrivateKeyJwt));
    set("token_endpoint_auth_method", method.map(|method| method.as_str().into()));
    set("federated_credentials", (!federated.is_empty()).then(|| federated.clone().into()));
    let policy = policy::apply(None, &[], &[], &create.policy)?;
    set("token_policy", policy.map(|policy| policy.to_json()));
    set("redirect_uris", (!create.redirect_uri.is_empty()).then(|| create.redirect_uri.clone().into()));
    Ok(members)
}

/// What a method needs in addition to its name, and an example member.
const fn lacking(method: Method) -> Option<(Method, &'static str, &'static str)> {
    match method {
        Method::ClientSecretBasic | Method::ClientSecretPost => None,
        Method::PrivateKeyJwt | Method::SelfSignedTlsClientAuth => Some((
            method,
            "the client's public keys, as `jwks` or at a `jwks_uri`",
            r#""jwks_uri":"https://client.example.com/jwks.json""#,
        )),
        Method::TlsClientAuth => Some((
            method,
            "the subject of the client's certificate, as `tls_client_auth_subject_dn`",
            r#""tls_client_auth_subject_dn":"CN=client.example.com,O=Example""#,
        )),
    }
}

/// Reads a file of at most so many bytes, or standard input if it is `-`.
pub(crate) fn read(file: &Path, max_bytes: usize) -> Result<Vec<u8>, Error> {
    let failed = |error: io::Error| Error::NotDone(format!("cannot read {}: {error}", file.display()));
    let from: &mut dyn Read =
        if file == Path::new("-") { &mut io::stdin().lock() } else { &mut File::open(file).map_err(failed)? };
    let mut body = Vec::new();
    from.take(max_bytes as u64 + 1).read_to_end(&mut body).map_err(failed)?;
    if body.len() > max_bytes {
        return Err(Error::NotDone(format!("{} is longer than the limit of {max_bytes} bytes", file.display())));
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> String {
        verify(body.as_bytes(), false).expect_err(body).to_string()
    }

    /// R16: an operator may give any scope; the default is none.
    #[test]
    fn r16_any_scope_that_is_named() {
        let scope = |body: &str| verify(body.as_bytes(), false).expect(body).scope.as_str().to_owned();
        assert_eq!(scope(r#"{"scope":"admin read admin"}"#), "admin read");
        assert_eq!(scope("{}"), "");
        assert_eq!(scope(r#"{"scope":""}"#), "");
    }

    /// R2, R8: the rules of registration apply.
    #[test]
    fn r8_what_cannot_be_registered_cannot_be_made() {
        assert_eq!(refused("[]").split(": ").next(), Some("the client was not created"));
        assert!(refused(r#"{"scope":"a  b"}"#).contains("scope does not follow the grammar"));
        assert!(refused(r#"{"scope":["a"]}"#).contains("scope must be a string"));
        assert!(refused(r#"{"redirect_uris":["http://example.com"]}"#).contains("redirect_uris"));
        assert!(refused(r#"{"token_endpoint_auth_method":"none"}"#).contains("is not a method"));
        assert!(refused(r#"{"scope":"a","scope":"b"}"#).contains("more than once"));
        assert!(refused(r#"{"client_uri":"http://127.0.0.1"}"#).contains("https"));
        assert!(verify(br#"{"client_uri":"http://127.0.0.1"}"#, true).is_ok());
    }

    /// R17: an unverified software statement is refused.
    #[test]
    fn r17_no_software_statement() {
        assert!(refused(r#"{"software_statement":"a.b.c"}"#).contains("software statement"));
    }
}
