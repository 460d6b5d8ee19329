//! How long a pair lives and how its end is written.

use super::options::Dates;
use jiff::{SignedDuration, Timestamp};
use std::time::{Duration, SystemTime};

const DAY: u64 = 24 * 60 * 60;

/// Longest life of a pair (REST reference 9.17.1, "post-protocols-s3-services-users", code 92406083).
pub(super) const LONGEST: Duration = Duration::from_secs(1095 * DAY);

/// Reads `PnDTnHnMnS` or `PnW`, the only two forms of a life that the reference has.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let rest = text.strip_prefix('P')?;
    let seconds = if rest.ends_with('W') {
        parts(rest, &[('W', 7 * DAY)])?
    } else {
        let (date, time) = rest.split_once('T').unwrap_or((rest, "0S"));
        if (date.is_empty() && !rest.starts_with('T')) || time.is_empty() {
            return None;
        }
        parts(date, &[('D', DAY)])? + parts(time, &[('H', 3600), ('M', 60), ('S', 1)])?
    };
    Some(Duration::from_secs(seconds))
}

fn parts(text: &str, units: &[(char, u64)]) -> Option<u64> {
    let mut rest = text;
    let mut seconds = 0;
    for (unit, length) in units {
        if let Some((number, after)) = rest.split_once(*unit) {
            number.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
            seconds += u64::from(number.parse::<u32>().ok()?) * length;
            rest = after;
        }
    }
    rest.is_empty().then_some(seconds)
}

/// Writes a time to the second.
pub(super) fn date(at: SystemTime, form: Dates) -> String {
    let at = Timestamp::try_from(at).unwrap_or(Timestamp::MAX);
    let shifted = match form {
        Dates::HalfHourOffset => at.saturating_add(SignedDuration::from_mins(330)).unwrap_or(at),
        _ => at,
    };
    let form = match form {
        Dates::Offset => "%Y-%m-%dT%H:%M:%S+00:00",
        Dates::HalfHourOffset => "%Y-%m-%dT%H:%M:%S+05:30",
        Dates::Zulu => "%Y-%m-%dT%H:%M:%SZ",
        Dates::Millis => "%Y-%m-%dT%H:%M:%S.000+0000",
        Dates::Spaces => "%Y-%m-%d %H:%M:%S +0000",
    };
    shifted.strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_have_two_forms() {
        let seconds = |text| duration(text).map(|life| life.as_secs());
        assert_eq!(seconds("P6DT2H5M"), Some(6 * DAY + 2 * 3600 + 5 * 60));
        assert_eq!(seconds("P2W"), Some(14 * DAY));
        assert_eq!(seconds("PT0S"), Some(0));
        assert_eq!(seconds("P1095D"), Some(LONGEST.as_secs()));
        for wrong in [
            "", "P", "PT", "P1DT", "1D", "P1M", "P1Y", "P1W2D", "PT5", "PT-1S", "P1H",
        ] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_time_is_written_in_each_form() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_hours(473_352);
        assert_eq!(date(at, Dates::Offset), "2024-01-01T00:00:00+00:00");
        assert_eq!(date(at, Dates::HalfHourOffset), "2024-01-01T05:30:00+05:30");
        assert_eq!(date(at, Dates::Zulu), "2024-01-01T00:00:00Z");
        assert_eq!(date(at, Dates::Millis), "2024-01-01T00:00:00.000+0000");
        assert_eq!(date(at, Dates::Spaces), "2024-01-01 00:00:00 +0000");
    }
}
