//! What scrapers read is what the specification says.

use super::*;
use crate::service::Sample;
use open_metrics::parse;

#[path = "../../../../tests/it/open_metrics.rs"]
mod open_metrics;

fn metric(name: &'static str, kind: MetricKind, unit: &'static str) -> Metric {
    let sample = |word, value| Sample {
        labels: vec![("path", word), ("direction", "in")],
        value,
    };
    Metric {
        name,
        kind,
        unit,
        help: "What it is.",
        samples: vec![sample("lan", 3), sample("dht", 1)],
    }
}

#[test]
fn the_text_is_open_metrics() {
    let all = [
        metric("msgd_link_bytes", MetricKind::Counter, "bytes"),
        metric("msgd_links", MetricKind::Gauge, ""),
    ];
    let text = text(&all);
    let samples = parse(&text).unwrap();
    assert_eq!(samples.len(), 4);
    let bytes = "msgd_link_bytes_total{path=\"lan\",direction=\"in\"}";
    assert_eq!(samples.get(bytes), Some(&3), "{text}");
    assert_eq!(text.lines().filter(|line| *line == "# EOF").count(), 1);
}

#[test]
fn the_test_s_parser_takes_nothing_else() {
    let good = "# TYPE a_bytes counter\n# UNIT a_bytes bytes\n# HELP a_bytes A.\na_bytes_total 1\n";
    assert!(parse(&format!("{good}# EOF\n")).is_ok());
    for bad in [
        good.to_owned(),
        format!("{good}# EOF\n\n"),
        format!("{good}{good}# EOF\n"),
        format!("{good}a_bytes_total 2\n# EOF\n"),
        format!("{}# EOF\n", good.replace("a_bytes_total", "a_bytes")),
        format!("{}# EOF\n", good.replace("total 1", "total one")),
        format!(
            "{}# EOF\n",
            good.replace("UNIT a_bytes bytes", "UNIT a_bytes seconds")
        ),
        format!("{}# EOF\n", good.replace("# HELP a_bytes A.\n", "")),
        format!("{}# EOF\n", good.replace("total 1", "total{x=\"a b\"} 1")),
    ] {
        assert!(parse(&bad).is_err(), "{bad}");
    }
}
