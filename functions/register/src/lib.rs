//! Client registration (RFC 7591) and client configuration (RFC 7592).
//!
//! | request | file |
//! |---|---|
//! | `POST /register` | `register.rs` |
//! | `GET`, `PUT`, `DELETE /register/{client_id}` | `configure.rs` |
//! | authorization | `authorize.rs` |
//! | reading metadata | `requested.rs` |

mod authorize;
mod configure;
mod register;
mod requested;

use std::sync::Arc;

use axum::routing::{get, post};
use tokenmint_aws::Sdk;
use tokenmint_aws::clients::ClientsTable;
use tokenmint_aws::clients::known::KnownClients;
use tokenmint_aws::config::{RegisterConfig, Registration};
use tokenmint_aws::registrations::RegistrationsTable;
use tokenmint_function::{Clock, Routes};
use tokenmint_oauth::issuer::path;
use tokenmint_oauth::metadata::{Federation, Policy, TokenPolicies};

/// The dependencies of the endpoints; made once, at init.
#[derive(Debug)]
pub struct Register {
    clients: ClientsTable,
    registrations: RegistrationsTable,
    policy: Policy,
    config: RegisterConfig,
    clock: Clock,
}

impl Register {
    /// Makes the AWS client; makes no AWS call.
    pub fn new(config: RegisterConfig, sdk: &Sdk, clock: Clock) -> Self {
        let policy = Policy {
            offered: config.scopes.clone(),
            default: config.default_scopes.clone(),
            local: config.issuer.is_local(),
            methods: config.security_profile.methods(config.mutual_tls.method()).collect(),
            profile: config.security_profile,
            federation: Federation::Refused,
            token_policy: TokenPolicies::default(),
        };
        let clients = ClientsTable::new(sdk.dynamodb(), config.clients_table.clone());
        let registrations = RegistrationsTable::new(sdk, config.registrations_table.clone());
        Self { clients, registrations, policy, config, clock }
    }

    /// Opens the connection to DynamoDB ahead of the first request.
    pub async fn connect(&self) {
        self.clients.connect().await;
    }

    /// For a process that runs the token function too: makes it see changed and removed clients at once.
    #[must_use]
    pub fn seen_by(mut self, known: &KnownClients) -> Self {
        self.clients = self.clients.seen_by(known);
        self
    }
}

/// The routes of this function. If registration is disabled, `POST /register` is absent (R15); registered clients
/// keep their configuration endpoint.
pub fn routes(register: Arc<Register>) -> Routes {
    let (origins, metrics) = (register.config.cors_origins.clone(), register.config.metrics.clone());
    let configuration = get(configure::read).put(configure::update).delete(configure::delete);
    let mut routes = Routes::new(origins, metrics).route(&format!("{}/{{client_id}}", path::REGISTER), configuration);
    if register.config.registration != Registration::Disabled {
        routes = routes.route(path::REGISTER, post(register::register));
    }
    routes.with_state(register)
}
