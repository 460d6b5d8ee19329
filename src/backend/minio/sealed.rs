//! Messages of the admin API, encrypted with the secret key of the caller.
//!
//! Source: the format as it was read in `madmin-go` 4.0.6 (`encrypt.go`) and `sio-go` (`sio.go`, `writer.go`), written anew
//! from that description:
//!
//! ```text
//! salt[32] | id[1] | nonce[8] | part_1 ... part_n
//! N(i)   = nonce | i as 4 bytes, the least significant first
//! T      = tag of nothing, sealed under N(0)
//! part_i = plaintext of at most 16384 bytes, sealed under N(i) with flag | T beside it; flag: 0x80 for the last one, else 0
//! ```

use argon2::{Algorithm, Argon2, Params, Version};
use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::pbkdf2;
use std::num::NonZeroU32;
use zeroize::Zeroizing;

/// Bytes of a salt.
pub const SALT: usize = 32;
/// Bytes of a nonce, before the number of the part.
pub const NONCE: usize = 8;
const HEAD: usize = SALT + 1 + NONCE;
const TAG: usize = 16;
const PART: usize = 16384;
const KEY: usize = 32;

/// Argon2id: KiB of memory, passes, lanes.
const ARGON2: (u32, u32, u32) = (65536, 1, 4);
const PBKDF2_ROUNDS: u32 = 8192;

/// How key and parts are made: the byte behind the salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Argon2id, AES-256-GCM: what most servers answer in.
    Argon2Aes,
    /// Argon2id, ChaCha20-Poly1305: the same where a processor knows no AES.
    Argon2ChaCha,
    /// PBKDF2-HMAC-SHA256, AES-256-GCM: what FIPS allows. A few milliseconds, and no memory.
    Pbkdf2Aes,
}

/// A message that cannot be made or read: it is none, or it is damaged, or the secret is another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

impl Scheme {
    const fn id(self) -> u8 {
        match self {
            Self::Argon2Aes => 0,
            Self::Argon2ChaCha => 1,
            Self::Pbkdf2Aes => 2,
        }
    }

    /// The scheme of a message; `None`: this is no message. No text has such a byte anywhere.
    pub fn of(message: &[u8]) -> Option<Self> {
        if message.len() < HEAD + TAG {
            return None;
        }
        let id = *message.get(SALT)?;
        [Self::Argon2Aes, Self::Argon2ChaCha, Self::Pbkdf2Aes]
            .into_iter()
            .find(|scheme| scheme.id() == id)
    }

    /// Whether it takes 64 MiB and a tenth of a second or more.
    pub fn is_costly(self) -> bool {
        self != Self::Pbkdf2Aes
    }

    fn derive(self, secret: &[u8], salt: &[u8; SALT]) -> Result<Zeroizing<[u8; KEY]>, Broken> {
        let mut key = Zeroizing::new([0; KEY]);
        if self.is_costly() {
            let (memory, passes, lanes) = ARGON2;
            let params = Params::new(memory, passes, lanes, Some(KEY)).map_err(|_| Broken)?;
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let made = argon2.hash_password_into(secret, salt, key.as_mut_slice());
            made.map_err(|_| Broken)?;
        } else {
            let rounds = NonZeroU32::new(PBKDF2_ROUNDS).ok_or(Broken)?;
            pbkdf2::derive(
                pbkdf2::PBKDF2_HMAC_SHA256,
                rounds,
                salt,
                secret,
                key.as_mut_slice(),
            );
        }
        Ok(key)
    }

    fn aead(self) -> &'static aead::Algorithm {
        match self {
            Self::Argon2ChaCha => &aead::CHACHA20_POLY1305,
            Self::Argon2Aes | Self::Pbkdf2Aes => &aead::AES_256_GCM,
        }
    }
}

/// The parts of one message.
struct Parts {
    key: LessSafeKey,
    nonce: [u8; NONCE],
    first: [u8; TAG],
}

