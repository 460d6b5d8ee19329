//! What `make conformance` was told, and what of it cannot be used, as a sentence for whoever typed it.

use gracekey::api::v1alpha1::{BackendKind, ObjectStore, ObjectStoreSpec};
use gracekey::backend::registry::{AdminSecret, Parts, Unusable};
use kube::CustomResourceExt as _;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use strum::IntoEnumIterator as _;

pub(super) struct Settings {
    /// As a user would write it; its Secret is the file of credentials.
    pub(super) spec: ObjectStoreSpec,
    pub(super) admin: AdminSecret,
    pub(super) ca: Option<String>,
}

fn told(name: &str) -> Option<String> {
    crate::testbed::told(&format!("GRACEKEY_LIVE_{name}"))
}

/// Where the script and the processes that it starts leave each other notes.
pub(super) fn notes() -> Option<PathBuf> {
    told("NOTES").map(PathBuf::from)
}

impl Settings {
    pub(super) fn given() -> Result<Self, String> {
        let needed =
            |name: &str| told(name).ok_or_else(|| format!("{name} is not set: see make conformance"));
        let read = |path: String| std::fs::read_to_string(&path).map_err(|e| format!("{path}: {e}"));
        let own = told("SETTINGS").unwrap_or_else(|| "{}".to_owned());
        let own = serde_json::from_str(&own).map_err(|e| format!("SETTINGS is not a JSON object: {e}"))?;
        let s3 = told("S3").map(|endpoint| (endpoint, told("REGION")));
        Ok(Self {
            spec: spec(&needed("BACKEND")?, &needed("ENDPOINT")?, own, s3)?,
            admin: keys(&read(needed("CREDENTIALS")?)?)?,
            ca: told("CA").map(read).transpose()?,
        })
    }

    pub(super) fn parts<T>(&self, make: impl FnOnce(&Parts<'_>) -> Result<T, Unusable>) -> Result<T, String> {
        make(&Parts::new(&self.spec, &self.admin, self.ca.as_deref())).map_err(|e| e.to_string())
    }
}

/// `s3`: address and region.
pub(super) fn spec(
    backend: &str,
    endpoint: &str,
    mut own: Map<String, Value>,
    s3: Option<(String, Option<String>)>,
) -> Result<ObjectStoreSpec, String> {
    let kind = BackendKind::iter().find(|kind| kind.to_string() == backend);
    let kind = kind.ok_or_else(|| {
        let kinds: Vec<_> = BackendKind::iter().map(|kind| kind.to_string()).collect();
        format!(
            "there is no backend '{backend}': BACKEND is one of {}",
            kinds.join(", ")
        )
    })?;
    if kind.has_s3() && s3.is_none() {
        return Err(format!(
            "S3 is not set: the keys of {kind} are for S3, and nobody could be asked whether they work"
        ));
    }
    for (variable, text) in [
        ("ENDPOINT", Some(endpoint)),
        ("S3", s3.as_ref().map(|(url, _)| url.as_str())),
    ] {
        // The one kind whose address may have a path.
        let may_have_path = variable == "ENDPOINT" && kind == BackendKind::Keystone;
        if text.is_some_and(|text| text.ends_with('/')) && !may_have_path {
            return Err(format!(
                "{variable} must end after the host and port: no '/' at its end"
            ));
        }
    }
    for field in ["endpoint", "credentialsSecretRef"] {
        if own.contains_key(field) {
            return Err(format!(
                "SETTINGS has the field {field}, which ENDPOINT and CREDENTIALS stand for"
            ));
        }
    }
    own.insert("endpoint".to_owned(), endpoint.into());
    own.insert(
        "credentialsSecretRef".to_owned(),
        json!({ "name": "CREDENTIALS" }),
    );
    let own = Value::Object(own);
    known(&own, &schema_of(kind), "SETTINGS")?;
    let mut spec = json!({ "backend": { backend: own } });
    if let Some((endpoint, region)) = s3 {
        spec["s3"] =
            json!({ "endpoint": endpoint, "region": region.unwrap_or_else(|| "us-east-1".to_owned()) });
    }
    serde_json::from_value(spec).map_err(|e| format!("SETTINGS: {e}"))
}

/// What the API server would let the backend's member have.
fn schema_of(kind: BackendKind) -> Value {
    let crd = serde_json::to_value(ObjectStore::crd()).unwrap();
    let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"];
    let member = &schema["spec"]["properties"]["backend"]["properties"][kind.to_string()];
    assert!(member.is_object(), "the CRD has no {kind}");
    member.clone()
}

/// Every field is one that the schema has: the API server would drop others, and nobody would see that they do nothing.
fn known(value: &Value, schema: &Value, at: &str) -> Result<(), String> {
    let (Some(fields), Some(has)) = (value.as_object(), schema["properties"].as_object()) else {
        return Ok(());
    };
    for (name, value) in fields {
        let Some(schema) = has.get(name) else {
            let others = has
                .keys()
                .filter(|key| !matches!(key.as_str(), "endpoint" | "credentialsSecretRef"));
            let others: Vec<_> = others.map(String::as_str).collect();
            let others = if others.is_empty() {
                "none".to_owned()
            } else {
                others.join(", ")
            };
            return Err(format!("{at}: there is no field {name:?}; there are: {others}"));
        };
        known(value, schema, &format!("{at}.{name}"))?;
    }
    Ok(())
}

/// Lines `key=value`: the keys of the admin Secret.
pub(super) fn keys(text: &str) -> Result<AdminSecret, String> {
    let mut keys = AdminSecret::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        // The line itself may be a secret.
        let (key, value) = line
            .split_once('=')
            .ok_or_else(|| format!("CREDENTIALS: line {number} is not key=value"))?;
        keys.insert(key.trim().to_owned(), value.trim().to_owned().into());
    }
    if keys.is_empty() {
        return Err("CREDENTIALS has no line key=value".to_owned());
    }
    Ok(keys)
}

