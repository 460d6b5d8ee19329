//! Each test names a fact of the contract, over the real socket.

mod client;
mod collections;
mod forms;
mod locks;
mod pairs;
mod users;
