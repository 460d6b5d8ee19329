//! The Secret as it should be, and what the one that is there says. Pure.

use super::{
    format,
    notes::{digest, handled, leftovers, pair_in, publish_time, retiring},
};
use crate::{
    api::v1alpha1::{AdoptionPolicy, ObjectUser, S3, SecretFormat},
    backend::KeyPair,
    controller::error::Trouble,
    domain::{
        facts::{Published, SecretState},
        ids::{CredentialId, RotateToken, UserName},
        plan::Mirror,
        reason::Reason,
        template::{Template, Values},
    },
    names,
};
use jiff::Timestamp;
use k8s_openapi::{
    ByteString,
    api::core::v1::Secret,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use kube::{Resource, ResourceExt};
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;

/// Most that templates may make of themselves, in bytes: half of what a Secret holds at all.
const RENDERED_MAX: usize = 512 * 1024;

/// Everything about the Secret but the key.
#[derive(Debug)]
pub(super) struct Form {
    /// Its name.
    pub name: String,
    namespace: String,
    owner: OwnerReference,
    owner_name: String,
    adoption: AdoptionPolicy,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    format: SecretFormat,
    templates: BTreeMap<String, Template>,
    s3: Option<S3>,
    ca_bundle: Option<String>,
    user_name: UserName,
}

impl Form {
    /// The form that a spec asks for. Templates that cannot be read are told, and left out.
    pub(super) fn new(
        user: &ObjectUser,
        user_name: &UserName,
        s3: Option<&S3>,
        ca_bundle: Option<&str>,
    ) -> (Self, Option<Trouble>) {
        let spec = &user.spec.secret;
        let (mut templates, mut trouble) = (BTreeMap::new(), None);
        for (key, text) in &spec.template {
            match Template::parse(text) {
                Ok(template) => drop(templates.insert(key.clone(), template)),
                Err(error) => {
                    let message =
                        format!("`spec.secret.template.{key}`: {error}. The key is left out of the Secret.");
                    trouble = Some(Trouble::stalled(Reason::InvalidSpec, message));
                }
            }
        }
        let mut form = Self {
            name: spec.name.clone().unwrap_or_else(|| user.name_any()),
            namespace: user.namespace().unwrap_or_default(),
            owner: user.controller_owner_ref(&()).unwrap_or_default(),
            owner_name: user.name_any(),
            adoption: spec.adoption_policy,
            labels: spec.metadata.labels.clone(),
            annotations: spec.metadata.annotations.clone(),
            format: spec.format.unwrap_or_else(|| format::default_for(s3)),
            templates,
            s3: s3.cloned(),
            ca_bundle: ca_bundle.map(str::to_owned),
            user_name: user_name.clone(),
        };
        // A short text can name a long value again and again.
        let size: usize = form
            .templates
            .values()
            .map(|t| t.length(&form.values("", &SecretString::default())))
            .sum();
        if size > RENDERED_MAX {
            form.templates.clear();
            let message = format!(
                "`spec.secret.template` would make {size} bytes, and a Secret holds less; its keys are left out. Keep it \
                 below {RENDERED_MAX} bytes."
            );
            trouble = Some(Trouble::stalled(Reason::InvalidSpec, message));
        }
        (form, trouble)
    }

    fn values<'a>(&'a self, access_key_id: &'a str, secret_access_key: &'a SecretString) -> Values<'a> {
        Values {
            access_key_id,
            secret_access_key,
            endpoint: self.s3.as_ref().map_or("", |s3| &s3.endpoint),
            region: self.s3.as_ref().map_or("", |s3| &s3.region),
            user_name: self.user_name.as_str(),
            ca_bundle: self.ca_bundle.as_deref().unwrap_or_default(),
        }
    }

    /// What the Secret says, with the secret halves that are known.
    pub(super) fn inspect(
        &self,
        secret: Option<&Secret>,
        halves: &BTreeMap<CredentialId, KeyPair>,
        readable: bool,
    ) -> SecretState {
        let Some(secret) = secret else {
            return SecretState::Absent;
        };
        if !self.may_write(secret) {
            return SecretState::Foreign;
        }
        let pair = pair_in(secret);
        let key = pair
            .as_ref()
            .and_then(|found| match halves.values().find(|half| same(half, found)) {
                Some(half) => Some(half.id.clone()),
                None => (!readable).then(|| found.id.clone()),
            });
        let intact = key.is_some() && pair.is_some_and(|pair| self.is_intact(secret, &pair));
        SecretState::Ours(Published {
            key,
            intact,
            at: publish_time(secret),
            handled: handled(secret),
            retiring: retiring(secret),
        })
    }

    /// Ours: this object controls it, or it carries the mark of this object or of one of the same name before it.
    fn may_write(&self, secret: &Secret) -> bool {
        let controller = secret
            .owner_references()
            .iter()
            .find(|o| o.controller == Some(true));
        if let Some(controller) = controller {
            return controller.uid == self.owner.uid;
        }
        let ours = secret
            .labels()
            .get(names::OWNER_UID)
            .is_some_and(|uid| *uid == self.owner.uid);
        let before = secret
            .annotations()
            .get(names::OWNER_NAME)
            .is_some_and(|name| *name == self.owner_name)
            && secret.labels().contains_key(names::MANAGED);
        match self.adoption {
            AdoptionPolicy::Never => ours,
            AdoptionPolicy::IfOwned => ours || before,
            AdoptionPolicy::Always => true,
        }
    }

    /// The data for this key.
    pub(super) fn data(&self, pair: &KeyPair) -> BTreeMap<String, ByteString> {
        let mut data = BTreeMap::new();
        let values = self.values(pair.access_key_id.as_str(), &pair.secret);
        for (key, template) in &self.templates {
            let text = template.render(&values);
            data.insert(key.clone(), ByteString(text.expose_secret().as_bytes().to_vec()));
        }
        // What the format writes comes before what a template makes of the same key.
        let (s3, ca) = (self.s3.as_ref(), self.ca_bundle.as_deref());
        data.extend(format::data(self.format, pair, s3, ca));
        data
    }

    fn is_intact(&self, secret: &Secret, pair: &KeyPair) -> bool {
        let (data, meta) = (self.data(pair), self.metadata());
        let has = |have: &BTreeMap<String, String>, want: &Option<BTreeMap<String, String>>| {
            want.iter()
                .flatten()
                .all(|(key, value)| have.get(key) == Some(value))
        };
        data.iter()
            .all(|(key, value)| secret.data.as_ref().and_then(|d| d.get(key)) == Some(value))
            && has(secret.labels(), &meta.labels)
            && has(secret.annotations(), &meta.annotations)
            && secret.annotations().get(names::KEY_DIGEST) == Some(&digest(pair))
            && secret
                .owner_references()
                .iter()
                .any(|o| o.uid == self.owner.uid && o.controller == Some(true))
            && leftovers(secret, &data).is_empty()
    }

    fn metadata(&self) -> ObjectMeta {
        let mut labels = self.labels.clone();
        for (key, value) in [
            (names::MANAGED_BY, names::GRACEKEY),
            (names::PART_OF, names::GRACEKEY),
            (names::MANAGED, names::TRUE),
            (names::OWNER_UID, &self.owner.uid),
        ] {
            labels.insert(key.to_owned(), value.to_owned());
        }
        let mut annotations = self.annotations.clone();
        annotations.insert(names::OWNER_NAME.to_owned(), self.owner_name.clone());
        ObjectMeta {
            name: Some(self.name.clone()),
            namespace: Some(self.namespace.clone()),
            labels: Some(labels),
            annotations: Some(annotations),
            owner_references: Some(vec![self.owner.clone()]),
            ..ObjectMeta::default()
        }
    }

    /// The Secret to be written: what is there, with ours put right. What others put there stays.
    pub(super) fn fill(
        &self,
        before: Option<&Secret>,
        pair: &KeyPair,
        mirror: &Mirror,
        at: Option<Timestamp>,
    ) -> Secret {
        let data = self.data(pair);
        let meta = self.metadata();
        let mut secret = before.cloned().unwrap_or_default();
        let stale = before.map(|b| leftovers(b, &data)).unwrap_or_default();
        let entries = secret.data.get_or_insert_default();
        entries.retain(|key, _| !stale.contains(key));
        entries.extend(data);
        secret.metadata.name = meta.name;
        secret.metadata.namespace = meta.namespace;
        secret.labels_mut().extend(meta.labels.unwrap_or_default());
        secret
            .annotations_mut()
            .extend(meta.annotations.unwrap_or_default());
        secret.metadata.managed_fields = None;
        let owners = secret.owner_references_mut();
        owners.retain(|o| o.uid != self.owner.uid && o.controller != Some(true));
        owners.push(self.owner.clone());
        let handled: Vec<&str> = mirror.handled.iter().map(RotateToken::as_str).collect();
        let retiring: BTreeMap<&str, String> = mirror
            .retiring
            .iter()
            .map(|(id, at)| (id.as_str(), at.to_string()))
            .collect();
        let notes = secret.annotations_mut();
        notes.insert(names::CREDENTIAL_ID.to_owned(), pair.id.to_string());
        notes.insert(names::KEY_DIGEST.to_owned(), digest(pair));
        notes.insert(
            names::HANDLED_TOKENS.to_owned(),
            serde_json::json!(handled).to_string(),
        );
        notes.insert(
            names::RETIRING.to_owned(),
            serde_json::json!(retiring).to_string(),
        );
        if let Some(at) = at {
            notes.insert(names::PUBLISH_TIME.to_owned(), at.to_string());
        }
        secret
    }
}

