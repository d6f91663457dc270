use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tokenmint_oauth::EpochSeconds;

/// What time it is. The tests have one that they move themselves.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The system's clock.
    #[default]
    System,
    /// A clock that stands until somebody moves it.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The time now, in whole seconds.
    pub fn now(&self) -> EpochSeconds {
        match self {
            // A clock before 1970 is as good as broken; 0 makes every token expired, which is safe.
            Self::System => SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs()),
            Self::Manual(seconds) => seconds.load(Ordering::SeqCst),
        }
    }
}
