//! Introspection as clients are to read it.
//!
//! zbus writes doc comments as XML comments, which tools drop; here they become the annotation
//! that `gdbus introspect` and code generators read. And zbus announces by itself what a setter
//! has set, which the shelf does for whatever changed, by whomever: a property that can be set is
//! declared to zbus as never announced, and introspection says here how it is.

/// What zbus was told.
const UNTOLD: &str = "\"org.freedesktop.DBus.Property.EmitsChangedSignal\" value=\"false\"";
/// What the shelf does.
const TOLD: &str = "\"org.freedesktop.DBus.Property.EmitsChangedSignal\" value=\"invalidates\"";
const ANNOTATION: &str = "org.gtk.GDBus.DocString";

/// `xml` of one interface, as zbus wrote it, with its comments turned into annotations of the
/// members that follow them, with `about` as the interface's own, and with what it announces.
pub(super) fn annotate(xml: &str, about: &str) -> String {
    let mut out = String::with_capacity(xml.len() * 2);
    let mut doc: Option<String> = None;
    let mut in_comment = false;
    for line in xml.replace(UNTOLD, TOLD).lines() {
        let text = line.trim();
        let indent = line.len() - line.trim_start().len();
        if text == "<!--" {
            in_comment = true;
            doc = Some(String::new());
        } else if text == "-->" {
            in_comment = false;
        } else if in_comment {
            append(doc.get_or_insert_default(), text);
        } else if text.starts_with("<interface ") {
            open(&mut out, line, indent, about);
        } else if let Some(doc) = doc.take() {
            member(&mut out, line, indent, &doc);
        } else {
            push(&mut out, line);
        }
    }
    out
}

/// Lines of a comment are one sentence after the other; an empty line parts paragraphs.
fn append(doc: &mut String, text: &str) {
    if text.is_empty() {
        doc.push('\n');
    } else {
        if !doc.is_empty() && !doc.ends_with('\n') {
            doc.push(' ');
        }
        doc.push_str(text);
    }
}

fn member(out: &mut String, line: &str, indent: usize, doc: &str) {
    match line.strip_suffix("/>") {
        // A property without annotations is an empty element.
        Some(start) => {
            open(out, &format!("{start}>"), indent, doc);
            push(out, &format!("{:indent$}</property>", ""));
        }
        None => open(out, line, indent, doc),
    }
}

fn open(out: &mut String, line: &str, indent: usize, doc: &str) {
    push(out, line);
    let indent = indent + 2;
    let value = escape(doc);
    push(
        out,
        &format!(
            "{:indent$}<annotation name=\"{ANNOTATION}\" value=\"{value}\"/>",
            ""
        ),
    );
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\n', "&#10;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_become_annotations() {
        let plain = "<interface name=\"a.B\">\n  <!--\n   One \"way\".\n   On & on.\n\n   Two.\n   -->\n  \
                     <property name=\"P\" type=\"s\" access=\"read\"/>\n  <method name=\"M\">\n  </method>\n\
                     </interface>\n";
        let wanted = "<interface name=\"a.B\">\n  \
            <annotation name=\"org.gtk.GDBus.DocString\" value=\"About.\"/>\n  \
            <property name=\"P\" type=\"s\" access=\"read\">\n    \
            <annotation name=\"org.gtk.GDBus.DocString\" value=\"One &quot;way&quot;. On &amp; on.&#10;Two.\"/>\n  \
            </property>\n  <method name=\"M\">\n  </method>\n</interface>\n";
        assert_eq!(annotate(plain, "About."), wanted);
    }
}
