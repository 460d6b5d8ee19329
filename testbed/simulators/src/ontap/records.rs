//! Collections: filters, order, pages, fields, links.

use super::access::wildcard;
use super::call::{Call, Done, Outcome, Refusal};
use super::state::State;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

const SAFE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A name as a segment of a path or a value of a query.
pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, SAFE).to_string()
}

/// What a kind of record has.
pub(super) struct Shape {
    /// Path of the collection, from `/api` on.
    pub(super) path: String,
    /// Field that names a record in its path; empty where there is but one record.
    pub(super) key: &'static str,
    /// All fields, those of fields with a dot.
    pub(super) fields: Vec<&'static str>,
    /// Fields that are shown without being asked for.
    pub(super) default: &'static [&'static str],
    /// Fields that can be filtered by.
    pub(super) filters: Vec<&'static str>,
}

impl Shape {
    /// Path of a record.
    pub(super) fn href(&self, record: &Value) -> String {
        match self.key {
            "" => self.path.clone(),
            key => format!("{}/{}", self.path, encode(&text(record, key))),
        }
    }
}

/// The value at a name with dots: all values, where a list is on the way.
fn values(record: &Value, name: &str) -> Vec<String> {
    let (first, rest) = name.split_once('.').unwrap_or((name, ""));
    match record.get(first) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) if rest.is_empty() => list.iter().map(plain).collect(),
        Some(Value::Array(list)) => list.iter().flat_map(|entry| values(entry, rest)).collect(),
        Some(value) if rest.is_empty() => vec![plain(value)],
        Some(value) => values(value, rest),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn text(record: &Value, name: &str) -> String {
    values(record, name).into_iter().next().unwrap_or_default()
}

/// The fields that are asked for, as names of the first level; those that the version does not have are refused.
fn asked(call: &Call, shape: &Shape, whole: bool) -> Result<Vec<String>, Refusal> {
    let mut names: Vec<String> = shape.default.iter().map(|name| (*name).to_owned()).collect();
    let mut all = whole && call.parameter("fields").is_none();
    for name in call.parameter("fields").unwrap_or_default().split(',') {
        match name.trim() {
            "" => {}
            "*" | "**" => all = true,
            name if shape.fields.contains(&name) => names.extend(name.split('.').next().map(str::to_owned)),
            name => {
                // To ask for the second key is how one learns that there is none.
                if name.split('.').next() != Some("keys") {
                    call.note(format!("this version has no field {name} here"));
                }
                call.unknown(name)?;
            }
        }
    }
    if all {
        names.extend(shape.fields.iter().map(|name| (*name).to_owned()));
    }
    Ok(names)
}

fn project(call: &Call, shape: &Shape, asked: &[String], mut record: Value) -> Value {
    let href = shape.href(&record);
    if let Some(fields) = record.as_object_mut() {
        fields.retain(|name, _| asked.contains(name));
    }
    if call.has_links {
        record["_links"] = json!({"self": {"href": href}});
    }
    record
}

/// Answers the reading of one record.
pub(super) fn one(state: &State, call: &Call, shape: &Shape, record: Option<Value>) -> Outcome {
    call.allow_query(&["fields"])?;
    let asked = asked(call, shape, state.options.whole_instance)?;
    let record = record.ok_or_else(|| Refusal::missing(&state.options))?;
    Ok(Done::with(project(call, shape, &asked, record)))
}

