//! Ids, user names and passwords that the server chooses.

use crate::signature::hex;
use sha2::{Digest as _, Sha256};

/// Makes them, each once, the same with the same seed.
pub(super) struct Maker {
    seed: u64,
    made: u64,
    awkward_passwords: bool,
}

impl Maker {
    pub(super) fn new(seed: u64, awkward_passwords: bool) -> Self {
        Self {
            seed,
            made: 0,
            awkward_passwords,
        }
    }

    fn digest(&mut self) -> Vec<u8> {
        self.made += 1;
        Sha256::digest(format!("uptrends {} {}", self.seed, self.made)).to_vec()
    }

    /// A GUID in lower case.
    pub(super) fn guid(&mut self) -> String {
        let text = hex(&self.digest());
        let parts = [
            &text[..8],
            &text[8..12],
            &text[13..16],
            &text[17..20],
            &text[20..32],
        ];
        format!(
            "{}-{}-4{}-8{}-{}",
            parts[0], parts[1], parts[2], parts[3], parts[4]
        )
    }

    /// A user name. It has no colon, as HTTP Basic could not carry one.
    pub(super) fn user_name(&mut self) -> String {
        hex(&self.digest())[..32].to_owned()
    }

    /// A password.
    pub(super) fn password(&mut self) -> String {
        let mut password = hex(&self.digest())[..40].to_owned();
        if self.awkward_passwords {
            password.push_str(":\"\\%2F+&=<é ");
            password.push('x');
        }
        password
    }
}

/// A GUID as it is kept: lower case. `None` where the text is no GUID.
pub(super) fn guid_of(text: &str) -> Option<String> {
    let is_guid = text.len() == 36
        && text.chars().enumerate().all(|(at, character)| match at {
            8 | 13 | 18 | 23 => character == '-',
            _ => character.is_ascii_hexdigit(),
        });
    is_guid.then(|| text.to_ascii_lowercase())
}

/// Something that tells a secret from another without giving it away.
pub(super) fn fingerprint(secret: &str) -> String {
    hex(&Sha256::digest(secret))[..8].to_owned()
}
