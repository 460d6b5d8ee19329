//! What a real API server makes of the definitions.

mod accepted;
mod refused;
mod seen;
mod updates;

use crate::testbed::cluster::OwnNamespace;
use gracekey::api::v1alpha1::{ObjectStore, ObjectUser};
use kube::{
    Api, Error, Resource,
    api::{ApiResource, DynamicObject, Patch, PatchParams},
    core::{CustomResourceExt, Status},
};
use serde_json::{Value, json};

/// A store with nothing that has a default.
fn store() -> Value {
    json!({
        "apiVersion": "gracekey.dev/v1alpha1",
        "kind": "ObjectStore",
        "metadata": { "name": "prod" },
        "spec": {
            "backend": { "ceph": { "endpoint": "https://rgw.example:7480", "credentialsSecretRef": { "name": "rgw-admin" } } },
            "s3": { "endpoint": "https://s3.example" },
        },
    })
}

/// A user with nothing that has a default.
fn user() -> Value {
    json!({
        "apiVersion": "gracekey.dev/v1alpha1",
        "kind": "ObjectUser",
        "metadata": { "name": "billing" },
        "spec": { "objectStoreRef": { "name": "prod" } },
    })
}

/// The object with the value at `path` (`spec.a.b`) set, or taken away where it is null. A part of the path that is
/// missing is made; dots within a part are written `\.`.
fn with(mut object: Value, path: &str, value: Value) -> Value {
    let path = path.replace("\\.", "\0");
    let mut parts: Vec<String> = path.split('.').map(|part| part.replace('\0', ".")).collect();
    let last = parts.pop().unwrap();
    let mut at = &mut object;
    for part in parts {
        at = at
            .as_object_mut()
            .unwrap()
            .entry(part)
            .or_insert_with(|| json!({}));
    }
    let at = at.as_object_mut().unwrap();
    if value.is_null() {
        at.remove(&last);
    } else {
        at.insert(last, value);
    }
    object
}

fn api_for(namespace: &OwnNamespace, object: &Value) -> (Api<DynamicObject>, ApiResource) {
    let resource = match object["kind"].as_str() {
        Some("ObjectStore") => ObjectStore::api_resource(),
        Some("ObjectUser") => ObjectUser::api_resource(),
        kind => panic!("{kind:?}"),
    };
    (
        Api::namespaced_with(namespace.client.clone(), &namespace.name, &resource),
        resource,
    )
}

/// What is stored, or what the server says against it. As `kubectl apply --server-side` does; strict: an unknown field
/// is refused.
async fn apply(namespace: &OwnNamespace, object: &Value) -> Result<Value, Box<Status>> {
    let (api, _) = api_for(namespace, object);
    let params = PatchParams::apply("test").force().validation_strict();
    answer(api.patch(name_of(object), &params, &Patch::Apply(object)).await)
}

/// What would be stored of a new object, or what the server says against it. As `kubectl create --dry-run=server`.
async fn try_create(namespace: &OwnNamespace, object: &Value) -> Result<Value, Box<Status>> {
    let (_, resource) = api_for(namespace, object);
    let path = DynamicObject::url_path(&resource, Some(&namespace.name));
    let request = http::Request::post(format!("{path}?dryRun=All&fieldValidation=Strict"))
        .header("content-type", "application/json")
        .body(serde_json::to_vec(object).unwrap())
        .unwrap();
    answer(namespace.client.request::<DynamicObject>(request).await)
}

/// What would be stored after a change of an object that is there. As `kubectl patch --dry-run=server`.
async fn try_change(
    namespace: &OwnNamespace,
    object: &Value,
    path: &str,
    value: Value,
) -> Result<Value, Box<Status>> {
    let (api, _) = api_for(namespace, object);
    let body = path.rsplit('.').fold(value, |inner, part| json!({ part: inner }));
    answer(
        api.patch(
            name_of(object),
            &PatchParams::default().dry_run(),
            &Patch::Merge(body),
        )
        .await,
    )
}

fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

fn answer(result: kube::Result<DynamicObject>) -> Result<Value, Box<Status>> {
    match result {
        Ok(stored) => Ok(serde_json::to_value(stored).unwrap()),
        Err(Error::Api(status)) => Err(status),
        Err(error) => panic!("{error}"),
    }
}

/// One thing that must be refused: where, the value there, and a piece of the message that says what to do.
struct Refusal(&'static str, Value, &'static str);

/// Checks all before it fails, so that one run shows all.
async fn assert_refused(namespace: &OwnNamespace, base: &Value, refusals: Vec<Refusal>) {
    let mut wrong = vec![];
    for Refusal(path, value, message) in refusals {
        let object = with(base.clone(), path, value.clone());
        let field = path.replace("\\.", ".");
        match try_create(namespace, &object).await {
            Ok(_) => wrong.push(format!("{path}: {value} was accepted")),
            Err(status) if !status.message.contains(message) => {
                wrong.push(format!(
                    "{path}: {value}: expected {message:?} in {:?}",
                    status.message
                ));
            }
            Err(status)
                if !status
                    .message
                    .contains(field.split('.').nth(1).unwrap_or_default()) =>
            {
                wrong.push(format!(
                    "{path}: {value}: the field is not named in {:?}",
                    status.message
                ));
            }
            Err(_) => {}
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
