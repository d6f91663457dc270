//! Black-box tests, one file per route. Each test's name begins with the rule it proves.

mod configure;
mod discovery;
mod dpop;
mod http;
mod introspect;
mod protected;
mod register;
mod seed;
mod template;
mod token;
mod unavailable;
