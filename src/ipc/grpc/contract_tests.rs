//! Holds the contract with clients: complete, uniform, and never renumbered.

use super::proto::DESCRIPTOR_SET;
use crate::model::limits;
use prost::Message;
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    field_descriptor_proto::{Label, Type},
};
use std::{collections::BTreeMap, fmt::Write, fs, path::Path};

const PACKAGE: &str = "msgd.v1";
const GOLDEN: &str = "tests/goldens/grpc_surface.txt";
/// Calls that change something without a key, because doing them twice is doing them once.
const NATURALLY_IDEMPOTENT: [&str; 3] = ["UnlockVault", "LockVault", "StopDaemon"];

fn files() -> Vec<FileDescriptorProto> {
    let set = FileDescriptorSet::decode(DESCRIPTOR_SET).expect("a descriptor set");
    let mut ours: Vec<_> = set
        .file
        .into_iter()
        .filter(|f| f.package() == PACKAGE)
        .collect();
    ours.sort_by(|a, b| a.name().cmp(b.name()));
    ours
}

fn messages() -> BTreeMap<String, DescriptorProto> {
    let all = files().into_iter().flat_map(|file| file.message_type);
    all.map(|message| (format!(".{PACKAGE}.{}", message.name()), message))
        .collect()
}

/// Each call: its service, its name, what it takes and what it gives.
fn calls() -> Vec<(String, String, DescriptorProto, DescriptorProto)> {
    let messages = messages();
    let mut found = Vec::new();
    for service in files().iter().flat_map(|file| &file.service) {
        for method in &service.method {
            let named = |name: &str| messages.get(name).expect("a message of ours").clone();
            let (takes, gives) = (named(method.input_type()), named(method.output_type()));
            found.push((service.name().into(), method.name().into(), takes, gives));
        }
    }
    found
}

fn field<'a>(message: &'a DescriptorProto, name: &str) -> Option<&'a FieldDescriptorProto> {
    message.field.iter().find(|field| field.name() == name)
}

fn is(message: &DescriptorProto, name: &str, kind: Type) -> bool {
    field(message, name).is_some_and(|f| f.r#type() == kind && f.label() == Label::Optional)
}

/// `send_message` as `SendMessage`.
fn camel(name: &str) -> String {
    let upper = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    name.split('_').map(upper).collect()
}

/// The public calls of the service, in camel case, and whether each takes an idempotency key.
fn service_calls() -> BTreeMap<String, bool> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/service");
    let mut found = BTreeMap::new();
    let entries = fs::read_dir(folder).expect("readable");
    let paths = entries.map(|entry| entry.expect("entry").path());
    for path in paths.filter(|path| path.is_file()) {
        let text = fs::read_to_string(path).expect("readable");
        for start in ["    pub async fn ", "    pub fn "] {
            for rest in text.split(start).skip(1) {
                let signature = rest.split('{').next().expect("a signature");
                let (name, rest) = signature.split_once('(').expect("arguments");
                // Constructors, builders and values are no calls.
                if rest.trim_start().starts_with("&self") {
                    found.insert(camel(name), rest.contains("IdempotencyKey"));
                }
            }
        }
    }
    found
}

#[test]
fn every_call_of_the_service_has_its_grpc_call_and_the_other_way_round() {
    let offered: Vec<String> = service_calls().into_keys().collect();
    let mut spoken: Vec<String> = calls().into_iter().map(|(_, name, ..)| name).collect();
    spoken.sort();
    assert!(
        offered.len() > 40,
        "the service's calls were not found: {offered:?}"
    );
    assert_eq!(spoken, offered);
}

#[test]
fn every_call_has_its_own_request_and_response() {
    for (_, name, takes, gives) in calls() {
        assert_eq!(takes.name(), format!("{name}Request"));
        assert_eq!(gives.name(), format!("{name}Response"));
    }
}

