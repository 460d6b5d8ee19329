//! Query strings, percent-encoded exactly as `SigV4` wants them.

use std::fmt::Write as _;

/// A query string in the making.
///
/// Everything but letters, digits and `-_.~` is encoded, byte by byte, in upper-case hex. A gateway that checks a
/// `SigV4` signature encodes like this before it compares, so a bare `:` would already be a wrong signature.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(String);

impl Query {
    /// An empty query.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a name without a value, such as `key` in `?key&uid=u`.
    #[must_use]
    pub fn flag(mut self, name: &str) -> Self {
        self.separate();
        encode_into(&mut self.0, name);
        self
    }

    /// Adds a name with its value.
    #[must_use]
    pub fn pair(mut self, name: &str, value: &str) -> Self {
        self.separate();
        encode_into(&mut self.0, name);
        self.0.push('=');
        encode_into(&mut self.0, value);
        self
    }

    /// The query without a leading question mark.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn separate(&mut self) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
    }
}

fn encode_into(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_unreserved_characters_is_encoded() {
        let query = Query::new()
            .flag("key")
            .pair("uid", "a b+c%d:e/f~g-h_i.j")
            .pair("n", "ü");
        assert_eq!(query.as_str(), "key&uid=a%20b%2Bc%25d%3Ae%2Ff~g-h_i.j&n=%C3%BC");
    }

    #[test]
    fn an_empty_value_keeps_its_equals_sign() {
        assert_eq!(Query::new().pair("email", "").as_str(), "email=");
    }
}
