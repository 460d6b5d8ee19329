//! Merging of `metav1.Condition` lists.

use super::reason::Reason;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// Longest message kept, in characters: a remedy for each of some ten buckets. Kubernetes allows 32768.
const MESSAGE_MAX: usize = 4096;

/// What a condition says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It cannot be told.
    Unknown,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

/// Sets one condition. Its transition time moves only when its status does.
pub fn set(
    list: &mut Vec<Condition>,
    type_: &str,
    status: Status,
    reason: Reason,
    message: &str,
    at: (i64, Timestamp),
) {
    let (generation, now) = at;
    let before = list.iter().position(|c| c.type_ == type_);
    let since = before
        .and_then(|i| list.get(i))
        .filter(|c| c.status == status.as_str())
        .map_or(Time(now), |c| c.last_transition_time.clone());
    let new = Condition {
        last_transition_time: since,
        message: cut(message),
        observed_generation: Some(generation),
        reason: reason.to_string(),
        status: status.as_str().to_owned(),
        type_: type_.to_owned(),
    };
    match before.and_then(|i| list.get_mut(i)) {
        Some(slot) => *slot = new,
        None => list.push(new),
    }
}

/// The message, with a mark at its end where there was more of it.
fn cut(message: &str) -> String {
    match message.char_indices().nth(MESSAGE_MAX) {
        None => message.to_owned(),
        Some(_) => message.chars().take(MESSAGE_MAX - 1).chain(['…']).collect(),
    }
}

/// Takes an abnormal-true condition off.
pub fn unset(list: &mut Vec<Condition>, type_: &str) {
    list.retain(|c| c.type_ != type_);
}

/// The condition of that type.
pub fn find<'a>(list: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    list.iter().find(|c| c.type_ == type_)
}

/// Whether the condition of that type is there and `True`.
pub fn is_true(list: &[Condition], type_: &str) -> bool {
    find(list, type_).is_some_and(|c| c.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_too_long_says_so_at_its_end() {
        let whole = "ß".repeat(MESSAGE_MAX);
        assert_eq!(cut(&whole), whole);
        let told = cut(&format!("{whole}ß"));
        assert_eq!(told.chars().count(), MESSAGE_MAX);
        assert!(told.ends_with("ß…"));
    }

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let at = |s| (1, Timestamp::from_second(s).unwrap());
        let mut list = Vec::new();
        set(
            &mut list,
            "Ready",
            Status::False,
            Reason::Progressing,
            "one",
            at(1),
        );
        set(
            &mut list,
            "Ready",
            Status::False,
            Reason::StoreNotReady,
            "two",
            at(2),
        );
        assert_eq!(
            list[0].last_transition_time,
            Time(Timestamp::from_second(1).unwrap())
        );
        assert_eq!(list[0].message, "two");
        set(
            &mut list,
            "Ready",
            Status::True,
            Reason::Succeeded,
            "three",
            at(3),
        );
        assert_eq!(
            list[0].last_transition_time,
            Time(Timestamp::from_second(3).unwrap())
        );
        assert_eq!(list.len(), 1);
    }
}
