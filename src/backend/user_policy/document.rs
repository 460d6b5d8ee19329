//! The policy that holds a user's grants, as text. Pure.
//!
//! It is the user's own and the operator's alone: one statement for each permission, with the buckets that it is for, and one
//! for buckets that are being made. What else is in it was put there by hand, and goes with the next change.
//!
//! Source: AWS IAM User Guide, "IAM JSON policy reference"; the same was seen to hold on `MinIO` of 2026-02-12, `JuiceFS` 1.4.2
//! and `SeaweedFS` 4.48. `MinIO` gives lists back in any order.

use super::reach::{ARN, Reach};
use crate::backend::access::actions;
use crate::domain::access::{Held, Permission};
use crate::domain::ids::BucketName;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Where buckets are named that are being made. No bucket can have a name in capitals, so that it allows nothing.
const MAKES: &str = "GRACEKEY_MAKES/";
const MAKES_ACTION: &str = "s3:GetObject";

/// Actions that not every server knows: `SeaweedFS` takes no policy that names one. Without them an upload in many parts cannot be
/// taken up again.
const OPTIONAL: [&str; 2] = ["s3:ListBucketMultipartUploads", "s3:ListMultipartUploadParts"];

/// What this permission means in actions of S3, without those that not every server knows.
fn fewer_actions(permission: Permission) -> Vec<&'static str> {
    let mut actions = actions(permission);
    actions.retain(|action| !OPTIONAL.contains(action));
    actions
}

/// What is in the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    buckets: BTreeMap<String, Entry>,
    /// Something in it reaches buckets that cannot be listed.
    reaches_all: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    /// Being made for this user, who has got nothing of it yet.
    Made,
    Granted(Permission),
    /// Not as this operator writes it.
    Odd,
}

impl Document {
    /// Reads one. What is not understood counts as reaching every bucket.
    pub fn parse(text: &[u8]) -> Self {
        let mut read = Self::default();
        let whole: Option<Map<String, Value>> = serde_json::from_slice(text).ok();
        match whole.and_then(|mut whole| whole.remove("Statement")) {
            Some(Value::Array(list)) => list.iter().for_each(|statement| read.add(statement)),
            Some(one @ Value::Object(_)) => read.add(&one),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => {
                read.reaches_all = true;
            }
        }
        read
    }

    /// The grant on this bucket.
    pub fn held(&self, bucket: &BucketName) -> Held {
        match self.buckets.get(bucket.as_str()) {
            _ if self.reaches_all => Held::Otherwise,
            Some(Entry::Odd) => Held::Otherwise,
            Some(Entry::Granted(permission)) => Held::As(*permission),
            Some(Entry::Made) | None => Held::Nothing,
        }
    }

    /// Whether this bucket is on record as being made for this user.
    pub fn makes(&self, bucket: &BucketName) -> bool {
        self.buckets.get(bucket.as_str()) == Some(&Entry::Made)
    }

    /// Makes this the grant on the bucket. What was put in by hand goes.
    pub fn set(&mut self, bucket: &BucketName, what: Option<Permission>) {
        self.put(bucket, what.map(Entry::Granted));
    }

    /// Records that this bucket is being made for the user.
    pub fn make(&mut self, bucket: &BucketName) {
        self.put(bucket, Some(Entry::Made));
    }

    /// With whatever takes most room as the grant on the bucket.
    pub(super) fn with_most(&self, bucket: &BucketName) -> Self {
        let all = Permission::ALL.into_iter().map(|permission| {
            let mut with = self.clone();
            with.set(bucket, Some(permission));
            with
        });
        all.max_by_key(|with| with.text().len()).unwrap_or_default()
    }

    fn put(&mut self, bucket: &BucketName, entry: Option<Entry>) {
        self.reaches_all = false;
        self.buckets.remove(bucket.as_str());
        self.buckets.retain(|_, there| *there != Entry::Odd);
        self.buckets
            .extend(entry.map(|entry| (bucket.as_str().to_owned(), entry)));
    }

