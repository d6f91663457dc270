//! The program as a person uses it: started, its lines pasted into a shell, stopped; and as scripts use it.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod aws;
mod client;
mod deployed;
mod harness;
mod help;
mod identifiers;
mod many;
mod no_data;
mod registration_token;
mod rotate;
mod running;
mod sample;
mod serve;
