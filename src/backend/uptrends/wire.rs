//! What the API answers. No document gives the names of members but `OperatorGuid` and `Description`, so a name is taken
//! whatever its case and in several forms; what cannot be done without is demanded by those who need it.

use crate::domain::facts::LastUse;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use secrecy::SecretString;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// "Last used" came in November 2022 (Uptrends changelog). What was made later and shows no use was not used.
const LAST_USED_CAME: Timestamp = Timestamp::constant(1_669_852_800, 0); // 2022-12-01T00:00:00Z

/// An API account: an element of a list, or the answer to get, create and change. It has no `Debug`: it may hold a
/// password.
#[derive(Default)]
pub(super) struct Account {
    /// Its id.
    pub(super) guid: Option<String>,
    /// The id of its operator.
    pub(super) operator: Option<String>,
    /// Its user name, chosen by the API.
    pub(super) user_name: Option<String>,
    /// Its password: in the answer to its creation alone.
    pub(super) password: Option<SecretString>,
    /// Its description; empty where it is null, `None` where the answer does not tell.
    pub(super) description: Option<String>,
    /// When it was made.
    pub(super) created: Option<Timestamp>,
    /// When it was last used; `None`: the answer does not tell.
    pub(super) used: Option<Used>,
    /// A word for success or failure, which answers of the older `POST /Register` have.
    pub(super) status: Option<String>,
}

/// What stands for "last used".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Used {
    /// A time.
    At(Timestamp),
    /// Words for "not yet used".
    Never,
    /// Words for "unknown".
    Unknown,
    /// Nothing: one of the two.
    Blank,
}

impl Account {
    /// Whether the answer says itself that it is none.
    pub(super) fn is_failure(&self) -> bool {
        self.status
            .as_ref()
            .is_some_and(|status| !status.eq_ignore_ascii_case("ok"))
    }

