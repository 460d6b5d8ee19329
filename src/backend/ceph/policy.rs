//! Bucket policies: what of them is ours, and how ours is put in and taken out. Pure.
//!
//! Source: Amazon S3 User Guide, "Policies and permissions in Amazon S3", and Ceph documentation, "Bucket Policies" (reef),
//! checked against 16.2.15, 18.2.7 and 20.2.4: the text of a policy is given back as it was put, a policy takes effect at
//! once, and a principal need not exist.

use crate::backend::Grantee;
use crate::backend::access::actions;
use crate::domain::access::{Held, Permission};
use crate::domain::ids::{BucketName, NamespaceMark, UserName};
use serde_json::{Map, Value, json};

/// Longest policy that is read or written: the limit of AWS. RGW takes more, and nobody reads it.
pub(super) const MAX_BYTES: usize = 20 * 1024;

/// `Sid` of the statement that gives a user its access, before the mark of its owner.
const GRANT: &str = "Gracekey";
/// `Sid` of the statement by which a bucket's owner consents, before the mark of the namespace.
const CONSENT: &str = "GracekeyTrusts";

/// A policy as it was read. Statements of others stay as they are.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    /// `Version` and `Id`.
    frame: Map<String, Value>,
    statements: Vec<Value>,
}

impl Policy {
    /// Of a bucket that has none.
    pub(super) fn absent() -> Self {
        Self {
            frame: Map::from_iter([("Version".to_owned(), json!("2012-10-17"))]),
            statements: Vec::new(),
        }
    }

    /// Reads one. `None`: of a form that is not known, or too long, and to be left alone.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        if body.len() > MAX_BYTES {
            return None;
        }
        let mut frame: Map<String, Value> = serde_json::from_slice(body).ok()?;
        let statements = match frame.remove("Statement")? {
            Value::Array(list) => list,
            one @ Value::Object(_) => vec![one],
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return None,
        };
        let known = frame.keys().all(|key| key == "Version" || key == "Id");
        (known && statements.iter().all(Value::is_object)).then_some(Self { frame, statements })
    }

    /// Whether the bucket's owner consents to grants for this namespace.
    pub(super) fn consents(&self, namespace: &NamespaceMark) -> bool {
        let sid = format!("{CONSENT}{namespace}");
        let consents = |statement: &Value| statement["Sid"] == sid && statement["Effect"] == "Allow";
        self.statements.iter().any(consents)
    }

    /// The grant of ours for this user.
    pub(super) fn held(&self, to: &Grantee, bucket: &BucketName) -> Held {
        let mut ours = self.statements.iter().filter(|s| is_for(s, to));
        let (Some(first), more) = (ours.next(), ours.next()) else {
            return Held::Nothing;
        };
        let is = |permission: &Permission| *first == grant(to, bucket, *permission);
        match Permission::ALL.into_iter().find(is) {
            Some(permission) if more.is_none() => Held::As(permission),
            _ => Held::Otherwise,
        }
    }

    /// Makes this the grant of ours for this user.
    pub(super) fn set(&mut self, to: &Grantee, bucket: &BucketName, what: Option<Permission>) {
        self.statements.retain(|statement| !is_for(statement, to));
        self.statements
            .extend(what.map(|permission| grant(to, bucket, permission)));
    }

    /// Consents to grants for this namespace.
    pub(super) fn consent(&mut self, to: &NamespaceMark, bucket: &BucketName, admin: &UserName) {
        if !self.consents(to) {
            self.statements.push(consent(to, bucket, admin));
        }
    }

    /// Nothing is left in it.
    pub(super) fn is_empty(&self) -> bool {
        self.statements.is_empty() && !self.frame.contains_key("Id")
    }

    /// As it goes to the gateway.
    pub(super) fn into_text(self) -> String {
        let mut whole = self.frame;
        whole.insert("Statement".to_owned(), Value::Array(self.statements));
        Value::Object(whole).to_string()
    }
}

fn is_for(statement: &Value, to: &Grantee) -> bool {
    statement["Sid"] == format!("{GRANT}{}", to.owner)
}

fn grant(to: &Grantee, bucket: &BucketName, permission: Permission) -> Value {
    json!({
        "Sid": format!("{GRANT}{}", to.owner),
        "Effect": "Allow",
        "Principal": { "AWS": [format!("arn:aws:iam:::user/{}", to.user)] },
        "Action": actions(permission),
        "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
    })
}

