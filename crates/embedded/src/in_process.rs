//! The services without HTTP, for a client in the same process.

use std::fmt;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;

use dynoxide::Database;

use crate::dynamodb;
use crate::kms::{self, Kms};

/// The response of a service: the HTTP status and the body, which is JSON.
pub type Answer = (u16, String);

/// DynamoDB and KMS for a client in the same process. They answer as their ports do.
///
/// It keeps the database open, so drop it before [`Embedded::stop`](crate::Embedded::stop).
#[derive(Clone)]
pub struct InProcess {
    pub(crate) database: Database,
    pub(crate) kms: Arc<Kms>,
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").finish_non_exhaustive()
    }
}

impl InProcess {
    /// Runs the operation that `target` names, the value of the header `x-amz-target`. `None` if only the port can
    /// answer; nothing has been done then.
    ///
    /// An operation of DynamoDB is complete when this returns. KMS works on a blocking thread.
    pub fn call(&self, target: &str, body: &[u8]) -> Pin<Box<dyn Future<Output = Option<Answer>> + Send>> {
        if let Some(operation) = target.strip_prefix(dynamodb::TARGET_PREFIX) {
            return Box::pin(ready(dynamodb::call(&self.database, operation, body)));
        }
        match kms::parse(target, body) {
            Ok((operation, input)) => {
                let kms = self.kms.clone();
                Box::pin(async move { Some(kms.answer(operation, input).await) })
            }
            Err(_) => Box::pin(ready(None)),
        }
    }
}
