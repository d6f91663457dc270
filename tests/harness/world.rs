use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, TokenData, Validation};
use register::Register;
use serde_json::{Value, json};
use token::Token;
use tokenmint_aws::Sdk;
use tokenmint_aws::clients::{self, Author, ClientsTable};
use tokenmint_aws::config::{Environment, RegisterConfig, TokenConfig};
use tokenmint_aws::provision::{self, KeySpec};
use tokenmint_aws::registrations::{self, RegistrationsTable};
use tokenmint_aws::signer::sealed;
use tokenmint_aws::tokens;
use tokenmint_embedded::Embedded;
use tokenmint_function::{Clock, Routes, shell};
use tokenmint_oauth::client::ClientId;
use tokenmint_oauth::initial_access_token::InitialAccessToken;
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::secret::SecretHash;

use crate::instance::described;
use crate::tables::Tables;
use crate::{Answer, Instance, Proxy, StoppedWorld, events};

/// The issuer of every world.
const ISSUER: &str = "https://as.example";
/// The region in the ARNs of the embedded services, and that of another region's.
const REGIONS: [&str; 2] = [":us-east-1:", ":eu-west-1:"];
/// Names the URL of another DynamoDB than the embedded one, for `tests/dynamodb-local.sh`.
const OTHER_DYNAMODB: &str = "TOKENMINT_TEST_DYNAMODB";

/// Both functions as deployed, and the services behind them.
#[derive(Debug)]
pub struct World {
    /// The settings; change them and call [`World::restart`].
    pub environment: Environment,
    sdk: Sdk,
    embedded: Embedded,
    dynamodb_url: String,
    kms_url: String,
    tables: Tables,
    time: Arc<AtomicU64>,
    next_token: AtomicU64,
    register: Router,
    token: Router,
    routes: Routes,
}

/// The credentials of a registered client.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// `client_id`.
    pub id: String,
    /// `client_secret`.
    pub secret: String,
    /// `registration_access_token`.
    pub token: String,
}

impl Credentials {
    /// The `Authorization` header for HTTP Basic.
    pub fn basic(&self) -> String {
        events::basic(&self.id, &self.secret)
    }
}

impl World {
    /// A world that signs with P-256, whose keys are generated quickly.
    pub async fn new() -> Self {
        Self::with_key(KeySpec::EccNistP256).await
    }

    /// A world that signs with a key of this spec.
    pub async fn with_key(spec: KeySpec) -> Self {
        let embedded = Embedded::in_memory().await.expect("embedded services");
        let dynamodb_url = std::env::var(OTHER_DYNAMODB).unwrap_or_else(|_| embedded.dynamodb_url());
        let kms_url = embedded.kms_url();
        let sdk = Sdk::local(&dynamodb_url, &kms_url).await;
        let tables = Tables::new();
        tables.create(&sdk).await;
        let key = provision::signing_key(&sdk.kms(), "alias/first", spec).await.expect("a key");
        let environment = Environment::default()
            .with("ISSUER", ISSUER)
            .with("CLIENTS_TABLE", &tables.clients)
            .with("REGISTRATIONS_TABLE", &tables.registrations)
            .with("TOKENS_TABLE", &tables.tokens)
            .with("REGISTRATION_RATE", "0")
            .with("REGISTRATION_RATE_TOTAL", "0")
            .with("SIGNING_KEYS", key)
            .with("SCOPES", "client-scope read write")
            .with("MUTUAL_TLS", "on")
            .with("REGISTRATION", "open");
        // A round time in the past, so that code which ignores this clock is detected.
        let time = Arc::new(AtomicU64::new(1_700_000_000));
        let (register, token, routes) = Default::default();
        let next_token = AtomicU64::new(0);
        let mut world = Self {
            environment,
            sdk,
            embedded,
            dynamodb_url,
            kms_url,
            tables,
            time,
            next_token,
            register,
            token,
            routes,
        };
        world.keep_expired(&[&world.tables.clients, &world.tables.registrations, &world.tables.tokens]).await;
        world.restart().await;
        world
    }

