//! Incidents: the sources' figures beside ours.

use crate::study::incidents::Figure;

/// One line a figure.
pub fn render_csv(figures: &[Figure]) -> String {
    let mut text = String::from("scenario,figure,source,ours,holds\n");
    for figure in figures {
        let Figure { scenario, what, source, ours, .. } = figure;
        let line = [
            (*scenario).to_owned(),
            format!("\"{what}\""),
            format!("{source:.4}"),
            format!("{ours:.4}"),
            figure.holds().to_string(),
        ];
        text.extend([&line.join(","), "\n"]);
    }
    text
}

/// The same for people.
pub fn render_markdown(figures: &[Figure]) -> String {
    let mut text = String::from(
        "# Incidents, played again\n\n\
         Written by `rollcast validate --only incidents`; the stories are in\n\
         `scenarios/incidents/`, each says what it takes from its source.\n\n\
         | incident | figure | source | ours |\n|---|---|--:|--:|\n",
    );
    for figure in figures {
        let Figure { scenario, what, source, ours, .. } = figure;
        let mark = if figure.holds() { "" } else { " (off)" };
        let line = format!("| `{scenario}` | {what} | {source:.3} | {ours:.3}{mark} |\n");
        text.push_str(&line);
    }
    text
}
