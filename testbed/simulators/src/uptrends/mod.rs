//! Uptrends API version 4: API accounts of operators. There is no S3 side.
//!
//! Written from the vendor's documents:
//! * "specification": the file of the API of 2022, as `api/openapi.yaml` of the repository `wasfree/uptrends-go-sdk`;
//! * `ApiUser API`, "Authentication (version 4)" and "API Changelog" of the knowledge base, part "Uptrends' API";
//! * "Operator API account management" of the knowledge base, part "Operators";
//! * "Manage Uptrends API credentials via UI" of the changelog, November 2022;
//! * the models of operators in the repository `ITRS-Group/terraform-provider-itrs-uptrends`.
//!
//! No document gives the members and status codes of `/ApiUser`: see [`Options`].

mod api_user;
mod checks;
#[cfg(test)]
mod client;
mod made;
mod operator;
mod options;
mod register;
mod reply;
mod route;
mod state;
#[cfg(test)]
mod tests;
mod things;

pub use options::{
    DescriptionLimit, FieldNames, Format, NoDate, Options, PlainList, RateLimit, RegisterRefusals, Statuses,
    TimeFormat, UndeclaredBodies,
};
pub use things::{AccessType, Account, Counters, Fault, ForeignAccount, LastUse, Login, NewOperator};

use crate::clock::Clock;
use crate::server::{Server, Violations};
use state::State;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

/// Id of the whole account in answers. It is text, whatever it looks like (specification, `RegistrationResponse`).
pub const ACCOUNT_ID: &str = "0012345";

/// When accounts are made that are older than "last used", which came in November 2022: 2022-01-01.
const BEFORE_LAST_USED: Duration = Duration::from_hours(455_832);

/// One tenant, with an administrator.
pub struct Uptrends {
    server: Server,
    tenant: Arc<Tenant>,
    admin: Account,
    admin_login: Login,
}

struct Tenant {
    options: Options,
    clock: Clock,
    violations: Violations,
    state: Mutex<State>,
}

impl Uptrends {
    /// Starts a tenant whose administrator has one API account.
    pub async fn start(options: Options) -> Self {
        let clock = Clock::default();
        let violations = Violations::default();
        let tenant = Arc::new(Tenant {
            state: Mutex::new(State::new(&options)),
            options,
            clock,
            violations: violations.clone(),
        });
        let (admin_login, admin) = {
            let mut state = tenant.state();
            let guid = state.add_operator(NewOperator {
                full_name: "Ada Administrator".to_owned(),
                email: "ada@example.com".to_owned(),
                administrator: true,
                sso_only: false,
            });
            let account = state.add_account(&guid, "API", tenant.clock.now());
            (state.login(&guid), state.account(&account))
        };
        let answering = Arc::clone(&tenant);
        let server = Server::start(violations, move |request| route::answer(&answering, &request)).await;
        Self {
            server,
            tenant,
            admin,
            admin_login,
        }
    }

    /// The base of the API, which ends in `/v4`.
    pub fn url(&self) -> String {
        format!("{}/v4", self.server.url())
    }

    /// Its time.
    pub fn clock(&self) -> Clock {
        self.tenant.clock.clone()
    }

    /// What requests did that the documents do not allow.
    pub fn violations(&self) -> Violations {
        self.tenant.violations.clone()
    }

    /// The administrator's API account, for all but `/Register`.
    pub fn admin(&self) -> Account {
        self.admin.clone()
    }

    /// The administrator's own login, for `/Register` alone.
    pub fn admin_login(&self) -> Login {
        self.admin_login.clone()
    }

    /// What was counted.
    pub fn counters(&self) -> Counters {
        self.tenant.state().counters
    }

    /// Makes the next request go wrong that the fault fits. Faults of one kind wait in line.
    pub fn fail_next(&self, fault: Fault) {
        self.tenant.state().faults.push_back(fault);
    }

    /// Makes an operator without API accounts. The login of one that signs in by SSO only is an old one.
    pub fn add_operator(&self, new: NewOperator) -> Login {
        let mut state = self.tenant.state();
        let guid = state.add_operator(new);
        state.login(&guid)
    }

    /// Makes an operator of this full name that the driver does not know, with an API account made by hand.
    pub fn add_foreign_user(&self, full_name: &str) -> Account {
        let login = self.add_operator(NewOperator {
            full_name: full_name.to_owned(),
            email: format!("{}@example.com", full_name.replace(' ', ".").to_lowercase()),
            ..NewOperator::default()
        });
        let by_hand = ForeignAccount {
            description: "made by hand".to_owned(),
            ..ForeignAccount::default()
        };
        self.add_foreign_account(&login.operator_guid, &by_hand)
    }

    /// Makes an API account by hand, on the tab "API management". It is there at once: the operator's page was saved.
    pub fn add_foreign_account(&self, operator_guid: &str, new: &ForeignAccount) -> Account {
        let mut state = self.tenant.state();
        let guid = state.add_account(operator_guid, &new.description, self.tenant.clock.now());
        let account = state.accounts.get_mut(&guid).unwrap();
        account.access_type = new.access_type;
        if new.before_last_used {
            account.old = true;
            account.created = SystemTime::UNIX_EPOCH + BEFORE_LAST_USED;
        }
        state.account(&guid)
    }

    /// Deletes an API account by hand. Whether it was there.
    pub fn delete_account(&self, guid: &str) -> bool {
        self.tenant.state().accounts.remove(guid).is_some()
    }

    /// Describes an API account anew, by hand.
    pub fn describe_account(&self, guid: &str, description: &str) {
        let mut state = self.tenant.state();
        let account = state.accounts.get_mut(guid).unwrap();
        description.clone_into(&mut account.description);
    }

    /// The API accounts of an operator, visible or not, by their ids.
    pub fn accounts_of(&self, operator_guid: &str) -> Vec<String> {
        let state = self.tenant.state();
        let of_it = state
            .accounts
            .iter()
            .filter(|(_, account)| account.operator == operator_guid);
        of_it.map(|(guid, _)| guid.clone()).collect()
    }

    /// When an API account was last used, as its operator's page shows it.
    pub fn last_use(&self, guid: &str) -> Option<LastUse> {
        let state = self.tenant.state();
        let account = state.accounts.get(guid)?;
        Some(account.last_use(&self.tenant.options, self.tenant.clock.now()))
    }

    /// All about the operator of this GUID, e-mail address or full name, and all about its API accounts. A secret is a
    /// fingerprint there. Uses and times are left out, so that a test can compare two.
    pub fn snapshot(&self, operator: &str) -> String {
        self.tenant.state().snapshot(operator)
    }
}

impl Tenant {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn account(&self, guid: &str) -> Account {
        let account = &self.accounts[guid];
        Account {
            guid: guid.to_owned(),
            operator_guid: account.operator.clone(),
            user_name: account.user_name.clone(),
            password: account.password.clone(),
        }
    }

    fn login(&self, guid: &str) -> Login {
        let operator = &self.operators[guid];
        Login {
            operator_guid: guid.to_owned(),
            email: operator.email.clone(),
            password: operator.password.clone(),
        }
    }
}
