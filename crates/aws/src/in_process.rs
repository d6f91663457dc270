//! DynamoDB and KMS in this process: the SDK's requests are handed to them as function calls, without a connection.
//!
//! Everything above the connection is the SDK's own, as it is with AWS: serialization, signing, retries, timeouts and
//! deserialization.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use aws_sdk_dynamodb::config::RuntimeComponents;
use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;

/// The header that names the service and the operation.
const TARGET: &str = "x-amz-target";

/// The headers of a signature. The port requires their presence; it verifies nothing.
const PLACEHOLDERS: [(&str, &str); 2] = [
    (
        "authorization",
        "AWS4-HMAC-SHA256 Credential=local/20260101/local/local/aws4_request, SignedHeaders=host, Signature=0",
    ),
    ("x-amz-date", "20260101T000000Z"),
];

/// The response of a service in this process: the HTTP status and the body.
pub type Answer = (u16, String);

/// The work on a request. `None` if only the service's port can answer it.
pub type Answering = Pin<Box<dyn Future<Output = Option<Answer>> + Send>>;

/// Answers a request in this process. The arguments are the value of `x-amz-target`, for example
/// `DynamoDB_20120810.GetItem`, and the body.
type Service = dyn Fn(&str, &[u8]) -> Answering + Send + Sync;

/// An HTTP client that asks a service in this process first, and its port for all that the service leaves to it.
#[derive(Clone)]
pub(crate) struct InProcess {
    service: Arc<Service>,
    port: SharedHttpClient,
}

impl InProcess {
    pub(crate) fn new(
        service: impl Fn(&str, &[u8]) -> Answering + Send + Sync + 'static,
        port: SharedHttpClient,
    ) -> Self {
        Self { service: Arc::new(service), port }
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").finish_non_exhaustive()
    }
}

impl HttpClient for InProcess {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let port = self.port.http_connector(settings, components);
        SharedHttpConnector::new(Connector { service: self.service.clone(), port })
    }
}

/// The connector of one request.
struct Connector {
    service: Arc<Service>,
    port: SharedHttpConnector,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

impl HttpConnector for Connector {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let (Some(target), Some(body)) = (request.headers().get(TARGET), request.body().bytes()) else {
            return self.port.call(request);
        };
        let (answering, port) = ((self.service)(target, body), self.port.clone());
        HttpConnectorFuture::new(async move {
            if let Some(answer) = answering.await {
                return response(answer);
            }
            for (name, value) in PLACEHOLDERS {
                if !request.headers().contains_key(name) {
                    request.headers_mut().insert(name, value);
                }
            }
            port.call(request).await
        })
    }
}

fn response((status, body): Answer) -> Result<HttpResponse, ConnectorError> {
    let status = StatusCode::try_from(status).map_err(|error| ConnectorError::other(error.into(), None))?;
    Ok(HttpResponse::new(status, SdkBody::from(body)))
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use aws_sdk_dynamodb::error::ProvideErrorMetadata;
    use aws_sdk_dynamodb::types::AttributeValue;
    use tokio::runtime;

    use super::*;
    use crate::Sdk;

    /// Nobody listens at the port: only what the service answers succeeds.
    #[test]
    fn the_port_is_asked_only_for_what_the_service_leaves() {
        let service = |target: &str, body: &[u8]| -> Answering {
            assert!(serde_json::from_slice::<serde_json::Value>(body).is_ok());
            Box::pin(ready(match target {
                "DynamoDB_20120810.GetItem" => Some((200, r#"{"Item":{"id":{"S":"a"}}}"#.to_owned())),
                "DynamoDB_20120810.DeleteItem" => Some((400, r#"{"__type":"x#ResourceNotFoundException"}"#.to_owned())),
                _ => None,
            }))
        };
        let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let nobody = "http://127.0.0.1:1";
            let dynamodb = Sdk::local(nobody, nobody).await.in_process(service).dynamodb();
            let id = || AttributeValue::S("a".to_owned());
            let found = dynamodb.get_item().table_name("clients").key("id", id()).send().await.expect("an answer");
            assert_eq!(found.item.and_then(|mut item| item.remove("id")), Some(id()));
            let error = dynamodb.delete_item().table_name("none").key("id", id()).send().await.expect_err("refused");
            assert_eq!(error.code(), Some("ResourceNotFoundException"));
            let error = dynamodb.list_tables().send().await.expect_err("left to the port");
            assert!(error.as_service_error().is_none() && error.code().is_none(), "{error:?}");
        });
    }
}