impl Parts {
    fn new(scheme: Scheme, secret: &[u8], salt: &[u8; SALT], nonce: [u8; NONCE]) -> Result<Self, Broken> {
        let key = scheme.derive(secret, salt)?;
        let key = UnboundKey::new(scheme.aead(), key.as_slice()).map_err(|_| Broken)?;
        let key = LessSafeKey::new(key);
        let tag = key.seal_in_place_separate_tag(numbered(nonce, 0), Aad::empty(), &mut []);
        let mut first = [0; TAG];
        first.copy_from_slice(tag.map_err(|_| Broken)?.as_ref());
        Ok(Self { key, nonce, first })
    }

    fn beside(&self, is_last: bool) -> Aad<[u8; 1 + TAG]> {
        let mut beside = [0; 1 + TAG];
        let (flag, tag) = beside.split_at_mut(1);
        flag.fill(if is_last { 0x80 } else { 0 });
        tag.copy_from_slice(&self.first);
        Aad::from(beside)
    }

    fn seal(&self, number: u32, is_last: bool, part: &[u8], out: &mut Vec<u8>) -> Result<(), Broken> {
        let mut part = Zeroizing::new(part.to_vec());
        let nonce = numbered(self.nonce, number);
        let sealed = self
            .key
            .seal_in_place_separate_tag(nonce, self.beside(is_last), &mut part);
        let tag = sealed.map_err(|_| Broken)?;
        out.extend_from_slice(&part);
        out.extend_from_slice(tag.as_ref());
        Ok(())
    }

    fn open(&self, number: u32, is_last: bool, part: &[u8], out: &mut Vec<u8>) -> Result<(), Broken> {
        let mut part = Zeroizing::new(part.to_vec());
        let nonce = numbered(self.nonce, number);
        let opened = self.key.open_in_place(nonce, self.beside(is_last), &mut part);
        out.extend_from_slice(opened.map_err(|_| Broken)?);
        Ok(())
    }
}

fn numbered(nonce: [u8; NONCE], number: u32) -> Nonce {
    let mut whole = [0; NONCE + 4];
    let (start, end) = whole.split_at_mut(NONCE);
    start.copy_from_slice(&nonce);
    end.copy_from_slice(&number.to_le_bytes());
    Nonce::assume_unique_for_key(whole)
}

/// Encrypts a message. Salt and nonce must be of this message alone.
pub fn seal(
    scheme: Scheme,
    secret: &[u8],
    salt: &[u8; SALT],
    nonce: [u8; NONCE],
    plain: &[u8],
) -> Result<Vec<u8>, Broken> {
    let parts = Parts::new(scheme, secret, salt, nonce)?;
    let mut out = Vec::with_capacity(HEAD + plain.len() + TAG * (1 + plain.len() / PART));
    out.extend_from_slice(salt);
    out.push(scheme.id());
    out.extend_from_slice(&nonce);
    let mut rest = plain.chunks(PART).peekable();
    for number in 1_u32.. {
        // Nothing at all is one part, too; a full part at the end is the last one.
        let part = rest.next().unwrap_or_default();
        let is_last = rest.peek().is_none();
        parts.seal(number, is_last, part, &mut out)?;
        if is_last {
            break;
        }
    }
    Ok(out)
}

/// Decrypts a message of any scheme.
pub fn open(secret: &[u8], message: &[u8]) -> Result<Zeroizing<Vec<u8>>, Broken> {
    let scheme = Scheme::of(message).ok_or(Broken)?;
    let (salt, rest) = message.split_first_chunk::<SALT>().ok_or(Broken)?;
    let (nonce, body) = rest
        .get(1..)
        .and_then(<[u8]>::split_first_chunk::<NONCE>)
        .ok_or(Broken)?;
    let parts = Parts::new(scheme, secret, salt, *nonce)?;
    // It never grows, so that no part of it is left behind in memory.
    let mut out = Zeroizing::new(Vec::with_capacity(body.len()));
    let mut rest = body.chunks(PART + TAG).peekable();
    let mut number = 0;
    while let Some(part) = rest.next() {
        number += 1;
        parts.open(number, rest.peek().is_none(), part, &mut out)?;
    }
    Ok(out)
}

#[cfg(test)]
#[path = "sealed_tests.rs"]
mod tests;
