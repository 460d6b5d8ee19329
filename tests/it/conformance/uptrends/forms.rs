//! The suite again, with every switch of the simulator set another way in one of these.

use super::{
    DescriptionLimit, Duration, FieldNames, Format, NoDate, Options, PlainList, Setting, StatusCode,
    Statuses, TimeFormat, UndeclaredBodies,
};

/// Other names, and successes with a body each.
struct OtherNames;

impl Setting for OtherNames {
    const OPERATOR_IS_GIVEN: bool = true;

    fn options() -> Options {
        Options {
            seed: 1,
            field_names: FieldNames {
                api_user_guid: "guid",
                user_name: "userName",
                password: "password",
                access_type: "type",
                created_date: "createdOn",
                last_used_date: "lastUsed",
                request_count: "requests",
            },
            statuses: Statuses {
                created: StatusCode::OK,
                updated: StatusCode::OK,
                deleted: StatusCode::OK,
                validation: StatusCode::BAD_REQUEST,
                ..Statuses::default()
            },
            undeclared_bodies: UndeclaredBodies::Html,
            plain_list: PlainList::Own,
            unknown_operator_lists_nothing: true,
            times: TimeFormat::Offset,
            awkward_passwords: true,
            ..Options::default()
        }
    }
}

/// Blank dates that are not there at all, and no date of creation.
struct FewDates;

impl Setting for FewDates {
    fn options() -> Options {
        Options {
            seed: 2,
            statuses: Statuses {
                created: StatusCode::OK,
                updated: StatusCode::OK,
                ..Statuses::default()
            },
            undeclared_bodies: UndeclaredBodies::Empty,
            plain_list: PlainList::All,
            created_date_shown: false,
            never_used: NoDate::Absent,
            unknown_use: NoDate::Text("Unknown"),
            format_without_accept: Format::Xml,
            times: TimeFormat::Bare,
            works_after: Duration::from_secs(3),
            extra_fields_refused: true,
            self_delete_refused: true,
            description_required: true,
            old_accounts_stay_unknown: false,
            ..Options::default()
        }
    }
}

/// Everything that may be refused is, a refused login looks like a missing right, and texts stand for dates.
struct Narrow;

impl Setting for Narrow {
    const OPERATOR_IS_GIVEN: bool = true;

    fn options() -> Options {
        Options {
            seed: 3,
            statuses: Statuses {
                bad_credentials: StatusCode::FORBIDDEN,
                validation: StatusCode::UNPROCESSABLE_ENTITY,
                unknown_operator: StatusCode::FORBIDDEN,
                ..Statuses::default()
            },
            description_limit: DescriptionLimit::Cut(237),
            account_cap: Some(40),
            never_used: NoDate::Text("Not yet used"),
            unknown_use: NoDate::Absent,
            register_available: false,
            plain_operators_manage_own: false,
            ..Options::default()
        }
    }
}

mod other_names {
    use crate::conformance::uptrends::{Uptrends, forms};

    conformance!(Uptrends<forms::OtherNames>);
}

mod few_dates {
    use crate::conformance::uptrends::{Uptrends, forms};

    conformance!(Uptrends<forms::FewDates>);
}

mod narrow {
    use crate::conformance::uptrends::{Uptrends, forms};

    conformance!(Uptrends<forms::Narrow>);
}