    /// When it was last used. `told`: other accounts of the same list have a member for it. `ours`: it carries our mark.
    pub(super) fn last_use(&self, told: bool, ours: bool) -> LastUse {
        match (self.used, self.created) {
            (Some(Used::At(time)), _) => LastUse::At(time),
            (Some(Used::Never), _) => LastUse::Never,
            // Perhaps it is told by a name that is not known here.
            (None, _) if !told => LastUse::Unknown,
            (Some(Used::Blank) | None, Some(created)) if created >= LAST_USED_CAME => LastUse::Never,
            // We make accounts since long after.
            (Some(Used::Blank) | None, None) if ours => LastUse::Never,
            (Some(Used::Unknown | Used::Blank) | None, _) => LastUse::Unknown,
        }
    }
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Account;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an API account")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Account, A::Error> {
        let mut account = Account::default();
        while let Some(name) = map.next_key::<String>()? {
            match plain(&name).as_str() {
                "apiuserguid" | "apiuserid" | "guid" | "id" => account.guid = map.next_value()?,
                "operatorguid" | "operatorid" => account.operator = map.next_value()?,
                "username" | "apiusername" | "login" | "user" => account.user_name = map.next_value()?,
                // Straight from the text into what is wiped.
                "password" | "apipassword" | "apiuserpassword" | "secret" => {
                    account.password = map.next_value::<Option<String>>()?.map(SecretString::from);
                }
                "description" => {
                    account.description = Some(map.next_value::<Option<String>>()?.unwrap_or_default());
                }
                "createddate" | "createddatetime" | "created" | "createdat" | "createdon" | "createdutc"
                | "creationdate" | "datecreated" => account.created = time_in(&map.next_value()?),
                "lastuseddate" | "lastuseddatetime" | "lastused" | "lastusedat" | "lastusedon"
                | "lastusedutc" | "lastuse" | "lastusedate" => account.used = Some(used(&map.next_value()?)),
                "status" => account.status = map.next_value::<Value>()?.as_str().map(str::to_owned),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(account)
    }
}

/// A name without case and separators.
fn plain(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

fn used(value: &Value) -> Used {
    if let Some(time) = time_in(value) {
        return Used::At(time);
    }
    if value.is_null() {
        return Used::Blank;
    }
    let text = value.as_str().unwrap_or("unknown").trim().to_ascii_lowercase();
    if text.is_empty() || text.starts_with("0001-01-01") {
        Used::Blank
    } else if text.contains("never") || text.contains("not ") {
        Used::Never
    } else {
        Used::Unknown
    }
}

/// A time with an offset, or without one and meant as UTC. The year 1 is how .NET writes "none".
fn time_in(value: &Value) -> Option<Timestamp> {
    let text = value.as_str()?.trim();
    let bare = || {
        let time: DateTime = text.parse().ok()?;
        Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
    };
    let time = text.parse().ok().or_else(bare)?;
    (time > Timestamp::UNIX_EPOCH).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;
    use serde_json::json;

    /// Made from the documents: nobody has recorded a real tenant's yet.
    fn recorded(which: &str) -> Value {
        let all: Value = serde_json::from_str(include_str!("recorded/answers.json")).unwrap();
        all[which].clone()
    }

    fn account(value: Value) -> Account {
        serde_json::from_value(value).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_list_is_read_whatever_its_members_are_called() {
        for which in ["list", "list_in_camel_case", "list_by_other_names"] {
            let list: Vec<Account> = serde_json::from_value(recorded(which)).unwrap();
            let [admin, ours] = list.as_slice() else {
                panic!("two: {which}")
            };
            assert_eq!(
                ours.guid.as_deref(),
                Some("7c9e6679-7425-40de-944b-e07fc1f90ae7"),
                "{which}"
            );
            assert_eq!(ours.operator, admin.operator, "{which}");
            assert_eq!(
                ours.user_name.as_deref(),
                Some("9f86d081884c7d659a2feaa0c55ad015"),
                "{which}"
            );
            assert!(
                ours.description.as_ref().unwrap().starts_with("Billing ["),
                "{which}"
            );
            assert!(ours.password.is_none() && !ours.is_failure(), "{which}");
            assert!(matches!(admin.last_use(true, false), LastUse::At(_)), "{which}");
            assert_eq!(ours.last_use(true, true), LastUse::Never, "{which}");
        }
    }

    #[test]
    fn the_answer_to_a_creation_holds_the_password() {
        let made = account(recorded("created"));
        assert_eq!(made.password.unwrap().expose_secret(), "PASSWORD-ONCE");
        assert_eq!(
            made.user_name.as_deref(),
            Some("9f86d081884c7d659a2feaa0c55ad015")
        );
    }

    #[test]
    fn an_answer_that_calls_itself_no_success_is_none() {
        assert!(account(recorded("unexpected_error")).is_failure());
        assert!(!account(json!({ "status": "OK" })).is_failure());
        assert!(!account(json!({})).is_failure());
    }

    #[test]
    fn the_three_states_of_last_use_are_told_apart() {
        let time = "2024-05-01T10:00:00Z";
        let at = LastUse::At(time.parse().unwrap());
        let (old, new) = ("2022-01-01T00:00:00Z", "2023-01-01T00:00:00Z");
        for (value, want) in [
            (json!({ "LastUsedDate": time }), at),
            (json!({ "LastUsedDate": "2024-05-01T12:00:00+02:00" }), at),
            (json!({ "LastUsedDate": "2024-05-01T10:00:00" }), at),
            (json!({ "LastUsedDate": "2024-05-01T10:00:00.000" }), at),
            (
                json!({ "LastUsedDate": null, "CreatedDate": new }),
                LastUse::Never,
            ),
            (
                json!({ "LastUsedDate": null, "CreatedDate": old }),
                LastUse::Unknown,
            ),
            (json!({ "LastUsedDate": "", "CreatedDate": new }), LastUse::Never),
            (
                json!({ "LastUsedDate": "0001-01-01T00:00:00", "CreatedDate": new }),
                LastUse::Never,
            ),
            (json!({ "LastUsedDate": null }), LastUse::Never),
            (
                json!({ "LastUsedDate": "Unknown", "CreatedDate": new }),
                LastUse::Unknown,
            ),
            (
                json!({ "LastUsedDate": "Not yet used", "CreatedDate": old }),
                LastUse::Never,
            ),
            (json!({ "LastUsedDate": 7, "CreatedDate": new }), LastUse::Unknown),
            (json!({ "CreatedDate": new }), LastUse::Never),
            (json!({ "CreatedDate": old }), LastUse::Unknown),
        ] {
            assert_eq!(account(value.clone()).last_use(true, true), want, "{value}");
        }
    }

    #[test]
    fn without_a_member_for_it_last_use_is_not_guessed() {
        let made = account(json!({ "CreatedDate": "2024-05-01T10:00:00Z" }));
        assert_eq!(made.last_use(false, true), LastUse::Unknown);
        let blank = account(json!({ "LastUsedDate": null }));
        assert_eq!(blank.last_use(true, false), LastUse::Unknown);
    }

    #[test]
    fn what_is_no_account_is_refused() {
        for value in [json!("x"), json!([]), json!(7), json!({ "UserName": 7 })] {
            assert!(serde_json::from_value::<Account>(value).is_err());
        }
    }
}
