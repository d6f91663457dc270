//! The program as used at a terminal and by scripts: started, its printed lines run in a shell, stopped.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod apply;
mod aws;
mod changes;
mod client;
mod deployed;
mod docs;
mod faults;
mod harness;
mod help;
mod identifiers;
mod many;
mod no_data;
mod policy;
mod registration_token;
mod rotate;
mod running;
mod sample;
mod serve;
mod transfer;
mod trust;
