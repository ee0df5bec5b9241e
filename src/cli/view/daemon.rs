//! The daemon at a glance, and what `doctor` found.

use super::word;
use crate::cli::{
    exit_code::Failure,
    output::{Show, Style},
    table::{Table, fields},
    text::one_line,
    when,
};
use crate::ipc::grpc::proto::v1 as proto;
use serde::Serialize;

/// The daemon at a glance.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    version: String,
    profile: String,
    pid: u32,
    started_at_ms: i64,
    vault: String,
    identities: u32,
    contacts: u32,
    links: u32,
    listen: Vec<String>,
    outbox: u64,
    unread: u64,
    pending_requests: u32,
    last_event: u64,
    crypto_backend: String,
}

impl From<proto::Status> for Status {
    fn from(status: proto::Status) -> Self {
        Self {
            vault: word(status.vault().as_str_name(), "VAULT_STATE_"),
            version: status.version,
            profile: status.profile,
            pid: status.pid,
            started_at_ms: status.started_at_ms,
            identities: status.identities,
            contacts: status.contacts,
            links: status.links,
            listen: status.listen,
            outbox: status.outbox,
            unread: status.unread,
            pending_requests: status.pending_requests,
            last_event: status.last_event,
            crypto_backend: status.crypto_backend,
        }
    }
}

impl Status {
    /// `template` with each `{name}` replaced by the JSON field of that name.
    pub(crate) fn fill(&self, template: &str) -> Result<String, Failure> {
        let json = serde_json::to_value(self).unwrap_or_default();
        let mut filled = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            if let Some(literal) = after.strip_prefix('{') {
                filled.push('{');
                rest = literal;
                continue;
            }
            let (name, after) = after.split_once('}').ok_or_else(|| {
                Failure::usage("--format has a `{` without its `}`. write `{{` for the character")
            })?;
            match json.get(name) {
                Some(serde_json::Value::String(text)) => filled.push_str(&one_line(text)),
                Some(serde_json::Value::Array(items)) => {
                    let items: Vec<_> = items.iter().filter_map(|item| item.as_str()).collect();
                    filled.push_str(&one_line(&items.join(" ")));
                }
                Some(value) => filled.push_str(&value.to_string()),
                None => return Err(unknown(name, &json)),
            }
            rest = after;
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

fn unknown(name: &str, json: &serde_json::Value) -> Failure {
    let names = json.as_object().into_iter().flat_map(|map| map.keys());
    Failure::with_candidates(
        crate::model::ErrorCode::InvalidArgument,
        format!("--format knows no `{{{name}}}`. choose from:"),
        names.cloned().collect(),
    )
}

impl Show for Status {
    fn text(&self, _: Style) -> String {
        fields(&[
            (
                "msgd",
                format!("{} ({})", self.version, self.crypto_backend),
            ),
            ("profile", self.profile.clone()),
            ("process", self.pid.to_string()),
            ("since", when::minute(self.started_at_ms)),
            ("vault", self.vault.clone()),
            ("identities", self.identities.to_string()),
            ("contacts", self.contacts.to_string()),
            ("links", self.links.to_string()),
            ("listens on", self.listen.join(" ")),
            ("on their way", self.outbox.to_string()),
            ("unread", self.unread.to_string()),
            ("requests", self.pending_requests.to_string()),
            ("latest event", self.last_event.to_string()),
        ])
    }

    fn ids(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    check: String,
    level: String,
    text: String,
}

/// Everything that `doctor` looked at.
#[derive(Debug, Serialize)]
pub(crate) struct Doctor {
    findings: Vec<Finding>,
}

impl From<proto::RunDoctorResponse> for Doctor {
    fn from(answer: proto::RunDoctorResponse) -> Self {
        let finding = |finding: proto::Finding| Finding {
            level: word(finding.level().as_str_name(), "LEVEL_"),
            check: finding.check,
            text: finding.text,
        };
        Self {
            findings: answer.findings.into_iter().map(finding).collect(),
        }
    }
}

impl Doctor {
    /// Whether something does not work.
    pub(crate) fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.level == "error")
    }
}

impl Show for Doctor {
    fn text(&self, style: Style) -> String {
        let mut table = Table::new(["CHECK", "LEVEL", "WHAT WAS SEEN"]);
        for finding in &self.findings {
            table.row([
                finding.check.clone(),
                finding.level.clone(),
                one_line(&finding.text),
            ]);
        }
        table.text(style)
    }

    fn ids(&self) -> Vec<&str> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::view::tests::names;

    fn status() -> Status {
        proto::Status {
            version: "0.1.0".into(),
            vault: proto::VaultState::Unlocked.into(),
            unread: 3,
            listen: vec!["127.0.0.1:1".into(), "[::1]:2".into()],
            ..proto::Status::default()
        }
        .into()
    }

    #[test]
    fn json_has_the_names_of_the_contract() {
        assert_eq!(
            names(&status()),
            [
                "contacts",
                "crypto_backend",
                "identities",
                "last_event",
                "links",
                "listen",
                "outbox",
                "pending_requests",
                "pid",
                "profile",
                "started_at_ms",
                "unread",
                "vault",
                "version"
            ]
        );
        let doctor = Doctor::from(proto::RunDoctorResponse {
            findings: vec![proto::Finding::default()],
        });
        assert_eq!(names(&doctor), ["findings"]);
        assert_eq!(names(&doctor.findings[0]), ["check", "level", "text"]);
    }

    #[test]
    fn a_template_is_filled_with_json_fields() {
        let fill = |template| status().fill(template).unwrap();
        assert_eq!(fill("{unread} {vault}"), "3 unlocked");
        assert_eq!(fill("{{x}} {listen}"), "{x}} 127.0.0.1:1 [::1]:2");
        assert_eq!(fill(""), "");
    }

    #[test]
    fn an_unknown_field_is_a_usage_error_that_lists_the_known() {
        let failure = status().fill("{unred}").unwrap_err();
        assert_eq!(failure.exit_code(), 2);
        assert!(failure.to_string().contains("  unread\n"));
        assert_eq!(status().fill("{unread").unwrap_err().exit_code(), 2);
    }

    #[test]
    fn only_an_error_makes_the_doctor_fail() {
        let doctor = |level: proto::Level| {
            Doctor::from(proto::RunDoctorResponse {
                findings: vec![proto::Finding {
                    level: level.into(),
                    ..proto::Finding::default()
                }],
            })
        };
        assert!(!doctor(proto::Level::Warning).has_errors());
        assert!(doctor(proto::Level::Error).has_errors());
    }
}
