//! Waiting on conditions, with a limit and a reason.

use std::time::Duration;
use tokio::time::Instant;

/// Asks until the answer is `Ok`, for at most `limit`. The last `Err`, which says why not yet, comes back at the end.
pub(crate) async fn until<T>(
    limit: Duration,
    mut ask: impl AsyncFnMut() -> Result<T, String>,
) -> Result<T, String> {
    let deadline = Instant::now() + limit;
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(why) if Instant::now() >= deadline => return Err(format!("not within {limit:?}: {why}")),
            Err(_) => tokio::time::sleep(Duration::from_millis(25)).await,
        }
    }
}
