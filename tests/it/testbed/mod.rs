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

use std::sync::atomic::{AtomicU32, Ordering};

/// A number that no other call in this process gets, after one that no other process running now has.
pub(crate) fn unique() -> (u32, u32) {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
