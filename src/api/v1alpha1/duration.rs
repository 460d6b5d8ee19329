//! Durations as people write them, kept as they were written.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

/// A duration in the subset of Go's notation that Gateway API wrote down (GEP-2257): one to four parts of at most
/// five digits and a unit (`h`, `m`, `s`, `ms`), such as `24h` or `1h30m`. No sign, no fraction, no days.
///
/// The text is kept as written, so that what is read back from a cluster equals what was applied.
#[derive(Clone, PartialEq, Eq)]
pub struct GoDuration {
    text: Cow<'static, str>,
    value: Duration,
}

/// The text is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a duration: one to four numbers with unit 'h', 'm', 's' or 'ms', such as '24h' or '1h30m'"
)]
pub struct DurationError(String);

/// By the pattern: four parts of at most five digits and a unit of at most two letters, and some room.
const MAX_LENGTH: usize = 32;
const MAX_PARTS: usize = 4;
const MAX_DIGITS: usize = 5;

impl GoDuration {
    /// `24h`.
    pub const DAY: Self = Self {
        text: Cow::Borrowed("24h"),
        value: Duration::from_hours(24),
    };

    /// The pattern in the schema.
    pub const PATTERN: &'static str = "^([0-9]{1,5}(h|m|s|ms)){1,4}$";

    /// How long it is.
    pub fn to_duration(&self) -> Duration {
        self.value
    }

    /// The shortest text for a duration, rounded up to milliseconds; what is beyond `99999h59m59s999ms` becomes that.
    pub fn from_duration(value: Duration) -> Self {
        const MAX_MS: u64 = 99_999 * 3_600_000 + 59 * 60_000 + 59_000 + 999;
        let ms = u64::try_from(value.as_nanos().div_ceil(1_000_000))
            .unwrap_or(MAX_MS)
            .min(MAX_MS);
        let parts: [(u64, &str); 4] = [
            (ms / 3_600_000, "h"),
            (ms / 60_000 % 60, "m"),
            (ms / 1000 % 60, "s"),
            (ms % 1000, "ms"),
        ];
        let mut text = String::new();
        for (n, unit) in parts.iter().filter(|(n, _)| *n > 0) {
            text.push_str(&n.to_string());
            text.push_str(unit);
        }
        let text = if text.is_empty() {
            Cow::Borrowed("0s")
        } else {
            Cow::Owned(text)
        };
        Self {
            text,
            value: Duration::from_millis(ms),
        }
    }
}

/// `None` where the text does not match [`GoDuration::PATTERN`].
fn parse(text: &str) -> Option<Duration> {
    if text.is_empty() || text.len() > MAX_LENGTH {
        return None;
    }
    let (mut rest, mut total, mut parts) = (text, Duration::ZERO, 0);
    while !rest.is_empty() {
        let (digits, tail) = rest.split_at_checked(rest.find(|c: char| !c.is_ascii_digit())?)?;
        let (unit, tail) = match tail {
            t if t.starts_with("ms") => (Duration::from_millis(1), t.strip_prefix("ms")?),
            t if t.starts_with('h') => (Duration::from_hours(1), t.strip_prefix('h')?),
            t if t.starts_with('m') => (Duration::from_mins(1), t.strip_prefix('m')?),
            t => (Duration::from_secs(1), t.strip_prefix('s')?),
        };
        parts += 1;
        if digits.len() > MAX_DIGITS || parts > MAX_PARTS {
            return None;
        }
        total = total.checked_add(unit.checked_mul(digits.parse().ok()?)?)?;
        rest = tail;
    }
    Some(total)
}

impl FromStr for GoDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match parse(text) {
            Some(value) => Ok(Self {
                text: Cow::Owned(text.to_owned()),
                value,
            }),
            None => Err(DurationError(text.chars().take(MAX_LENGTH).collect())),
        }
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

impl JsonSchema for GoDuration {
    fn schema_name() -> Cow<'static, str> {
        "GoDuration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "maxLength": MAX_LENGTH, "pattern": Self::PATTERN })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1alpha1::ObjectUser;
    use kube::core::DeserializeGuard;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    /// Texts that the pattern takes.
    fn matching() -> impl Strategy<Value = String> {
        GoDuration::PATTERN.trim_matches(['^', '$'])
    }