/// Answers the reading of a collection. `records` come whole and in the order of their keys.
pub(super) fn many(state: &mut State, call: &Call, shape: &Shape, mut records: Vec<Value>) -> Outcome {
    let asked = asked(call, shape, false)?;
    for (name, value) in &call.query {
        match name.as_str() {
            "fields" | "max_records" | "return_timeout" | "order_by" | "return_records" => {}
            name if name.starts_with("start.") => {}
            name if shape.filters.contains(&name) => records.retain(|record| is_match(record, name, value)),
            name => call.unknown_parameter(name)?,
        }
    }
    number(call, "return_timeout", 0, 120)?;
    order(call, shape, &mut records)?;
    skip(state, call, shape, &mut records);
    if call.parameter("return_records") == Some("false") {
        return Ok(Done::with(json!({"num_records": records.len()})));
    }
    let asked_for = number(call, "max_records", 1, usize::MAX)?;
    let page = asked_for.unwrap_or(usize::MAX).min(state.options.page);
    let has_more = records.len() > page;
    records.truncate(page);
    let next = records
        .last()
        .filter(|_| has_more)
        .map(|last| next(call, shape, last));
    state.offered.extend(next.clone());
    let records: Vec<Value> = records
        .into_iter()
        .map(|record| project(call, shape, &asked, record))
        .collect();
    let mut body = json!({"num_records": records.len(), "records": records});
    if call.has_links {
        body["_links"] = json!({"self": {"href": shape.path}});
    }
    if let Some(next) = next {
        // The only link that also clients get that want none ("Input variables for an ONTAP REST API request").
        body["_links"]["next"] = json!({"href": next});
    }
    Ok(Done::with(body))
}

/// A filter: a value, several with `|`, patterns with `*`, the opposite with `!`.
fn is_match(record: &Value, name: &str, wanted: &str) -> bool {
    let (wanted, is_opposite) = match wanted.strip_prefix('!') {
        Some(wanted) => (wanted, true),
        None => (wanted, false),
    };
    let values = values(record, name);
    let is_found = match wanted {
        "null" => values.is_empty(),
        wanted => {
            let mut patterns = wanted.split('|');
            patterns.any(|pattern| values.iter().any(|value| wildcard(pattern, value)))
        }
    };
    is_found != is_opposite
}

fn number(call: &Call, name: &'static str, least: usize, most: usize) -> Result<Option<usize>, Refusal> {
    let Some(text) = call.parameter(name) else {
        return Ok(None);
    };
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    if number.is_none() {
        call.note(format!("{name} is no number from {least} on, or too large"));
        return Err(Refusal::bad("2", format!("invalid value for field \"{name}\"")).at(name));
    }
    Ok(number)
}

fn order(call: &Call, shape: &Shape, records: &mut [Value]) -> Result<(), Refusal> {
    let Some(wanted) = call.parameter("order_by") else {
        return Ok(());
    };
    let (field, direction) = wanted.split_once(' ').unwrap_or((wanted, "asc"));
    if !shape.fields.contains(&field) || !matches!(direction, "asc" | "desc") {
        call.note("order_by names a field that is not there, or no direction");
        return Err(Refusal::bad("2", "invalid value for field \"order_by\"").at("order_by"));
    }
    // Numbers are only ids: longer is greater.
    let rank = |record: &Value| {
        let value = text(record, field);
        (record[field].is_u64().then_some(value.len()), value)
    };
    records.sort_by_key(rank);
    if direction == "desc" {
        records.reverse();
    }
    Ok(())
}

/// Leaves out what came on earlier pages. The mark is the last record that was shown, or where it was if it is gone.
fn skip(state: &State, call: &Call, shape: &Shape, records: &mut Vec<Value>) {
    let name = format!("start.{}", shape.key);
    if !call.query.iter().any(|(name, _)| name.starts_with("start.")) {
        return;
    }
    if !state.offered.contains(&canonical(shape, &call.query)) {
        call.note("this page was never offered as _links.next: its href is to be followed as it is");
    }
    let Some(mark) = call.parameter(&name) else {
        return;
    };
    let is_descending = call
        .parameter("order_by")
        .is_some_and(|order| order.ends_with(" desc"));
    let rank = |key: &str| (key.parse::<u64>().ok(), key.to_owned());
    let is_after = |key: &str| (rank(key) > rank(mark)) != is_descending;
    match records.iter().position(|record| text(record, shape.key) == mark) {
        Some(index) => drop(records.drain(..=index)),
        None => records.retain(|record| is_after(&text(record, shape.key))),
    }
}

fn next(call: &Call, shape: &Shape, last: &Value) -> String {
    let mut query = call.query.clone();
    query.retain(|(name, _)| !name.starts_with("start."));
    query.push((format!("start.{}", shape.key), text(last, shape.key)));
    canonical(shape, &query)
}

fn canonical(shape: &Shape, query: &[(String, String)]) -> String {
    let pairs: Vec<String> = query
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect();
    format!("{}?{}", shape.path, pairs.join("&"))
}
