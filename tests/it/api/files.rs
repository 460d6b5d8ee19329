//! What can be said of the files without a server.

use gracekey::crdgen;
use serde_json::{Map, Value};
use std::{collections::BTreeSet, env, fs, path::PathBuf};

/// Where the files are: for everyone, and once more inside the chart, since Helm reads nothing outside of it.
const FOLDERS: [&str; 2] = ["crds", "charts/gracekey/files/crds"];

/// `UPDATE=1 cargo test` writes them again.
#[test]
fn files_are_what_the_program_prints() {
    let expected = crdgen::files().unwrap();
    for folder in FOLDERS {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
        if env::var_os("UPDATE").is_some() {
            for (name, text) in &expected {
                fs::write(path.join(name), text).unwrap();
            }
        }
        let names = fs::read_dir(&path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert_eq!(
            names.collect::<BTreeSet<_>>(),
            expected.iter().map(|(name, _)| name.clone()).collect()
        );
        for (name, text) in &expected {
            let file = fs::read_to_string(path.join(name)).unwrap();
            assert!(
                file == *text,
                "{folder}/{name} is stale: run `UPDATE=1 cargo test --test it api::files`"
            );
        }
    }
}

/// Every schema, with its path.
fn each(visit: &mut impl FnMut(&str, &Map<String, Value>)) {
    for crd in crdgen::crds().unwrap() {
        let crd = serde_json::to_value(&crd).unwrap();
        let kind = crd
            .pointer("/spec/names/kind")
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned();
        walk(
            &kind,
            crd.pointer("/spec/versions/0/schema/openAPIV3Schema").unwrap(),
            visit,
        );
    }
}

fn walk(path: &str, schema: &Value, visit: &mut impl FnMut(&str, &Map<String, Value>)) {
    let Some(schema) = schema.as_object() else { return };
    visit(path, schema);
    for (name, property) in schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        walk(&format!("{path}.{name}"), property, visit);
    }
    for inner in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(inner) {
            walk(&format!("{path}[]"), inner, visit);
        }
    }
}

/// The paths at which `wrong` holds.
fn paths_where(wrong: impl Fn(&Map<String, Value>) -> bool) -> Vec<String> {
    let mut paths = vec![];
    each(&mut |path, schema| {
        if wrong(schema) {
            paths.push(path.to_owned());
        }
    });
    paths
}

fn is(schema: &Map<String, Value>, kind: &str) -> bool {
    schema.get("type").and_then(Value::as_str) == Some(kind)
}

const NONE: [String; 0] = [];

#[test]
fn every_text_is_bounded() {
    let unbounded = |s: &Map<String, Value>| {
        let bounded = ["maxLength", "enum"].iter().any(|k| s.contains_key(*k))
            || s.get("format").is_some_and(|f| f == "date-time");
        is(s, "string") && !bounded
    };
    assert_eq!(paths_where(unbounded), NONE);
}

#[test]
fn every_list_is_bounded_and_says_how_it_merges() {
    let wanted = ["maxItems", "x-kubernetes-list-type"];
    assert_eq!(
        paths_where(|s| is(s, "array") && !wanted.iter().all(|k| s.contains_key(*k))),
        NONE
    );
}

#[test]
fn every_map_is_bounded() {
    assert_eq!(
        paths_where(|s| s.contains_key("additionalProperties") && !s.contains_key("maxProperties")),
        NONE
    );
}

#[test]
fn every_number_is_a_bounded_signed_integer() {
    let wrong = |s: &Map<String, Value>| {
        let format = s.get("format").and_then(Value::as_str);
        is(s, "integer") && !(s.contains_key("minimum") && matches!(format, Some("int32" | "int64")))
    };
    assert_eq!(paths_where(wrong), NONE);
    assert_eq!(paths_where(|s| is(s, "number")), NONE);
}

#[test]
fn nothing_may_be_null() {
    assert_eq!(paths_where(|s| s.contains_key("nullable")), NONE);
}

#[test]
fn no_list_or_map_is_empty_by_default() {
    let empty = |v: &Value| v.as_array().is_some_and(Vec::is_empty);
    assert_eq!(paths_where(|s| s.get("default").is_some_and(empty)), NONE);
}

#[test]
fn every_field_is_described_in_plain_text_of_sane_length() {
    each(&mut |path, schema| {
        let is_element = path.ends_with("[]");
        let text = schema
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default();
        assert!(is_element || !text.is_empty(), "{path} has no description");
        assert!(
            text.len() <= 500,
            "{path} has a description of {} characters",
            text.len()
        );
        assert!(!text.contains(['\n', '[']), "{path} has markup: {text}");
        assert!(
            text.is_empty() || text.ends_with('.'),
            "{path} does not end a sentence: {text}"
        );
    });
}

#[test]
fn every_rule_has_a_message_and_a_reason() {
    each(&mut |path, schema| {
        for rule in schema
            .get("x-kubernetes-validations")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let message = rule.get("message").and_then(Value::as_str).unwrap_or_default();
            assert!(
                ["must", "cannot"].iter().any(|word| message.contains(word)),
                "{path}: say what must be: {rule}"
            );
            assert!(rule.get("reason").is_some(), "{path}: {rule}");
        }
    });
}

/// kubectl's client-side apply keeps the whole object in an annotation of at most 256 KiB.
#[test]
fn files_are_small_enough_for_kubectl_apply() {
    for (name, text) in crdgen::files().unwrap() {
        assert!(text.len() < 100 * 1024, "{name} has {} bytes", text.len());
    }
}

/// Who waits by `kstatus` would take an object that nobody has looked at for ready.
#[test]
fn status_starts_as_not_observed() {
    for crd in crdgen::crds().unwrap() {
        let crd = serde_json::to_value(crd).unwrap();
        let default = crd
            .pointer("/spec/versions/0/schema/openAPIV3Schema/properties/status/default")
            .unwrap();
        assert_eq!(*default, serde_json::json!({ "observedGeneration": -1 }));
    }
}

#[test]
fn one_document_each_is_printed() {
    let printed = crdgen::print().unwrap();
    assert_eq!(printed.split("---\n").count(), 2);
    assert_eq!(
        printed,
        crdgen::files()
            .unwrap()
            .iter()
            .map(|(_, text)| text.as_str())
            .collect::<Vec<_>>()
            .join("---\n")
    );
}
