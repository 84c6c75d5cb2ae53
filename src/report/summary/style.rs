//! Width, characters and colours of a screen.

use crate::stats::Verdict;

/// How a screen may look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal; below 100 some columns of tables are dropped.
    pub width: usize,
    /// Only ASCII characters.
    pub ascii: bool,
    /// ANSI colours.
    pub color: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self { width: 100, ascii: false, color: false }
    }
}

const MARKS: [(char, &str); 17] = [
    ('▔', "'"),
    ('▁', "_"),
    ('╌', "."),
    ('│', "|"),
    ('✓', "+"),
    ('✗', "x"),
    ('█', "#"),
    ('▒', "="),
    ('░', ":"),
    ('┤', "|"),
    ('┼', "+"),
    ('─', "-"),
    ('┬', "+"),
    ('…', "~"),
    ('·', "*"),
    ('→', ">"),
    ('\u{2212}', "-"),
];

/// The verdict as a word.
pub(super) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Fail => "FAIL",
        Verdict::Undecided => "UNDECIDED",
    }
}

impl Style {
    /// The usable width.
    pub(in crate::report) fn columns(self) -> usize {
        self.width.clamp(60, 120)
    }

    /// Whether there is room for all columns.
    pub(super) fn is_wide(self) -> bool {
        self.columns() >= 96
    }

    /// The verdict's mark.
    pub(super) fn mark(verdict: Verdict) -> &'static str {
        match verdict {
            Verdict::Pass => "✓",
            Verdict::Fail => "✗",
            Verdict::Undecided => "?",
        }
    }

    /// Mark and word, coloured if colours are on.
    pub(super) fn verdict(self, verdict: Verdict) -> String {
        self.paint(verdict, &format!("{} {}", Self::mark(verdict), word(verdict)))
    }

    /// `text` in the colour of a verdict.
    pub(super) fn paint(self, verdict: Verdict, text: &str) -> String {
        let code = match verdict {
            Verdict::Pass => 32,
            Verdict::Fail => 31,
            Verdict::Undecided => 33,
        };
        if self.color { format!("\u{1b}[1;{code}m{text}\u{1b}[0m") } else { text.into() }
    }

    /// The line in ASCII, if that is asked for; what has no counterpart becomes `?`.
    pub(in crate::report) fn plain(self, line: &str) -> String {
        if !self.ascii {
            return line.into();
        }
        let mut out = String::new();
        for c in line.chars() {
            match MARKS.iter().find(|m| m.0 == c) {
                Some((_, ascii)) => out.push_str(ascii),
                None if c.is_ascii() => out.push(c),
                None if ('▁'..='▇').contains(&c) => {
                    out.push(if c >= '▄' { '#' } else { '.' });
                }
                None => out.push('?'),
            }
        }
        out
    }

    /// Two texts at the two ends of a line; on one side of each other at least two blanks.
    pub(super) fn justify(self, left: &str, right: &str) -> String {
        let used = left.chars().count() + right.chars().count();
        let blanks = self.columns().saturating_sub(used).max(2);
        format!("{left}{}{right}", " ".repeat(blanks))
    }

    /// The line, shortened to the width; colour codes count nothing.
    pub(in crate::report) fn cut(self, line: &str) -> String {
        let mut out = String::new();
        let (mut shown, mut inside, mut cut) = (0, false, false);
        let length = visible(line);
        let columns = self.columns();
        for c in line.chars() {
            if c == '\u{1b}' {
                inside = true;
            }
            if inside {
                out.push(c);
                inside = c != 'm';
            } else if length <= columns || shown + 1 < columns {
                out.push(c);
                shown += 1;
            } else if !cut {
                out.push(if self.ascii { '~' } else { '…' });
                cut = true;
            }
        }
        out
    }
}

/// Characters that take a column.
fn visible(line: &str) -> usize {
    let mut inside = false;
    let mut count = 0;
    for c in line.chars() {
        match c {
            '\u{1b}' => inside = true,
            'm' if inside => inside = false,
            _ if inside => {}
            _ => count += 1,
        }
    }
    count
}
