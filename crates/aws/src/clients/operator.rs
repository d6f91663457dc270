//! Operations on clients for the operator's program only; no function has permissions for them.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, ReturnValue};
use tokenmint_oauth::client::{Client, ClientId};
use tokenmint_oauth::federation::SubjectKey;

use super::change::{Author, Change, LastChange};
use super::known::Forget;
use super::{ClientsTable, FindError, KEY, WriteError, attribute, federation, item, key, update_error};
use crate::Unavailable;

/// One page of the clients.
#[derive(Debug)]
pub struct ClientPage {
    /// The clients, in no particular order.
    pub clients: Vec<Client>,
    /// The start of the next page; `None` on the last page.
    pub next: Option<Cursor>,
}

/// The start of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    pub(super) fn of_key(mut key: HashMap<String, AttributeValue>) -> Option<Self> {
        match key.remove(KEY) {
            Some(AttributeValue::S(id)) => Some(Self(id)),
            _ => None,
        }
    }

    pub(super) fn into_key(self) -> HashMap<String, AttributeValue> {
        [(KEY.to_owned(), AttributeValue::S(self.0))].into()
    }
}

impl ClientsTable {
    /// Reads a page of at most `limit` clients with exactly one `Scan`.
    ///
    /// # Errors
    /// [`FindError`].
    pub async fn page(&self, after: Option<Cursor>, limit: i32) -> Result<ClientPage, FindError> {
        let scan = self.dynamodb.scan().table_name(&self.name).limit(limit);
        // The keys of subjects are no clients.
        let scan = scan.filter_expression("NOT begins_with(client_id, :subjects)");
        let scan = scan.expression_attribute_values(":subjects", AttributeValue::S(SubjectKey::PREFIX.to_owned()));
        let start = after.map(Cursor::into_key);
        let page = Box::pin(scan.set_exclusive_start_key(start).send()).await;
        let page = page.map_err(|error| Unavailable::new("dynamodb:Scan", error))?;
        let clients = page.items.unwrap_or_default().into_iter().map(|item| scanned(item, item::read));
        let next = page.last_evaluated_key.and_then(Cursor::of_key);
        Ok(ClientPage { clients: clients.collect::<Result<_, _>>()?, next })
    }

