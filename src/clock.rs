//! The only place that reads time.

use jiff::Timestamp;
use std::{fmt, time::Duration};

/// Where time comes from.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The time now, in whole seconds: what Kubernetes stores, so that a stored time equals itself when read back.
    fn now(&self) -> Timestamp;

    /// The time now with its fractions, for what is only to be put in order.
    fn exactly(&self) -> Timestamp;

    /// How long until then; zero when it has passed.
    fn until(&self, then: Timestamp) -> Duration;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads time")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads time")]
    fn exactly(&self) -> Timestamp {
        Timestamp::now()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads time")]
    fn until(&self, then: Timestamp) -> Duration {
        Duration::try_from(then.duration_since(Timestamp::now())).unwrap_or_default()
    }
}
