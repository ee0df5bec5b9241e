//! Turns `proto/` into Rust. The protobuf compiler is itself a crate: nobody needs protoc.
//!
//! | folder | what it describes | becomes |
//! |---|---|---|
//! | `proto/wire/v1` | what peers say to each other | `OUT_DIR/wire.v1.rs` |
//! | `proto/store/v1` | what this daemon writes down | `OUT_DIR/store.v1.rs` |
//! | `proto/msgd/v1` | what clients ask of it | `OUT_DIR/msgd.v1.rs`, `OUT_DIR/msgd_descriptor.bin` |

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use protox::Compiler;

/// Messages of the client contract that hold secrets or texts: `ipc/grpc/proto.rs` gives them a
/// `Debug` that tells nothing.
const SILENT: &[&str] = &[
    ".msgd.v1.NewSlot",
    ".msgd.v1.UnlockVaultRequest",
    ".msgd.v1.ChangePassphraseRequest",
    ".msgd.v1.CreateInviteResponse",
    ".msgd.v1.OfferMailboxResponse",
    ".msgd.v1.AcceptMailboxRequest",
    ".msgd.v1.AddContactRequest",
    ".msgd.v1.ContactRequest",
    ".msgd.v1.SendMessageRequest",
    ".msgd.v1.Message",
];

/// Import paths start here.
const ROOT: &str = "proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    // A megabyte of addresses to adjust becomes some kilobytes, which every start reads.
    // glibc can do so since 2.36; a linker that cannot says so and goes on.
    println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    for folder in ["wire/v1", "store/v1"] {
        if let Some(compiled) = compile(folder)? {
            // Peers' words and stored records hold keys and texts: they get no `Debug`.
            prost_build::Config::new()
                .skip_debug(["."])
                .out_dir(&out)
                .compile_fds(compiled.file_descriptor_set())?;
        }
    }
    if let Some(compiled) = compile("msgd/v1")? {
        fs::write(
            out.join("msgd_descriptor.bin"),
            compiled.encode_file_descriptor_set(),
        )?;
        tonic_prost_build::configure()
            .skip_debug(SILENT)
            .out_dir(&out)
            .compile_fds(compiled.file_descriptor_set())?;
    }
    Ok(())
}

/// Every `.proto` file of `folder`, read and checked; `None` if there is no such folder.
fn compile(folder: &str) -> Result<Option<Compiler>, Box<dyn Error>> {
    let path = Path::new(ROOT).join(folder);
    if !path.is_dir() {
        return Ok(None);
    }
    println!("cargo:rerun-if-changed={}", path.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(&path)? {
        let file = entry?.path();
        if file.extension().is_some_and(|end| end == "proto") {
            files.push(file);
        }
    }
    // A fixed order keeps the generated files equal from build to build.
    files.sort();
    let mut compiler = Compiler::new([ROOT])?;
    compiler.include_source_info(true).include_imports(true);
    compiler.open_files(&files)?;
    Ok(Some(compiler))
}