    /// Nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.buckets.is_empty() && !self.reaches_all
    }

    /// As it goes to the backend, without whitespace.
    pub fn text(&self) -> String {
        self.text_with(actions)
    }

    /// The same for a server that does not know all actions.
    pub fn plain_text(&self) -> String {
        self.text_with(fewer_actions)
    }

    fn text_with(&self, actions: fn(Permission) -> Vec<&'static str>) -> String {
        let of = |wanted: Entry| {
            let entries = self.buckets.iter();
            entries
                .filter(move |(_, entry)| **entry == wanted)
                .map(|(name, _)| name.as_str())
        };
        let mut statements = Vec::new();
        for permission in Permission::ALL {
            let buckets = of(Entry::Granted(permission));
            let arns: Vec<_> = buckets.flat_map(arns).collect();
            if !arns.is_empty() {
                statements.push(statement(&actions(permission), &arns));
            }
        }
        let made: Vec<_> = of(Entry::Made)
            .map(|name| format!("{ARN}{MAKES}{name}"))
            .collect();
        if !made.is_empty() {
            statements.push(statement(&[MAKES_ACTION], &made));
        }
        json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
    }

    fn add(&mut self, statement: &Value) {
        let Some(resources) = texts(&statement["Resource"]) else {
            self.reaches_all = true;
            return;
        };
        if let Some(read) = as_written(statement, &resources) {
            for (bucket, entry) in read {
                self.note(bucket, entry);
            }
            return;
        }
        for resource in resources {
            match Reach::of(resource) {
                Reach::One(bucket) => self.note(bucket.to_owned(), Entry::Odd),
                Reach::Some | Reach::All => self.reaches_all = true,
            }
        }
    }

    /// A bucket that is named twice is not as it is written here.
    fn note(&mut self, bucket: String, entry: Entry) {
        let known = self.buckets.entry(bucket).or_insert(entry);
        if *known != entry {
            *known = Entry::Odd;
        }
    }
}

fn statement(actions: &[&str], resources: &[String]) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resources })
}

fn arns(bucket: &str) -> [String; 2] {
    [format!("{ARN}{bucket}"), format!("{ARN}{bucket}/*")]
}

/// The buckets of a statement that is exactly as it is written here, whatever the order of its lists.
fn as_written(statement: &Value, resources: &BTreeSet<&str>) -> Option<Vec<(String, Entry)>> {
    let known = |key: &String| matches!(key.as_str(), "Effect" | "Action" | "Resource" | "Sid");
    let is_plain = statement.as_object()?.keys().all(known);
    if !is_plain || statement["Effect"] != "Allow" {
        return None;
    }
    let allowed = texts(&statement["Action"])?;
    if allowed == BTreeSet::from([MAKES_ACTION]) {
        let made = |resource: &&str| {
            let bucket = resource.strip_prefix(ARN)?.strip_prefix(MAKES)?;
            Some((bucket.to_owned(), Entry::Made))
        };
        return resources.iter().map(made).collect();
    }
    let is = |permission: &Permission| {
        [actions, fewer_actions]
            .iter()
            .any(|actions| allowed == actions(*permission).into_iter().collect())
    };
    let permission = Permission::ALL.into_iter().find(is)?;
    let mut buckets = Vec::new();
    for resource in resources {
        let Reach::One(bucket) = Reach::of(resource) else {
            return None;
        };
        let own = arns(bucket);
        let has_both = own.iter().all(|arn| resources.contains(arn.as_str()));
        if !own.iter().any(|arn| arn == resource) || !has_both {
            return None;
        }
        buckets.push((bucket.to_owned(), Entry::Granted(permission)));
    }
    Some(buckets)
}

