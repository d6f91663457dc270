//! Tokenmint on AWS: configuration from the environment, clients in DynamoDB, signatures from KMS.
//!
//! This is the only crate that names the AWS SDK.

mod call_times;
pub mod clients;
pub mod config;
pub mod in_process;
pub mod provision;
pub mod registrations;
mod sdk;
pub mod signer;
pub mod tokens;
mod unavailable;

pub use call_times::CallTimes;
pub use sdk::{AccountError, LOCAL_REGION, Sdk};
pub use unavailable::{Reason, Unavailable};
