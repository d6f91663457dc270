//! What a request tells its receiver about the sender.

use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::service_clock_skew::ServiceClockSkewInterceptor;
use aws_runtime::user_agent::UserAgentInterceptor;
use aws_sdk_dynamodb::config::interceptors::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_smithy_runtime_api::client::interceptors::disable_interceptor;

/// The `user-agent` of every request to DynamoDB and KMS, which `CloudTrail` records.
const USER_AGENT: &str = concat!("tokenmint/", env!("CARGO_PKG_VERSION"));

/// Sends a fixed `user-agent`. The SDK would put together its own anew for each call, from the environment and from what
/// each call uses.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sender {
    /// The requests are sent to AWS, or to an emulator.
    OverHttp,
    /// This process answers the requests. What a server would need to recognize retries, and a client to correct its
    /// clock, is left out.
    InProcess,
}

impl Intercept for Sender {
    fn name(&self) -> &'static str {
        "Sender"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let state = config.interceptor_state();
        state.store_put(disable_interceptor::<UserAgentInterceptor>("the header is fixed"));
        if matches!(self, Self::InProcess) {
            let cause = "this process answers";
            state.store_put(disable_interceptor::<InvocationIdInterceptor>(cause));
            state.store_put(disable_interceptor::<RequestInfoInterceptor>(cause));
            state.store_put(disable_interceptor::<ServiceClockSkewInterceptor>(cause));
        }
        Ok(())
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request_mut().headers_mut().insert("user-agent", USER_AGENT);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::runtime;

    use super::USER_AGENT;
    use crate::Sdk;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 2\r\n\r\n{}";

    /// A request to AWS has one `user-agent`, names its attempt and its limit, and is signed.
    #[test]
    fn a_request_names_its_sender_once() {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let head = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let url = format!("http://{}", listener.local_addr().expect("an address"));
            let dynamodb = Sdk::local(&url, &url).await.dynamodb();
            let serve = async {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let mut request = vec![0; 8192];
                let length = stream.read(&mut request).await.expect("a request");
                stream.write_all(ANSWER).await.expect("written");
                String::from_utf8_lossy(&request[..length]).to_lowercase()
            };
            let (head, answer) = tokio::join!(serve, dynamodb.list_tables().send());
            answer.expect("an answer");
            head
        });
        let values = |name: &str| {
            head.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect::<Vec<_>>()
        };
        assert_eq!(values("user-agent"), [USER_AGENT]);
        assert!(values("x-amz-user-agent").is_empty());
        assert!(matches!(values("amz-sdk-request")[..], [request] if request.contains("attempt=1")), "{head}");
        assert!(
            matches!(values("authorization")[..], [signature] if signature.starts_with("aws4-hmac-sha256")),
            "{head}"
        );
    }
}
