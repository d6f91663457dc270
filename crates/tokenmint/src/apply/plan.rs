//! What is to change so that the clients are what a list says. It has no secret.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;
use tokenmint_aws::clients::Record;
use tokenmint_oauth::client::Client;
use tokenmint_oauth::operator::{Declared, Label, List, ManagedBy, lacks_secret, shown};

use crate::Error;
use crate::tables::Tables;
use crate::text::visible;

/// How many items a `Scan` reads at a time.
const PAGE: i32 = 1000;

/// The changes, in the order of the list.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    unchanged: usize,
}

/// A change of one client.
#[derive(Debug)]
pub(super) enum Step {
    /// It is new.
    Create(Box<Declared>),
    /// It exists, as it was read.
    Change(Box<Changed>),
}

/// A client before and after.
#[derive(Debug)]
pub(super) struct Changed {
    pub(super) before: Record,
    /// It may lack a secret, which is generated when it is written.
    pub(super) after: Client,
    pub(super) managed: ManagedBy,
}

impl Plan {
    /// Compares a list with the table.
    ///
    /// # Errors
    /// The table cannot be read, or the list has a client of somebody else.
    pub(super) async fn of(tables: &Tables, list: List, file: &str) -> Result<Self, Error> {
        let mut managed = managed(tables, &list.owner).await?;
        let (mut steps, mut mistakes, mut unchanged) = (Vec::new(), Vec::new(), 0);
        for declared in list.clients {
            let name = &declared.managed.name;
            let before = match managed.remove(name) {
                None => tables.clients.record(&declared.created(0).client_id).await?,
                before => before,
            };
            match before {
                // Its identifier is in use. Another process may also have created it since the table was read.
                Some(other) if !is_same(other.managed.as_ref(), &declared.managed) => {
                    mistakes.push(format!("{name}: {}", taken(&other)));
                }
                Some(before) if declared.client_id.as_ref().is_some_and(|id| *id != before.client.client_id) => {
                    let id = visible(before.client.client_id.as_str());
                    mistakes
                        .push(format!("{name}: its client_id is {id}, which cannot be changed; give it another name"));
                }
                Some(before) => match Changed::of(before, &declared) {
                    Some(changed) => steps.push(Step::Change(Box::new(changed))),
                    None => unchanged += 1,
                },
                None => steps.push(Step::Create(Box::new(declared))),
            }
        }
        if !mistakes.is_empty() {
            return Err(Error::File { file: file.to_owned(), mistakes });
        }
        steps
            .extend(managed.into_values().filter_map(Changed::unlisted).map(|changed| Step::Change(Box::new(changed))));
        Ok(Self { steps, unchanged })
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether a secret is generated.
    pub(super) fn needs_secrets(&self) -> bool {
        self.steps.iter().any(Step::needs_secret)
    }

    /// How many changes of each kind.
    fn counted(&self) -> String {
        let count = |kind| self.steps.iter().filter(|step| step.kind() == kind).count();
        let counts = [(count('+'), "to create"), (count('~'), "to change"), (count('-'), "to disable")];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        counts.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
    }
}

/// The clients of an owner by their names in its list.
async fn managed(tables: &Tables, owner: &Label) -> Result<BTreeMap<Label, Record>, Error> {
    let (mut found, mut twice, mut cursor) = (BTreeMap::new(), BTreeSet::new(), None);
    loop {
        let page = tables.clients.records(Some(owner), cursor, PAGE).await?;
        for record in page.records {
            let record = record?;
            let Some(managed) = record.managed.clone() else { continue };
            if found.insert(managed.name.clone(), record).is_some() {
                twice.insert(managed.name);
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    if found.is_empty() {
        tables.check_clients().await?;
    }
    match twice.first() {
        None => Ok(found),
        Some(name) => Err(Error::NotDone(format!(
            "several clients are {name} of the owner {owner}, so that a list cannot tell them apart; delete all but one: see \
             managed_by in `tokenmint client export`"
        ))),
    }
}

/// Whether a client is the one of this name in the list of this owner.
fn is_same(managed: Option<&ManagedBy>, declared: &ManagedBy) -> bool {
    managed.is_some_and(|managed| (&managed.owner, &managed.name) == (&declared.owner, &declared.name))
}

/// Why a client with this identifier cannot be created.
fn taken(Record { client, managed, .. }: &Record) -> String {
    let by = match managed {
        Some(ManagedBy { owner, name, .. }) => format!("is {name} of the owner {owner}"),
        None => "is not managed by a list".to_owned(),
    };
    format!("the client {} exists and {by}", visible(client.client_id.as_str()))
}

impl Changed {
    /// The change, if any.
    fn of(before: Record, declared: &Declared) -> Option<Self> {
        let managed = declared.managed.clone();
        let after = declared.changed(&before.client, before.managed.as_ref().unwrap_or(&managed));
        let is_same = after == before.client && before.managed.as_ref() == Some(&managed) && !lacks_secret(&after);
        (!is_same).then_some(Self { before, after, managed })
    }

    /// The change of a client that is no longer listed. One that an operator disabled stays as it is.
    fn unlisted(before: Record) -> Option<Self> {
        let managed = ManagedBy { unlisted: true, ..before.managed.clone()? };
        let after = Client { disabled: true, ..before.client.clone() };
        (!before.client.disabled).then_some(Self { before, after, managed })
    }
}

impl Step {
    pub(super) fn name(&self) -> &Label {
        match self {
            Self::Create(declared) => &declared.managed.name,
            Self::Change(changed) => &changed.managed.name,
        }
    }

    pub(super) fn needs_secret(&self) -> bool {
        match self {
            Self::Create(declared) => lacks_secret(&declared.created(0)),
            Self::Change(changed) => lacks_secret(&changed.after),
        }
    }

    fn kind(&self) -> char {
        match self {
            Self::Create(_) => '+',
            Self::Change(changed) if changed.managed.unlisted => '-',
            Self::Change(_) => '~',
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.steps.iter().try_for_each(|step| write!(f, "{step}"))?;
        if self.is_empty() {
            return match self.unchanged {
                1 => writeln!(f, "no changes: 1 client is as the file says"),
                count => writeln!(f, "no changes: {count} clients are as the file says"),
            };
        }
        writeln!(f, "{}; {} unchanged", self.counted(), self.unchanged)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = match self {
            Self::Create(declared) => (None, declared.created(0)),
            Self::Change(changed) => (Some(&changed.before.client), changed.after.clone()),
        };
        writeln!(f, "{} {}  {}", self.kind(), self.name(), visible(after.client_id.as_str()))?;
        if self.kind() == '-' {
            writeln!(f, "    # no longer in the file")?;
        }
        let (old, new) = (before.map(shown).unwrap_or_default(), shown(&after));
        let value = |value: &Value| visible(&value.to_string());
        for name in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            let own = visible(name);
            match (old.get(name), new.get(name)) {
                (Some(old), Some(new)) if old == new => {}
                (Some(old), Some(new)) => writeln!(f, "    {own}: {} -> {}", value(old), value(new))?,
                (None, Some(new)) => writeln!(f, "    {own}: {}", value(new))?,
                (Some(old), None) => writeln!(f, "    {own}: {} is removed", value(old))?,
                (None, None) => {}
            }
        }
        let had = before.map_or(0, |before| before.client_secrets.len());
        if self.needs_secret() {
            writeln!(f, "    client_secret: a new one is generated")?;
        } else if had > after.client_secrets.len() {
            writeln!(f, "    client_secret: is removed")?;
        }
        Ok(())
    }
}
