//! Strict simulators of storage whose servers cannot be installed.
//!
//! Each is written from the vendor's documents alone, without a look at the driver that it examines: a real socket,
//! real checks of tokens and signatures, an S3 side where keys work or do not, every documented error, and switches
//! for what the documents leave open. A request that the documents do not allow is a violation, and fails the test
//! whatever the driver made of the answer.

pub mod clock;
pub mod ecs;
pub mod ontap;
pub mod ostor;
pub mod s3;
pub mod server;
pub mod signature;
pub mod uptrends;
