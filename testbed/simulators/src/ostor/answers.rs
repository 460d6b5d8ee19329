//! How answers look: common headers, JSON, refusals.

use super::call::Call;
use super::directory::{Pair, User};
use super::options::{ErrorBody, KeyOrder, Refusal, UserShape};
use super::state::State;
use crate::server::{Answer, empty, reply};
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

/// "Returns Error Code 400": parameters that do not go together.
pub(super) const INVALID: Refusal = Refusal::new(StatusCode::BAD_REQUEST, "InvalidArgument");

/// A method that a sub-resource does not have.
const NO_METHOD: Refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed");

impl State {
    /// Notes what a call did that the documents do not allow.
    pub(super) fn note(&self, call: &Call, rule: &str) {
        self.violations.note(format!("{}: {rule}", call.text()));
    }

    /// An error of the product. The message says nothing of what the request held.
    pub(super) fn refuse(&self, refusal: Refusal, message: &str) -> Answer {
        let Refusal { status, code } = refusal;
        if status.is_success() {
            return empty(status);
        }
        let mut answer = match self.options.error_body {
            ErrorBody::Xml => crate::s3::error(status, code),
            ErrorBody::Empty => empty(status),
            ErrorBody::Json => json_answer(status, &json!({"Code": code, "Message": message})),
        };
        if self.options.error_header {
            let message = HeaderValue::from_str(message).expect("messages are plain text");
            answer.headers_mut().insert("x-amz-err-message", message);
        }
        answer
    }

    /// Notes and refuses a call that the documents do not have.
    pub(super) fn no_such_call(&self, call: &Call) -> Answer {
        self.note(call, "there is no such call");
        self.refuse(NO_METHOD, "The method is not allowed")
    }

    /// Pairs in the order that this product gives them.
    fn ordered(&self, pairs: &[Pair]) -> Value {
        let mut pairs: Vec<&Pair> = pairs.iter().collect();
        let turn = match self.options.key_order {
            KeyOrder::OldestFirst => false,
            KeyOrder::NewestFirst => true,
            // Every other answer: with two pairs, there are no further orders.
            KeyOrder::Shuffled => self.counters.requests.is_multiple_of(2),
        };
        if turn {
            pairs.reverse();
        }
        let shown = |pair: &Pair| json!({"AWSAccessKeyId": pair.id, "AWSSecretAccessKey": pair.secret});
        pairs.into_iter().map(shown).collect()
    }

    /// A user as `ostor-users` answers when it made the user or a pair.
    pub(super) fn made(&self, user: &User, pairs: &[Pair]) -> Answer {
        let body = json!({
            "UserEmail": user.email,
            "UserId": user.id,
            "AWSAccessKeys": self.ordered(pairs),
        });
        json_answer(StatusCode::OK, &body)
    }

    /// An account and its pairs.
    pub(super) fn account(&self, name: &str, pairs: &[Pair]) -> Value {
        json!({"Name": name, "AWSAccessKeys": self.ordered(pairs)})
    }

    /// One user as a read shows it.
    pub(super) fn shown(&self, user: &User) -> Value {
        let shape = self.options.user_shape;
        let mut body = json!({"UserEmail": user.email, "UserId": user.id});
        if shape != UserShape::Bare {
            add_state(&mut body, user);
        }
        body["AWSAccessKeys"] = self.ordered(&user.keys);
        if shape == UserShape::Full {
            let accounts = user.accounts.iter();
            // A string, although it is a number.
            body["AccountCount"] = user.accounts.len().to_string().into();
            body["Accounts"] = accounts.map(|(name, pairs)| self.account(name, pairs)).collect();
        }
        body
    }

    /// One user as the list shows it.
    pub(super) fn listed(&self, user: &User, with_space: bool) -> Value {
        let mut body = json!({"UserEmail": user.email, "UserId": user.id});
        add_state(&mut body, user);
        if self.options.list_has_keys {
            body["AWSAccessKeys"] = self.ordered(&user.keys);
        }
        if with_space {
            body["SpaceStat"] = json!({"LastTs": 0, "SizeCurr": 0, "SizeHMax": 0, "SizeHInt": 0});
        }
        body
    }
}

fn add_state(body: &mut Value, user: &User) {
    body["State"] = if user.is_enabled { "enabled" } else { "disabled" }.into();
    body["OwnerId"] = "0000000000000000".into();
    body["Flags"] = if user.is_system {
        json!(["system"])
    } else {
        json!([])
    };
}

/// A JSON answer.
pub(super) fn json_answer(status: StatusCode, body: &Value) -> Answer {
    text_answer(status, body.to_string())
}

/// An answer that calls itself JSON. In chunks, as the samples of the orchestration reference have it: a
/// client cannot count on a length.
pub(super) fn text_answer(status: StatusCode, text: String) -> Answer {
    let chunked = Body::from_stream(Body::from(text).into_data_stream());
    reply(status, "application/json", chunked)
}

/// Adds the headers that every answer of the product has (samples of the orchestration reference).
pub(super) fn with_common_headers(mut answer: Answer, number: u64) -> Answer {
    let headers = answer.headers_mut();
    let id = HeaderValue::from_str(&format!("8000000000000003{number:016x}")).expect("hexadecimal digits");
    headers.insert("server", HeaderValue::from_static("nginx/1.8.1"));
    headers.insert("x-amz-request-id", id);
    headers.insert("x-amz-req-time-micros", HeaderValue::from_static("172807"));
    answer
}
