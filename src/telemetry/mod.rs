//! What the process tells about itself: logs, metrics, health. May import nothing of `controller`.

pub mod http;
pub mod logs;
pub mod metrics;
