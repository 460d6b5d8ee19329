//! Vectors: decrypted by, and equal to what, two other implementations made of the format.

use super::*;
use sha2::{Digest as _, Sha256};

const SECRET: &[u8] = b"not-a-real-password";
const PLAIN: &[u8] = br#"{"status":"enabled"}"#;
const SCHEMES: [Scheme; 3] = [Scheme::Argon2Aes, Scheme::Argon2ChaCha, Scheme::Pbkdf2Aes];

/// Salt 00 to 1f, nonce a0 to a7.
fn sealed(scheme: Scheme, plain: &[u8]) -> Vec<u8> {
    let salt = std::array::from_fn(|i| u8::try_from(i).unwrap());
    let nonce = std::array::from_fn(|i| 0xa0 + u8::try_from(i).unwrap());
    seal(scheme, SECRET, &salt, nonce, plain).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn counted(length: usize) -> Vec<u8> {
    (0..length).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

#[test]
fn each_scheme_gives_the_bytes_of_its_vector() {
    let vectors = [
        "8beffcba362ecb99e409fcde6a961f2b2a8761d78f46f6be827b9d97854d544ad4b4685e",
        "cadcbcda93a812595a32dfb1fb0acc59b7555f2cf5bca55a9108af55e2edfde75cee3c5c",
        "6748527b10777c6e77af7fc80c61b1263169728f0aa7f9be57f79748a857bcff851fcf96",
    ];
    for (scheme, want) in SCHEMES.into_iter().zip(vectors) {
        let message = sealed(scheme, PLAIN);
        assert_eq!(message[SALT], scheme.id());
        assert_eq!(hex(&message[HEAD..]), want, "{scheme:?}");
        assert_eq!(open(SECRET, &message).unwrap().as_slice(), PLAIN, "{scheme:?}");
    }
}

#[test]
fn a_long_message_is_cut_into_parts_as_in_its_vector() {
    for (length, size, digest) in [
        (
            40000,
            40089,
            "9f8f0b8491f7ff08cca60e79b049cf78e53771249d7ee1383d252506fa52fa71",
        ),
        // A multiple of a part: the last one is full, and none follows.
        (
            32768,
            32841,
            "924105095d93da766263d7e64b369a47f1b2b52ed508546dc01da6fe81a35087",
        ),
    ] {
        let message = sealed(Scheme::Argon2Aes, &counted(length));
        assert_eq!(
            (message.len(), hex(&Sha256::digest(&message)).as_str()),
            (size, digest)
        );
        assert_eq!(*open(SECRET, &message).unwrap(), counted(length));
    }
}

#[test]
fn every_length_comes_back() {
    for length in [0, 1, PART - 1, PART, PART + 1, 2 * PART, 3 * PART + 7] {
        let message = sealed(Scheme::Pbkdf2Aes, &counted(length));
        assert_eq!(*open(SECRET, &message).unwrap(), counted(length), "{length}");
    }
    assert_eq!(sealed(Scheme::Pbkdf2Aes, b"").len(), HEAD + TAG);
}

#[test]
fn a_message_that_was_tampered_with_is_not_read() {
    let message = sealed(Scheme::Pbkdf2Aes, &counted(2 * PART));
    let refused = |message: &[u8]| assert_eq!(open(SECRET, message).err(), Some(Broken));
    for at in [0, SALT, SALT + 1, HEAD, HEAD + PART + 1, message.len() - 1] {
        let mut other = message.clone();
        other[at] ^= 1;
        refused(&other);
    }
    refused(&message[..message.len() - 1]);
    // The first part alone is whole, and is not the last one.
    refused(&message[..HEAD + PART + TAG]);
    let (first, second) = message[HEAD..].split_at(PART + TAG);
    refused(&[&message[..HEAD], second, first].concat());
    refused(&message[..HEAD]);
    refused(b"");
    assert_eq!(open(b"another", &message).err(), Some(Broken));
}

#[test]
fn a_text_is_no_message() {
    for text in ["", r#"{"accounts":[]}"#, &"<html>".repeat(20)] {
        assert_eq!(Scheme::of(text.as_bytes()), None, "{text}");
    }
    for scheme in SCHEMES.into_iter().skip(2) {
        assert_eq!(Scheme::of(&sealed(scheme, PLAIN)), Some(scheme));
    }
}