fn same(a: &KeyPair, b: &KeyPair) -> bool {
    a.access_key_id == b.access_key_id && a.secret.expose_secret() == b.secret.expose_secret()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::AccessKeyId;
    use serde_json::json;

    fn user(secret: &serde_json::Value) -> ObjectUser {
        serde_json::from_value(json!({
            "apiVersion": "gracekey.dev/v1alpha1", "kind": "ObjectUser",
            "metadata": {"name": "billing", "namespace": "shop", "uid": "uid-1"},
            "spec": {"objectStoreRef": {"name": "prod"}, "secret": secret},
        }))
        .unwrap()
    }

    fn form(secret: &serde_json::Value) -> Form {
        let s3: S3 = serde_json::from_value(json!({"endpoint": "https://s3.example"})).unwrap();
        Form::new(&user(secret), &UserName::new("gk-shop-billing"), Some(&s3), None).0
    }

    fn pair(id: &str) -> KeyPair {
        let access_key_id = AccessKeyId::new(id);
        KeyPair {
            id: CredentialId::from(&access_key_id),
            access_key_id,
            secret: format!("half-of-{id}").into(),
        }
    }

    fn halves(id: &str) -> BTreeMap<CredentialId, KeyPair> {
        BTreeMap::from([(CredentialId::new(id), pair(id))])
    }

    fn published(form: &Form, secret: &Secret, readable: bool) -> Published {
        match form.inspect(Some(secret), &halves("NEW"), readable) {
            SecretState::Ours(published) => published,
            SecretState::Absent | SecretState::Foreign => panic!("not recognised as ours"),
        }
    }

    #[test]
    fn a_secret_of_another_format_is_recognised_and_written_anew() {
        let before = form(&json!({})).fill(None, &pair("NEW"), &Mirror::default(), None);
        let after = form(&json!({"format": "BasicAuth"}));
        let seen = published(&after, &before, true);
        assert_eq!((seen.key, seen.intact), (Some(CredentialId::new("NEW")), false));
    }

    #[test]
    fn a_store_without_s3_gets_basic_auth() {
        let form = Form::new(&user(&json!({})), &UserName::new("u"), None, None).0;
        assert!(form.data(&pair("NEW")).contains_key("password"));
    }

    #[test]
    fn a_template_that_would_make_too_much_is_told_and_left_out() {
        let template = json!({"template": {"big": "${caBundle}".repeat(300)}});
        let ca = "c".repeat(4096);
        let (form, trouble) = Form::new(&user(&template), &UserName::new("u"), None, Some(&ca));
        assert_eq!(trouble.map(|t| t.reason), Some(Reason::InvalidSpec));
        assert!(!form.data(&pair("NEW")).contains_key("big"));
    }

    #[test]
    fn what_was_written_is_recognised_with_its_notes() {
        let form = form(&json!({"template": {"url": "${scheme}://${accessKeyId}@${host}"}}));
        let mirror = Mirror {
            handled: vec![RotateToken::new("b"), RotateToken::new("a")],
            retiring: BTreeMap::from([(CredentialId::new("OLD"), Timestamp::from_second(77).unwrap())]),
        };
        let at = Timestamp::from_second(7).unwrap();
        let secret = form.fill(None, &pair("NEW"), &mirror, Some(at));
        let seen = published(&form, &secret, true);
        assert_eq!(seen.key, Some(CredentialId::new("NEW")));
        assert!(seen.intact);
        assert_eq!(
            (seen.at, seen.handled, seen.retiring),
            (Some(at), mirror.handled, mirror.retiring)
        );
        assert_eq!(secret.data.unwrap()["url"].0, b"https://NEW@s3.example");
    }

    #[test]
    fn a_damaged_secret_half_is_seen_whether_the_backend_shows_the_right_one_or_not() {
        let form = form(&json!({}));
        let whole = form.fill(None, &pair("NEW"), &Mirror::default(), None);
        let mut secret = whole.clone();
        let data = secret.data.as_mut().unwrap();
        data.insert("AWS_SECRET_ACCESS_KEY".to_owned(), ByteString(b"wrong".to_vec()));
        for readable in [true, false] {
            assert_eq!(published(&form, &secret, readable).key, None);
            assert!(published(&form, &whole, readable).intact);
        }
    }

    #[test]
    fn a_secret_that_lost_its_digest_is_believed_and_gets_it_again() {
        let form = form(&json!({}));
        let whole = form.fill(None, &pair("NEW"), &Mirror::default(), None);
        let mut secret = whole.clone();
        secret.annotations_mut().remove(names::KEY_DIGEST);
        let seen = published(&form, &secret, false);
        assert_eq!((seen.key, seen.intact), (Some(CredentialId::new("NEW")), false));
        let written = form.fill(Some(&secret), &pair("NEW"), &Mirror::default(), None);
        assert_eq!(written.annotations(), whole.annotations());
    }

    #[test]
    fn what_others_put_there_stays_and_what_we_left_behind_goes() {
        let before = form(&json!({"template": {"old": "x"}}));
        let mut secret = before.fill(None, &pair("NEW"), &Mirror::default(), None);
        let foreign = ByteString(b"theirs".to_vec());
        secret
            .data
            .as_mut()
            .unwrap()
            .insert("foreign".to_owned(), foreign.clone());
        secret.labels_mut().insert("team".to_owned(), "shop".to_owned());
        secret.metadata.managed_fields = serde_json::from_value(json!([{
            "manager": "gracekey", "operation": "Update", "fieldsV1": {"f:data": {".": {}, "f:old": {}, "f:AWS_REGION": {}}},
        }]))
        .unwrap();
        let after = form(&json!({}));
        assert!(!published(&after, &secret, true).intact);
        let written = after.fill(Some(&secret), &pair("NEW"), &Mirror::default(), None);
        let data = written.data.as_ref().unwrap();
        assert_eq!(data.get("foreign"), Some(&foreign));
        assert!(!data.contains_key("old"));
        assert_eq!(written.labels()["team"], "shop");
        assert!(published(&after, &written, true).intact);
    }

    #[test]
    fn a_secret_of_somebody_else_is_foreign_unless_it_may_be_adopted() {
        let stranger: Secret =
            serde_json::from_value(json!({"metadata": {"name": "billing", "namespace": "shop"}})).unwrap();
        let state = |policy: &str, secret: &Secret| {
            let form = form(&json!({"adoptionPolicy": policy}));
            form.inspect(Some(secret), &halves("NEW"), true) == SecretState::Foreign
        };
        assert!(state("Never", &stranger) && state("IfOwned", &stranger) && !state("Always", &stranger));
        let mut controlled = stranger.clone();
        controlled.owner_references_mut().push(OwnerReference {
            controller: Some(true),
            uid: "uid-of-another".to_owned(),
            ..OwnerReference::default()
        });
        assert!(state("Always", &controlled));
        let mut former = stranger;
        former
            .labels_mut()
            .insert(names::MANAGED.to_owned(), "true".to_owned());
        former
            .labels_mut()
            .insert(names::OWNER_UID.to_owned(), "uid-before-the-restore".to_owned());
        former
            .annotations_mut()
            .insert(names::OWNER_NAME.to_owned(), "billing".to_owned());
        assert!(state("Never", &former) && !state("IfOwned", &former));
        former
            .annotations_mut()
            .insert(names::OWNER_NAME.to_owned(), "another".to_owned());
        assert!(state("IfOwned", &former));
    }

    #[test]
    fn a_template_that_cannot_be_read_is_told_and_left_out() {
        let (form, trouble) = Form::new(
            &user(&json!({"template": {"bad": "${nope}", "good": "x"}})),
            &UserName::new("u"),
            None,
            None,
        );
        assert_eq!(trouble.map(|t| t.reason), Some(Reason::InvalidSpec));
        let data = form.data(&pair("NEW"));
        assert!(data.contains_key("good") && !data.contains_key("bad"));
    }
}