#[test]
fn what_the_suite_cannot_use_is_refused_by_name() {
    let s3 = || Some(("https://s3.example".to_owned(), None));
    let try_ = |backend: &str, endpoint: &str, own: Value, s3| {
        let own = own.as_object().unwrap().clone();
        spec(backend, endpoint, own, s3).err().unwrap_or_default()
    };
    let (url, none) = ("https://a.example", || json!({}));
    for (refusal, named) in [
        (try_("cepf", url, none(), s3()), "'cepf'"),
        (try_("ceph", url, none(), None), "S3 is not set"),
        (
            try_("ceph", "https://a.example/", none(), s3()),
            "ENDPOINT must end",
        ),
        (
            try_(
                "ceph",
                url,
                none(),
                Some(("https://s3.example/".to_owned(), None)),
            ),
            "S3 must end",
        ),
        (
            try_("ceph", url, json!({ "svm": "vs1" }), s3()),
            "no field \"svm\"; there are: none",
        ),
        (
            try_("iam", url, json!({ "policyArn": "arn" }), s3()),
            "no field \"policyArn\"",
        ),
        (
            try_("iam", url, json!({ "policyArns": "arn" }), s3()),
            "SETTINGS: ",
        ),
        (
            try_("iam", url, json!({ "endpoint": url }), s3()),
            "field endpoint",
        ),
    ] {
        assert!(refusal.contains(named), "{named}: {refusal:?}");
    }
    let policies = json!({ "policyArns": ["arn:aws:iam:::policy/application"] });
    assert_eq!(try_("iam", url, policies, s3()), "");
    let project = json!({ "projectName": "x" });
    assert_eq!(try_("keystone", "https://a.example/v3/", project, s3()), "");
    assert_eq!(try_("uptrends", url, none(), None), "");
    assert!(keys("# none\n\n").unwrap_err().contains("no line"));
    let refusal = keys("accessKey=a\nhunter2\n").unwrap_err();
    assert!(
        refusal.contains("line 2") && !refusal.contains("hunter2"),
        "{refusal}"
    );
}
