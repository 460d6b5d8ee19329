//! Requests as text, answers as the vendor's pages show them, and errors by table.

mod answers;
mod errors;
mod requests;

use crate::domain::ids::UserName;
use serde::de::DeserializeOwned;
use serde_json::Value;

const MARK: &str = "0123456789abcdef0123456789abcdef";
const SVM: &str = "u-1";

/// Made after the samples of the REST reference and the contract's tables; keys blanked or the samples' own.
fn recorded<T: DeserializeOwned>(which: &str) -> T {
    let all: Value = serde_json::from_str(include_str!("../recorded/answers.json")).unwrap();
    // By way of text, as an answer comes.
    serde_json::from_str(&all[which].to_string()).unwrap()
}

fn name() -> UserName {
    UserName::new("gk-a.b_c")
}
