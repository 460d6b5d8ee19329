//! The description of an API account: the only thing about it that is ours to choose.
//!
//! It reads `LABEL [gracekey:USER:MARK]`. No document says how long it may be; the longest that is written has 237
//! characters, and what was stored is compared with what was sent.

use crate::domain::ids::{OwnerMark, UserName};

/// Begins the part that is ours.
const OPENING: &str = "[gracekey:";

/// What a description of ours says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Described {
    /// Display name of the user.
    pub(super) label: String,
    /// The user.
    pub(super) name: String,
    /// Whose it is; `None`: the mark is damaged, so that it is nobody's.
    pub(super) owner: Option<OwnerMark>,
}

/// The description of an account of this user.
pub(super) fn write(label: &str, name: &UserName, owner: &OwnerMark) -> String {
    format!("{label} {OPENING}{name}:{owner}]")
}

/// What a description says, if it names a user of ours.
pub(super) fn read(text: &str) -> Option<Described> {
    // The last one: everything before it is the label, which may quote another.
    let (before, ours) = text.rsplit_once(OPENING)?;
    let (inner, after) = match ours.split_once(']') {
        Some((inner, after)) => (inner, Some(after)),
        None => (ours, None),
    };
    let (name, mark) = match (inner.split_once(':'), after) {
        (Some((name, mark)), _) => (name, mark),
        (None, Some(_)) => (inner, ""),
        // Cut within the name: it could be the beginning of any.
        (None, None) => return None,
    };
    let label = before.strip_suffix(' ').unwrap_or(before);
    Some(Described {
        // What somebody wrote behind it makes another label of it.
        label: format!("{label}{}", after.unwrap_or_default()),
        name: name.to_owned(),
        owner: after.and_then(|_| OwnerMark::parse(mark)),
    })
}

/// Whether a label leaves no doubt of where it ends, even where the API cuts descriptions short.
pub(super) fn takes_label(label: &str) -> bool {
    !label.contains(OPENING)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "0123456789abcdef0123456789abcdef";

    fn described(label: &str, name: &str, owner: Option<&str>) -> Described {
        Described {
            label: label.to_owned(),
            name: name.to_owned(),
            owner: owner.map(OwnerMark::new),
        }
    }

    #[test]
    fn what_was_written_is_read_again() {
        let (name, owner) = (UserName::new("gk-a.b_c"), OwnerMark::new(MARK));
        for label in ["Billing", " a  b ", "請求書", "[x:y] z]", "a ["] {
            let text = write(label, &name, &owner);
            assert_eq!(
                read(&text),
                Some(described(label, "gk-a.b_c", Some(MARK))),
                "{text}"
            );
        }
        assert_eq!(
            write("Billing", &name, &owner),
            format!("Billing [gracekey:gk-a.b_c:{MARK}]")
        );
    }

    #[test]
    fn the_longest_has_237_characters() {
        let name = UserName::new("n".repeat(64));
        let text = write(&"ü".repeat(128), &name, &OwnerMark::new(MARK));
        assert_eq!(text.chars().count(), 237);
    }

    #[test]
    fn a_description_without_our_part_names_no_user() {
        for text in ["", "API", "gracekey", "[gracekey]", "a [gracekey:na", MARK] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_damaged_mark_is_nobodys() {
        for text in [
            "a [gracekey:u]",
            "a [gracekey:u:]",
            "a [gracekey:u:0123]",
            "a [gracekey:u:0123456789abcdef0123456789abcdef",
            "a [gracekey:u:0123456789ABCDEF0123456789abcdef]",
            "a [gracekey:u:0123456789abcdef0123456789abcdef0]",
        ] {
            assert_eq!(read(text), Some(described("a", "u", None)), "{text}");
        }
    }

    #[test]
    fn what_somebody_adds_makes_another_label() {
        let text = format!("a [gracekey:u:{MARK}] keep!");
        assert_eq!(read(&text), Some(described("a keep!", "u", Some(MARK))));
        let text = format!("[gracekey:u:{MARK}]");
        assert_eq!(read(&text), Some(described("", "u", Some(MARK))));
    }

    #[test]
    fn a_label_cannot_pretend_to_be_our_part() {
        assert!(takes_label("[x] gracekey:"));
        assert!(!takes_label(&format!("a [gracekey:victim:{MARK}]")));
    }
}
