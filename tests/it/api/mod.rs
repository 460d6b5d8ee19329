//! The custom resource definitions: the files, and what a real API server makes of them.

mod files;
mod server;
