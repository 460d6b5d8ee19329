//! The release of the cluster, and its storage VMs.

use super::api::{DATA_SVM, OTHER_SVM};
use super::call::{Call, Outcome, Refusal};
use super::records::{Shape, many, one};
use super::state::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

/// `GET /api/cluster`.
pub(super) fn read(state: &State, call: &Call) -> Outcome {
    if !state.options.reads_cluster {
        let message = "not authorized for that command";
        return Err(Refusal::new(StatusCode::FORBIDDEN, "6", message));
    }
    let version = state.options.version;
    let record = json!({
        "name": "cluster1",
        "uuid": "6f2a1b30-41be-11e9-81d5-00a0986138f7",
        "version": {
            "full": format!("NetApp Release {version}: Thu Jan 01 00:00:00 UTC 2026"),
            "generation": version.generation,
            "major": version.major,
            "minor": version.minor,
        },
    });
    let shape = Shape {
        path: "/api/cluster".to_owned(),
        key: "",
        fields: vec![
            "name",
            "uuid",
            "version",
            "version.full",
            "version.generation",
            "version.major",
            "version.minor",
        ],
        default: &["name", "uuid", "version"],
        filters: Vec::new(),
    };
    one(state, call, &shape, Some(record))
}

fn shape() -> Shape {
    Shape {
        path: "/api/svm/svms".to_owned(),
        key: "uuid",
        fields: vec!["name", "uuid", "state", "subtype"],
        default: &["name", "uuid"],
        filters: vec!["name", "uuid", "state", "subtype"],
    }
}

fn all(state: &State) -> Vec<Value> {
    let svm =
        |name: &str, uuid| json!({"name": name, "uuid": uuid, "state": "running", "subtype": "default"});
    vec![
        svm(&state.options.svm, DATA_SVM),
        svm("vs-without-data", OTHER_SVM),
    ]
}

/// `GET /api/svm/svms`: none is no error.
pub(super) fn svms(state: &mut State, call: &Call) -> Outcome {
    let all = all(state);
    many(state, call, &shape(), all)
}

/// `GET /api/svm/svms/{uuid}`.
pub(super) fn svm(state: &State, call: &Call, uuid: &str) -> Outcome {
    let found = all(state).into_iter().find(|svm| svm["uuid"] == uuid);
    one(state, call, &shape(), found)
}
