//! The options of a token policy, and `tokenmint client set-policy`.

use clap::builder::PossibleValuesParser;
use clap::{Args, builder::TypedValueParser};
use serde_json::Value;

use super::values;
use super::which::ClientArgument;

/// What a client may get.
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub struct PolicyArguments {
    /// A claim of each access token, a string; can be given more than once.
    #[arg(long, value_name = "NAME=TEXT", help_heading = HEADING, value_parser = values::text_claim)]
    pub claim: Vec<(String, Value)>,

    /// A claim of each access token, any JSON; can be given more than once.
    #[arg(long, value_name = "NAME=JSON", help_heading = HEADING, value_parser = values::json_claim)]
    pub claim_json: Vec<(String, Value)>,

    /// The longest lifetime of access tokens, for example 15m.
    #[arg(long, value_name = "TIME", help_heading = HEADING, value_parser = values::some_seconds)]
    pub ttl: Option<u32>,

    /// A resource for which the client may get tokens; can be given more than once [default: all].
    #[arg(long, value_name = "URL", help_heading = HEADING)]
    pub resource: Vec<String>,

    /// The resource of a token request that names none [default: AUDIENCE of the server].
    #[arg(long, value_name = "URL", help_heading = HEADING)]
    pub default_resource: Option<String>,

    /// How many tokens the client may get an hour; each then costs a write [default: no limit].
    #[arg(long, value_name = "N", help_heading = HEADING, value_parser = values::tokens_per_hour)]
    pub tokens_per_hour: Option<u32>,
}

/// A client, and its new policy.
#[derive(Args, Debug, PartialEq)]
pub struct SetPolicyArguments {
    /// Which client.
    #[command(flatten)]
    pub client: ClientArgument,

    /// What it may get; members that are not named stay as they are.
    #[command(flatten)]
    pub policy: PolicyArguments,

    /// A claim to remove; can be given more than once.
    #[arg(long, value_name = "NAME", help_heading = HEADING)]
    pub remove_claim: Vec<String>,

    /// A part of the policy to remove first; can be given more than once.
    #[arg(long, value_name = "PART", help_heading = HEADING, value_parser = part())]
    pub clear: Vec<Part>,

    /// Print one JSON object: the client's metadata.
    #[arg(long)]
    pub json: bool,
}

/// A part of a policy that can be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Everything.
    All,
    /// One member, by its name in the policy.
    Member(&'static str),
}

/// The parts by the names of their options, and the members that they are.
const PARTS: [(&str, Part); 6] = [
    ("all", Part::All),
    ("claims", Part::Member("claims")),
    ("ttl", Part::Member("access_token_ttl")),
    ("resources", Part::Member("resources")),
    ("default-resource", Part::Member("default_resource")),
    ("tokens-per-hour", Part::Member("tokens_per_hour")),
];

fn part() -> impl TypedValueParser<Value = Part> {
    PossibleValuesParser::new(PARTS.map(|(name, _)| name)).map(|name| {
        let part = PARTS.iter().find(|(own, _)| *own == name);
        part.expect("one of the names listed").1
    })
}

const HEADING: &str = "Token policy";

pub(super) const SET_POLICY: &str = "\
Says what the client may get (its `token_policy`): claims in its tokens, their lifetime, the
resources, and how many an hour. Only operators change it; the client sees it. What is not
named stays as it is; --claim adds a claim or replaces the one of this name, --resource
replaces the whole list. Whether the server has a resource is its own setting (RESOURCES).

More takes effect at once. Less takes effect within CLIENT_CACHE_TTL seconds (default: 30).
Tokens that were issued stay as they are.

Examples:
  tokenmint client set-policy 3e7f1cbb --claim tenant=acme --ttl 15m
  tokenmint client set-policy 3e7f1cbb --claim-json 'plan={\"seats\": 5}' --tokens-per-hour 60
  tokenmint client set-policy 3e7f1cbb --resource https://billing.example.com/ \\
    --default-resource https://billing.example.com/
  tokenmint client set-policy 3e7f1cbb --clear all";
