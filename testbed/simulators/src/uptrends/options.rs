//! What the documents leave open or disagree about: a switch for each, set to the best inference.

use axum::http::StatusCode;
use std::time::Duration;

/// The switches. Nobody outside has confirmed what is marked "Open": a driver must work with each setting.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where ids, user names and passwords come from. Give two tenants of one test different ones.
    pub seed: u64,
    /// Whether `/ApiUser` is there. The specification of 2022 has no such path, `ApiUser API` has. Default: it is.
    pub api_user_available: bool,
    /// Whether `/Register` is there. "Authentication (version 4)" calls it older but working. Default: it is.
    pub register_available: bool,
    /// Whether `/Register` takes operators who sign in by SSO only. The pages disagree: "still works" in
    /// "Authentication (version 4)", "can no longer" in the API changelog of June 2024. Default: no.
    pub register_takes_sso_only: bool,
    /// Open: how the members of an API user are called in answers.
    pub field_names: FieldNames,
    /// Open: status codes.
    pub statuses: Statuses,
    /// Open: where `/Register` says no; only 201 is declared for it. Default: in the HTTP status.
    pub register_refusals: RegisterRefusals,
    /// Open: the body of 401, 404 of unknown paths, 405, 415, 429 and 5xx; none is declared. Default: as declared errors.
    pub undeclared_bodies: UndeclaredBodies,
    /// Open: JSON or XML where `Accept` asks for neither. Default: JSON, which the specification names first.
    pub format_without_accept: Format,
    /// Open: what `GET /ApiUser` gives to a caller who is no administrator. Default: 403.
    pub plain_list: PlainList,
    /// Whether operators who are no administrators manage their own API accounts. "Operator API account management"
    /// and the changelog of November 2022 can be read both ways, and `/Register` is for everybody. Default: they do.
    pub plain_operators_manage_own: bool,
    /// Open: `GET /ApiUser/Operator/{operatorGuid}` of an unknown operator gives an empty list. Default: 404.
    pub unknown_operator_lists_nothing: bool,
    /// Open: fields beside `OperatorGuid` and `Description` are refused. Default: they are passed over, as "read-only
    /// or assigned by the API" (`ApiUser API`). They are a violation either way.
    pub extra_fields_refused: bool,
    /// Open: an empty `Description` is refused. Default: it becomes `API`, as with `/Register`.
    pub description_required: bool,
    /// Open: how long a description may be. Default: as long as it likes.
    pub description_limit: DescriptionLimit,
    /// Open: an API account cannot delete itself. Default: it can.
    pub self_delete_refused: bool,
    /// Open: how many API accounts an operator can have. Default: no cap.
    pub account_cap: Option<usize>,
    /// Open: how many requests an API account can make. Default: no limit.
    pub rate_limit: Option<RateLimit>,
    /// Open: whether the date of creation is in answers of the API; the page of the user interface alone has it.
    /// Default: it is.
    pub created_date_shown: bool,
    /// Open: how "not yet used" looks. Default: null.
    pub never_used: NoDate,
    /// Open: how "unknown" looks. Default: null, so that only the date of creation tells it from "not yet used".
    pub unknown_use: NoDate,
    /// Whether accounts older than "last used" stay "unknown" when they are used. "Operator API account management"
    /// promises a time only where an account was both made and used after the feature came. Default: they stay so.
    pub old_accounts_stay_unknown: bool,
    /// Open: how late a use shows, in dates and counts. Default: at once.
    pub last_used_delay: Duration,
    /// Open: how times are written. Default: UTC with `Z`.
    pub times: TimeFormat,
    /// Open: how long after its creation an account begins to work. Default: at once.
    pub works_after: Duration,
    /// Open: how long after its creation an account begins to be seen in reads and lists. Default: at once.
    pub visible_after: Duration,
    /// Open: whether passwords have characters that need care in JSON, URLs and HTTP Basic. Default: letters, digits.
    pub awkward_passwords: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 0,
            api_user_available: true,
            register_available: true,
            register_takes_sso_only: false,
            field_names: FieldNames::default(),
            statuses: Statuses::default(),
            register_refusals: RegisterRefusals::InStatus,
            undeclared_bodies: UndeclaredBodies::Messages,
            format_without_accept: Format::Json,
            plain_list: PlainList::Refused,
            plain_operators_manage_own: true,
            unknown_operator_lists_nothing: false,
            extra_fields_refused: false,
            description_required: false,
            description_limit: DescriptionLimit::None,
            self_delete_refused: false,
            account_cap: None,
            rate_limit: None,
            created_date_shown: true,
            never_used: NoDate::Null,
            unknown_use: NoDate::Null,
            old_accounts_stay_unknown: true,
            last_used_delay: Duration::ZERO,
            times: TimeFormat::Utc,
            works_after: Duration::ZERO,
            visible_after: Duration::ZERO,
            awkward_passwords: false,
        }
    }
}

