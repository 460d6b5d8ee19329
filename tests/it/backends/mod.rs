//! Users on storage of other kinds than Ceph, through the whole operator: on the real API server, against simulators
//! and real servers.
//!
//! What a driver does by itself is examined in `conformance`; here is what takes the operator to be seen.

mod access;
mod kills;
mod late;
mod life;
mod lost;
mod site;
mod strangers;
