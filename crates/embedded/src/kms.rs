//! KMS: the crate `awsim-kms` behind AWS's JSON 1.1 protocol over HTTP, stored in a file.
//!
//! Differences from the real KMS are corrected here, so that the same code runs on both: data key pairs are real key
//! pairs ([`data_key_pair`]), every response names a key by its ARN, and `Decrypt` refuses a ciphertext of a key
//! other than the named one.

mod data_key_pair;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use awsim_core::{AwsError, RequestContext, ServiceHandler};
use awsim_kms::KmsService;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::Answer;
use crate::{Error, REGION, folder};

const TARGET_PREFIX: &str = "TrentService.";

/// The operations that change nothing. Every other operation is followed by a write of the file. An operation
/// missing here costs a write, never a key.
const READ_ONLY: [&str; 26] = [
    "Decrypt",
    "DeriveSharedSecret",
    "DescribeCustomKeyStores",
    "DescribeKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "GenerateRandom",
    "GetKeyPolicy",
    "GetKeyRotationStatus",
    "GetParametersForImport",
    "GetPublicKey",
    "ListAliases",
    "ListGrants",
    "ListKeyPolicies",
    "ListKeyRotations",
    "ListKeys",
    "ListResourceTags",
    "ListRetirableGrants",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
];

/// All keys, and the file that stores them.
pub(crate) struct Kms {
    service: KmsService,
    file: Option<PathBuf>,
    /// Serializes writes. Each snapshot is taken after the previous write, so the last one contains every change.
    saving: Mutex<()>,
}

/// KMS has one route, `POST /`.
pub(crate) fn routes(kms: Arc<Kms>) -> Router {
    Router::new().route("/", post(serve)).with_state(kms)
}

impl Kms {
    pub(crate) fn in_memory() -> Self {
        Self { service: KmsService::new(), file: None, saving: Mutex::new(()) }
    }

    /// Loads the keys of `file`, or none if the file does not exist yet.
    ///
    /// # Errors
    /// The file cannot be read, or is corrupt.
    pub(crate) fn load(file: PathBuf) -> Result<Self, Error> {
        let service = KmsService::new();
        let damaged = |reason| Error::DamagedKeys { file: file.clone(), reason };
        match std::fs::read(&file) {
            Ok(snapshot) => service.restore(&snapshot).map_err(damaged)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(damaged(error.to_string())),
        }
        Ok(Self { service, file: Some(file), saving: Mutex::new(()) })
    }

    /// Runs one operation. RSA takes from milliseconds to seconds, so it runs on a blocking thread.
    ///
    /// # Errors
    /// The error of KMS, and 500 if the change cannot be stored.
    pub(crate) async fn call(
        self: Arc<Self>,
        operation: String,
        input: Value,
        context: RequestContext,
    ) -> Result<Value, AwsError> {
        let work = move || Handle::current().block_on(self.run(&operation, input, &context));
        spawn_blocking(work).await.unwrap_or_else(|panic| Err(AwsError::internal(panic.to_string())))
    }

    /// The response to one operation: the HTTP status and the body.
    pub(crate) async fn answer(self: Arc<Self>, operation: String, input: Value) -> Answer {
        let context = RequestContext::new("kms", REGION);
        match self.call(operation, input, context).await {
            Ok(output) => (StatusCode::OK.as_u16(), output.to_string()),
            Err(error) => refuse(&error),
        }
    }

    async fn run(&self, operation: &str, input: Value, context: &RequestContext) -> Result<Value, AwsError> {
        let mut output = match operation {
            "Decrypt" => self.decrypt(input, context).await?,
            "GenerateDataKeyPair" => data_key_pair::generate(&self.service, input, context).await?,
            "GenerateDataKeyPairWithoutPlaintext" => {
                data_key_pair::generate_without_plaintext(&self.service, input, context).await?
            }
            _ => self.service.handle(operation, input, context).await?,
        };
        if !READ_ONLY.contains(&operation) {
            self.save()?;
        }
        name_keys_by_arn(&mut output, context);
        Ok(output)
    }

    /// `KeyId` may name the key of the ciphertext. `awsim-kms` ignores it.
    async fn decrypt(&self, input: Value, context: &RequestContext) -> Result<Value, AwsError> {
        let named = match input.get("KeyId") {
            Some(key_id) => {
                let key = self.service.handle("DescribeKey", json!({ "KeyId": key_id }), context).await?;
                Some(key["KeyMetadata"]["KeyId"].clone())
            }
            None => None,
        };
        let output = self.service.handle("Decrypt", input, context).await?;
        if named.is_some_and(|named| named != output["KeyId"]) {
            let message = "The key ID in the request does not identify a key that can perform this operation.";
            return Err(AwsError::bad_request("IncorrectKeyException", message));
        }
        Ok(output)
    }

    fn save(&self) -> Result<(), AwsError> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let _turn = self.saving.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = self.service.snapshot().ok_or_else(|| AwsError::internal("the keys cannot be written"))?;
        folder::replace(file, &snapshot)
            .map_err(|error| AwsError::internal(format!("cannot write {}: {error}", file.display())))
    }
}

/// AWS's JSON 1.1 protocol: the operation is in a header; input and output are JSON.
async fn serve(State(kms): State<Arc<Kms>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (status, output) = match parse(target, &body) {
        Ok((operation, input)) => kms.answer(operation, input).await,
        Err(error) => refuse(&error),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let request_id = RequestContext::new("kms", REGION).request_id;
    let headers = [(CONTENT_TYPE.as_str(), "application/x-amz-json-1.1"), ("x-amzn-requestid", request_id.as_str())];
    (status, headers, output).into_response()
}

/// The operation that `x-amz-target` names, and its input.
pub(crate) fn parse(target: &str, body: &[u8]) -> Result<(String, Value), AwsError> {
    let operation = target.strip_prefix(TARGET_PREFIX).ok_or_else(|| AwsError::unknown_operation(target))?;
    let input: Value = serde_json::from_slice(body)
        .map_err(|error| AwsError::bad_request("SerializationException", error.to_string()))?;
    if !input.is_object() {
        return Err(AwsError::bad_request("SerializationException", "the input must be a JSON object"));
    }
    Ok((operation.to_owned(), input))
}

fn refuse(error: &AwsError) -> Answer {
    (error.status.as_u16(), json!({ "__type": error.code, "message": error.message }).to_string())
}

/// `awsim-kms` returns the bare key id for some operations; KMS returns the ARN.
fn name_keys_by_arn(output: &mut Value, context: &RequestContext) {
    for member in ["KeyId", "SourceKeyId"] {
        if let Some(Value::String(key_id)) = output.get_mut(member)
            && !key_id.starts_with("arn:")
        {
            *key_id = format!("{}:key/{key_id}", context.arn_prefix("kms"));
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests;
