//! The stories: what is promised to a user, told with real daemons. One binary, so that the big
//! crates are linked once.

#![expect(
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "a test's own texts are ASCII, and its tasks end with it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a test that meets the unexpected shall stop, and say where"
)]

mod deeds;
mod moments;
mod open_metrics;
mod stranger;
mod world;

mod changes_of_mind;
mod command_line;
mod crossing;
mod delivery;
mod events;
mod kill9;
mod lan;
mod locked;
mod mailbox_host;
mod mailboxes;
mod meeting;
mod moving;
mod refusals;
mod repeats;
mod seeing;
mod strangers;
mod wide_area;