    /// Finds all client identifiers with this prefix, with one `Scan` per MiB of the table. Only identifiers are
    /// read, so an invalid item does not hide other clients.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn beginning_with(&self, prefix: &str) -> Result<Vec<ClientId>, Unavailable> {
        let scan = self.dynamodb.scan().table_name(&self.name).projection_expression(KEY);
        let scan = scan.filter_expression("begins_with(client_id, :prefix)");
        let scan = scan.expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()));
        let (mut found, mut start) = (Vec::new(), None);
        loop {
            let page = Box::pin(scan.clone().set_exclusive_start_key(start).send()).await;
            let page = page.map_err(|error| Unavailable::new("dynamodb:Scan", error))?;
            found.extend(page.items.unwrap_or_default().iter().filter_map(id_of));
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(found);
            }
        }
    }

    /// Disables or enables a client with one `UpdateItem`, or up to three if it does not exist or its list no longer has it.
    /// A client that an operator disables is no longer marked as disabled by its list, which would enable it again (U2).
    ///
    /// # Errors
    /// [`WriteError`]; [`WriteError::Condition`] if the client does not exist.
    pub async fn set_disabled(&self, id: &ClientId, disabled: bool, by: &Author) -> Result<(), WriteError> {
        let _forget = Forget::afterwards(&self.kept, id);
        let what = if disabled { Change::Disabled } else { Change::Enabled };
        let update = self.dynamodb.update_item().table_name(&self.name).key(KEY, key(id));
        let update = update.expression_attribute_values(":change", LastChange::new(what, by).attribute());
        if !disabled {
            let update = update.condition_expression("attribute_exists(client_id)");
            let update = update.update_expression("REMOVE disabled SET last_change = :change");
            return Box::pin(update.send()).await.map(drop).map_err(update_error);
        }
        let update = update.expression_attribute_values(":yes", AttributeValue::Bool(true));
        let unmarked = update
            .clone()
            .condition_expression("attribute_exists(client_id) AND attribute_not_exists(managed_by.unlisted)")
            .update_expression("SET disabled = :yes, last_change = :change");
        // A path into a map that does not exist cannot be removed, hence two forms.
        let marked = update
            .condition_expression("attribute_exists(managed_by.unlisted)")
            .update_expression("SET disabled = :yes, last_change = :change REMOVE managed_by.unlisted");
        // The mark may be removed between the first two.
        for update in [unmarked.clone(), marked, unmarked] {
            match Box::pin(update.send()).await.map(drop).map_err(update_error) {
                Err(WriteError::Condition) => {}
                outcome => return outcome,
            }
        }
        Err(WriteError::Condition)
    }

    /// Replaces only the token policy of a client, with exactly one `UpdateItem`. The write succeeds only if the stored policy
    /// still equals that of `before` (P6).
    ///
    /// # Errors
    /// [`WriteError`]; [`WriteError::Condition`] also if the client does not exist.
    pub async fn set_token_policy(&self, before: &Client, after: &Client, by: &Author) -> Result<(), WriteError> {
        let _forget = Forget::afterwards(&self.kept, &after.client_id);
        let change = LastChange::new(Change::PolicyChanged, by);
        item::write(after, &change)?;
        let policy =
            |client: &Client| client.metadata.token_policy().map(|policy| attribute(policy.to_json())).transpose();
        let (old, new) = (policy(before)?, policy(after)?);
        let is_old = if old.is_some() { "token_policy = :old" } else { "attribute_not_exists(token_policy)" };
        // The last part accepts an SDK retry whose first attempt was stored but whose response was lost.
        let (expression, is_new) = if new.is_some() {
            ("SET token_policy = :new, last_change = :change", "token_policy = :new")
        } else {
            ("REMOVE token_policy SET last_change = :change", "attribute_not_exists(token_policy)")
        };
        let values = [(":old", old), (":new", new), (":change", Some(change.attribute()))];
        let values = values.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let update = self.dynamodb.update_item().table_name(&self.name).key(KEY, key(&after.client_id));
        let update = update
            .update_expression(expression)
            .condition_expression(format!("attribute_exists(client_id) AND ({is_old} OR {is_new})"))
            .set_expression_attribute_values(Some(values.collect()));
        Box::pin(update.send()).await.map(drop).map_err(update_error)
    }

    /// Replaces only the secrets of a client, with exactly one `UpdateItem`. The write succeeds only if the stored
    /// secrets still equal those of `before`. This also works for a client without a registration access token.
    ///
    /// # Errors
    /// [`WriteError`].
    pub async fn set_secrets(&self, before: &Client, after: &Client, by: &Author) -> Result<(), WriteError> {
        let _forget = Forget::afterwards(&self.kept, &after.client_id);
        let secrets = |client| attribute(item::ClientItem::from(client).secrets);
        let update = self.dynamodb.update_item().table_name(&self.name).key(KEY, key(&after.client_id));
        let update = update
            .update_expression("SET secrets = :secrets, last_change = :change")
            // The second half accepts an SDK retry whose first attempt was stored but whose response was lost.
            .condition_expression("secrets = :old_secrets OR secrets = :secrets")
            .expression_attribute_values(":change", LastChange::new(Change::SecretRotated, by).attribute())
            .expression_attribute_values(":secrets", secrets(after)?)
            .expression_attribute_values(":old_secrets", secrets(before)?);
        Box::pin(update.send()).await.map(drop).map_err(update_error)
    }

    /// Removes a client without its registration access token: one `UpdateItem`, which states who does so, then one
    /// `DeleteItem`. Returns `false` if it did not exist.
    ///
    /// # Errors
    /// [`WriteError`], but never [`WriteError::Condition`]. The client may then be as it was.
    pub async fn remove(&self, id: &ClientId, by: &Author) -> Result<bool, WriteError> {
        let _forget = Forget::afterwards(&self.kept, id);
        let update = self.dynamodb.update_item().table_name(&self.name).key(KEY, key(id));
        let update = update
            .update_expression("SET last_change = :change")
            .condition_expression("attribute_exists(client_id)")
            .expression_attribute_values(":change", LastChange::new(Change::Deleted, by).attribute())
            .return_values(ReturnValue::AllNew);
        let links = match Box::pin(update.send()).await.map_err(update_error) {
            Ok(marked) => federation::links(marked.attributes),
            Err(WriteError::Condition) => return Ok(false),
            Err(error) => return Err(error),
        };
        if !links.is_empty() {
            let delete = Delete::builder().table_name(&self.name).key(KEY, key(id));
            return self.transact(self.deletes(id, delete, &links)).await.map(|()| true);
        }
        let delete = self.dynamodb.delete_item().table_name(&self.name).key(KEY, key(id));
        let delete = delete.return_values(ReturnValue::AllOld);
        let deleted = Box::pin(delete.send()).await.map_err(|error| Unavailable::new("dynamodb:DeleteItem", error))?;
        Ok(deleted.attributes.is_some_and(|attributes| !attributes.is_empty()))
    }
}

/// Reads an item of a `Scan`. If it is no client, the error names it; without the key, the table is one of something else.
pub(super) fn scanned<T>(
    item: HashMap<String, AttributeValue>,
    read: impl FnOnce(HashMap<String, AttributeValue>) -> Result<T, String>,
) -> Result<T, FindError> {
    let (id, has_key) = (id_of(&item), item.contains_key(KEY));
    read(item).map_err(|error| match id {
        Some(id) => FindError::Damaged(id, error),
        None if has_key => Unavailable::with_cause("dynamodb:Scan", error).into(),
        None => Unavailable::shape("dynamodb:Scan", error).into(),
    })
}

fn id_of(item: &HashMap<String, AttributeValue>) -> Option<ClientId> {
    item.get(KEY).and_then(|id| id.as_s().ok()).and_then(|id| ClientId::parse(id).ok())
}
