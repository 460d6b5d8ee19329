//! Access to buckets. A right is each key's own, so a grant is what all keys of a user hold; and consent is a name of the
//! bucket, as a bucket has no other place for it.

use super::request;
use super::user::Keys;
use super::wire::{Bucket, Permissions};
use super::{DAMAGED, GarageDriver, check_name};
use crate::backend::access::{FoundBucket, Grantee, check_bucket};
use crate::backend::call::Call;
use crate::backend::{ErrorKind, Result};
use crate::domain::access::{Held, Permission};
use crate::domain::digest::hex;
use crate::domain::ids::{BucketName, NamespaceMark};

/// How such a name begins.
const CONSENT: &str = "gracekey-";
/// Hex digits of the digest in it: 128 bits.
const CONSENT_DIGITS: usize = 32;

/// Why such a name is none to be asked for.
const RESERVED: &str = "Names that begin with gracekey- open buckets to namespaces: choose another name, or another alias of it.";

/// The name by which a bucket's admin consents to grants for users of a namespace: its bucket's own, as a name means one
/// bucket. Only the admin API gives names to buckets that hold for every key.
pub(super) fn consent(namespace: &NamespaceMark, bucket: &BucketName) -> String {
    let digits = hex(&[&format!("{namespace}/{bucket}")], CONSENT_DIGITS);
    format!("{CONSENT}{digits}")
}

/// What this allows, in Garage's two rights. `WriteOnly` may also delete: there is no finer right.
fn rights(what: Option<Permission>) -> Permissions {
    Permissions {
        read: matches!(what, Some(Permission::ReadOnly | Permission::ReadWrite)),
        write: matches!(what, Some(Permission::WriteOnly | Permission::ReadWrite)),
        owner: false,
    }
}

/// What a key holds; that it may also change settings was given by somebody else.
fn held(has: Permissions) -> Option<Permission> {
    let what = |permission: &Permission| {
        let wanted = rights(Some(*permission));
        (wanted.read, wanted.write) == (has.read, has.write)
    };
    Permission::ALL.into_iter().find(what)
}

/// What the finished ones of these keys hold on a bucket, all of them.
fn held_by(keys: &Keys, bucket: &Bucket) -> Held {
    let finished = keys.iter().filter(|member| member.described.finished);
    let mut each = finished.map(|member| held(bucket.rights_of(&member.id)));
    let Some(first) = each.next() else {
        return Held::Nothing;
    };
    if each.any(|other| other != first) {
        return Held::Otherwise;
    }
    first.map_or(Held::Nothing, Held::As)
}

impl GarageDriver {
    pub(super) async fn look_at_bucket(&self, to: &Grantee, name: &BucketName) -> Result<FoundBucket> {
        check(&request::none("GetBucketInfo", &to.user), to, name)?;
        let bucket = self.0.named(&to.user, name.as_str()).await?;
        let held = match &bucket {
            Some(bucket) => {
                let keys = self.keys_to_grant(to).await?;
                keys.map_or(Held::Nothing, |keys| held_by(&keys, bucket))
            }
            None => Held::Nothing,
        };
        Ok(match bucket {
            Some(bucket) if is_open(&bucket, to, name) => FoundBucket::Open(held),
            None if !is_reserved(name) => FoundBucket::Missing,
            Some(_) | None => FoundBucket::Closed {
                held: Some(held),
                advice: advice(to, name),
            },
        })
    }

    /// The name of the consent comes first: whoever is cut off after it finds the bucket by it, and gives it the other.
    pub(super) async fn put_bucket(&self, to: &Grantee, name: &BucketName) -> Result<()> {
        let call = request::make_bucket(&to.user, "");
        check(&call, to, name)?;
        check_free(&call, name)?;
        if let Some(bucket) = self.0.named(&to.user, name.as_str()).await? {
            return if is_open(&bucket, to, name) {
                Ok(())
            } else {
                Err(call.refuse(ErrorKind::Conflict, &advice(to, name)))
            };
        }
        let consent = consent(&to.namespace, name);
        let made = match self.0.named(&to.user, &consent).await? {
            Some(begun) if begun.is_nobodys_but(&consent) => begun,
            Some(_) => return Err(call.refuse(ErrorKind::Conflict, &taken(&consent, name))),
            None => self.0.ask(&request::make_bucket(&to.user, &consent)).await?,
        };
        if !made.global_aliases.contains(&consent) {
            return Err(call.misunderstood("Garage made another bucket than was asked for"));
        }
        let call = request::name_bucket(&to.user, &made.id, name.as_str());
        let named: Bucket = self.0.ask(&call).await?;
        if named.global_aliases.iter().any(|alias| alias == name.as_str()) {
            Ok(())
        } else {
            Err(call.misunderstood("Garage answered 200 and did not do it"))
        }
    }

