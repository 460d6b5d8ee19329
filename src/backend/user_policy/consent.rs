//! Whose a bucket is, by its tags and by what the user's policy has on record. Pure.

use super::bucket::{Look, Settings};
use super::document::Document;
use crate::backend::access::Grantee;
use crate::domain::ids::{BucketName, NamespaceMark};

const CONSENT: &str = "gracekey-trusts-";
pub(super) const CONSENT_VALUE: &str = "true";

/// The key of the tag by which a bucket's admin consents to grants for users of a namespace; its value is `true`.
pub(super) fn consent(namespace: &NamespaceMark) -> String {
    format!("{CONSENT}{namespace}")
}

/// Whether grants on it may go to this user.
pub(super) fn is_open(to: &Grantee, bucket: &BucketName, settings: &Settings, policy: &Document) -> bool {
    to.at_home || consents(to, settings) || is_new(bucket, settings, policy)
}

fn consents(to: &Grantee, settings: &Settings) -> bool {
    let tag = settings.tags.get(&consent(&to.namespace));
    tag.is_some_and(|value| value == CONSENT_VALUE)
}

/// Whether it was made for this user, who has got nothing of it yet.
pub(super) fn is_new(bucket: &BucketName, settings: &Settings, policy: &Document) -> bool {
    policy.makes(bucket) && settings.is_empty && settings.tags.is_empty()
}

/// Whether it is on record as being made for this user, and somebody else has made it. Tagged for the user's namespace, it is the
/// user's: a policy that was just written may be told as it was before.
pub(super) fn is_taken(to: &Grantee, bucket: &BucketName, look: &Look, policy: &Document) -> bool {
    match look {
        Look::There(settings) => {
            policy.makes(bucket) && !is_new(bucket, settings, policy) && !consents(to, settings)
        }
        Look::Missing | Look::Refused => false,
    }
}

/// Why a bucket is closed, and what its admin has to do.
pub(super) fn advice(to: &Grantee, bucket: &BucketName, look: &Look) -> String {
    let key = consent(&to.namespace);
    if *look == Look::Refused {
        return format!(
            "The bucket {bucket} belongs to somebody else, or the admin may not see it (s3:ListBucket, s3:GetBucketTagging), so \
             it cannot be given."
        );
    }
    format!(
        "The bucket {bucket} is not open to users of this namespace. Its admin opens it by adding the tag {key} with the value \
         {CONSENT_VALUE} to the bucket; tools that set tags replace the others."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{OwnerMark, UserName};

    fn grantee(namespace: &str, at_home: bool) -> Grantee {
        Grantee {
            user: UserName::new("u"),
            owner: OwnerMark::new("a".repeat(32)),
            namespace: NamespaceMark::new(namespace.repeat(32)),
            at_home,
        }
    }

    fn tagged(key: &str, value: &str) -> Settings {
        Settings {
            is_empty: true,
            tags: [(key.to_owned(), value.to_owned())].into(),
        }
    }

    #[test]
    fn a_bucket_is_open_by_the_tag_for_its_namespace_alone() {
        let bucket = BucketName::new("data");
        let is = |to: &Grantee, settings: &Settings| is_open(to, &bucket, settings, &Document::default());
        let (ours, theirs) = (grantee("c", false), grantee("d", false));
        let key = consent(&ours.namespace);
        assert!(is(&ours, &tagged(&key, "true")) && !is(&theirs, &tagged(&key, "true")));
        assert!(!is(&ours, &tagged(&key, "false")) && !is(&ours, &Settings::default()));
        assert!(is(&grantee("d", true), &Settings::default()));
        let told = advice(&ours, &bucket, &Look::There(Settings::default()));
        assert!(told.contains(&key) && told.contains("data"), "{told}");
    }

    #[test]
    fn a_bucket_counts_as_made_for_a_user_while_it_is_empty_and_has_no_tags() {
        let bucket = BucketName::new("data");
        let mut policy = Document::default();
        let blank = Settings {
            is_empty: true,
            ..Settings::default()
        };
        assert!(!is_new(&bucket, &blank, &policy));
        policy.make(&bucket);
        assert!(is_new(&bucket, &blank, &policy));
        assert!(!is_new(&bucket, &tagged("a", "b"), &policy));
        assert!(!is_new(&bucket, &Settings::default(), &policy));
        assert!(!is_new(&BucketName::new("other"), &blank, &policy));
    }

    #[test]
    fn a_bucket_on_record_is_taken_when_it_is_seen_to_be_somebody_elses() {
        let (bucket, to) = (BucketName::new("data"), grantee("c", false));
        let mut policy = Document::default();
        let blank = Settings {
            is_empty: true,
            ..Settings::default()
        };
        let is = |settings: &Settings, policy: &Document| {
            is_taken(&to, &bucket, &Look::There(settings.clone()), policy)
        };
        assert!(!is(&Settings::default(), &policy), "it is on no record");
        policy.make(&bucket);
        assert!(is(&Settings::default(), &policy) && is(&tagged("a", "b"), &policy));
        assert!(!is(&blank, &policy) && !is(&tagged(&consent(&to.namespace), "true"), &policy));
        for look in [Look::Missing, Look::Refused] {
            assert!(!is_taken(&to, &bucket, &look, &policy), "{look:?}");
        }
    }
}
