//! One suite that every driver passes, against a simulator or a real server.
//!
//! A case is chosen by what the driver claims (`Capabilities`), and checks the claim. A new backend implements
//! [`Subject`](suite::Subject) and says `suite::conformance!(It);`. What each case has shown is recorded, for the table that
//! `make test` prints at its end.

#[macro_use]
mod suite;

mod access;
mod ceph;
mod ecs;
mod faults;
mod garage;
mod iam;
mod keys;
mod keystone;
mod live;
mod minio;
mod ontap;
mod ostor;
mod proof;
mod record;
mod refusals;
mod uptrends;
mod user_policy;
mod users;
