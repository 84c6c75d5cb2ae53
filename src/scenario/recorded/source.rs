//! A file's text, unpacked.

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

use super::RecordedError;

/// Text of a file, plain or gzip (told by its first two bytes, not by its name). Bytes that are
/// not UTF-8 become replacement characters: user agents in access logs hold anything.
pub(super) fn read_text(path: &Path) -> Result<String, RecordedError> {
    let name = path.display();
    let failed = |error: std::io::Error| RecordedError::new(format!("cannot read {name}: {error}"));
    let bytes = std::fs::read(path).map_err(failed)?;
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        // Rotated logs are often several gzip members in one file.
        flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked).map_err(
            |error| RecordedError::new(format!("{name} is a broken gzip file: {error}")),
        )?;
        unpacked
    } else {
        bytes
    };
    let text = match String::from_utf8_lossy(&bytes) {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => text,
    };
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    if text.trim().is_empty() {
        return Err(RecordedError::new(format!("{name} is empty")));
    }
    Ok(text)
}

/// Lines that could not be used: how many, and the first with its number and text.
#[derive(Debug, Default)]
pub(super) struct BadLines {
    count: u64,
    first: Option<(u64, String)>,
}

impl BadLines {
    /// Notes one.
    pub(super) fn add(&mut self, line: u64, text: &str) {
        self.count += 1;
        self.first.get_or_insert_with(|| (line, shorten(text)));
    }

    /// Number of the first.
    pub(super) fn first_line(&self) -> Option<u64> {
        self.first.as_ref().map(|(line, _)| *line)
    }

    /// A sentence about them.
    pub(super) fn warning(&self) -> Option<String> {
        let (line, text) = self.first.as_ref()?;
        Some(if self.count == 1 {
            format!("1 line could not be read and is left out: line {line}: `{text}`")
        } else {
            let count = self.count;
            format!(
                "{count} lines could not be read and are left out; the first is line {line}: \
                 `{text}`"
            )
        })
    }
}

fn shorten(text: &str) -> String {
    let mut short: String = text.trim().chars().take(80).collect();
    if short.len() < text.trim().len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn gzip_is_known_by_content_and_may_have_several_members() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("traffic.csv");
        let mut bytes = Vec::new();
        for part in ["t\n", "2023-11-16 18:15:46\n"] {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            packer.write_all(part.as_bytes()).unwrap();
            bytes.extend(packer.finish().unwrap());
        }
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(read_text(&path).unwrap(), "t\n2023-11-16 18:15:46\n");
        std::fs::write(&path, &bytes[..bytes.len() - 12]).unwrap();
        assert!(read_text(&path).unwrap_err().message.contains("broken gzip"));
    }

    #[test]
    fn missing_and_empty_files_say_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none.csv");
        assert!(read_text(&path).unwrap_err().message.contains("cannot read"));
        std::fs::write(&path, " \n").unwrap();
        assert!(read_text(&path).unwrap_err().message.contains("is empty"));
    }
}
