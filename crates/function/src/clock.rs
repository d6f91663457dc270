use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tokenmint_oauth::EpochSeconds;

/// The source of the current time. Tests use a clock that they advance themselves.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system's clock.
    #[default]
    System,
    /// A clock that moves only when a test advances it.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The current time, in whole seconds.
    pub fn now(&self) -> EpochSeconds {
        match self {
            // A clock before 1970 is wrong. 0 is returned instead; it makes every token expired, which is safe.
            Self::System => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs()),
            Self::Manual(seconds) => seconds.load(Ordering::SeqCst),
        }
    }
}
