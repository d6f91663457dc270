//! `tokenmint client list`: lists all clients, with one page in memory at a time.

use tokenmint_function::Clock;

use super::view::{self, View};
use crate::cli::{ListArguments, Target};
use crate::tables;
use crate::text::Table;
use crate::{Error, output};

pub(super) async fn run(target: &Target, list: ListArguments) -> Result<(), Error> {
    tables::with(target, async |tables| {
        let (mut table, mut cursor, mut none) = (Table::new(view::HEADS), None, true);
        loop {
            let page = tables.clients.page(cursor, list.limit).await?;
            none &= page.clients.is_empty();
            let lines = if list.json {
                output::json_lines(page.clients.iter().map(View::of))?
            } else {
                let now = Clock::System.now();
                table.page(&page.clients.iter().map(|client| view::row(client, now)).collect::<Vec<_>>())
            };
            if !output::print_more(&lines)? {
                return Ok(());
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        if none {
            tables.check_clients().await?;
            if !list.json {
                output::say("there are no clients");
            }
        }
        Ok(())
    })
    .await
}