    pub(super) async fn change_grant(
        &self,
        to: &Grantee,
        name: &BucketName,
        what: Option<Permission>,
    ) -> Result<()> {
        let call = request::none("AllowBucketKey", &to.user);
        check(&call, to, name)?;
        if what.is_some() {
            check_free(&call, name)?;
        }
        // A withdrawal is done where there is nothing to be withdrawn from.
        let refuse = |kind, text: &str| what.map_or(Ok(()), |_| Err(call.refuse(kind, text)));
        let Some(bucket) = self.0.named(&to.user, name.as_str()).await? else {
            return refuse(ErrorKind::NotFound, "there is no such bucket");
        };
        if what.is_some() && !is_open(&bucket, to, name) {
            return refuse(ErrorKind::Conflict, &advice(to, name));
        }
        let Some(keys) = self.keys_to_grant(to).await? else {
            return refuse(ErrorKind::Conflict, DAMAGED);
        };
        if what.is_some() && !keys.has_finished() {
            return refuse(ErrorKind::NotFound, "no key of the user is there");
        }
        self.set_rights(to, &keys, &bucket, rights(what)).await
    }

    /// Gives keys these rights on a bucket and no others. An unfinished key gets none: it will be given those of the others
    /// before it is finished. But it loses what they lose, and first, so that one of them has it yet if this breaks off.
    async fn set_rights(
        &self,
        to: &Grantee,
        keys: &Keys,
        bucket: &Bucket,
        wanted: Permissions,
    ) -> Result<()> {
        for member in keys.unfinished_first() {
            let has = bucket.rights_of(&member.id);
            let (lacks, exceeds) = (wanted.without(has), has.without(wanted).without_owner());
            if member.described.finished && !lacks.is_none() {
                let call = request::allow(&to.user, &member.id, &bucket.id, lacks);
                self.0.step(&call).await?;
            }
            if !exceeds.is_none() {
                let call = request::deny(&to.user, &member.id, &bucket.id, exceeds);
                self.0.step(&call).await?;
            }
        }
        Ok(())
    }

    /// The keys of a user; `None` if it is not this owner's.
    async fn keys_to_grant(&self, to: &Grantee) -> Result<Option<Keys>> {
        let keys = self.0.keys_of(&to.user).await?;
        let is_theirs = keys.is_empty() || keys.owner() == Some(&to.owner);
        Ok(is_theirs.then_some(keys))
    }
}

/// Whether grants on it may go to users of this namespace. Buckets that have a name for every key are the admin's, as only
/// the admin API gives one.
fn is_open(bucket: &Bucket, to: &Grantee, name: &BucketName) -> bool {
    let consents = || bucket.global_aliases.contains(&consent(&to.namespace, name));
    !is_reserved(name) && (to.at_home || consents())
}

/// Whether this may be the consent of another bucket. Any key with a right on that one sees it (S3 lists all aliases), and who
/// could ask for it would make the bucket that somebody else is going to ask for.
fn is_reserved(name: &BucketName) -> bool {
    name.as_str().starts_with(CONSENT)
}

fn advice(to: &Grantee, name: &BucketName) -> String {
    if is_reserved(name) {
        return format!("The bucket {name} cannot be given. {RESERVED}");
    }
    format!(
        "The bucket {name} is not open to users of this namespace. The cluster's admin opens it by `garage bucket alias {name} {}`.",
        consent(&to.namespace, name)
    )
}

/// Why a bucket that has the consent for its name, but not this name, is not the one that was begun here.
fn taken(consent: &str, name: &BucketName) -> String {
    format!("{name}: {consent}, which is to open it, is a name of a bucket in use: take it from that one")
}

/// Refuses to make or give what may be the consent of another bucket.
fn check_free(call: &Call, name: &BucketName) -> Result<()> {
    if is_reserved(name) {
        return Err(call.refuse(ErrorKind::Invalid, RESERVED));
    }
    Ok(())
}

fn check(call: &Call, to: &Grantee, bucket: &BucketName) -> Result<()> {
    check_name(call, &to.user)?;
    check_bucket(call, bucket)
}

#[cfg(test)]
mod tests {
    use super::super::{name, user::Member};
    use super::*;
    use crate::backend::access::is_bucket_name;
    use crate::domain::ids::{OwnerMark, UserName};
    use serde_json::json;

    const WHOLE: &str = "A [gracekey:u:0123456789abcdef0123456789abcdef]";
    const BEGUN: &str = "A [gracekey:u:0123456789abcdef0123456789abcdef:unfinished]";

