//! A deployment under test: both functions over the embedded DynamoDB and KMS, invoked with API Gateway events.

#![expect(clippy::missing_panics_doc, reason = "what panics here is a test that fails")]

mod answer;
mod document;
pub mod events;
mod instance;
mod log;
mod proxy;
mod regions;
mod tables;
mod world;

pub use answer::Answer;
pub use document::{DOCUMENT, Document};
pub use instance::{Instance, StoppedWorld, send};
pub use log::Log;
pub use proxy::{Fault, Proxy};
pub use regions::Regions;
pub use world::{Credentials, World};
