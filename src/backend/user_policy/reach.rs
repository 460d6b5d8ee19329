//! Which buckets a policy is about. Pure.
//!
//! Source: AWS IAM User Guide, "IAM JSON policy elements: Resource" and "Using wildcards in resource ARNs"; `*` and `?` stand for a
//! slash as well. `${…}` is replaced by something of whoever asks.

use serde_json::{Map, Value};
use std::slice;

pub(super) const ARN: &str = "arn:aws:s3:::";

/// How each action of S3 begins.
const S3: &str = "s3:";

/// What whoever may do it with all buckets learns of them: that they are there.
const HARMLESS: [&str; 2] = ["s3:getbucketlocation", "s3:listallmybuckets"];

/// Which buckets a pattern of resources is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach<'a> {
    /// This one, or something in it.
    One(&'a str),
    /// Some that cannot be listed, or no bucket.
    Some,
    /// Every one, those of others included; or something in it.
    All,
}

impl<'a> Reach<'a> {
    pub(super) fn of(resource: &'a str) -> Self {
        let Some(path) = resource.strip_prefix(ARN) else {
            // A pattern may begin before the name: `*`, `arn:aws:s3*`.
            let (before, is_pattern) = before_wildcard(resource);
            let is_all = is_pattern && ARN.starts_with(before);
            return if is_all { Self::All } else { Self::Some };
        };
        let bucket = path.split('/').next().unwrap_or_default();
        if bucket.trim_start_matches('?').starts_with('*') {
            Self::All
        } else if bucket.contains(['*', '?', '$']) {
            Self::Some
        } else {
            Self::One(bucket)
        }
    }
}

/// Whether a policy allows something in every bucket. What is not understood counts as that.
pub fn reaches_all_buckets(policy: &[u8]) -> bool {
    let whole: Option<Map<String, Value>> = serde_json::from_slice(policy).ok();
    match whole.as_ref().and_then(|whole| whole.get("Statement")) {
        Some(Value::Array(list)) => list.iter().any(statement_reaches_all),
        Some(one) => statement_reaches_all(one),
        None => true,
    }
}

fn statement_reaches_all(statement: &Value) -> bool {
    let Some(statement) = statement.as_object() else {
        return true;
    };
    let get = |key| statement.get(key).filter(|value| !value.is_null());
    if get("Effect").is_some_and(|effect| effect == "Deny") {
        return false;
    }
    // All but what is named.
    let acts = get("NotAction").is_some_and(leaves_s3) || any(get("Action"), may_touch_buckets);
    let reaches = get("NotResource").is_some() || any(get("Resource"), |text| Reach::of(text) == Reach::All);
    acts && reaches
}

/// Whether this is so of a text, or of one in a list. Anything else is not understood.
fn any(value: Option<&Value>, is: impl Fn(&str) -> bool) -> bool {
    let list = match value {
        None => return false,
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => slice::from_ref(one),
    };
    list.iter().any(|item| item.as_str().is_none_or(&is))
}

/// Whether something of S3 is left where all but these actions are allowed. Several that cover it only together are not put together.
fn leaves_s3(but: &Value) -> bool {
    let list = but.as_array().map_or(slice::from_ref(but), Vec::as_slice);
    !list.iter().filter_map(Value::as_str).any(covers_s3)
}

/// Whether this pattern is about every action of S3.
fn covers_s3(pattern: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    pattern
        .strip_suffix('*')
        .is_some_and(|start| S3.starts_with(start))
}

/// Whether this pattern of actions may be about what is in buckets. Capitals are all one.
fn may_touch_buckets(pattern: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    let (before, is_pattern) = before_wildcard(&pattern);
    let is_s3 = before.starts_with(S3) || (is_pattern && S3.starts_with(before));
    is_s3 && !HARMLESS.contains(&pattern.as_str())
}

/// What comes before the first wildcard, and whether there is one.
fn before_wildcard(pattern: &str) -> (&str, bool) {
    pattern
        .split_once(['*', '?'])
        .map_or((pattern, false), |(before, _)| (before, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_about_one_bucket_or_some_or_all() {
        for (resource, want) in [
            ("arn:aws:s3:::a", Reach::One("a")),
            ("arn:aws:s3:::a/b*", Reach::One("a")),
            ("arn:aws:s3:::a*", Reach::Some),
            ("arn:aws:s3:::a?/*", Reach::Some),
            ("arn:aws:s3:::???", Reach::Some),
            ("arn:aws:s3:::${aws:username}/*", Reach::Some),
            ("arn:aws:iam::123456789012:user/*", Reach::Some),
            ("a", Reach::Some),
            ("arn:aws:s3:::*", Reach::All),
            ("arn:aws:s3:::*/*", Reach::All),
            ("arn:aws:s3:::*-logs", Reach::All),
            ("arn:aws:s3:::?*", Reach::All),
            ("arn:aws:s3:::???*/x", Reach::All),
            ("arn:aws:s3*", Reach::All),
            ("arn:*:s3:::*", Reach::All),
            ("?*", Reach::All),
            ("*", Reach::All),
        ] {
            assert_eq!(Reach::of(resource), want, "{resource}");
        }
    }

    #[test]
    fn a_policy_that_reaches_all_buckets_is_told_from_one_that_does_not() {
        let of = |statement: &str| reaches_all_buckets(format!(r#"{{"Statement":{statement}}}"#).as_bytes());
        for (rest, want) in [
            (r#""Action":"s3:GetObject","Resource":["arn:aws:s3:::*"]"#, true),
            (r#""Action":"s3:GetObject","Resource":"*""#, true),
            (r#""Action":["s3:GetObject"],"Resource":"arn:aws:s3:::?*""#, true),
            (r#""Action":["iam:*","*"],"Resource":"*""#, true),
            (r#""Action":"S3:Get*","Resource":"*""#, true),
            (r#""Action":"s?:GetObject","Resource":"*""#, true),
            (r#""NotAction":"iam:*","Resource":"*""#, true),
            (r#""NotAction":["s3:Get*","s3-outposts:*"],"Resource":"*""#, true),
            (r#""NotAction":"s3:*","Resource":"*""#, false),
            (r#""NotAction":["iam:*","S3*"],"Resource":"*""#, false),
            (r#""NotAction":"*","Resource":"*""#, false),
            (r#""Action":"s3:*","NotResource":"arn:aws:s3:::a""#, true),
            (r#""Action":"s3:*","Resource":[1]"#, true),
            (
                r#""Action":"s3:*","Resource":["arn:aws:s3:::a","arn:aws:s3:::a/*"]"#,
                false,
            ),
            (r#""Action":["iam:*","sts:AssumeRole"],"Resource":"*""#, false),
            (
                r#""Action":["s3:ListAllMyBuckets","s3:GetBucketLocation"],"Resource":"*""#,
                false,
            ),
            (r#""Action":"admin:*""#, false),
        ] {
            let allowed = format!(r#"{{"Effect":"Allow",{rest}}}"#);
            assert_eq!(of(&allowed), want, "{rest}");
            assert_eq!(of(&format!("[{allowed}]")), want, "{rest}");
            assert!(!of(&allowed.replace("Allow", "Deny")), "{rest}");
        }
        assert!(!of("[]"));
        for text in ["", "[]", "{}", r#"{"Statement":"x"}"#, r#"{"Statement":["x"]}"#] {
            assert!(reaches_all_buckets(text.as_bytes()), "{text}");
        }
    }
}
