//! What is ours to choose about a key: its id, and its name.
//!
//! The id begins with a part that is derived from the user's name, so that the keys of one user stand side by side in the
//! list, and one call finds them all. The name is the only free text that a key has; Garage keeps any, of 3000 characters
//! and more. It reads `LABEL [gracekey:USER:MARK]`, and `LABEL [gracekey:USER:MARK:unfinished]` until the key may do all
//! that the user's other keys may.

use crate::domain::{
    digest::hex,
    ids::{AccessKeyId, OwnerMark, UserName},
};

/// How ids of Garage's own making begin, too.
const ID_OPENING: &str = "GK";

/// Hex digits of the digest in an id: 80 bits, so that no two users share it, by chance or by choice.
const DIGEST_DIGITS: usize = 20;

/// Longest id that is made: what AWS's own tools take.
const ID_MAX: usize = 128;

/// Begins the part of a name that is ours.
const OPENING: &str = "[gracekey:";

/// Stands behind the mark of a key that is not finished.
const UNFINISHED: &str = "unfinished";

/// How the ids of all keys of this user begin.
pub(super) fn prefix(name: &UserName) -> String {
    let digits = hex(&["garage", name.as_str()], DIGEST_DIGITS);
    format!("{ID_OPENING}{digits}")
}

/// The id of a key of this user, made from a random word. The word is long: ids that were deleted are never taken again.
pub(super) fn key_id(name: &UserName, word: &AccessKeyId) -> AccessKeyId {
    AccessKeyId::new(format!("{}{word}", prefix(name)))
}

/// Fit to be an id: of letters and digits, which no signature and no tool breaks.
pub(super) fn is_usable(id: &str) -> bool {
    (8..=ID_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Whether an id is one of this user's.
pub(super) fn is_of(name: &UserName, id: &str) -> bool {
    id.strip_prefix(&prefix(name))
        .is_some_and(|word| !word.is_empty())
}

/// What the name of a key says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Described {
    /// Display name of the user.
    pub(super) label: String,
    /// Whose it is; `None`: it does not name the user, or its mark is damaged, so that it is nobody's.
    pub(super) owner: Option<OwnerMark>,
    /// It may do all that the user's other keys may.
    pub(super) finished: bool,
}

/// The name of a key of this user.
pub(super) fn write(label: &str, name: &UserName, owner: &OwnerMark, finished: bool) -> String {
    if finished {
        format!("{label} {OPENING}{name}:{owner}]")
    } else {
        format!("{label} {OPENING}{name}:{owner}:{UNFINISHED}]")
    }
}

/// What the name of a key says, which by its id is one of this user's.
pub(super) fn read(text: &str, name: &UserName) -> Described {
    let nobodys = || Described {
        label: text.to_owned(),
        owner: None,
        finished: false,
    };
    // The last one: everything before it is the label, which may quote another.
    let Some((before, ours)) = text.rsplit_once(OPENING) else {
        return nobodys();
    };
    let Some((inner, after)) = ours.split_once(']') else {
        return nobodys();
    };
    let mut parts = inner.split(':');
    let (user, mark, more) = (parts.next(), parts.next(), parts.collect::<Vec<_>>());
    let finished = more.is_empty();
    let mark = mark.filter(|_| user == Some(name.as_str()) && (finished || more == [UNFINISHED]));
    let label = before.strip_suffix(' ').unwrap_or(before);
    Described {
        // What somebody wrote behind it makes another label of it.
        label: format!("{label}{after}"),
        owner: mark.and_then(OwnerMark::parse),
        finished,
    }
}

/// Whether a label leaves no doubt of where it ends.
pub(super) fn takes_label(label: &str) -> bool {
    !label.contains(OPENING)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "0123456789abcdef0123456789abcdef";

    fn name() -> UserName {
        UserName::new("gk-a.b_c")
    }

    #[test]
    fn an_id_begins_with_what_only_its_user_has() {
        let id = key_id(&name(), &AccessKeyId::new("WORD234"));
        assert_eq!(id.as_str(), "GK2a3d7fd4638d5143ae88WORD234");
        assert!(is_of(&name(), id.as_str()) && is_usable(id.as_str()));
        assert!(!is_of(&UserName::new("gk-a.b_d"), id.as_str()));
        for other in ["", "GK", "WORD234", &prefix(&name())] {
            assert!(!is_of(&name(), other), "{other}");
        }
        for bad in ["GK1", "GK1234567.", "GK12345678é", &"x".repeat(129)] {
            assert!(!is_usable(bad), "{bad}");
        }
    }

    #[test]
    fn what_was_written_is_read_again() {
        let owner = OwnerMark::new(MARK);
        for label in ["Billing", " a  b ", "請求書", "[x:y] z]", "a ["] {
            for finished in [true, false] {
                let want = Described {
                    label: label.to_owned(),
                    owner: Some(owner.clone()),
                    finished,
                };
                assert_eq!(read(&write(label, &name(), &owner, finished), &name()), want);
            }
        }
        assert_eq!(
            write("Billing", &name(), &owner, false),
            format!("Billing [gracekey:gk-a.b_c:{MARK}:unfinished]")
        );
    }

    #[test]
    fn a_name_that_is_not_wholly_ours_is_nobodys() {
        for text in [
            String::new(),
            "Unnamed key".to_owned(),
            MARK.to_owned(),
            "a [gracekey:gk-a.b_c]".to_owned(),
            "a [gracekey:gk-a.b_c:]".to_owned(),
            "a [gracekey:gk-a.b_c:0123]".to_owned(),
            format!("a [gracekey:gk-a.b_c:{MARK}"),
            format!("a [gracekey:another:{MARK}]"),
            format!("a [gracekey:gk-a.b_c:{}]", MARK.to_uppercase()),
            format!("a [gracekey:gk-a.b_c:{MARK}:]"),
            format!("a [gracekey:gk-a.b_c:{MARK}:finished]"),
            format!("a [gracekey:gk-a.b_c:{MARK}:unfinished:]"),
        ] {
            assert_eq!(read(&text, &name()).owner, None, "{text}");
        }
    }

    #[test]
    fn what_somebody_adds_makes_another_label() {
        let read = read(&format!("a [gracekey:gk-a.b_c:{MARK}] keep!"), &name());
        assert_eq!((read.label.as_str(), read.owner.is_some()), ("a keep!", true));
    }

    #[test]
    fn a_label_cannot_pretend_to_be_our_part() {
        assert!(takes_label("[x] gracekey:"));
        assert!(!takes_label(&format!("a [gracekey:victim:{MARK}]")));
    }
}
