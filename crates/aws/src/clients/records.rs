//! Clients as operators' files know them: with the list that manages them, and written only where nothing has changed since
//! they were read. No function has permissions for it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use aws_sdk_dynamodb::types::builders::UpdateBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::federation::SubjectKey;
use tokenmint_oauth::operator::{Label, ManagedBy};

use super::change::{ATTRIBUTES, Author, Change, LastChange, MANAGED_BY};
use super::federation::built;
use super::item::{self, NewClient};
use super::known::Forget;
use super::operator::{Cursor, scanned};
use super::{ClientsTable, FindError, KEY, WriteError, attribute, key};
use crate::Unavailable;

/// A client as it was read. Its `Debug` output shows only the identifier.
#[derive(Clone)]
pub struct Record {
    /// The client.
    pub client: Client,
    /// The list that manages it, if any.
    pub managed: Option<ManagedBy>,
    item: HashMap<String, AttributeValue>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("client_id", &self.client.client_id).finish_non_exhaustive()
    }
}

/// A page of records. One that cannot be read does not hide the others.
#[derive(Debug)]
pub struct RecordPage {
    /// The clients, in no particular order.
    pub records: Vec<Result<Record, FindError>>,
    /// The start of the next page; `None` on the last page.
    pub next: Option<Cursor>,
}

impl ClientsTable {
    /// Reads a client with exactly one consistent `GetItem`.
    ///
    /// # Errors
    /// [`FindError`].
    pub async fn record(&self, id: &ClientId) -> Result<Option<Record>, FindError> {
        let get = self.dynamodb.get_item().table_name(&self.name).key(KEY, key(id)).consistent_read(true);
        let found = Box::pin(get.send()).await.map_err(|error| Unavailable::new("dynamodb:GetItem", error))?;
        found.item.map(record).transpose()
    }

    /// Reads a page of at most `limit` clients with exactly one consistent `Scan`: only those that this owner's list
    /// manages, if one is given.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn records(
        &self,
        owner: Option<&Label>,
        after: Option<Cursor>,
        limit: i32,
    ) -> Result<RecordPage, Unavailable> {
        let scan = self.dynamodb.scan().table_name(&self.name).limit(limit).consistent_read(true);
        let subjects = AttributeValue::S(SubjectKey::PREFIX.to_owned());
        let scan = scan.expression_attribute_values(":subjects", subjects);
        let no_subjects = "NOT begins_with(client_id, :subjects)";
        let scan = match owner {
            None => scan.filter_expression(no_subjects),
            Some(owner) => scan
                .filter_expression(format!("{no_subjects} AND {MANAGED_BY}.#owner = :owner"))
                .expression_attribute_names("#owner", "owner")
                .expression_attribute_values(":owner", AttributeValue::S(owner.as_str().to_owned())),
        };
        let start = after.map(Cursor::into_key);
        let page = Box::pin(scan.set_exclusive_start_key(start).send()).await;
        let page = page.map_err(|error| Unavailable::new("dynamodb:Scan", error))?;
        let records = page.items.unwrap_or_default().into_iter().map(record).collect();
        Ok(RecordPage { records, next: page.last_evaluated_key.and_then(Cursor::of_key) })
    }

    /// Stores a new client, with exactly one `TransactWriteItems`. The SDK gives it a token, so that a retry whose first
    /// attempt was stored succeeds: unlike a registration, the client may have no token that tells.
    ///
    /// # Errors
    /// [`WriteError`]; [`WriteError::Condition`] if a client with this identifier exists.
    pub async fn create(&self, client: &Client, managed: Option<&ManagedBy>, by: &Author) -> Result<(), WriteError> {
        let mut client = NewClient::new(client, by)?;
        if let Some(managed) = managed {
            client.item.insert(MANAGED_BY.to_owned(), attribute(managed)?);
        }
        self.transact(self.inserts(client)).await
    }

    /// Changes a client as a whole, with exactly one `TransactWriteItems`. The write succeeds only if every attribute of it
    /// is as it was read. Attributes that this program does not know stay.
    ///
    /// # Errors
    /// [`WriteError`]; [`WriteError::Condition`] if anything has changed since it was read.
    pub async fn replace(
        &self,
        before: &Record,
        after: &Client,
        managed: Option<&ManagedBy>,
        change: Change,
        by: &Author,
    ) -> Result<(), WriteError> {
        let id = &before.client.client_id;
        let _forget = Forget::afterwards(&self.kept, id);
        let mut new = item::write(after, &LastChange::new(change, by))?;
        if let Some(managed) = managed {
            new.insert(MANAGED_BY.to_owned(), attribute(managed)?);
        }
        let update = replacing(&before.item, &new).table_name(&self.name).key(KEY, key(id));
        let mut writes = vec![TransactWriteItem::builder().update(built(update)).build()];
        writes.extend(self.links_of_change(id, &links(&before.client), &links(after)));
        self.transact(writes).await
    }
}

fn links(client: &Client) -> BTreeSet<SubjectKey> {
    client.metadata.federated_credentials().keys()
}

/// The update from one item to another, on the condition that the first is stored.
fn replacing(old: &HashMap<String, AttributeValue>, new: &HashMap<String, AttributeValue>) -> UpdateBuilder {
    let known: BTreeMap<_, _> = ATTRIBUTES.iter().enumerate().filter(|(_, (name, _))| *name != KEY).collect();
    let (mut conditions, mut sets, mut removes) = (vec![format!("attribute_exists({KEY})")], Vec::new(), Vec::new());
    let mut update = Update::builder();
    for (at, (name, _)) in known {
        let (placeholder, was, is) = (format!("#a{at}"), format!(":old{at}"), format!(":new{at}"));
        update = update.expression_attribute_names(&placeholder, *name);
        match old.get(*name) {
            Some(value) => {
                conditions.push(format!("{placeholder} = {was}"));
                update = update.expression_attribute_values(was, value.clone());
            }
            None => conditions.push(format!("attribute_not_exists({placeholder})")),
        }
        match new.get(*name) {
            Some(value) if old.get(*name) == Some(value) => {}
            Some(value) => {
                sets.push(format!("{placeholder} = {is}"));
                update = update.expression_attribute_values(is, value.clone());
            }
            None if old.contains_key(*name) => removes.push(placeholder),
            None => {}
        }
    }
    let clause = |verb: &str, parts: Vec<String>| (!parts.is_empty()).then(|| format!("{verb} {}", parts.join(", ")));
    let clauses = [clause("SET", sets), clause("REMOVE", removes)];
    let expression = clauses.into_iter().flatten().collect::<Vec<_>>().join(" ");
    update.condition_expression(conditions.join(" AND ")).update_expression(expression)
}

fn record(item: HashMap<String, AttributeValue>) -> Result<Record, FindError> {
    scanned(item, |item| item::read_managed(item.clone()).map(|(client, managed)| Record { client, managed, item }))
}
