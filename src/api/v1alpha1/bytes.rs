//! Amounts of bytes as people write them, kept as they were written.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::{borrow::Cow, fmt};

/// An amount of bytes in a subset of the notation of Kubernetes for quantities: a whole number, as number or text, or a
/// number of at most three decimals with one of the suffixes `k`, `M`, `G`, `T`, `P` (powers of 1000) or `Ki`, `Mi`, `Gi`,
/// `Ti`, `Pi` (powers of 1024), such as `10G`. No sign, no exponent.
///
/// Kept as written, so that what is read back from a cluster equals what was applied.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes {
    written: Written,
    value: u64,
}

#[derive(Clone, PartialEq, Eq)]
enum Written {
    Number,
    Text(String),
}

/// The form, as a regular expression.
pub const PATTERN: &str = "^([0-9]{1,15}|[0-9]{1,12}([.][0-9]{1,3})?(k|M|G|T|P|Ki|Mi|Gi|Ti|Pi))$";

/// By the pattern: twelve digits, a dot, three digits and a suffix.
const MAX_LENGTH: usize = 18;
const MAX_DIGITS: (usize, usize) = (15, 12);
const MAX_DECIMALS: usize = 3;

const SUFFIXES: [(&str, u64); 10] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("Pi", 1 << 50),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("P", 1_000_000_000_000_000),
];

impl Bytes {
    /// How many bytes that is, rounded up.
    pub fn to_bytes(&self) -> u64 {
        self.value
    }
}

/// `None` where the text does not match [`PATTERN`]. What is beyond all measure becomes the most there is.
fn parse(text: &str) -> Option<u64> {
    let found = SUFFIXES
        .iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)));
    let Some((number, unit)) = found else {
        return is_number(text, MAX_DIGITS.0).then(|| text.parse().ok()).flatten();
    };
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    if !is_number(whole, MAX_DIGITS.1) || !is_number(decimals, MAX_DECIMALS) {
        return None;
    }
    let scale = 10_u128.pow(u32::try_from(decimals.len()).ok()?);
    let thousandth = whole.parse::<u128>().ok()? * scale + decimals.parse::<u128>().ok()?;
    let bytes = (thousandth * u128::from(unit)).div_ceil(scale);
    Some(u64::try_from(bytes).unwrap_or(u64::MAX))
}

fn is_number(text: &str, max_digits: usize) -> bool {
    (1..=max_digits).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.written {
            Written::Number => write!(f, "{}", self.value),
            Written::Text(text) => f.write_str(text),
        }
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.written {
            Written::Number => serializer.serialize_u64(self.value),
            Written::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u64),
            Text(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Number(value) => Ok(Self {
                written: Written::Number,
                value,
            }),
            Either::Text(text) => {
                let value = parse(&text).ok_or_else(|| {
                    D::Error::custom("an amount of bytes is a number such as '10G' or '512Mi'")
                })?;
                Ok(Self {
                    written: Written::Text(text),
                    value,
                })
            }
        }
    }
}

impl JsonSchema for Bytes {
    fn schema_name() -> Cow<'static, str> {
        "Bytes".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "x-kubernetes-int-or-string": true,
            "maxLength": MAX_LENGTH,
            "pattern": PATTERN,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn bytes(value: &serde_json::Value) -> Option<u64> {
        serde_json::from_value::<Bytes>(value.clone())
            .ok()
            .map(|bytes| bytes.to_bytes())
    }

    #[test]
    fn an_amount_is_what_kubernetes_takes_it_for() {
        for (written, value) in [
            (json!(1), 1),
            (json!("1"), 1),
            (json!("10G"), 10_000_000_000),
            (json!("10Gi"), 10 << 30),
            (json!("1.5Ki"), 1536),
            (json!("0.001k"), 1),
            (json!("1.001Ki"), 1026),
            (json!("999999999999Pi"), u64::MAX),
        ] {
            assert_eq!(bytes(&written), Some(value), "{written}");
        }
    }

    #[test]
    fn what_only_looks_like_an_amount_is_refused() {
        for written in [
            json!(""),
            json!("-1"),
            json!("+1G"),
            json!("1g"),
            json!("1K"),
            json!("1 G"),
            json!("1.5"),
            json!("1.G"),
            json!(".5G"),
            json!("1.2345G"),
            json!("1e3"),
            json!("100m"),
            json!("1E"),
            json!("1234567890123456"),
            json!(-1),
            json!(1.5),
            json!({}),
        ] {
            assert_eq!(bytes(&written), None, "{written}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_pattern_takes_is_parsed_and_printed_as_written(text in PATTERN.trim_matches(['^', '$'])) {
            let read: Bytes = serde_json::from_value(json!(text)).unwrap();
            prop_assert!(text.len() <= MAX_LENGTH);
            prop_assert_eq!(serde_json::to_value(&read).unwrap(), json!(text));
        }
    }
}
