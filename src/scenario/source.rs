//! Where a value was written: in the scenario file or on the command line.

use std::collections::BTreeMap;

/// A stretch of the scenario file, or a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// `None`: in the file. Otherwise the number of the override; `start` and `end` are 0 then.
    pub flag: Option<u32>,
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

impl Place {
    /// A stretch of the file.
    pub fn file(range: std::ops::Range<usize>) -> Self {
        Self { flag: None, start: range.start, end: range.end }
    }

    /// Itself if it is in the file. A table that a flag made is no place for what it lacks.
    pub fn in_file(self) -> Option<Self> {
        if self.flag.is_none() { Some(self) } else { None }
    }

    /// On the command line, as the `index`-th override.
    pub fn flag(index: u32) -> Self {
        Self { flag: Some(index), start: 0, end: 0 }
    }
}

/// The text that a scenario came from.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// Name of the file, as it was given.
    pub file: String,
    /// Its text.
    pub text: String,
    /// The overrides, as they were typed.
    pub flags: Vec<String>,
    /// Where the value of each key was written, by its path. Defaults are not in it.
    pub places: BTreeMap<String, Place>,
}

impl Source {
    /// The place of a key, or of the nearest table around it that was written.
    pub fn place(&self, path: &str) -> Option<Place> {
        let mut path = path;
        loop {
            if let Some(place) = self.places.get(path) {
                return Some(*place);
            }
            path = &path[..path.rfind('.')?];
        }
    }

    /// The flag that a place stands for.
    pub fn flag(&self, place: Place) -> Option<&str> {
        self.flags.get(place.flag? as usize).map(String::as_str)
    }

    /// Line and column of the first character, from 1; columns count characters.
    pub fn line_column(&self, place: Place) -> (usize, usize) {
        let before = &self.text[..place.start.min(self.text.len())];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// A line by its number, from 1, without its end.
    pub fn line(&self, number: usize) -> &str {
        self.text.lines().nth(number - 1).unwrap_or("")
    }
}
