//! The custom resource definitions as files: what the derive makes of [`crate::api`], and what it cannot say.

use crate::api::v1alpha1::{ObjectStore, ObjectUser};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Map, Value, json};

/// The definitions cannot be written. No input leads here.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not expressible in JSON.
    #[error("custom resource definition as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Not expressible in YAML.
    #[error("custom resource definition as YAML: {0}")]
    Yaml(#[from] serde_saphyr::ser::Error),
}

const HEADER: &str = "# Generated from src/api by `gracekey crd`. Do not edit.\n";

/// The definitions, as they are installed.
pub fn crds() -> Result<Vec<CustomResourceDefinition>, Error> {
    Ok(finished()?
        .into_iter()
        .map(serde_json::from_value)
        .collect::<Result<_, _>>()?)
}

/// One YAML document per definition.
pub fn print() -> Result<String, Error> {
    let documents: Vec<String> = files()?.into_iter().map(|(_, text)| text).collect();
    Ok(documents.join("---\n"))
}

/// The files in `crds/`, by name.
pub fn files() -> Result<Vec<(String, String)>, Error> {
    finished()?
        .iter()
        .map(|crd| {
            let name = crd
                .pointer("/metadata/name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            Ok((
                format!("{name}.yaml"),
                format!("{HEADER}{}", serde_saphyr::to_string(crd)?),
            ))
        })
        .collect()
}

fn finished() -> Result<Vec<Value>, Error> {
    [ObjectStore::crd(), ObjectUser::crd()]
        .iter()
        .map(|crd| {
            let mut crd = serde_json::to_value(crd)?;
            finish(&mut crd);
            Ok(crd)
        })
        .collect()
}

/// What the derive cannot say.
fn finish(crd: &mut Value) {
    let versions = crd.pointer_mut("/spec/versions").and_then(Value::as_array_mut);
    for schema in versions
        .into_iter()
        .flatten()
        .filter_map(|v| v.pointer_mut("/schema/openAPIV3Schema"))
    {
        each_schema(schema, &mut tidy);
        // Clients that wait for an object take one without status for ready, even if nobody has looked at it yet.
        if let Some(status) = schema
            .pointer_mut("/properties/status")
            .and_then(Value::as_object_mut)
        {
            status.insert("default".into(), json!({ "observedGeneration": -1 }));
        }
    }
}

fn tidy(schema: &mut Map<String, Value>) {
    // A field that may be null breaks merge patches and is not defaulted; ours are absent instead.
    schema.remove("nullable");
    // Says nothing that the kind does not say.
    schema.remove("title");
    // Line breaks of the source mean nothing to `kubectl explain`.
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace('\n', " ");
    }
    for bound in ["minimum", "maximum"] {
        if let Some(number) = schema.get_mut(bound) {
            *number = whole(number);
        }
    }
}

/// `64` instead of `64.0`.
fn whole(number: &Value) -> Value {
    format!("{:.0}", number.as_f64().unwrap_or_default())
        .parse::<i64>()
        .map_or(Value::Null, Value::from)
}

/// Visits a schema and all within it.
pub fn each_schema(schema: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    let Some(schema) = schema.as_object_mut() else {
        return;
    };
    visit(schema);
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for property in properties.into_iter().flat_map(Map::values_mut) {
        each_schema(property, visit);
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(inner) {
            each_schema(inner, visit);
        }
    }
}
