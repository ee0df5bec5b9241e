//! What peers say to each other, byte by byte.

/// Messages generated from `proto/wire/v1`.
#[expect(
    missing_docs,
    reason = "generated; the .proto files are the documentation"
)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/wire.v1.rs"));
}
