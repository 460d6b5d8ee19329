//! Which keys a user has, and what they say of it together. Pure.

use super::name::Described;
use crate::domain::ids::OwnerMark;

/// The keys of one user, in the order of their ids.
#[derive(Debug)]
pub(super) struct Keys(Vec<Member>);

/// A key of a user.
#[derive(Debug)]
pub(super) struct Member {
    /// Its access key id.
    pub(super) id: String,
    /// What its name says.
    pub(super) described: Described,
    /// Its end has come: it is locked.
    pub(super) expired: bool,
}

impl Keys {
    /// These, which are in order.
    pub(super) fn of(members: Vec<Member>) -> Self {
        Self(members)
    }

    /// There is no such user.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, Member> {
        self.0.iter()
    }

    /// Their ids.
    pub(super) fn ids(&self) -> Vec<&str> {
        self.iter().map(|member| member.id.as_str()).collect()
    }

    /// The one of this id.
    pub(super) fn get(&self, id: &str) -> Option<&Member> {
        self.iter().find(|member| member.id == id)
    }

    /// Those that may do all that they should; all, where none may yet.
    pub(super) fn meant(&self) -> impl Iterator<Item = &Member> {
        let any = self.has_finished();
        self.iter()
            .filter(move |member| member.described.finished || !any)
    }

    /// There is one that may do all that it should.
    pub(super) fn has_finished(&self) -> bool {
        self.iter().any(|member| member.described.finished)
    }

    /// All of them, those first that may not do yet all that they should.
    pub(super) fn unfinished_first(&self) -> Vec<&Member> {
        let mut all: Vec<&Member> = self.iter().collect();
        all.sort_by_key(|member| member.described.finished);
        all
    }

    /// Whose the user is. Where keys disagree, or one is nobody's: nobody's.
    pub(super) fn owner(&self) -> Option<&OwnerMark> {
        let first = self.0.first()?.described.owner.as_ref();
        first.filter(|_| self.iter().all(|member| member.described.owner.as_ref() == first))
    }

    /// Its display name. Several are none that was ever asked for, as no label has a line break: the right one is set.
    pub(super) fn label(&self) -> String {
        let mut labels: Vec<&str> = self.meant().map(|m| m.described.label.as_str()).collect();
        labels.sort_unstable();
        labels.dedup();
        labels.join("\n")
    }

    /// Those that are labelled otherwise.
    pub(super) fn to_label(&self, label: &str) -> Vec<&Member> {
        self.meant()
            .filter(|member| member.described.label != label)
            .collect()
    }

    /// Those that work although they should not, or do not although they should.
    pub(super) fn to_lock(&self, locked: bool) -> Vec<&Member> {
        self.iter().filter(|member| member.expired != locked).collect()
    }

    /// There are keys that could be published, and none of them works: a new one must not, either.
    pub(super) fn is_shut(&self) -> bool {
        !self.is_empty() && self.meant().all(|member| member.expired)
    }

    /// No key works.
    pub(super) fn is_locked(&self) -> bool {
        self.iter().all(|member| member.expired)
    }

    /// Some keys work and some do not.
    pub(super) fn is_half_locked(&self) -> bool {
        !self.is_locked() && self.iter().any(|member| member.expired)
    }
}

#[cfg(test)]
mod tests {
    use super::super::name;
    use super::*;
    use crate::domain::ids::UserName;

    const MARK: &str = "0123456789abcdef0123456789abcdef";

    fn keys(names: &[(&str, bool)]) -> Keys {
        let user = UserName::new("u");
        let member = |(number, (text, expired)): (usize, &(&str, bool))| Member {
            id: format!("GK{number}"),
            described: name::read(&text.replace("MARK", MARK), &user),
            expired: *expired,
        };
        Keys(names.iter().enumerate().map(member).collect())
    }

    #[test]
    fn a_user_is_whose_all_its_keys_say() {
        let ours = ("A [gracekey:u:MARK]", false);
        assert_eq!(keys(&[ours, ours]).owner(), Some(&OwnerMark::new(MARK)));
        let half = ("A [gracekey:u:MARK:unfinished]", false);
        assert_eq!(keys(&[ours, half]).owner(), Some(&OwnerMark::new(MARK)));
        let theirs = format!("A [gracekey:u:{}]", "f".repeat(32));
        for other in ["made by hand", "A [gracekey:u]", "A [gracekey:v:MARK]", &theirs] {
            assert_eq!(keys(&[ours, (other, false)]).owner(), None, "{other}");
            assert_eq!(keys(&[(other, false), ours]).owner(), None, "{other}");
        }
        assert_eq!(keys(&[]).owner(), None);
    }

    #[test]
    fn labels_that_differ_are_none_that_can_be_wished() {
        let (a, b) = (("A [gracekey:u:MARK]", false), ("B [gracekey:u:MARK]", false));
        assert_eq!(keys(&[a, a]).label(), "A");
        assert_eq!(keys(&[b, a]).label(), "A\nB");
        assert_eq!(keys(&[a, b]).to_label("B").len(), 1);
    }

    #[test]
    fn an_unfinished_key_has_no_say_in_the_label_beside_a_finished_one() {
        let whole = ("A [gracekey:u:MARK]", false);
        let half = ("B [gracekey:u:MARK:unfinished]", false);
        assert_eq!(keys(&[half, whole]).label(), "A");
        assert_eq!(keys(&[half, whole]).to_label("A").len(), 0);
        assert_eq!(keys(&[half]).label(), "B");
        assert_eq!(keys(&[half]).to_label("A").len(), 1);
    }

    #[test]
    fn a_lock_that_does_not_hold_for_all_keys_is_none() {
        let (open, shut) = (("A [gracekey:u:MARK]", false), ("A [gracekey:u:MARK]", true));
        for (keys, locked, half) in [
            (keys(&[open, open]), false, false),
            (keys(&[shut, shut]), true, false),
            (keys(&[open, shut]), false, true),
            (keys(&[shut, open]), false, true),
        ] {
            assert_eq!((keys.is_locked(), keys.is_half_locked()), (locked, half));
            assert_eq!(keys.is_shut(), locked);
        }
        // One that broke off behind a lock.
        let begun = ("A [gracekey:u:MARK:unfinished]", false);
        assert!(keys(&[shut, begun]).is_shut() && keys(&[shut, begun]).is_half_locked());
        assert!(!keys(&[]).is_shut());
    }
}
