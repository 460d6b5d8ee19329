//! Waiting on conditions, with a limit and a reason.

use std::time::Duration;
use tokio::time::Instant;

/// What is waited for is mostly there soon. What takes long is asked for less often: most of what a test bed does is answering.
const PACE: (Duration, Duration) = (Duration::from_millis(25), Duration::from_millis(250));

/// Asks until the answer is `Ok`, for at most `limit`. The last `Err`, which says why not yet, comes back at the end.
pub(crate) async fn until<T>(
    limit: Duration,
    mut ask: impl AsyncFnMut() -> Result<T, String>,
) -> Result<T, String> {
    let begun = Instant::now();
    let deadline = begun + limit;
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(why) if Instant::now() >= deadline => return Err(format!("not within {limit:?}: {why}")),
            Err(_) => tokio::time::sleep((begun.elapsed() / 4).clamp(PACE.0, PACE.1)).await,
        }
    }
}
