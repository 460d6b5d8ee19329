//! What tests stand on: real servers started once for the whole test process, a fault proxy, an S3 client, and a
//! world for each test with an operator of its own.
//!
//! Servers are started by the scripts in `testbed/`, with this process as their owner: however it ends, they end.

mod canaries;
pub(crate) mod cluster;
mod http;
mod keystone;
pub(crate) mod operator;
pub(crate) mod probe;
pub(crate) mod proxy;
mod rights;
pub(crate) mod s3;
mod servers;
mod statuses;
mod tls;
pub(crate) mod wait;
pub(crate) mod world;

pub(crate) use canaries::Canaries;
pub(crate) use http::Http;
pub(crate) use keystone::{Keystone, keystone};
pub(crate) use operator::{Launch, Operator};
pub(crate) use probe::Probe;
pub(crate) use proxy::{Fault, FaultProxy};
pub(crate) use rights::helm;
pub(crate) use s3::S3;
pub(crate) use servers::{
    Garage, Gateway, IamServer, Minio, garage, gateway, gateway_16, gateway_20, juicefs, minio, moto, runs,
    seaweedfs, without_gateway_20,
};
pub(crate) use statuses::Statuses;
pub(crate) use tls::TlsFront;
pub(crate) use world::{Setup, World};

use gracekey::entropy::{Entropy as _, OsEntropy};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Letters and digits that a run is told by. No more: key ids of 20 characters hold them beside a number.
const RUN_LEN: usize = 7;

/// A number that no other call in this process gets, after a word that no other run has, in lower-case letters and digits.
pub(crate) fn unique() -> (&'static str, u32) {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    (run(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Drawn, and not the process's id: containers have the same ones, and some storage never takes a name again.
pub(crate) fn run() -> &'static str {
    static RUN: OnceLock<String> = OnceLock::new();
    RUN.get_or_init(|| told("GRACEKEY_TEST_RUN").unwrap_or_else(draw_run))
}

/// What the environment says under this name, if anything.
#[expect(clippy::disallowed_methods, reason = "tests have no cli.rs")]
pub(crate) fn told(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

fn draw_run() -> String {
    let mut bytes = [0; 8];
    OsEntropy.fill(&mut bytes);
    let mut rest = u64::from_le_bytes(bytes);
    let digits = std::iter::repeat_with(|| {
        let digit = u32::try_from(rest % 36).unwrap();
        rest /= 36;
        char::from_digit(digit, 36).unwrap()
    });
    digits.take(RUN_LEN).collect()
}

/// The run and another number in 32 hexadecimal digits, the form of marks.
pub(crate) fn unique_mark() -> String {
    let (run, number) = unique();
    let run = u64::from_str_radix(run, 36).unwrap();
    format!("{run:016x}{number:016x}")
}

#[test]
fn runs_are_told_apart_by_more_than_the_process() {
    let words = [draw_run(), draw_run()];
    assert_ne!(words[0], words[1], "two runs of one process id");
    for word in words {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        assert!(word.len() == RUN_LEN && word.chars().all(fits), "{word}");
    }
    assert_eq!(unique().0, unique().0);
    assert_ne!(unique().1, unique().1);
}
