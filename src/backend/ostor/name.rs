//! Names of users, which are e-mail addresses.

use super::CAPABILITIES;
use crate::backend::call::Call;
use crate::backend::error::{ErrorKind, Result};
use crate::domain::ids::UserName;

/// Longest part of an address before its `@` (RFC 5321, 4.5.3.1.1).
const LOCAL_MAX: usize = 64;

/// What cannot be a name is refused before any request.
pub(super) fn check_name(call: &Call, name: &UserName) -> Result<()> {
    let is_address = |local: &str, domain: &str| {
        let parts = [local, domain].map(|part| part.split('.').all(|piece| !piece.is_empty()));
        local.len() <= LOCAL_MAX && !domain.contains('@') && parts == [true, true]
    };
    let name = name.as_str();
    if CAPABILITIES.user_name.accept(name) && name.split_once('@').is_some_and(|(l, d)| is_address(l, d)) {
        return Ok(());
    }
    let text = "users are e-mail addresses: up to 64 small letters, digits, - _ or single dots before the @";
    Err(call.refuse(ErrorKind::Invalid, text))
}

#[cfg(test)]
mod tests {
    use super::super::request;
    use super::*;
    use crate::domain::identity::Identity;

    fn is_name(text: &str) -> bool {
        let name = UserName::new(text);
        check_name(&request::find_user(&name), &name).is_ok()
    }

    #[test]
    fn a_name_is_an_address() {
        let mark = "0123456789abcdef0123456789abcdef.owner.gracekey.dev";
        let longest = format!("{}@{mark}", "a".repeat(LOCAL_MAX));
        assert_eq!(longest.len(), CAPABILITIES.user_name.max_len);
        for name in ["a@b", "gk-a.b_c@x.example", &longest] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            "a",
            "@b",
            "a@",
            "a@b@c",
            ".a@b",
            "a.@b",
            "a..b@c",
            "a@.b",
            "a@b.",
            "a@b..c",
            "A@b",
            "a+b@c",
            "a&b@c",
            &format!("{}@b", "a".repeat(LOCAL_MAX + 1)),
            &format!("a@{}", "b".repeat(CAPABILITIES.user_name.max_len)),
        ] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn nobody_has_a_name_that_can_be_asked_about_and_is_none_of_ours() {
        let nobody = request::nobody();
        assert!(is_name(nobody.as_str()));
        assert_eq!(Identity::mark_in(nobody.as_str()), None);
    }

    #[test]
    fn a_derived_name_is_a_name() {
        let identity = Identity {
            cluster: "c1",
            namespace: "shop",
            name: &format!("a..b.{}", "n".repeat(200)),
        };
        let name = identity.user_name(&CAPABILITIES.user_name);
        let mark = identity.owner_mark();
        let identity = Identity {
            name: "billing.v1",
            ..identity
        };
        let marked = Identity::marked(
            &identity.user_name(&CAPABILITIES.user_name),
            &identity.owner_mark(),
        );
        assert!(is_name(marked.as_str()), "{marked}");
        assert_eq!(
            Identity::marked(&name, &mark).as_str().len(),
            CAPABILITIES.user_name.max_len
        );
    }
}