    #[test]
    fn a_duration_is_the_sum_of_its_parts() {
        let ms = |text: &str| text.parse::<GoDuration>().unwrap().to_duration().as_millis();
        assert_eq!(ms("0s"), 0);
        assert_eq!(ms("1h30m"), 5_400_000);
        assert_eq!(ms("30m1h"), 5_400_000);
        assert_eq!(ms("2m2ms"), 120_002);
        assert_eq!(ms("99999h99999h99999h99999h"), 4 * 99_999 * 3_600_000);
    }

    #[test]
    fn what_only_looks_like_a_duration_is_refused() {
        let bad = [
            "",
            " ",
            "0",
            "24",
            "h",
            "-5s",
            "+5s",
            "--5s",
            "1.5h",
            "1d",
            "90d",
            " 24h",
            "24h ",
            "24 h",
            "24H",
            "1h,5m",
            "1hm",
            "100000s",
            "1h1h1h1h1h",
            "9999999999999999999999h",
            "1µs",
            "1us",
            "1ns",
            "٣h",
            "1h\n",
            "m5",
            "P1D",
            "null",
        ];
        for text in bad {
            assert_eq!(text.parse::<GoDuration>(), Err(DurationError(text.to_owned())));
        }
    }

    #[test]
    fn the_error_says_what_a_duration_looks_like_and_does_not_repeat_a_long_text() {
        let error = "x".repeat(5000).parse::<GoDuration>().unwrap_err().to_string();
        assert!(error.contains("'24h'") && error.len() < 200, "{error}");
    }

    #[test]
    fn a_malformed_duration_spoils_its_own_object_only() {
        for bad in [
            json!("9999999999999999999999h"),
            json!(""),
            json!(-5),
            json!(24),
            json!({"h": 1}),
            Value::Null,
        ] {
            let object = json!({
                "apiVersion": "gracekey.dev/v1alpha1",
                "kind": "ObjectUser",
                "metadata": { "name": "bad" },
                "spec": { "objectStoreRef": { "name": "prod" }, "rotation": { "gracePeriod": bad } },
            });
            let guard: DeserializeGuard<ObjectUser> = serde_json::from_value(object).unwrap();
            assert_eq!(guard.0.unwrap_err().metadata.name.as_deref(), Some("bad"));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC*") {
            if let Ok(duration) = text.parse::<GoDuration>() {
                prop_assert_eq!(duration.to_string(), text);
            }
        }

        #[test]
        fn whatever_the_pattern_takes_is_parsed_and_printed_as_written(text in matching()) {
            let duration: GoDuration = text.parse().unwrap();
            prop_assert_eq!(duration.to_string(), text.as_str());
            let json = serde_json::to_value(&duration).unwrap();
            prop_assert_eq!(&json, &json!(text));
            prop_assert_eq!(serde_json::from_value::<GoDuration>(json).unwrap(), duration);
        }

        #[test]
        fn a_changed_character_is_refused_or_seen(
            text in matching(), at in any::<prop::sample::Index>(), other in any::<char>(),
        ) {
            let mut chars: Vec<char> = text.chars().collect();
            let at = at.index(chars.len());
            chars[at] = other;
            let changed: String = chars.iter().collect();
            if let Ok(duration) = changed.parse::<GoDuration>() {
                prop_assert_eq!(duration.to_string(), changed);
                prop_assert!(other.is_ascii_digit() || "hms".contains(other));
            }
        }

        #[test]
        fn a_duration_survives_its_text(ms in 0..=359_999_999_999_u64, nanos in 0..1_000_000_u32) {
            let value = Duration::from_millis(ms) + Duration::from_nanos(nanos.into());
            let printed = GoDuration::from_duration(value);
            let read: GoDuration = printed.to_string().parse().unwrap();
            prop_assert_eq!(&read, &printed);
            let rounded_up = Duration::from_millis(ms + u64::from(nanos > 0));
            prop_assert_eq!(read.to_duration(), rounded_up);
        }
    }

    #[test]
    fn a_duration_beyond_all_measure_becomes_the_longest() {
        let longest = GoDuration::from_duration(Duration::MAX);
        assert_eq!(longest.to_string(), "99999h59m59s999ms");
        assert_eq!(longest.to_string().parse(), Ok(longest));
    }
}
