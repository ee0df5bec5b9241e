//! Lists in columns.

use super::output::Style;
use unicode_width::UnicodeWidthStr;

/// Rows below headings; the last column is as wide as it likes.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    heads: [&'static str; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// No rows yet.
    pub(crate) fn new(heads: [&'static str; N]) -> Self {
        Self {
            heads,
            rows: Vec::new(),
        }
    }

    /// One row more.
    pub(crate) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }

    /// The lines; nothing at all without rows.
    pub(crate) fn text(&self, style: Style) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let mut widths = self.heads.map(UnicodeWidthStr::width);
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.width().max(*width);
            }
        }
        let mut text = style.faint(line(&self.heads, &widths).trim_end());
        text.push('\n');
        for row in &self.rows {
            text.push_str(line(row, &widths).trim_end());
            text.push('\n');
        }
        text
    }
}

/// Cells padded to their column's width on screen, which is not their length.
fn line<T: AsRef<str>>(cells: &[T], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        let cell = cell.as_ref();
        line.push_str(cell);
        line.push_str(&" ".repeat(width.saturating_sub(cell.width()) + 2));
    }
    line
}

/// Names and values below each other, for one thing.
pub(crate) fn fields(fields: &[(&str, String)]) -> String {
    let widest = fields.iter().map(|(name, _)| name.width()).max();
    let width = widest.unwrap_or_default() + 2;
    fields
        .iter()
        .map(|(name, value)| format!("{name:width$}{value}").trim_end().to_owned() + "\n")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_the_script() {
        let mut table = Table::new(["ID", "NAME", "STATE"]);
        table.row(["0a1b".into(), "漢字".into(), "active".into()]);
        table.row(["0a1c".into(), "alice".into(), String::new()]);
        assert_eq!(
            table.text(Style::default()),
            "ID    NAME   STATE\n0a1b  漢字   active\n0a1c  alice\n"
        );
    }

    #[test]
    fn an_empty_list_prints_nothing() {
        assert_eq!(Table::new(["ID"]).text(Style::default()), "");
    }

    #[test]
    fn fields_line_up() {
        assert_eq!(
            fields(&[
                ("id", "1".into()),
                ("name", "x".into()),
                ("note", String::new())
            ]),
            "id    1\nname  x\nnote\n"
        );
    }
}
