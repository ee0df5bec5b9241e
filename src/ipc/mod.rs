//! The doors: they translate between clients and the service, and do nothing else.

pub mod dbus;
