//! The house: reads what it was told, puts the rooms together, starts and stops them.
//!
//! The order of a start: [`harden`], [`take_activated_listener`], [`Config::load`],
//! [`start_logs`], [`InstanceLock::take`], then the runtime and the rooms.

mod args;
mod config;
mod demo;
mod exit_code;
mod hardening;
mod instance_lock;
mod lifecycle;
mod logging;
mod man;
mod ports;
#[cfg(test)]
mod process;
mod readiness;
#[cfg(test)]
mod tests;
mod unit;
mod wiring;

pub use args::{Args, Command, Options};
pub use config::{
    Config, ConfigError, DbusSettings, DhtSettings, LanSettings, LogFormat, LogLevel, LogSettings,
    MailboxSettings, NetSettings, Role, SETTINGS, Setting, StoreSettings, example,
};
pub use demo::{DemoError, demo};
pub use hardening::{HardeningError, harden};
pub use instance_lock::{InstanceLock, InstanceLockError};
pub use lifecycle::{RunError, explain, run};
pub use logging::{LoggingError, start as start_logs};
pub use man::man;
pub use ports::settle_ports;
pub use readiness::{
    ActivationError, Latch, Notifier, Readiness, SOCKET_NAME, spawn_watchdog,
    take_activated_listener, watchdog_period,
};
pub use unit::own_unit;
pub use wiring::WiringError;
