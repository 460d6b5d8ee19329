//! An object as the caches keep it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{
    Resource,
    core::{PartialObjectMeta, error_boundary::InvalidObject},
};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;
use std::borrow::Cow;

/// What the keys of our annotations begin with.
const OURS: &str = "gracekey.dev/";

/// A watched object: decoded, or the reason why not.
///
/// What nobody here reads is left out of its metadata: labels, the annotations of others (`kubectl apply` keeps a copy of
/// the object in one), and who manages which field, which takes more room than all the rest. A cache holds thousands.
/// (`kube::core::DeserializeGuard` keeps it all, and copies the whole object once more to decode it.)
#[derive(Clone, Debug)]
pub struct Guarded<K>(pub Result<K, InvalidObject>);

impl<'de, K: Resource + DeserializeOwned> Deserialize<'de> for Guarded<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut object = Value::deserialize(deserializer)?;
        prune(&mut object);
        match K::deserialize(&object) {
            Ok(decoded) => Ok(Self(Ok(decoded))),
            Err(error) => {
                let known = PartialObjectMeta::<K>::deserialize(&object).map_err(serde::de::Error::custom)?;
                Ok(Self(Err(InvalidObject {
                    error: error.to_string(),
                    metadata: known.metadata,
                })))
            }
        }
    }
}

fn prune(object: &mut Value) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    metadata.remove("managedFields");
    metadata.remove("labels");
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.retain(|key, _| key.starts_with(OURS));
    }
}

impl<K: Resource> Resource for Guarded<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(dt)
    }

    fn group(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::group(dt)
    }

    fn version(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::version(dt)
    }

    fn plural(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        self.0.as_ref().map_or_else(|invalid| &invalid.metadata, K::meta)
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0
            .as_mut()
            .map_or_else(|invalid| &mut invalid.metadata, K::meta_mut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1alpha1::ObjectUser;
    use kube::ResourceExt;
    use serde_json::json;

    fn read(spec: &Value) -> Guarded<ObjectUser> {
        serde_json::from_value(json!({
            "metadata": {
                "name": "billing",
                "labels": {"team": "shop"},
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "gracekey.dev/rotate": "1"},
                "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}],
            },
            "spec": spec,
        }))
        .unwrap()
    }

    #[test]
    fn what_nobody_reads_is_left_out() {
        let user = read(&json!({"objectStoreRef": {"name": "prod"}})).0.unwrap();
        let metadata = user.metadata;
        assert_eq!((metadata.managed_fields, metadata.labels), (None, None));
        assert_eq!(
            metadata.annotations.unwrap().keys().collect::<Vec<_>>(),
            ["gracekey.dev/rotate"]
        );
    }

    #[test]
    fn of_an_object_that_cannot_be_read_its_name_remains() {
        let guarded = read(&json!({"objectStoreRef": "prod"}));
        assert_eq!(guarded.name_any(), "billing");
        assert!(guarded.0.unwrap_err().error.contains("prod"));
    }
}
