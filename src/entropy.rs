//! The only place that draws randomness.

use crate::domain::{facts::Draw, ids::AccessKeyId};
use rand::RngExt;
use secrecy::SecretString;
use std::{fmt, time::Duration};

/// Letters of an access key id. RGW 20 decodes parameters twice, and `/` breaks the credential scope of `SigV4`:
/// letters and digits are safe everywhere.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Length of an access key id: 100 bits of randomness, the length that AWS and RGW use.
const ACCESS_KEY_ID_LEN: usize = 20;

/// Letters of a secret half: safe in every header, form and shell.
const SECRET_ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Length of a secret half: 238 bits of randomness, the length that AWS uses.
const SECRET_LEN: usize = 40;

/// Where randomness comes from.
pub trait Entropy: fmt::Debug + Send + Sync {
    /// What one plan may need.
    fn draw(&self) -> Draw;

    /// The secret half of a key, where the client chooses it.
    fn secret(&self) -> SecretString;

    /// Bytes that nobody can foretell, such as the salt of a message.
    fn fill(&self, bytes: &mut [u8]);

    /// A duration between half of this and all of it.
    fn jitter(&self, most: Duration) -> Duration;
}

/// The operating system's.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn draw(&self) -> Draw {
        Draw {
            access_key_id: AccessKeyId::new(word(ALPHABET, ACCESS_KEY_ID_LEN)),
            jitter_permille: rng().random_range(0..=100),
        }
    }

    fn secret(&self) -> SecretString {
        word(SECRET_ALPHABET, SECRET_LEN).into()
    }

    fn fill(&self, bytes: &mut [u8]) {
        rng().fill(bytes);
    }

    fn jitter(&self, most: Duration) -> Duration {
        most.mul_f64(rng().random_range(0.5..=1.0))
    }
}

/// A word of so many letters of this alphabet. It never grows, so that no part of it is left behind in memory.
fn word(alphabet: &[u8], len: usize) -> String {
    let mut rng = rng();
    let mut word = String::with_capacity(len);
    for _ in 0..len {
        let letter = alphabet.get(rng.random_range(0..alphabet.len()));
        word.extend(letter.copied().map(char::from));
    }
    word
}

#[expect(clippy::disallowed_methods, reason = "the one place that draws randomness")]
fn rng() -> rand::rngs::ThreadRng {
    rand::rng()
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn ids_and_secrets_have_their_lengths_and_letters_and_differ() {
        let id = || OsEntropy.draw().access_key_id;
        assert_eq!(id().as_str().len(), ACCESS_KEY_ID_LEN);
        let is_letter = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
        assert!(id().as_str().chars().all(is_letter));
        assert_ne!(id(), id());
        let secret = || OsEntropy.secret().expose_secret().to_owned();
        assert_eq!(secret().len(), SECRET_LEN);
        assert!(secret().chars().all(|c| c.is_ascii_alphanumeric()));
        assert_ne!(secret(), secret());
    }
}
