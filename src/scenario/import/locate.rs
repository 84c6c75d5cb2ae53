//! Where a key stands in a text, by its path: for messages.
//!
//! The readers of YAML, JSON and HCL hand out values without their places. Keys are looked for
//! in turn, each after the one before it and, in YAML, further to the right. What is not found
//! with certainty has no place.

/// Line and column, both from 1, of the last key of `path`.
pub(super) fn locate(text: &str, path: &[String]) -> Option<(u64, u64)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut from = 0;
    let mut column = 0;
    let mut indent = None;
    let mut found = None;
    for key in path {
        let (line, at) = (from..lines.len()).find_map(|line| {
            let skip = if line == from { column } else { 0 };
            let at = key_in(lines[line], key, skip)?;
            (line == from && skip > 0 || indent.is_none_or(|indent| at > indent))
                .then_some((line, at))
        })?;
        found = Some((line as u64 + 1, lines[line][..at].chars().count() as u64 + 1));
        indent = Some(indent_of(lines[line]));
        (from, column) = (line, at + key.len());
    }
    found
}

/// The same within one of several YAML documents, that of this kind and name.
pub(super) fn locate_within(
    text: &str,
    kind: &str,
    name: &str,
    path: &[String],
) -> Option<(u64, u64)> {
    let has = |document: &str, key: &str, value: &str| {
        document.lines().any(|line| {
            let after = line.split_once(key).map(|(_, after)| after.trim_start());
            after.and_then(|after| after.strip_prefix(':')).is_some_and(|after| {
                let after = after.trim_start().trim_start_matches(['"', '\'']);
                let end = |c: char| matches!(c, '"' | '\'' | ',' | '}' | ' ' | '#');
                after
                    .strip_prefix(value)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(end))
            })
        })
    };
    let mut line = 0;
    let mut found = None;
    for document in text.split("\n---") {
        if has(document, "kind", kind) && has(document, "name", name) {
            if found.is_some() {
                // Two objects look like it: better no place than a wrong one.
                return None;
            }
            found = locate(document, path).map(|(at, column)| (at + line, column));
        }
        line += document.matches('\n').count() as u64 + 1;
    }
    found
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// Byte at which `key` begins as a key (`key:`, `"key":`, `key =`, `key {`, `block "key" {`).
fn key_in(line: &str, key: &str, skip: usize) -> Option<usize> {
    if key.is_empty() || line.trim_start().starts_with(['#', '/']) {
        return None;
    }
    let mut start = skip.min(line.len());
    while let Some(at) = line.get(start..)?.find(key).map(|at| at + start) {
        let before = line[..at].chars().next_back();
        let after = line[at + key.len()..].trim_start_matches('"').trim_start();
        let begins = before.is_none_or(|c| matches!(c, ' ' | '\t' | '"' | '{' | ',' | '\''));
        // `job "shop" {`: a label follows.
        let labelled = after.starts_with('"') && line.trim_end().ends_with('{');
        if begins && (after.starts_with([':', '=', '{']) || labelled) {
            return Some(at);
        }
        start = at + key.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::locate;

    fn place(text: &str, path: &str) -> Option<(u64, u64)> {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        locate(text, &path)
    }

    #[test]
    fn keys_are_found_in_yaml_json_and_hcl() {
        let yaml = "services:\n  db:\n    deploy:\n      replicas: 1\n  # web: no\n  web:\n    \
                    depends_on: [db]\n    deploy: {replicas: x}\n";
        assert_eq!(place(yaml, "services.web.deploy.replicas"), Some((8, 14)));
        assert_eq!(place(yaml, "services.db.deploy.replicas"), Some((4, 7)));
        assert_eq!(place(yaml, "services.web.image"), None);
        let json = "{\"a\": {\"b\": 1}, \"deploy\": {\n  \"count\": \"many\" }}";
        assert_eq!(place(json, "deploy.count"), Some((2, 4)));
        let hcl = "job \"shop\" {\n  group \"web\" {\n    count = 3\n    update {\n      \
                   canary = -1\n";
        assert_eq!(place(hcl, "job.shop.group.web.update.canary"), Some((5, 7)));
    }
}
