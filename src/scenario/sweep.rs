//! `[sweep]`: what is varied when the command line does not say it.
//!
//! ```toml
//! [sweep]
//! "strategy.generic.batch" = "1..6,12"
//! "traffic.rate" = ["800/s", "1000/s"]
//! goal = "min p95(duration)"
//! versus = "max p5(serving_min)"
//! ```

use super::tree::{self, Data, Node};

/// Words of the table that are no keys of a scenario.
pub const WORDS: [&str; 2] = ["goal", "versus"];

/// What a scenario's `[sweep]` says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Swept {
    /// `KEY=LIST`, as on the command line, in the order of the file.
    pub vary: Vec<String>,
    /// What the best setting is, if it is said.
    pub goal: Option<String>,
    /// What is weighed against it, if it is said.
    pub versus: Option<String>,
}

/// Reads the table from the text of a scenario; nothing where there is none, or no TOML.
pub fn read(text: &str) -> Swept {
    let mut swept = Swept::default();
    let Ok(root) = tree::parse(text) else { return swept };
    for item in root.get("sweep").map_or(&[][..], Node::items) {
        let list = list(&item.node);
        match item.key.as_str() {
            "goal" => swept.goal = Some(list),
            "versus" => swept.versus = Some(list),
            key => swept.vary.push(format!("{key}={list}")),
        }
    }
    swept
}

/// A value as one would type it.
fn list(node: &Node) -> String {
    match &node.data {
        Data::List(nodes) => nodes.iter().map(list).collect::<Vec<_>>().join(","),
        Data::Table(items) => {
            let inside = items.iter().map(|item| {
                let value = match &item.node.data {
                    Data::Text(text) => format!("{text:?}"),
                    _ => list(&item.node),
                };
                format!("{} = {value}", item.key)
            });
            format!("{{ {} }}", inside.collect::<Vec<_>>().join(", "))
        }
        Data::Flag(flag) => flag.to_string(),
        _ => node.scalar().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::read;
    use crate::scenario::load;

    const TEXT: &str = "rollcast = 1\n[service]\ninstances = 3\n[versions.old]\nstart = \"5s\"\n\
                        [strategy.generic]\n[sweep]\n\"strategy.generic.batch\" = [1, 2]\n\
                        \"versions.old.start\" = [\"5s\", { p50 = \"5s\", p95 = \"9s\" }]\n\
                        \"strategy.generic.bake\" = \"0s..9s:3s\"\ngoal = \"min p50(duration)\"\n";

    #[test]
    fn lists_are_as_they_would_be_typed() {
        let swept = read(TEXT);
        let wanted = [
            "strategy.generic.batch=1,2",
            "versions.old.start=5s,{ p50 = \"5s\", p95 = \"9s\" }",
            "strategy.generic.bake=0s..9s:3s",
        ];
        assert_eq!(swept.vary, wanted);
        assert_eq!((swept.goal.as_deref(), swept.versus), (Some("min p50(duration)"), None));
        assert_eq!(read("rollcast = 1\n"), read("= ="));
    }

    #[test]
    fn a_scenario_with_it_is_sound_and_its_keys_are_checked() {
        assert!(load(TEXT, "x", Path::new(""), &[]).is_ok());
        let wrong = TEXT.replace("generic.batch\" =", "generic.bach\" =");
        assert!(load(&wrong, "x", Path::new(""), &[]).is_err());
    }
}