/// Names of the members of an API user in answers. `OperatorGuid` and `Description` are certain (`ApiUser API`).
#[derive(Clone, Debug)]
pub struct FieldNames {
    /// Its id. Default: `ApiUserGuid`.
    pub api_user_guid: &'static str,
    /// Its user name. Default: `UserName`, as in answers of `/Register`.
    pub user_name: &'static str,
    /// Its password, at creation alone. Default: `Password`, as in answers of `/Register`.
    pub password: &'static str,
    /// Which client it is for. Default: `AccessType`.
    pub access_type: &'static str,
    /// When it was made. Default: `CreatedDate`, as with monitors.
    pub created_date: &'static str,
    /// When it was last used. Default: `LastUsedDate`.
    pub last_used_date: &'static str,
    /// How often it was used in the last 30 days. Default: `RequestCountLast30Days`.
    pub request_count: &'static str,
}

impl Default for FieldNames {
    fn default() -> Self {
        Self {
            api_user_guid: "ApiUserGuid",
            user_name: "UserName",
            password: "Password",
            access_type: "AccessType",
            created_date: "CreatedDate",
            last_used_date: "LastUsedDate",
            request_count: "RequestCountLast30Days",
        }
    }
}

/// Status codes that no document gives for this resource. An answer of 204 has no body, any other success has one.
#[derive(Clone, Debug)]
pub struct Statuses {
    /// `POST /ApiUser`. Default: 201, as every POST of the specification that makes a resource of its own.
    pub created: StatusCode,
    /// `PUT /ApiUser/{apiUserGuid}`. Default: 204, as the PUTs of operators, groups, dashboards and the vault in the
    /// specification. 200 with the account is just as possible.
    pub updated: StatusCode,
    /// `DELETE /ApiUser/{apiUserGuid}`. Default: 204, as every DELETE of the specification.
    pub deleted: StatusCode,
    /// Wrong credentials. Default: 401.
    pub bad_credentials: StatusCode,
    /// `/Register` by an operator who signs in by SSO only. Default: 401, as there are no credentials to check.
    pub sso_only: StatusCode,
    /// Something in the body is not valid. Default: 403, as with operators in the specification.
    pub validation: StatusCode,
    /// What should be a GUID is none. Default: 400, "the request failed".
    pub malformed_guid: StatusCode,
    /// An account for an operator who is not there. Default: 404.
    pub unknown_operator: StatusCode,
    /// `/Register` with the status `UnexpectedError` in its body. Default: 201, which alone is declared.
    pub register_unexpected_error: StatusCode,
}

impl Default for Statuses {
    fn default() -> Self {
        Self {
            created: StatusCode::CREATED,
            updated: StatusCode::NO_CONTENT,
            deleted: StatusCode::NO_CONTENT,
            bad_credentials: StatusCode::UNAUTHORIZED,
            sso_only: StatusCode::UNAUTHORIZED,
            validation: StatusCode::FORBIDDEN,
            malformed_guid: StatusCode::BAD_REQUEST,
            unknown_operator: StatusCode::NOT_FOUND,
            register_unexpected_error: StatusCode::CREATED,
        }
    }
}

/// Where `/Register` says no to a caller that it knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterRefusals {
    /// 400, 403 or 404 with messages.
    InStatus,
    /// In the member `status` of the answer, which is `UnexpectedError`.
    InBody,
}

/// Bodies of answers that the specification does not declare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndeclaredBodies {
    /// `{"Messages":[{"Message":"…"}]}`, as declared errors.
    Messages,
    /// None.
    Empty,
    /// A page of the web server.
    Html,
}

/// What an answer is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `application/json`
    Json,
    /// `application/xml`
    Xml,
}

/// The list of all API users for a caller who is no administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlainList {
    /// 403.
    Refused,
    /// The accounts of the caller's operator.
    Own,
    /// Everything.
    All,
}

/// How long a description may be, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DescriptionLimit {
    /// As long as it likes.
    None,
    /// A longer one is not valid.
    Refuse(usize),
    /// A longer one is cut, in silence.
    Cut(usize),
}

/// A limit of requests, for each API account.
#[derive(Clone, Copy, Debug)]
pub struct RateLimit {
    /// So many,
    pub requests: usize,
    /// within this time.
    pub window: Duration,
    /// Whether 429 comes with `Retry-After`.
    pub retry_after: bool,
}

/// How a date looks that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDate {
    /// `null`
    Null,
    /// The member is missing.
    Absent,
    /// This text.
    Text(&'static str),
}

/// How a time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// `2024-05-01T10:00:00Z`
    Utc,
    /// `2024-05-01T12:00:00+02:00`
    Offset,
    /// `2024-05-01T10:00:00`, meant as UTC.
    Bare,
}
