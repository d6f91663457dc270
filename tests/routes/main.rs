//! Black-box tests, one file per route. Each test's name begins with the rule it proves.

mod discovery;
mod http;
mod register;
mod seed;
mod template;
mod token;
mod unavailable;