/// A text, or a list of nothing else. `None`: something else, or nothing.
fn texts(value: &Value) -> Option<BTreeSet<&str>> {
    match value {
        Value::String(text) => Some(BTreeSet::from([text.as_str()])),
        Value::Array(list) => list.iter().map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(name: &str) -> BucketName {
        BucketName::new(name)
    }

    fn again(document: &Document) -> Document {
        Document::parse(document.text().as_bytes())
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut document = Document::default();
        assert!(document.is_empty());
        for (name, permission) in ["a", "b", "c"].iter().zip(Permission::ALL) {
            document.set(&bucket(name), Some(permission));
        }
        document.set(&bucket("d"), Some(Permission::ReadOnly));
        document.make(&bucket("e"));
        assert_eq!(again(&document), document);
        assert_eq!(Document::parse(document.plain_text().as_bytes()), document);
        assert!(!document.plain_text().contains("ListMultipart") && document.text() != document.plain_text());
        let text: Value = serde_json::from_str(&document.text()).unwrap();
        assert_eq!(text["Statement"].as_array().unwrap().len(), 4);
        assert_eq!(document.held(&bucket("d")), Held::As(Permission::ReadOnly));
        assert_eq!(document.held(&bucket("e")), Held::Nothing);
        assert!(document.makes(&bucket("e")) && !document.makes(&bucket("a")));
        for name in ["a", "b", "c", "d", "e"] {
            document.set(&bucket(name), None);
        }
        assert!(document.is_empty());
    }

    #[test]
    fn lists_may_come_in_any_order_and_with_a_name() {
        let mut document = Document::default();
        document.set(&bucket("a"), Some(Permission::ReadWrite));
        let mut text: Value = serde_json::from_str(&document.text()).unwrap();
        for list in ["Action", "Resource"] {
            text["Statement"][0][list].as_array_mut().unwrap().reverse();
        }
        text["Statement"][0]["Sid"] = json!("");
        assert_eq!(Document::parse(text.to_string().as_bytes()), document);
    }

    #[test]
    fn what_was_edited_by_hand_is_held_otherwise_and_goes_with_the_next_change() {
        let right =
            json!({ "Effect": "Allow", "Action": actions(Permission::ReadOnly), "Resource": arns("a") });
        let with = |key: &str, value: Value| {
            let mut edited = right.clone();
            edited[key] = value;
            edited
        };
        let twice = json!([right, with("Action", json!(actions(Permission::WriteOnly)))]);
        for (statement, everywhere) in [
            (with("Action", json!(["s3:*"])), false),
            (with("Effect", json!("Deny")), false),
            (with("Condition", json!({})), false),
            (with("Resource", json!("arn:aws:s3:::a/b/*")), false),
            (with("Resource", json!(["arn:aws:s3:::a"])), false),
            (twice, false),
            (with("Resource", json!("arn:aws:s3:::*")), true),
            (with("Resource", json!("*")), true),
            (with("Resource", json!(["arn:aws:s3:::a*/*"])), true),
            (with("Resource", json!(["arn:aws:s3:::${aws:username}"])), true),
            (with("Resource", Value::Null), true),
        ] {
            let statements = if statement.is_array() {
                statement
            } else {
                json!([statement])
            };
            let text = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
            let mut document = Document::parse(text.as_bytes());
            assert_eq!(document.held(&bucket("a")), Held::Otherwise, "{text}");
            assert_eq!(
                document.held(&bucket("b")) == Held::Otherwise,
                everywhere,
                "{text}"
            );
            document.set(&bucket("b"), Some(Permission::ReadOnly));
            assert_eq!(again(&document).held(&bucket("a")), Held::Nothing, "{text}");
        }
        for text in ["", "[]", "{}", r#"{"Statement":"x"}"#, r#"{"Statement":["x"]}"#] {
            assert_eq!(
                Document::parse(text.as_bytes()).held(&bucket("a")),
                Held::Otherwise,
                "{text}"
            );
        }
    }

    /// A statement of many buckets that is odd is odd for all of them.
    #[test]
    fn a_bucket_without_its_objects_spoils_the_statement() {
        let mut resources = arns("a").to_vec();
        resources.push(format!("{ARN}b"));
        let text = json!({ "Statement": statement(&actions(Permission::ReadOnly), &resources) }).to_string();
        let document = Document::parse(text.as_bytes());
        for name in ["a", "b"] {
            assert_eq!(document.held(&bucket(name)), Held::Otherwise, "{name}");
        }
        assert_eq!(document.held(&bucket("c")), Held::Nothing);
    }

    #[test]
    fn many_buckets_of_one_permission_fit_into_what_aws_takes() {
        let mut document = Document::default();
        for number in 0..20 {
            document.set(
                &bucket(&format!("invoices-{number:02}")),
                Some(Permission::ReadWrite),
            );
        }
        assert!(document.text().len() < 1900, "{}", document.text().len());
    }
}
