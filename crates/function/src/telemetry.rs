//! The log: structured for CloudWatch, or readable.

use std::str::FromStr;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::json::Json;
use crate::text::Text;

/// The crates whose log level is configurable.
const OURS: [&str; 6] = ["register", "token", "tokenmint", "tokenmint_aws", "tokenmint_function", "tokenmint_embedded"];

/// Starts the log with one JSON object per line on standard output. `level` is the name of a level; any other value means
/// `info`. Lambda sets it in `AWS_LAMBDA_LOG_LEVEL`. It applies to this project's own events. Libraries log warnings and
/// errors only, because their finer levels log whole requests. The embedded DynamoDB logs errors only, because it warns of
/// every failed condition.
pub fn init_json(level: Option<&str>) {
    tracing_subscriber::registry().with(filter(level)).with(json_layer(std::io::stdout)).init();
}

/// Starts the log with one readable line per event on `writer`, in colour with `ansi`, at a level as for [`init_json`].
pub fn init_text<W>(level: Option<&str>, ansi: bool, writer: W)
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    tracing_subscriber::registry().with(filter(level)).with(text_layer(ansi, writer)).init();
}

/// The filter for `level`.
pub fn filter(level: Option<&str>) -> Targets {
    let level = level.and_then(|level| LevelFilter::from_str(level).ok()).unwrap_or(LevelFilter::INFO);
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(OURS.map(|target| (target, level)))
        .with_target("dynoxide", LevelFilter::ERROR)
}

/// The JSON form of the log, written to `writer`.
pub fn json_layer<S, W>(writer: W) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer().event_format(Json).with_writer(writer)
}

/// The form of the log for a person, written to `writer`, in colour with `ansi`.
pub(crate) fn text_layer<S, W>(ansi: bool, writer: W) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span>,
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer().with_ansi(ansi).event_format(Text).with_writer(writer)
}
