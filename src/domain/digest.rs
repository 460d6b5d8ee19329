//! Short digests: of what names are derived from, and of what is to be known again.

use sha2::{Digest, Sha256};

/// The first hex digits of the SHA-256 of these parts with a NUL between any two. No copy of a part is made.
pub fn hex(parts: &[&str], digits: usize) -> String {
    let mut sha = Sha256::new();
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            sha.update([0]);
        }
        sha.update(part);
    }
    let nibbles = sha.finalize().into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles
        .take(digits)
        .filter_map(|nibble| char::from_digit(u32::from(nibble), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_the_first_of_the_sha_256_and_parts_are_told_apart() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(hex(&["abc"], 9), "ba7816bf8");
        assert_ne!(hex(&["ab", "c"], 9), hex(&["a", "bc"], 9));
        assert_eq!(hex(&["a", "b"], 64), hex(&["a\0b"], 64));
    }
}