#[test]
fn what_changes_something_takes_an_idempotency_key() {
    let keyed = service_calls();
    for (_, name, takes, _) in calls() {
        let takes_key = is(&takes, "idempotency_key", Type::String);
        assert_eq!(Some(&takes_key), keyed.get(&name), "{name}");
        let reads = [
            "Get",
            "List",
            "Run",
            "Explain",
            "Wait",
            "VaultState",
            "Subscribe",
        ];
        let changes = !reads.iter().any(|start| name.starts_with(start));
        let excused = NATURALLY_IDEMPOTENT.contains(&name.as_str());
        assert_eq!(takes_key, changes && !excused, "{name}");
    }
}

#[test]
fn a_call_that_ends_with_its_client_changes_nothing() {
    for path in super::door::WAITING {
        let found = calls().into_iter().find(|(service, name, ..)| {
            path.strip_prefix('/') == Some(&format!("{PACKAGE}.{service}/{name}"))
        });
        let (.., takes, _) = found.unwrap_or_else(|| panic!("no call {path}"));
        assert!(field(&takes, "idempotency_key").is_none(), "{path}");
    }
}

#[test]
fn every_list_is_paged() {
    for (_, name, takes, gives) in calls() {
        let pages = [
            is(&takes, "page_size", Type::Uint32),
            is(&takes, "page_token", Type::String),
            is(&gives, "next_page_token", Type::String),
        ];
        assert_eq!(pages, [name.starts_with("List"); 3], "{name}");
    }
}

#[test]
fn the_fullest_page_fits_into_what_a_client_takes_by_default() {
    const DEFAULT_LIMIT: usize = 4 * 1024 * 1024;
    let messages = messages();
    for (_, name, _, gives) in calls().iter().filter(|call| call.1.starts_with("List")) {
        let rows = gives.field.iter().find(|f| f.label() == Label::Repeated);
        let row = messages
            .get(rows.expect("rows").type_name())
            .expect("a row of ours");
        // Tag and length, then the longest there is: no text but a message's is longer than a
        // greeting, and texts together are limited by themselves.
        let longest = |field: &FieldDescriptorProto| match (field.r#type(), field.name()) {
            (Type::String, "text") => 8,
            (Type::String, _) => 8 + limits::MAX_GREETING_BYTES,
            (Type::Message | Type::Bytes | Type::Group, other) => panic!("{name}: {other}?"),
            _ => 12,
        };
        let row = 8 + row.field.iter().map(longest).sum::<usize>();
        let rows = usize::try_from(limits::MAX_PAGE).expect("small");
        let page = limits::MAX_PAGE_TEXT_BYTES + rows * row;
        assert!(page < DEFAULT_LIMIT, "{name}: {page}");
    }
}

#[test]
fn every_enum_starts_unspecified_and_carries_its_name() {
    for file in files() {
        assert!(
            file.message_type.iter().all(|m| m.enum_type.is_empty()),
            "nested enums"
        );
        for kind in file.enum_type {
            let snake = |text: String, c: char| match c {
                c if c.is_uppercase() && !text.is_empty() => text + "_" + &c.to_string(),
                c => text + &c.to_uppercase().to_string(),
            };
            let prefix = kind.name().chars().fold(String::new(), snake) + "_";
            let zero = kind
                .value
                .iter()
                .find(|value| value.number() == 0)
                .expect("a zero");
            assert_eq!(zero.name(), format!("{prefix}UNSPECIFIED"));
            assert!(
                kind.value
                    .iter()
                    .all(|value| value.name().starts_with(&prefix))
            );
        }
    }
}

