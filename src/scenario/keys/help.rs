//! Help on keys and tables, out of the catalogue.

use std::fmt::Write;

use super::{Key, default_text, find, paths, table, tables};
use crate::scenario::suggest::nearest;

/// What there is to say about a key (`probes.period`), a table (`probes`), or a key by its last
/// name alone (`period`).
///
/// # Errors
/// If there is no such thing; with the nearest name, if one is near.
pub fn help(path: &str) -> Result<String, Option<String>> {
    let path = path.trim_matches(|c| c == '[' || c == ']');
    if let Some(key) = find(path) {
        return Ok(of_key(path, key));
    }
    // `dependencies` stands for `dependencies.*`.
    if let Some(table) = table(path).or_else(|| table(&format!("{path}.*"))) {
        let mut text = format!("[{path}]  {}\n\n", table.about);
        for key in table.keys {
            let _ = writeln!(text, "  {:<18} {}", key.name, key.about);
        }
        return Ok(text);
    }
    let all = paths();
    let same_name: Vec<String> = all
        .iter()
        .filter(|known| known.rsplit('.').next() == Some(path))
        .filter_map(|known| find(known).map(|key| of_key(known, key)))
        .collect();
    if !same_name.is_empty() {
        return Ok(same_name.join("\n"));
    }
    let names = all.iter().map(String::as_str).chain(tables().map(|table| table.path));
    let last = all.iter().filter_map(|known| known.rsplit('.').next());
    Err(nearest(path, names.chain(last)).map(str::to_owned))
}

fn of_key(path: &str, key: &Key) -> String {
    let default = default_text(path.rsplit_once('.').map_or("", |(table, _)| table), key);
    let example = format!("{} = {}", key.name, key.example);
    let mut text = format!("{path}\n  {}\n\n", key.about);
    for (what, words) in
        [("takes", key.kind.expected()), ("default", default), ("example", example)]
    {
        let _ = writeln!(text, "  {what:<7}  {}", hanging(&words, 11));
    }
    text
}

/// Broken between words at 80 columns; all lines but the first are indented.
fn hanging(words: &str, indent: usize) -> String {
    let (mut out, mut column) = (String::new(), indent);
    for word in words.split(' ') {
        let length = word.chars().count();
        if column > indent && column + 1 + length > 80 {
            out.extend(["\n", &" ".repeat(indent)]);
            column = indent;
        } else if column > indent {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::help;

    #[test]
    fn keys_tables_and_last_names_are_explained() {
        let text = help("probes.period").unwrap();
        assert!(text.contains("\"1s\"; \"10s\" with kubernetes"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(help("probes").unwrap().contains("initial_delay"));
        assert_eq!(help("batch"), help("strategy.generic.batch"));
        assert_eq!(help("bach"), Err(Some("batch".to_owned())));
        assert_eq!(help("xyzzy"), Err(None));
    }
}
