//! Who calls the admin API: a signature of a system user, Version 2 over the bare sub-resource or Version 4.

use super::call::Call;
use super::options::{Refusal, Signature};
use super::state::State;
use crate::clock::Clock;
use crate::server::{Answer, Incoming, header};
use crate::signature::{V2, V4};
use axum::http::StatusCode;
use jiff::{Timestamp, civil::DateTime, fmt::rfc2822::DateTimeParser, tz::TimeZone};
use std::time::SystemTime;

/// A request that nobody signed.
const UNSIGNED: Refusal = Refusal::new(StatusCode::FORBIDDEN, "AccessDenied");

/// A request of another time, as S3 refuses it.
const SKEWED: Refusal = Refusal::new(StatusCode::FORBIDDEN, "RequestTimeTooSkewed");

/// Refuses a request that no system user signed as the documents have it.
pub(super) fn authenticate(state: &State, request: &Incoming, call: &Call) -> Result<(), Answer> {
    if !request.body().is_empty() {
        state.note(call, "no call has a body");
    }
    let time = match (V2::of(request), V4::of(request)) {
        (Some(v2), _) => by_v2(state, request, call, &v2)?,
        (None, Some(v4)) => by_v4(state, request, call, &v4)?,
        (None, None) => {
            state.note(
                call,
                "Authorization is missing, or neither Version 2 nor Version 4",
            );
            return Err(state.refuse(UNSIGNED, "The request is not signed"));
        }
    };
    // Against the real time: a clock that a test put forward is not that of the client.
    let real = Clock::default().now();
    let skew = real.duration_since(time).unwrap_or_else(|ahead| ahead.duration());
    match state.options.max_skew {
        Some(most) if skew > most => Err(state.refuse(SKEWED, "The time of the request is too far off")),
        _ => Ok(()),
    }
}

fn by_v2(state: &State, request: &Incoming, call: &Call, v2: &V2) -> Result<SystemTime, Answer> {
    if state.options.signature == Signature::V4 {
        return Err(bad(state));
    }
    // The string to sign has two empty lines, a Date, and nothing of Amazon's.
    for name in ["content-type", "content-md5"] {
        if request.headers().contains_key(name) {
            state.note(call, &format!("{name} does not belong into the string to sign"));
        }
    }
    if request
        .headers()
        .keys()
        .any(|name| name.as_str().starts_with("x-amz-"))
    {
        state.note(call, "x-amz- headers do not belong into the string to sign");
    }
    let time = header(request, "date").and_then(rfc1123);
    let Some(time) = time else {
        state.note(call, "Date is missing, or not of RFC 1123");
        return Err(state.refuse(UNSIGNED, "The request has no valid date"));
    };
    let secret = secret(state, &v2.access_key_id)?;
    let resource = format!("/?{}", call.service);
    if !v2.is_by(request, &resource, secret.any()) {
        let whole = request.uri().path_and_query().map_or("/", |whole| whole.as_str());
        let others = [whole, "/"];
        if whole != resource && others.iter().any(|other| v2.is_by(request, other, secret.any())) {
            state.note(
                call,
                "of the URL, the bare sub-resource alone is signed, as in /?ostor-users",
            );
        }
        return Err(bad(state));
    }
    secret.of_system(state)?;
    Ok(time)
}

fn by_v4(state: &State, request: &Incoming, call: &Call, v4: &V4) -> Result<SystemTime, Answer> {
    if state.options.signature == Signature::V2 {
        return Err(bad(state));
    }
    if v4.service != "s3" {
        state.note(call, "Version 4 is signed for the service s3");
        return Err(bad(state));
    }
    if state
        .options
        .v4_region
        .as_ref()
        .is_some_and(|region| *region != v4.region)
    {
        return Err(bad(state));
    }
    let signed = header(request, "authorization").and_then(|text| text.split_once("SignedHeaders="));
    let mut signed = signed.map_or("", |(_, names)| names).split([';', ',', ' ']);
    if !signed.any(|name| name == "host") {
        state.note(call, "Version 4 must sign the host");
    }
    let Some(time) = header(request, "x-amz-date").and_then(basic_iso) else {
        state.note(call, "x-amz-date is missing, or not as Version 4 has it");
        return Err(bad(state));
    };
    let secret = secret(state, &v4.access_key_id)?;
    if !v4.is_by(request, secret.any()) {
        return Err(bad(state));
    }
    secret.of_system(state)?;
    Ok(time)
}

fn bad(state: &State) -> Answer {
    state.refuse(state.options.bad_signature, "The signature does not match")
}

/// A secret, and whether a system user has it.
struct Secret<'a>(Result<&'a str, &'a str>);

impl<'a> Secret<'a> {
    fn any(&self) -> &'a str {
        self.0.unwrap_or_else(|of_another| of_another)
    }

    fn of_system(&self, state: &State) -> Result<(), Answer> {
        let denied = |_| state.refuse(state.options.not_a_system_user, "Only a system user may do this");
        self.0.map(|_| ()).map_err(denied)
    }
}

fn secret<'a>(state: &'a State, access_key_id: &str) -> Result<Secret<'a>, Answer> {
    let secret = state.directory.system_secret(access_key_id);
    secret.map(Secret).ok_or_else(|| bad(state))
}

fn rfc1123(text: &str) -> Option<SystemTime> {
    let time: Timestamp = DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(time.into())
}

fn basic_iso(text: &str) -> Option<SystemTime> {
    let time = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().into())
}