    fn bucket(aliases: &[&str], keys: &[(&str, bool, bool)]) -> Bucket {
        let key = |(id, read, write): &(&str, bool, bool)| json!({ "accessKeyId": id, "permissions": { "read": read, "write": write, "owner": true } });
        let keys: Vec<_> = keys.iter().map(key).collect();
        serde_json::from_value(json!({ "id": "b1", "globalAliases": aliases, "keys": keys })).unwrap()
    }

    fn grantee(namespace: &str, at_home: bool) -> Grantee {
        Grantee {
            user: UserName::new("u"),
            owner: OwnerMark::new("a".repeat(32)),
            namespace: NamespaceMark::new(namespace),
            at_home,
        }
    }

    #[test]
    fn a_grant_is_what_all_finished_keys_of_a_user_hold() {
        let both = [
            ("GK1", true, false),
            ("GK2", true, false),
            ("GK8", true, true),
            ("GK9", true, true),
        ];
        let bucket = bucket(&[], &both);
        let held = |ids: &[&str]| {
            let key = |id: &&str| Member {
                id: (*id).to_owned(),
                described: name::read(if *id == "GK8" { BEGUN } else { WHOLE }, &UserName::new("u")),
                expired: false,
            };
            held_by(&Keys::of(ids.iter().map(key).collect()), &bucket)
        };
        assert_eq!(held(&["GK1", "GK2"]), Held::As(Permission::ReadOnly));
        assert_eq!(held(&["GK9"]), Held::As(Permission::ReadWrite));
        assert_eq!(held(&["GK1", "GK9"]), Held::Otherwise);
        assert_eq!(held(&["GK1", "GK3"]), Held::Otherwise, "one has nothing");
        assert_eq!(
            held(&["GK1", "GK8"]),
            Held::As(Permission::ReadOnly),
            "unfinished"
        );
        assert_eq!(held(&["GK8"]), Held::Nothing);
        assert_eq!(held(&["GK3"]), Held::Nothing);
        assert_eq!(held(&[]), Held::Nothing);
    }

    #[test]
    fn a_bucket_is_open_by_the_name_for_its_namespace_alone() {
        let name = BucketName::new("data");
        let alias = consent(&NamespaceMark::new("n1"), &name);
        assert!(is_bucket_name(&BucketName::new(&alias)), "{alias}");
        let bucket = bucket(&["data", &alias], &[]);
        assert!(is_open(&bucket, &grantee("n1", false), &name));
        assert!(!is_open(&bucket, &grantee("n2", false), &name));
        assert!(is_open(&bucket, &grantee("n2", true), &name));
        let other = BucketName::new("other");
        assert!(
            !is_open(&bucket, &grantee("n1", false), &other),
            "one bucket's alone"
        );
        assert!(advice(&grantee("n1", false), &name).contains(&alias));
    }

    #[test]
    fn what_opens_a_bucket_is_no_bucket_itself() {
        let alias = BucketName::new(consent(&NamespaceMark::new("n1"), &BucketName::new("data")));
        let to = grantee("n2", true);
        assert!(is_reserved(&alias) && !is_open(&bucket(&[alias.as_str()], &[]), &to, &alias));
        let text = advice(&to, &alias);
        assert!(
            !text.contains("opens it by") && text.contains(alias.as_str()),
            "{text}"
        );
        assert!(!is_reserved(&BucketName::new("gracekey")));
    }

    #[test]
    fn what_is_told_of_a_consent_that_is_taken_fits_with_the_longest_names() {
        let (user, name) = (UserName::new("u".repeat(64)), BucketName::new("b".repeat(63)));
        let text = taken(&consent(&NamespaceMark::new("n1"), &name), &name);
        let call = request::make_bucket(&user, "");
        let told = call.refuse(ErrorKind::Conflict, &text).detail.to_string();
        assert!(told.ends_with("take it from that one"), "{told}");
        let told = call.refuse(ErrorKind::Invalid, RESERVED).detail.to_string();
        assert!(told.ends_with(RESERVED), "{told}");
    }

    #[test]
    fn a_bucket_that_was_begun_has_one_name_and_no_keys() {
        let nobodys =
            |aliases: &[&str], keys: &[(&str, bool, bool)]| bucket(aliases, keys).is_nobodys_but("c1");
        assert!(nobodys(&["c1"], &[]));
        assert!(!nobodys(&["c1", "data"], &[]) && !nobodys(&["data"], &[]) && !nobodys(&[], &[]));
        assert!(!nobodys(&["c1"], &[("GK1", false, false)]), "its owner");
    }
}