    /// Another region of the same issuer, with the same settings and clock: its own DynamoDB with empty tables, and the
    /// keys of this region under ARNs of its own, as KMS replicates multi-Region keys. Its functions have not started:
    /// call [`World::restart`].
    ///
    /// The embedded KMS cannot replicate a key, so one KMS is behind both regions. Like a replica, it has the same key
    /// under the ARN of each region.
    pub async fn another_region(&self) -> Self {
        let embedded = Embedded::in_memory().await.expect("embedded services");
        let dynamodb_url = std::env::var(OTHER_DYNAMODB).unwrap_or_else(|_| embedded.dynamodb_url());
        let kms_url = self.kms_url.clone();
        let sdk = Sdk::local(&dynamodb_url, &kms_url).await.of_region("eu-west-1");
        let tables = Tables::new();
        tables.create(&sdk).await;
        let mut environment = self.environment.clone();
        for key in ["SIGNING_KEYS", "SEALING_KEY"] {
            let replica = environment.value(key).map(|arns| arns.replace(REGIONS[0], REGIONS[1]));
            environment = environment.with(key, replica.unwrap_or_default());
        }
        environment = environment
            .with("CLIENTS_TABLE", &tables.clients)
            .with("REGISTRATIONS_TABLE", &tables.registrations)
            .with("TOKENS_TABLE", &tables.tokens);
        if environment.value("KEYS_TABLE").is_some() {
            provision::keys_table(&sdk.dynamodb(), &tables.keys).await.expect("a table");
            environment = environment.with("KEYS_TABLE", &tables.keys);
        }
        let time = self.time.clone();
        let (register, token, routes) = Default::default();
        let next_token = AtomicU64::new(0);
        let world = Self {
            environment,
            sdk,
            embedded,
            dynamodb_url,
            kms_url,
            tables,
            time,
            next_token,
            register,
            token,
            routes,
        };
        let all = world.all_tables();
        world.turn_expiry_off(&all.iter().map(|(table, _)| table.as_str()).collect::<Vec<_>>()).await;
        world
    }

    /// Turns the deletion of expired items off where another DynamoDB is used. By its clock everything has expired,
    /// because the clock of a world stands in the past.
    async fn keep_expired(&self, tables: &[&str]) {
        if std::env::var_os(OTHER_DYNAMODB).is_some() {
            self.turn_expiry_off(tables).await;
        }
    }

    async fn turn_expiry_off(&self, tables: &[&str]) {
        let proxy = Proxy::start(self.dynamodb_url.clone(), self.kms_url.clone()).await;
        for table in tables {
            let off = json!({"AttributeName": clients::TTL, "Enabled": false});
            proxy.dynamodb("UpdateTimeToLive", &json!({"TableName": table, "TimeToLiveSpecification": off})).await;
        }
    }

    /// Restarts both functions with the current settings.
    pub async fn restart(&mut self) {
        let clock = Clock::Manual(self.time.clone());
        let config = RegisterConfig::from_environment(&self.environment).expect("settings");
        let register = register::routes(Arc::new(Register::new(config, &self.sdk, clock.clone())));
        let config = TokenConfig::from_environment(&self.environment).expect("settings");
        let token = Token::start(config, &self.sdk, clock).await.expect("a start");
        let token = token::routes(Arc::new(token));
        self.routes = register.clone().merge(token.clone());
        self.register = shell(register);
        self.token = shell(token);
    }

    /// A world whose token function signs with sealed keys of this spec, behind a proxy. The token function has not
    /// started, so there is no key yet: change the settings, then call [`World::restart`].
    pub async fn sealed(spec: &str) -> (Self, Proxy) {
        let mut world = Self::new().await;
        provision::keys_table(&world.sdk.dynamodb(), &world.tables.keys).await.expect("a table");
        // By the clock of a world, the keys are needed; by the clock that DynamoDB deletes by, they have expired.
        world.turn_expiry_off(&[&world.tables.keys]).await;
        let key = provision::sealing_key(&world.sdk.kms(), "alias/sealing").await.expect("a key");
        let proxy = world.stand_behind_proxy().await;
        world.environment = std::mem::take(&mut world.environment)
            .with("SIGNING_MODE", "sealed")
            .with("SIGNING_KEYS", "")
            .with("SEALING_KEY", key)
            .with("KEYS_TABLE", &world.tables.keys)
            .with("SIGNING_KEY_SPEC", spec);
        (world, proxy)
    }

    /// Puts a proxy in front of DynamoDB and KMS, and restarts both functions.
    pub async fn behind_proxy(&mut self) -> Proxy {
        let proxy = self.stand_behind_proxy().await;
        self.restart().await;
        proxy
    }

