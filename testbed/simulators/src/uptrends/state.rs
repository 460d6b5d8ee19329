//! What the tenant holds: operators, their API accounts, what was used when.

use super::made::{Maker, fingerprint};
use super::options::Options;
use super::{AccessType, Counters, Fault, LastUse, NewOperator};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

/// "Number of requests in the last 30 days" (`ApiUser API`).
const COUNTED: Duration = Duration::from_hours(30 * 24);

pub(super) struct Operator {
    pub(super) full_name: String,
    pub(super) email: String,
    pub(super) password: String,
    pub(super) administrator: bool,
    pub(super) sso_only: bool,
    pub(super) mobile_phone: String,
    pub(super) backup_email: String,
    pub(super) on_duty: bool,
    /// How often it was changed: what its `Hash` is made of.
    pub(super) revision: u64,
}

pub(super) struct ApiUser {
    pub(super) operator: String,
    pub(super) user_name: String,
    pub(super) password: String,
    pub(super) description: String,
    pub(super) access_type: AccessType,
    pub(super) created: SystemTime,
    /// Made before there was "last used".
    pub(super) old: bool,
    pub(super) works_from: SystemTime,
    pub(super) visible_from: SystemTime,
    pub(super) uses: Vec<SystemTime>,
}

impl ApiUser {
    pub(super) fn last_use(&self, options: &Options, now: SystemTime) -> LastUse {
        let is_shown = |at: &&SystemTime| **at + options.last_used_delay <= now;
        let shown = self.uses.iter().rev().find(is_shown);
        match shown {
            _ if self.old && options.old_accounts_stay_unknown => LastUse::Unknown,
            Some(at) => LastUse::At(*at),
            None if self.old => LastUse::Unknown,
            None => LastUse::Never,
        }
    }

    pub(super) fn recent_uses(&self, options: &Options, now: SystemTime) -> usize {
        let is_counted = |at: &&SystemTime| **at + options.last_used_delay <= now && **at + COUNTED > now;
        self.uses.iter().filter(is_counted).count()
    }
}

/// Who makes a request.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// Its operator.
    pub(super) operator: String,
    /// Its API account, where it came by one.
    pub(super) account: Option<String>,
    pub(super) administrator: bool,
}

pub(super) struct State {
    /// By GUID, as all.
    pub(super) operators: BTreeMap<String, Operator>,
    pub(super) accounts: BTreeMap<String, ApiUser>,
    pub(super) counters: Counters,
    pub(super) faults: VecDeque<Fault>,
    maker: Maker,
}

impl State {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            operators: BTreeMap::new(),
            accounts: BTreeMap::new(),
            counters: Counters::default(),
            faults: VecDeque::new(),
            maker: Maker::new(options.seed, options.awkward_passwords),
        }
    }

    /// Makes an operator with a password of the server's choice, and gives its GUID.
    pub(super) fn add_operator(&mut self, new: NewOperator) -> String {
        let guid = self.maker.guid();
        let operator = Operator {
            full_name: new.full_name,
            email: new.email,
            password: self.maker.password(),
            administrator: new.administrator,
            sso_only: new.sso_only,
            mobile_phone: String::new(),
            backup_email: String::new(),
            on_duty: true,
            revision: 0,
        };
        self.operators.insert(guid.clone(), operator);
        guid
    }

    /// Makes an API account that works from now on, and gives its GUID.
    pub(super) fn add_account(&mut self, operator: &str, description: &str, now: SystemTime) -> String {
        let guid = self.maker.guid();
        let account = ApiUser {
            operator: operator.to_owned(),
            user_name: self.maker.user_name(),
            password: self.maker.password(),
            description: description.to_owned(),
            access_type: AccessType::Generic,
            created: now,
            old: false,
            works_from: now,
            visible_from: now,
            uses: Vec::new(),
        };
        self.accounts.insert(guid.clone(), account);
        guid
    }

    /// Whose API account this is.
    pub(super) fn by_account(&self, user: &str, password: &str, now: SystemTime) -> Option<Caller> {
        let is_it = |(_, account): &(&String, &ApiUser)| {
            account.user_name == user && account.password == password && account.works_from <= now
        };
        let (guid, account) = self.accounts.iter().find(is_it)?;
        Some(Caller {
            operator: account.operator.clone(),
            account: Some(guid.clone()),
            administrator: self.operators.get(&account.operator)?.administrator,
        })
    }

    /// Whose own login this is.
    pub(super) fn by_login(&self, email: &str, password: &str) -> Option<Caller> {
        let is_it = |(_, operator): &(&String, &Operator)| {
            operator.email.eq_ignore_ascii_case(email) && operator.password == password
        };
        let (guid, operator) = self.operators.iter().find(is_it)?;
        Some(Caller {
            operator: guid.clone(),
            account: None,
            administrator: operator.administrator,
        })
    }

    /// Takes out the first fault that fits.
    pub(super) fn fault<T>(&mut self, fits: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        let at = self.faults.iter().position(|fault| fits(fault).is_some())?;
        fits(&self.faults.remove(at)?)
    }

    /// The text with no secret in it, and whether there was one.
    pub(super) fn redact(&self, text: &str) -> (String, bool) {
        let of_operators = self.operators.values().map(|operator| &operator.password);
        let of_accounts = self.accounts.values().map(|account| &account.password);
        let secrets = of_operators
            .chain(of_accounts)
            .filter(|secret| !secret.is_empty());
        let redacted = secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "***"));
        let had_one = redacted != text;
        (redacted, had_one)
    }

    /// The GUID of the operator with this GUID, e-mail address or full name.
    pub(super) fn operator_named(&self, name: &str) -> Option<&String> {
        let mut all = self.operators.iter();
        all.find(|(guid, operator)| *guid == name || operator.email == name || operator.full_name == name)
            .map(|(guid, _)| guid)
    }

    /// All about an operator but what a mere use changes.
    pub(super) fn snapshot(&self, name: &str) -> String {
        let Some((guid, operator)) = self
            .operator_named(name)
            .and_then(|guid| self.operators.get_key_value(guid))
        else {
            return format!("no operator {name}\n");
        };
        let mut text = format!(
            "operator {guid}\n  full name: {}\n  e-mail: {}\n  password: #{}\n  administrator: {}\n  sso only: {}\n  \
             mobile phone: {}\n  backup e-mail: {}\n  on duty: {}\n  revision: {}\n",
            operator.full_name,
            operator.email,
            fingerprint(&operator.password),
            operator.administrator,
            operator.sso_only,
            operator.mobile_phone,
            operator.backup_email,
            operator.on_duty,
            operator.revision,
        );
        for (account_guid, account) in &self.accounts {
            if account.operator == *guid {
                let _ = write!(
                    text,
                    "  api user {account_guid}\n    user name: {}\n    password: #{}\n    description: {}\n    \
                     access type: {}\n    older than last used: {}\n    lock: there is none\n",
                    account.user_name,
                    fingerprint(&account.password),
                    account.description,
                    account.access_type.name(),
                    account.old,
                );
            }
        }
        text
    }
}
