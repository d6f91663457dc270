//! Black-box tests, one file per route. Each test's name begins with the rule it proves.

mod authorize;
mod client_key;
mod configure;
mod cors;
mod discovery;
mod docs;
mod dpop;
mod ed25519;
mod event;
mod hostile_metadata;
mod http;
mod introspect;
mod jwks_uri;
mod known_clients;
mod mutual_tls;
mod private_key_jwt;
mod protected;
mod register;
mod register_keys;
mod rotation;
mod secret_methods;
mod seed;
mod site;
mod template;
mod token;
mod unavailable;
