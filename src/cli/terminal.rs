//! Standard output and error, and what they are.

use std::io::{ErrorKind, IsTerminal, Write};

use super::args::Color;

/// Writes to standard output.
pub(super) fn out(text: &str) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

/// Writes a line to standard error; nothing can be done if that fails.
pub(super) fn error_line(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", text.trim_end());
}

/// Whether somebody stopped reading.
pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Whether to use colours on standard output: as asked; else only on a terminal, unless
/// `NO_COLOR` is set (no-color.org); `CLICOLOR_FORCE` forces them.
pub(super) fn color(asked: Color) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match asked {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let forced =
                set("CLICOLOR_FORCE") && std::env::var_os("CLICOLOR_FORCE") != Some("0".into());
            !set("NO_COLOR") && (forced || std::io::stdout().is_terminal())
        }
    }
}

/// Columns of the terminal that standard output is, else 100; `COLUMNS` says otherwise.
pub(super) fn width() -> usize {
    if !std::io::stdout().is_terminal() {
        return columns(None, None);
    }
    let said = std::env::var("COLUMNS").ok();
    let real = terminal_size::terminal_size_of(std::io::stdout());
    columns(said.as_deref(), real.map(|(terminal_size::Width(columns), _)| columns))
}

/// What is said goes before what is; some terminals have no width and call it zero.
fn columns(said: Option<&str>, real: Option<u16>) -> usize {
    let said = said.and_then(|text| text.trim().parse().ok());
    let known = said.or(real.map(usize::from)).filter(|columns| *columns > 0);
    known.unwrap_or(100).clamp(60, 200)
}

/// Whether only ASCII may be shown: as asked, or if the locale says another character set.
pub(super) fn ascii(asked: bool) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let other = locale.is_some_and(|value| {
        let value = value.to_lowercase();
        value.contains('.') && !value.contains("utf-8") && !value.contains("utf8")
    });
    asked || other
}

#[cfg(test)]
mod tests {
    use super::columns;

    #[test]
    fn what_is_said_of_the_width_goes_before_what_is() {
        assert_eq!(columns(None, None), 100);
        assert_eq!(columns(None, Some(132)), 132);
        assert_eq!(columns(Some("90"), Some(132)), 90);
        assert_eq!(columns(Some("wide"), Some(132)), 132);
        assert_eq!([columns(None, Some(0)), columns(Some("0"), None)], [100, 100]);
        assert_eq!([columns(None, Some(20)), columns(Some("900"), None)], [60, 200]);
    }
}
