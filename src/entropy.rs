//! The only place that draws randomness.

use crate::domain::{facts::Draw, ids::AccessKeyId};
use rand::RngExt;
use std::{fmt, time::Duration};

/// Letters of an access key id. RGW 20 decodes parameters twice, and `/` breaks the credential scope of `SigV4`:
/// letters and digits are safe everywhere.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Length of an access key id: 100 bits of randomness, the length that AWS and RGW use.
const ACCESS_KEY_ID_LEN: usize = 20;

/// Where randomness comes from.
pub trait Entropy: fmt::Debug + Send + Sync {
    /// What one plan may need.
    fn draw(&self) -> Draw;

    /// A duration between half of this and all of it.
    fn jitter(&self, most: Duration) -> Duration;
}

/// The operating system's.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn draw(&self) -> Draw {
        let mut rng = rng();
        let letter = |n: usize| ALPHABET.get(n % ALPHABET.len()).copied().map_or('A', char::from);
        let id: String = (0..ACCESS_KEY_ID_LEN)
            .map(|_| letter(rng.random_range(0..ALPHABET.len())))
            .collect();
        Draw {
            access_key_id: AccessKeyId::new(id),
            jitter_permille: rng.random_range(0..=100),
        }
    }

    fn jitter(&self, most: Duration) -> Duration {
        most.mul_f64(rng().random_range(0.5..=1.0))
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that draws randomness")]
fn rng() -> rand::rngs::ThreadRng {
    rand::rng()
}
