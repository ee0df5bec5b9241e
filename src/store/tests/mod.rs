//! Stories of the store, on a real engine in a folder of their own.
