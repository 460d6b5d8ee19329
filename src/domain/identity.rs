//! Who a backend user is: its name and the mark of its owner, both derived from where its `ObjectUser` stands.

use super::{
    capabilities::UserNameRules,
    digest::hex,
    ids::{NamespaceMark, OwnerMark, UserName},
};

/// Where an `ObjectUser` stands. Two objects never share one, and it survives deletion and re-creation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    /// Tells clusters on one backend apart.
    pub cluster: &'a str,
    /// Namespace of the `ObjectUser`.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// Hex digits of the digest in a derived user name.
const NAME_DIGITS: usize = 8;
/// Domain of the addresses that hold a mark.
const MARK_DOMAIN: &str = ".owner.gracekey.dev";
/// Derived names are kept this short even where the backend allows more.
const NAME_MAX: usize = 64;

impl Identity<'_> {
    /// The mark that is stored with the user.
    pub fn owner_mark(&self) -> OwnerMark {
        OwnerMark::new(self.digest("owner", OwnerMark::DIGITS))
    }

    /// The mark of the namespace that it stands in, the same for all its objects.
    pub fn namespace_mark(&self) -> NamespaceMark {
        let whole = Identity { name: "", ..*self };
        NamespaceMark::new(whole.digest("namespace", OwnerMark::DIGITS))
    }

    /// The name of the user where the spec gives none: `gk-<namespace>-<name>-<digest>`, shortened to what the
    /// backend takes. The digest is over the whole, so shortened names differ as well.
    pub fn user_name(&self, rules: &UserNameRules) -> UserName {
        let most = rules.max_len.min(NAME_MAX);
        let readable: String = format!("gk-{}-{}", self.namespace, self.name)
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || rules.punctuation.contains(c) {
                    c
                } else {
                    '-'
                }
            })
            .take(most.saturating_sub(NAME_DIGITS + 1))
            .collect();
        UserName::new(format!(
            "{}-{}",
            readable.trim_end_matches(['-', '.']),
            self.digest("name", NAME_DIGITS)
        ))
    }

    /// The name of a user on a backend that has no other place for the owner's mark: `<name>@<mark>.owner.gracekey.dev`.
    pub fn marked(name: &UserName, mark: &OwnerMark) -> UserName {
        UserName::new(format!("{name}@{mark}{MARK_DOMAIN}"))
    }

    /// The mark in such a name.
    pub fn mark_in(name: &str) -> Option<OwnerMark> {
        let (_, domain) = name.split_once('@')?;
        OwnerMark::parse(domain.strip_suffix(MARK_DOMAIN)?)
    }

    fn digest(&self, what: &str, digits: usize) -> String {
        hex(&[what, self.cluster, self.namespace, self.name], digits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: UserNameRules = UserNameRules {
        max_len: 128,
        punctuation: "-_.",
        capitals: true,
    };

    fn identity<'a>(namespace: &'a str, name: &'a str) -> Identity<'a> {
        Identity {
            cluster: "c1",
            namespace,
            name,
        }
    }

    #[test]
    fn a_derived_name_is_readable_and_stable() {
        assert_eq!(
            identity("shop", "billing").user_name(&RULES),
            identity("shop", "billing").user_name(&RULES)
        );
        assert!(
            identity("shop", "billing")
                .user_name(&RULES)
                .as_str()
                .starts_with("gk-shop-billing-")
        );
    }

    #[test]
    fn a_shortened_name_still_differs_and_fits() {
        let long = "n".repeat(253);
        let (a, b) = (format!("{long}a"), format!("{long}b"));
        let (a, b) = (
            identity("shop", &a).user_name(&RULES),
            identity("shop", &b).user_name(&RULES),
        );
        assert_ne!(a, b);
        assert!(a.as_str().len() <= NAME_MAX, "{a}");
    }

    #[test]
    fn moving_a_letter_between_namespace_and_name_makes_another_user() {
        assert_ne!(
            identity("a", "b-c").user_name(&RULES),
            identity("a-b", "c").user_name(&RULES)
        );
        assert_ne!(
            identity("a", "b-c").owner_mark(),
            identity("a-b", "c").owner_mark()
        );
    }

    #[test]
    fn a_mark_is_found_again_in_a_name_that_holds_it_and_in_no_other() {
        let mark = identity("shop", "billing").owner_mark();
        let marked = Identity::marked(&UserName::new("gk-a"), &mark);
        assert_eq!(Identity::mark_in(marked.as_str()), Some(mark.clone()));
        for name in [
            "gk-a".to_owned(),
            "a@example.com".to_owned(),
            format!("a@{mark}"),
            format!("a@{}.owner.gracekey.dev", mark.as_str().to_uppercase()),
            format!("a@{mark}.owner.gracekey.dev.example.com"),
        ] {
            assert_eq!(Identity::mark_in(&name), None, "{name}");
        }
    }

    #[test]
    fn a_namespace_has_one_mark_for_all_its_objects_and_no_other_has_it() {
        let mark = |namespace, name| identity(namespace, name).namespace_mark();
        assert_eq!(mark("shop", "a"), mark("shop", "b"));
        assert_ne!(mark("shop", "a"), mark("sho", "p"));
        assert_ne!(
            mark("shop", "a").as_str(),
            identity("shop", "").owner_mark().as_str()
        );
    }

    #[test]
    fn another_cluster_has_another_mark() {
        let other = Identity {
            cluster: "c2",
            ..identity("shop", "billing")
        };
        assert_ne!(other.owner_mark(), identity("shop", "billing").owner_mark());
    }
}
