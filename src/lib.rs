//! `msgd`: people write to each other with nobody in between.
//!
//! # The house plan
//!
//! Floors from the ground up; a room imports only its own floor's earlier rooms and the
//! floors below (`tests/architecture.rs` holds this).
//!
//! | floor | rooms | duty |
//! |---|---|---|
//! | 0 ground | [`base`], [`model`] | words and plain tools |
//! | 1 tools | [`crypto`], [`wire`] | pure work on bytes |
//! | 2 protocol | [`protocol`] | state machines without clock, disk or network |
//! | 3 world | [`store`], [`net`] | disk; network |
//! | 4 engine | [`engine`] | the rules of messaging, with effects |
//! | 5 service | [`service`] | the one API that both doors call |
//! | 6 doors | [`ipc`] | gRPC and D-Bus: translate, nothing else |
//! | 7 house | [`daemon`], [`cli`] | put together, start, stop; parse and print |
//!
//! # The one natural way
//!
//! Out: door -> `service` -> `engine::messages` seals -> one `store` batch, flushed ->
//! event -> `engine::outbox` -> `net` -> peer.
//!
//! Back: peer -> `net::Event` -> `engine::switchboard` -> `engine::inbox` makes it durable,
//! then acknowledges -> `engine::event_bus` -> gRPC stream and D-Bus signal.
//!
//! Calls go down; only events rise. Nothing is acknowledged, answered or announced before
//! the batch that makes it true is on disk.

pub mod base;
pub mod cli;
pub mod crypto;
pub mod daemon;
pub mod engine;
pub mod ipc;
pub mod model;
pub mod net;
pub mod protocol;
pub mod service;
pub mod store;
pub mod wire;