/// The statement by which a bucket's owner consents: it lets the operator's admin user read and write the policy, and
/// names the namespace.
pub(super) fn consent(to: &NamespaceMark, bucket: &BucketName, admin: &UserName) -> Value {
    json!({
        "Sid": format!("{CONSENT}{to}"),
        "Effect": "Allow",
        "Principal": { "AWS": [format!("arn:aws:iam:::user/{admin}")] },
        "Action": ["s3:GetBucketPolicy", "s3:PutBucketPolicy"],
        "Resource": [format!("arn:aws:s3:::{bucket}")],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::OwnerMark;

    fn to(owner: &str) -> Grantee {
        Grantee {
            user: UserName::new(format!("gk-{owner}")),
            owner: OwnerMark::new(owner.repeat(32)),
            namespace: NamespaceMark::new("c".repeat(32)),
            at_home: false,
        }
    }

    fn bucket() -> BucketName {
        BucketName::new("invoices")
    }

    fn foreign() -> Value {
        json!({
            "Version": "2008-10-17", "Id": "theirs",
            "Statement": [{
                "Sid": "TheirOwn", "Effect": "Deny", "Principal": "*", "NotAction": "s3:GetObject",
                "Resource": "arn:aws:s3:::invoices/*",
                "Condition": { "NumericLessThan": { "s3:max-keys": 10 }, "Bool": { "aws:SecureTransport": "false" } },
            }],
        })
    }

    #[test]
    fn a_grant_is_put_in_and_taken_out_and_statements_of_others_stay() {
        let before = foreign();
        let mut policy = Policy::parse(before.to_string().as_bytes()).unwrap();
        policy.set(&to("a"), &bucket(), Some(Permission::ReadOnly));
        policy.set(&to("b"), &bucket(), Some(Permission::ReadWrite));
        policy.set(&to("a"), &bucket(), Some(Permission::WriteOnly));
        let mut policy = Policy::parse(policy.into_text().as_bytes()).unwrap();
        assert_eq!(policy.held(&to("a"), &bucket()), Held::As(Permission::WriteOnly));
        assert_eq!(policy.held(&to("b"), &bucket()), Held::As(Permission::ReadWrite));
        assert_eq!(policy.held(&to("d"), &bucket()), Held::Nothing);
        policy.set(&to("a"), &bucket(), None);
        policy.set(&to("b"), &bucket(), None);
        assert!(!policy.is_empty());
        let after: Value = serde_json::from_str(&policy.into_text()).unwrap();
        assert_eq!(after, before);
    }

    #[test]
    fn a_lone_statement_without_a_list_is_a_policy_too() {
        let lone = json!({ "Statement": { "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject" } });
        let mut policy = Policy::parse(lone.to_string().as_bytes()).unwrap();
        policy.set(&to("a"), &bucket(), Some(Permission::ReadOnly));
        let after: Value = serde_json::from_str(&policy.into_text()).unwrap();
        assert_eq!(after["Statement"][0], lone["Statement"]);
    }

    #[test]
    fn what_is_not_known_or_too_long_is_left_alone() {
        let long = format!(r#"{{"Statement":[],"Id":"{}"}}"#, "x".repeat(MAX_BYTES));
        for text in [
            "",
            "[]",
            "{}",
            r#"{"Statement":"x"}"#,
            r#"{"Statement":["x"]}"#,
            r#"{"Statement":[],"Statements":[]}"#,
            &long,
        ] {
            assert!(Policy::parse(text.as_bytes()).is_none(), "{text:.80}");
        }
    }

    #[test]
    fn a_grant_that_was_edited_or_doubled_is_not_taken_for_one_of_ours_as_it_should_be() {
        let mut edited = grant(&to("a"), &bucket(), Permission::ReadOnly);
        edited["Action"] = json!(["s3:*"]);
        let right = grant(&to("a"), &bucket(), Permission::ReadOnly);
        for statements in [vec![edited], vec![right.clone(), right]] {
            let mut policy = Policy {
                statements,
                ..Policy::absent()
            };
            assert_eq!(policy.held(&to("a"), &bucket()), Held::Otherwise);
            policy.set(&to("a"), &bucket(), None);
            assert!(policy.is_empty());
        }
    }

    #[test]
    fn consent_is_for_one_namespace_and_must_allow() {
        let mut policy = Policy::absent();
        let (ours, other) = (
            NamespaceMark::new("c".repeat(32)),
            NamespaceMark::new("d".repeat(32)),
        );
        policy.consent(&ours, &bucket(), &UserName::new("gracekey"));
        assert!(policy.consents(&ours) && !policy.consents(&other));
        policy.consent(&ours, &bucket(), &UserName::new("gracekey"));
        assert_eq!(policy.statements.len(), 1);
        policy.statements[0]["Effect"] = json!("Deny");
        assert!(!policy.consents(&ours));
    }
}