#[test]
fn times_and_passphrases_have_their_types() {
    for message in messages().values() {
        for field in &message.field {
            let (name, kind) = (field.name(), field.r#type());
            let place = format!("{}.{name}", message.name());
            assert_eq!(
                name.ends_with("_at_ms"),
                kind == Type::Int64 && name != "since_time_ms",
                "{place}"
            );
            assert_eq!(name.ends_with("passphrase"), kind == Type::Bytes, "{place}");
        }
    }
}

#[test]
fn every_word_of_the_contract_is_explained() {
    for file in files() {
        let info = file.source_code_info.as_ref().expect("comments are kept");
        let silent: Vec<_> = info
            .location
            .iter()
            .filter(|place| is_declaration(&place.path))
            .filter(|place| place.leading_comments().trim().is_empty())
            .map(|place| place.span.first().map_or(0, |line| line + 1))
            .collect();
        assert!(
            silent.is_empty(),
            "{}: no comment at lines {silent:?}",
            file.name()
        );
    }
}

/// Whether a path of `SourceCodeInfo` leads to a message, field, oneof, enum, value, service or
/// call (by the field numbers of `descriptor.proto`).
fn is_declaration(path: &[i32]) -> bool {
    let pairs: Vec<_> = path
        .chunks(2)
        .map(|pair| (pair[0], pair.len() == 2))
        .collect();
    if pairs.iter().any(|(_, whole)| !whole) {
        return false;
    }
    let steps: Vec<i32> = pairs.iter().map(|(step, _)| *step).collect();
    matches!(
        steps.as_slice(),
        [4..=6] | [4, 2 | 3 | 8] | [4, 3, 2] | [5 | 6, 2]
    )
}

/// Everything that clients can depend on, one line each.
fn surface() -> String {
    let mut text = String::new();
    for file in files() {
        writeln!(text, "# {}", file.name()).expect("text");
        for service in &file.service {
            for method in &service.method {
                let stream = if method.server_streaming() {
                    "stream "
                } else {
                    ""
                };
                let (name, call) = (service.name(), method.name());
                let (takes, gives) = (short(method.input_type()), short(method.output_type()));
                writeln!(text, "rpc {name}.{call}({takes}) -> {stream}{gives}").expect("text");
            }
        }
        for kind in &file.enum_type {
            for value in &kind.value {
                let (name, value, number) = (kind.name(), value.name(), value.number());
                writeln!(text, "enum {name} {number} {value}").expect("text");
            }
        }
        for message in &file.message_type {
            describe(message, message.name(), &mut text);
        }
    }
    text
}

fn describe(message: &DescriptorProto, name: &str, text: &mut String) {
    if message.field.is_empty() {
        writeln!(text, "message {name} (empty)").expect("text");
    }
    for field in &message.field {
        let label = match (field.label(), field.proto3_optional(), field.oneof_index) {
            (Label::Repeated, ..) => "repeated ".to_owned(),
            (_, true, _) => "optional ".to_owned(),
            (_, false, Some(index)) => {
                let oneof = &message.oneof_decl[usize::try_from(index).expect("an index")];
                format!("oneof {}: ", oneof.name())
            }
            (_, false, None) => String::new(),
        };
        let kind = match field.type_name() {
            "" => field
                .r#type()
                .as_str_name()
                .trim_start_matches("TYPE_")
                .to_lowercase(),
            named => short(named).to_owned(),
        };
        let (number, field) = (field.number(), field.name());
        writeln!(text, "message {name} {number} {label}{kind} {field}").expect("text");
    }
    for nested in &message.nested_type {
        describe(nested, &format!("{name}.{}", nested.name()), text);
    }
}

fn short(name: &str) -> &str {
    name.strip_prefix(".msgd.v1.").unwrap_or(name)
}

/// Lines may be added to the golden file, never changed or removed: other programs are built
/// against them. To add, run with `MSGD_WRITE_GOLDENS=1` and look at the difference.
#[test]
fn nothing_is_renamed_or_renumbered() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN);
    let now = surface();
    if std::env::var_os("MSGD_WRITE_GOLDENS").is_some() {
        fs::write(&path, &now).expect("written");
    }
    let before = fs::read_to_string(&path).expect("the golden file");
    let lost: Vec<_> = before
        .lines()
        .filter(|line| !now.lines().any(|l| l == *line))
        .collect();
    assert!(
        lost.is_empty(),
        "gone from the contract:\n{}",
        lost.join("\n")
    );
    assert_eq!(now, before, "the contract has grown: note it in {GOLDEN}");
}
