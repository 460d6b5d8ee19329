//! What keys may do, and what one lacks to be as good as others. Pure.

use super::wire::{Key, Permissions};
use std::collections::{BTreeMap, BTreeSet};

/// What some keys may do together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Grants {
    /// Make buckets.
    pub(super) create_bucket: bool,
    /// By the id of the bucket.
    pub(super) buckets: BTreeMap<String, Permissions>,
    /// The bucket of each name that is one key's alone.
    pub(super) aliases: BTreeMap<String, String>,
}

/// One step towards a key that is as good as others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Let it use a bucket.
    Allow(String, Permissions),
    /// Give a bucket a name for it.
    Alias(String, String),
}

impl Grants {
    /// What these keys may do together. Where two have one name for two buckets, the younger key is right.
    pub(super) fn of<'a>(keys: impl IntoIterator<Item = &'a Key>) -> Self {
        let mut keys: Vec<&Key> = keys.into_iter().collect();
        keys.sort_by_key(|key| key.created);
        let mut grants = Self::default();
        for key in keys {
            grants.create_bucket |= key.permissions.create_bucket;
            for bucket in &key.buckets {
                let known = grants.buckets.entry(bucket.id.clone()).or_default();
                *known = known.with(bucket.permissions);
                let names = bucket.local_aliases.iter();
                grants
                    .aliases
                    .extend(names.map(|name| (name.clone(), bucket.id.clone())));
            }
        }
        grants
    }

    /// Steps from what a key may do to all of this. A name that it has for another bucket stays with that one.
    pub(super) fn beyond(&self, has: &Self) -> Vec<Step> {
        let allowed = self.buckets.iter().filter_map(|(id, wanted)| {
            let lacks = wanted.without(has.buckets.get(id).copied().unwrap_or_default());
            (!lacks.is_none()).then(|| Step::Allow(id.clone(), lacks))
        });
        let named = self.aliases.iter();
        let named = named.filter(|(name, _)| !has.aliases.contains_key(*name));
        let named = named.map(|(name, id)| Step::Alias(id.clone(), name.clone()));
        allowed.chain(named).collect()
    }

    /// All buckets that are used or named.
    pub(super) fn touched(&self) -> BTreeSet<&str> {
        let used = self.buckets.keys().map(String::as_str);
        used.chain(self.aliases.values().map(String::as_str)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn bucket(id: &str, names: &[&str], rights: &str) -> Value {
        let has = |right| rights.contains(right);
        json!({ "id": id, "globalAliases": [], "localAliases": names, "permissions": {
            "read": has('r'), "write": has('w'), "owner": has('o'),
        } })
    }

    fn key(created: &str, create_bucket: bool, buckets: &[Value]) -> Key {
        serde_json::from_value(json!({
            "accessKeyId": "GK1", "name": "n", "expired": false, "created": created,
            "permissions": { "createBucket": create_bucket }, "buckets": buckets,
        }))
        .unwrap()
    }

    fn rights(text: &str) -> Permissions {
        let has = |right| text.contains(right);
        Permissions {
            read: has('r'),
            write: has('w'),
            owner: has('o'),
        }
    }

    const OLD: &str = "2026-01-01T00:00:00.5Z";
    const NEW: &str = "2026-01-02T00:00:00Z";

    #[test]
    fn a_new_key_is_given_all_that_the_others_have() {
        let one = key(
            OLD,
            true,
            &[bucket("b1", &["data"], "rwo"), bucket("b2", &[], "r")],
        );
        let two = key(NEW, false, &[bucket("b2", &[], "w")]);
        let all = Grants::of([&one, &two]);
        assert!(all.create_bucket);
        let want = [
            Step::Allow("b1".to_owned(), rights("rwo")),
            Step::Allow("b2".to_owned(), rights("rw")),
            Step::Alias("b1".to_owned(), "data".to_owned()),
        ];
        assert_eq!(all.beyond(&Grants::default()), want);
        assert!(all.beyond(&all).is_empty());
    }

    #[test]
    fn only_what_is_lacking_is_asked_for() {
        let old = Grants::of([&key(OLD, true, &[bucket("b1", &["x", "y"], "rw")])]);
        let new = Grants::of([&key(NEW, true, &[bucket("b1", &["x"], "ro")])]);
        let want = [
            Step::Allow("b1".to_owned(), rights("w")),
            Step::Alias("b1".to_owned(), "y".to_owned()),
        ];
        assert_eq!(old.beyond(&new), want);
    }

    #[test]
    fn of_two_buckets_with_one_name_that_of_the_younger_key_is_meant() {
        let old = key(OLD, true, &[bucket("b1", &["x"], "rwo")]);
        let new = key(NEW, true, &[bucket("b2", &["x"], "rwo")]);
        for keys in [[&old, &new], [&new, &old]] {
            assert_eq!(Grants::of(keys).aliases["x"], "b2");
        }
        // The younger one keeps its name, and may use the other bucket by its id.
        let steps = Grants::of([&old]).beyond(&Grants::of([&new]));
        assert_eq!(steps, [Step::Allow("b1".to_owned(), rights("rwo"))]);
    }

    #[test]
    fn a_bucket_that_has_but_a_name_is_touched_as_well() {
        let grants = Grants::of([&key(OLD, false, &[bucket("b1", &["x"], "")])]);
        assert_eq!(grants.touched().into_iter().collect::<Vec<_>>(), ["b1"]);
        let want = [Step::Alias("b1".to_owned(), "x".to_owned())];
        assert_eq!(grants.beyond(&Grants::default()), want);
    }
}