    /// A proxy in front of DynamoDB and KMS that the functions do not use.
    pub(crate) async fn aside(&self) -> Proxy {
        Proxy::start(self.dynamodb_url.clone(), self.kms_url.clone()).await
    }

    /// The tables of this world, with the attributes of their primary keys.
    pub(crate) fn all_tables(&self) -> Vec<(String, &'static [&'static str])> {
        let Tables { clients, registrations, tokens, keys } = &self.tables;
        let mut all: Vec<(String, &'static [&'static str])> = vec![
            (clients.clone(), &[clients::KEY]),
            (registrations.clone(), &[registrations::KEY]),
            (tokens.clone(), &[tokens::KEY]),
        ];
        if self.environment.value("KEYS_TABLE").is_some() {
            all.push((keys.clone(), &[sealed::KEY, sealed::SORT_KEY]));
        }
        all
    }

    async fn stand_behind_proxy(&mut self) -> Proxy {
        let proxy = self.aside().await;
        self.sdk = Sdk::local(proxy.url(), proxy.url()).await;
        proxy
    }

    /// Another instance of the token function.
    pub async fn instance(&self) -> Instance {
        let config = TokenConfig::from_environment(&self.environment).expect("settings");
        let token = Token::start(config, &self.sdk, Clock::Manual(self.time.clone())).await.expect("a start");
        Instance { token: shell(token::routes(Arc::new(token))) }
    }

    /// The name of the table of sealed keys.
    pub fn keys_table(&self) -> &str {
        &self.tables.keys
    }

    /// The world with a changed setting, after a restart of both functions.
    pub async fn set(&mut self, name: &str, value: &str) {
        self.environment = std::mem::take(&mut self.environment).with(name, value);
        self.restart().await;
    }

    /// Creates another signing key and returns its ARN.
    pub async fn another_key(&self, alias: &str, spec: KeySpec) -> String {
        provision::signing_key(&self.sdk.kms(), alias, spec).await.expect("a key")
    }

    /// Advances the clock.
    pub fn pass(&self, seconds: u64) {
        self.time.fetch_add(seconds, Ordering::SeqCst);
    }

    /// The time of the clock.
    pub fn now(&self) -> u64 {
        self.time.load(Ordering::SeqCst)
    }

    /// The AWS clients of this world.
    pub const fn sdk(&self) -> &Sdk {
        &self.sdk
    }

    /// The name of the table of tokens.
    pub fn tokens_table(&self) -> &str {
        &self.tables.tokens
    }

    /// The name of the table of clients.
    pub fn table(&self) -> &str {
        &self.tables.clients
    }

    /// The name of the table of initial access tokens and counters.
    pub fn registrations_table(&self) -> &str {
        &self.tables.registrations
    }

    /// Disables a client, as an operator would.
    pub async fn disable(&self, client: &Credentials) {
        let id = ClientId::parse(&client.id).expect("an identifier");
        self.clients().set_disabled(&id, true, &Author::operator("test")).await.expect("an update");
    }

    /// The table of clients.
    pub fn clients(&self) -> ClientsTable {
        ClientsTable::new(self.sdk.dynamodb(), self.tables.clients.clone())
    }

    /// The table of initial access tokens.
    pub fn registrations(&self) -> RegistrationsTable {
        RegistrationsTable::new(&self.sdk, self.tables.registrations.clone())
    }

    /// The number of registrations that were counted against the limits.
    pub async fn counted_registrations(&self) -> u64 {
        let scan = self.sdk.dynamodb().scan().table_name(&self.tables.registrations).send().await.expect("a scan");
        // `minute#<region>#<minute>` counts all addresses, `minute#<region>#<minute>#<address>` counts one.
        let of_all = |id: &str| id.starts_with("minute#") && id.matches('#').count() == 2;
        let of_all = scan.items().iter().filter(|item| item["id"].as_s().is_ok_and(|id| of_all(id)));
        let totals = of_all.filter_map(|item| item.get("registrations")?.as_n().ok());
        totals.map(|total| total.parse::<u64>().expect("a number")).sum()
    }

    /// The number of stored identifiers of tokens, assertions and proofs.
    pub async fn stored_tokens(&self) -> usize {
        let scan = self.sdk.dynamodb().scan().table_name(&self.tables.tokens).send().await.expect("a scan");
        scan.items().iter().filter(|item| item.contains_key("expires_at")).count()
    }

    /// Points both functions to another address instead of DynamoDB and KMS.
    pub async fn point_aws_at(&mut self, url: &str) {
        self.sdk = Sdk::local(url, url).await;
        self.restart().await;
    }

    /// Stops DynamoDB and KMS.
    pub async fn stop_aws(self) -> StoppedWorld {
        self.embedded.stop().await;
        StoppedWorld { register: self.register, token: self.token }
    }

    /// The combined routes of both functions, for a real HTTP server.
    pub fn router(&self) -> Router {
        shell(self.routes.clone())
    }

    /// The paths of both functions' routes.
    pub fn paths(&self) -> &[String] {
        self.routes.paths()
    }

    /// Sends an API Gateway event to the register function. Here and below, `docs/openapi.json` must describe the
    /// response.
    pub async fn register(&self, event: &Value) -> Answer {
        described(&self.register, event).await
    }

    /// Sends an API Gateway event to the token function.
    pub async fn token(&self, event: &Value) -> Answer {
        described(&self.token, event).await
    }

    /// Registers a client with this metadata.
    pub async fn client(&self, metadata: Value) -> Credentials {
        Self::registered(&self.register(&events::register(&metadata)).await)
    }

    /// Registers a client with a new initial access token for these scopes. Registration must be protected.
    pub async fn client_with_initial_access_token(&self, scope: &str, metadata: Value) -> Credentials {
        let text = format!("initial-access-token-{}", self.next_token.fetch_add(1, Ordering::SeqCst));
        let token = InitialAccessToken {
            hash: SecretHash::of(&text),
            name: "test".to_owned(),
            issued_at: self.now(),
            expires_at: self.now() + 3600,
            uses_left: 1,
            scope: Scope::parse(scope).expect("a scope"),
            allows_federation: false,
            token_policy: None,
        };
        self.registrations().insert_token(&token).await.expect("stored");
        let event = events::with_header(events::register(&metadata), "authorization", format!("Bearer {text}"));
        Self::registered(&self.register(&event).await)
    }

    fn registered(answer: &Answer) -> Credentials {
        assert!(answer.status.is_success(), "{:?}", answer.json());
        let body = answer.json();
        let text = |member: &str| body[member].as_str().unwrap_or_else(|| panic!("{member}: {body}")).to_owned();
        Credentials { id: text("client_id"), secret: text("client_secret"), token: text("registration_access_token") }
    }

    /// Requests a token with HTTP Basic; `form` is added to the grant type.
    pub async fn ask(&self, client: &Credentials, form: &str) -> Answer {
        let event = events::token(&format!("grant_type=client_credentials{form}"));
        self.token(&events::with_header(event, "authorization", client.basic())).await
    }

    /// Gets a token and verifies it as a resource server would.
    pub async fn verified_token(&self, client: &Credentials) -> TokenData<Value> {
        let answer = self.ask(client, "").await;
        let body = answer.json();
        self.verify(body["access_token"].as_str().unwrap_or_else(|| panic!("{body}"))).await
    }

    /// Verifies a token with the published keys: signature, issuer, audience, and `exp` against this world's clock.
    pub async fn verify(&self, token: &str) -> TokenData<Value> {
        let header = jsonwebtoken::decode_header(token).expect("a JOSE header");
        let jwks = self.token(&events::get("/.well-known/jwks.json")).await;
        let jwks: JwkSet = serde_json::from_value(jwks.json()).expect("a JWK set");
        let key = jwks.find(header.kid.as_deref().expect("a kid")).expect("the kid is published");
        assert_eq!(json!(key.common.key_algorithm), json!(header.alg), "alg of header and key");
        let mut validation = Validation::new(header.alg);
        let text = |name: &str| self.environment.value(name).map(str::to_owned);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[text("AUDIENCE").unwrap_or_else(|| ISSUER.to_owned())]);
        validation.validate_exp = false;
        assert_ne!(header.alg, Algorithm::HS256);
        let key = DecodingKey::from_jwk(key).expect("a usable key");
        let token: TokenData<Value> = jsonwebtoken::decode(token, &key, &validation).expect("a good token");
        assert!(token.claims["exp"].as_u64().is_some_and(|exp| exp > self.now()), "{}", token.claims);
        token
    }
}
