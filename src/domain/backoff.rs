//! How long to wait after failures.

use std::time::Duration;

/// Doubles from `first` with each failure in a row up to `most`. Jitter is the caller's.
pub fn delay(failures: u32, first: Duration, most: Duration) -> Duration {
    first
        .saturating_mul(2_u32.saturating_pow(failures.min(31)))
        .min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_and_stops_growing() {
        let at = |n| delay(n, Duration::from_secs(1), Duration::from_mins(1));
        assert_eq!(
            [at(0), at(1), at(5), at(6), at(u32::MAX)].map(|d| d.as_secs()),
            [1, 2, 32, 60, 60]
        );
    }
}
