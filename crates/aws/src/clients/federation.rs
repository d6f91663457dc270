//! The items that find a client by the subject of an assertion, and the transactions that keep them beside the clients (F3).

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::{DeleteBuilder, UpdateBuilder};
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use serde_json::Value;
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::federation::{FederatedCredentials, SubjectKey};

use super::change::{Author, Change, LastChange};
use super::item::{self, ClientItem, NewClient};
use super::known::Forget;
use super::{ClientsTable, KEY, WriteError, attribute, key, token_of};
use crate::Unavailable;

/// The attribute of a link: a string set of identifiers.
const CLIENTS: &str = "clients";

/// The attribute of a client.
const CREDENTIALS: &str = "federated_credentials";

/// A client's place in a link.
#[derive(Clone, Copy)]
enum Link {
    Add,
    Remove,
}

impl ClientsTable {
    /// The identifiers of the clients that trust a subject, with exactly one consistent `GetItem`. Some may not exist any
    /// more, or not trust it any more.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn trusting(&self, subject: &SubjectKey) -> Result<Vec<ClientId>, Unavailable> {
        let get =
            self.dynamodb.get_item().table_name(&self.name).key(KEY, AttributeValue::S(subject.as_str().to_owned()));
        let found = Box::pin(get.consistent_read(true).send()).await;
        let found = found.map_err(|error| Unavailable::new("dynamodb:GetItem", error))?;
        let clients = found.item.and_then(|mut item| item.remove(CLIENTS));
        let Some(AttributeValue::Ss(ids)) = clients else { return Ok(Vec::new()) };
        Ok(ids.iter().filter_map(|id| ClientId::parse(id).ok()).collect())
    }

    /// Replaces the federated credentials of a client, for an operator, and its links, with exactly one
    /// `TransactWriteItems`. It changes nothing else. The write succeeds only if the stored credentials, the method and the
    /// metadata, which has the keys, still equal those of `before`, since the credentials must fit with them (F4), and so does
    /// the registration access token, which changes with each `PUT`.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn set_federated_credentials(
        &self,
        before: &Client,
        after: &Client,
        by: &Author,
    ) -> Result<(), WriteError> {
        let _forget = Forget::afterwards(&self.kept, &before.client_id);
        let change = LastChange::new(Change::TrustChanged, by);
        item::write(after, &change)?;
        let old = ClientItem::from(before);
        let update = Update::builder()
            .table_name(&self.name)
            .key(KEY, key(&before.client_id))
            .condition_expression(format!(
                "attribute_exists(client_id) AND {} AND token_endpoint_auth_method = :method AND metadata = :metadata AND \
                 (attribute_not_exists(registration_access_token) OR registration_access_token = :token)",
                same(before)
            ))
            .set_expression_attribute_values(values(before)?)
            .expression_attribute_values(":method", attribute(old.token_endpoint_auth_method)?)
            .expression_attribute_values(":metadata", attribute(&old.metadata)?)
            .expression_attribute_values(":token", token_of(before))
            .expression_attribute_values(":change", change.attribute());
        let credentials = after.metadata.federated_credentials();
        let update = if credentials.is_empty() {
            update.update_expression("REMOVE federated_credentials SET last_change = :change")
        } else {
            let new = attribute(ClientItem::from(after).federated_credentials)?;
            update
                .update_expression("SET federated_credentials = :new_credentials, last_change = :change")
                .expression_attribute_values(":new_credentials", new)
        };
        let (old, new) = (before.metadata.federated_credentials().keys(), credentials.keys());
        let mut writes = vec![TransactWriteItem::builder().update(built(update)).build()];
        writes.extend(self.links_of_change(&before.client_id, &old, &new));
        self.transact(writes).await
    }

    /// The writes of the links of a client whose credentials change.
    pub(super) fn links_of_change(
        &self,
        id: &ClientId,
        old: &BTreeSet<SubjectKey>,
        new: &BTreeSet<SubjectKey>,
    ) -> Vec<TransactWriteItem> {
        let added = new.difference(old).map(|link| self.link(link, id, Link::Add));
        added.chain(old.difference(new).map(|link| self.link(link, id, Link::Remove))).collect()
    }

    /// The writes of a new client: itself first, then its links.
    pub(crate) fn inserts(&self, client: NewClient) -> Vec<TransactWriteItem> {
        let links: Vec<_> = client.links.iter().map(|link| self.link(link, client.client_id(), Link::Add)).collect();
        let put = TransactWriteItem::builder().put(self.put(client)).build();
        [vec![put], links].concat()
    }

    /// The writes that remove a client: itself first, then its links.
    pub(super) fn deletes(
        &self,
        id: &ClientId,
        delete: DeleteBuilder,
        links: &BTreeSet<SubjectKey>,
    ) -> Vec<TransactWriteItem> {
        let delete = delete.build().expect("a table and a key are given");
        let links = links.iter().map(|link| self.link(link, id, Link::Remove));
        std::iter::once(TransactWriteItem::builder().delete(delete).build()).chain(links).collect()
    }

    /// All of the writes or none, with exactly one `TransactWriteItems`. The SDK gives it a token, so that a retry whose
    /// first attempt was stored succeeds.
    pub(super) async fn transact(&self, writes: Vec<TransactWriteItem>) -> Result<(), WriteError> {
        let transaction = self.dynamodb.transact_write_items().set_transact_items(Some(writes));
        Box::pin(transaction.send()).await.map(drop).map_err(|error| match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(canceled))
                if canceled.cancellation_reasons().iter().any(|r| r.code() == Some("ConditionalCheckFailed")) =>
            {
                WriteError::Condition
            }
            _ => Unavailable::new("dynamodb:TransactWriteItems", error).into(),
        })
    }

    fn link(&self, subject: &SubjectKey, client: &ClientId, link: Link) -> TransactWriteItem {
        let expression = match link {
            Link::Add => "ADD clients :client",
            Link::Remove => "DELETE clients :client",
        };
        let update = Update::builder()
            .table_name(&self.name)
            .key(KEY, AttributeValue::S(subject.as_str().to_owned()))
            .update_expression(expression)
            .expression_attribute_values(":client", AttributeValue::Ss(vec![client.as_str().to_owned()]));
        TransactWriteItem::builder().update(built(update)).build()
    }
}

pub(super) fn built(update: UpdateBuilder) -> Update {
    update.build().expect("a table, a key and an expression are given")
}

/// The condition that the stored federated credentials are those of the client as it was read. Its value is in [`values`].
pub(super) fn same(client: &Client) -> &'static str {
    if client.metadata.federated_credentials().is_empty() {
        "attribute_not_exists(federated_credentials)"
    } else {
        "federated_credentials = :credentials"
    }
}

pub(super) fn values(client: &Client) -> Result<Option<HashMap<String, AttributeValue>>, WriteError> {
    if client.metadata.federated_credentials().is_empty() {
        return Ok(None);
    }
    let credentials = attribute(ClientItem::from(client).federated_credentials)?;
    Ok(Some([(":credentials".to_owned(), credentials)].into()))
}

/// The links of a client whose attributes these are.
pub(super) fn links(attributes: Option<HashMap<String, AttributeValue>>) -> BTreeSet<SubjectKey> {
    let stored = attributes.and_then(|mut attributes| attributes.remove(CREDENTIALS));
    let stored = stored.and_then(|stored| serde_dynamo::from_attribute_value::<_, Value>(stored).ok());
    // What cannot be read leaves links behind that lead nowhere.
    let stored = stored.and_then(|stored| FederatedCredentials::parse(&stored).ok());
    stored.map(|credentials| credentials.keys()).unwrap_or_default()
}
