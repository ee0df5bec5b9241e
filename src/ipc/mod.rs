//! The doors: each translates between its own wire and [`service`](crate::service), and does
//! nothing else.

pub mod grpc;
