//! The map of retry storms as a table.

use crate::study::storm::{Clients, Map, boundary};

/// One line a rollout.
pub fn render_csv(map: &Map) -> String {
    let mut text = String::from(
        "clients,batch,instances,load,failed_during,failed_after,outlives,mean_field\n",
    );
    for cell in &map.cells {
        let theory = match cell.clients {
            Clients::Naive => format!("{:.4}", boundary(map.instances, cell.batch)),
            Clients::Budget => String::new(),
        };
        let line = [
            cell.clients.name().to_owned(),
            cell.batch.to_string(),
            map.instances.to_string(),
            format!("{:.2}", cell.load),
            format!("{:.4}", cell.failed_during),
            format!("{:.4}", cell.failed_after),
            cell.outlives().to_string(),
            theory,
        ];
        text.extend([&line.join(","), "\n"]);
    }
    text
}
