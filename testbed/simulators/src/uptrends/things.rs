//! What a test hands in and gets back: accounts, operators, faults, counts.

use axum::http::StatusCode;
use std::fmt;
use std::time::SystemTime;

/// An API account, with its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub guid: String,
    /// The id of its operator.
    pub operator_guid: String,
    /// User name for HTTP Basic.
    pub user_name: String,
    /// Password for HTTP Basic.
    pub password: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({} of {})", self.guid, self.operator_guid)
    }
}

/// An operator's own login, which `/Register` alone takes.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The id of the operator.
    pub operator_guid: String,
    /// User name for HTTP Basic.
    pub email: String,
    /// Password for HTTP Basic.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({})", self.operator_guid)
    }
}

/// An operator to be.
#[derive(Clone, Debug, Default)]
pub struct NewOperator {
    /// Need not be unique.
    pub full_name: String,
    /// "This also serves as the username" (specification, `Operator`): unique.
    pub email: String,
    /// Whether it may manage the accounts of others. API accounts inherit it.
    pub administrator: bool,
    /// Whether it signs in by SSO only, and so has no login for `/Register`.
    pub sso_only: bool,
}

/// An API account that somebody makes by hand.
#[derive(Clone, Debug, Default)]
pub struct ForeignAccount {
    /// What it says it is for.
    pub description: String,
    /// Which client it is for.
    pub access_type: AccessType,
    /// Whether it is older than "last used".
    pub before_last_used: bool,
}

/// Which client an API account is for: those that `ApiUser API` names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessType {
    /// Scripts and automation; all that the API makes.
    #[default]
    Generic,
    /// The mobile app.
    MobileApp,
    /// The recorder of transactions.
    TransactionRecorder,
}

impl AccessType {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Generic => "Generic",
            Self::MobileApp => "MobileApp",
            Self::TransactionRecorder => "TransactionRecorder",
        }
    }
}

/// "Last used", the three states of "Operator API account management".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastUse {
    /// The account is older than the feature.
    Unknown,
    /// It was not used yet.
    Never,
    /// It was used then.
    At(SystemTime),
}

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests of any kind.
    pub requests: u64,
    /// Those with credentials that were good.
    pub logins: u64,
    /// Those with credentials that were not, or with none.
    pub refused: u64,
    /// Those above the limit of requests.
    pub throttled: u64,
    /// API accounts made by `/ApiUser`.
    pub created: u64,
    /// API accounts made by `/Register`.
    pub registered: u64,
    /// API accounts deleted by `/ApiUser`.
    pub deleted: u64,
}

/// What goes wrong with the next request that it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A write is done, and then answered with this status.
    FailAfterWrite(StatusCode),
    /// `/Register` answers with the status `UnexpectedError` in its body.
    RegisterUnexpectedError {
        /// Whether the account was made nevertheless.
        made: bool,
    },
    /// `POST /ApiUser` makes the account, and leaves the password out of its answer.
    NoPassword,
    /// 429, perhaps with `Retry-After`, in seconds.
    TooManyRequests {
        /// The seconds.
        retry_after: Option<u64>,
    },
    /// The API account that makes the request is deleted at that moment.
    CredentialDies,
}
