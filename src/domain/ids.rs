//! Names and ids as types: parsed once, valid for ever after.

use std::fmt;

/// Defines a string newtype that orders, prints and compares like the string it holds.
macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Wraps a value that was checked where it came from (CRD schema, backend reply or our own generator).
            pub fn new(value: impl Into<String>) -> Self {
                Self(value.into())
            }

            /// The value as it goes over the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

string_id! {
    /// The name of a user on the backend (RGW: `uid`).
    UserName
}
string_id! {
    /// The public half of a key pair. Shown in status, events and logs.
    AccessKeyId
}
string_id! {
    /// One issued credential. Equal to the access key id where each credential has its own; else the access key id
    /// with what tells two secrets on it apart.
    CredentialId
}
string_id! {
    /// The value of the annotation `gracekey.dev/rotate`. Opaque: a value not handled before asks for one rotation.
    RotateToken
}
string_id! {
    /// The name of a bucket.
    BucketName
}
string_id! {
    /// Stands for a namespace of a cluster: 32 lower-case hex digits. Who owns a bucket names by it whom grants on the bucket
    /// may go to.
    NamespaceMark
}
string_id! {
    /// What a driver stores beside a backend user to tell whose it is: 32 lower-case hex digits, derived from cluster,
    /// namespace and name of the `ObjectUser`, so that it survives a lost status and a re-created object.
    OwnerMark
}

impl From<&AccessKeyId> for CredentialId {
    fn from(id: &AccessKeyId) -> Self {
        Self(id.0.clone())
    }
}

impl OwnerMark {
    /// Length of a mark.
    pub const DIGITS: usize = 32;

    /// The mark that a text is, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        (text.len() == Self::DIGITS && text.bytes().all(is_hex)).then(|| Self::new(text))
    }
}

impl CredentialId {
    /// Parts the access key id from what tells two secrets on it apart.
    pub const SEPARATOR: char = '#';

    /// The public half of this credential.
    pub fn access_key_id(&self) -> AccessKeyId {
        AccessKeyId(
            self.0
                .split(Self::SEPARATOR)
                .next()
                .unwrap_or_default()
                .to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_mark_of_ours_is_one() {
        let mark = "0123456789abcdef0123456789abcdef";
        assert_eq!(OwnerMark::parse(mark), Some(OwnerMark::new(mark)));
        for other in ["", "me", &mark.to_uppercase(), &format!("{mark}0")] {
            assert_eq!(OwnerMark::parse(other), None, "{other}");
        }
    }
}
