use std::collections::{BTreeMap, HashMap, VecDeque};

use serde_json::{Value, json};

use crate::{Proxy, World};

/// Two regions of one issuer, and the replication between their tables.
///
/// It replicates as a global table with multi-Region eventual consistency does: each write of a region arrives as a
/// whole item in the other one after a lag, and of two writes of one item the last one remains in both regions. The
/// time of a write is when the test calls [`Regions::observe`] or [`Regions::pass`] after it.
#[derive(Debug)]
pub struct Regions {
    /// The region in which sealed keys are made.
    pub a: World,
    /// The other region.
    pub b: World,
    replicas: [Replica; 2],
    /// How many writes were observed.
    writes: u64,
    lag: u64,
    is_cut: bool,
}

/// The tables of one region.
#[derive(Debug)]
struct Replica {
    dynamodb: Proxy,
    /// The names, and the attributes of the primary keys. Both regions have the same tables in the same order.
    tables: Vec<(String, &'static [&'static str])>,
    /// The last write of each item, by the table's place and the primary key.
    seen: HashMap<(usize, String), Version>,
    /// Writes on their way to the other region.
    sent: VecDeque<Write>,
}

/// An item after a write; `None` if the write deleted it.
#[derive(Clone, Debug)]
struct Version {
    item: Option<Value>,
    written: u64,
}

#[derive(Debug)]
struct Write {
    key: (usize, String),
    version: Version,
    arrives_at: u64,
}

impl Regions {
    /// Two regions that sign with keys in KMS.
    pub async fn new(lag: u64) -> Self {
        Box::pin(Self::of(Box::pin(World::new()).await, lag)).await
    }

    /// Two regions with sealed keys of this spec, of which the first makes the keys. The functions have not started:
    /// change the settings, then call [`Regions::restart`], or use [`World::instance`].
    pub async fn sealed(spec: &str, lag: u64) -> Self {
        let (world, _) = Box::pin(World::sealed(spec)).await;
        let mut regions = Box::pin(Self::of(world, lag)).await;
        regions.set_b("KEY_ROTATION", "off");
        regions
    }

    async fn of(a: World, lag: u64) -> Self {
        let b = Box::pin(a.another_region()).await;
        let replicas = [Replica::of(&a).await, Replica::of(&b).await];
        Self { a, b, replicas, writes: 0, lag, is_cut: false }
    }

    /// Changes a setting of both regions. It counts from the next start.
    pub fn set(&mut self, name: &str, value: &str) {
        self.set_a(name, value);
        self.set_b(name, value);
    }

    /// Changes a setting of the first region. It counts from the next start.
    pub fn set_a(&mut self, name: &str, value: &str) {
        self.a.environment = std::mem::take(&mut self.a.environment).with(name, value);
    }

    /// Changes a setting of the second region. It counts from the next start.
    pub fn set_b(&mut self, name: &str, value: &str) {
        self.b.environment = std::mem::take(&mut self.b.environment).with(name, value);
    }

    /// Restarts the functions of both regions.
    pub async fn restart(&mut self) {
        Box::pin(self.a.restart()).await;
        Box::pin(self.b.restart()).await;
    }

    /// Interrupts the replication, or resumes it. What was written meanwhile arrives then.
    pub const fn cut(&mut self, is_cut: bool) {
        self.is_cut = is_cut;
    }

    /// The time of both regions' clock.
    pub fn now(&self) -> u64 {
        self.a.now()
    }

    /// Sends what was written since the last call on its way. Writes of the first region count as the earlier ones.
    pub async fn observe(&mut self) {
        let arrives_at = self.now() + self.lag;
        for replica in &mut self.replicas {
            replica.observe(&mut self.writes, arrives_at).await;
        }
    }

    /// Advances the clock of both regions, and replicates what is due.
    pub async fn pass(&mut self, seconds: u64) {
        self.observe().await;
        self.a.pass(seconds);
        self.deliver().await;
    }

    /// Waits for the lag: then everything is replicated that was written before.
    pub async fn settle(&mut self) {
        self.pass(self.lag).await;
    }

    /// Deletes a sealed key from the table of the first region, as an operator would.
    pub async fn delete_key_in_a(&self, generation: &str) {
        let issuer = self.a.environment.value("ISSUER").expect("set");
        let key = json!({"issuer": {"S": issuer}, "generation": {"N": generation}});
        let input = json!({"TableName": self.a.keys_table(), "Key": key});
        self.replicas[0].dynamodb.dynamodb("DeleteItem", &input).await;
    }

    /// What both regions store, to compare them.
    pub async fn stored(&mut self) -> [Vec<Value>; 2] {
        self.observe().await;
        self.replicas.each_ref().map(|replica| {
            let items = replica.seen.iter().filter_map(|(key, version)| Some((key, version.item.clone()?)));
            items.collect::<BTreeMap<_, _>>().into_values().collect()
        })
    }

    async fn deliver(&mut self) {
        if self.is_cut {
            return;
        }
        let now = self.now();
        let [a, b] = &mut self.replicas;
        for write in a.due(now) {
            b.receive(write).await;
        }
        for write in b.due(now) {
            a.receive(write).await;
        }
    }
}

impl Replica {
    async fn of(world: &World) -> Self {
        let (dynamodb, tables) = (world.aside().await, world.all_tables());
        Self { dynamodb, tables, seen: HashMap::new(), sent: VecDeque::new() }
    }

    async fn observe(&mut self, writes: &mut u64, arrives_at: u64) {
        let mut found = HashMap::new();
        for (at, (table, key)) in self.tables.iter().enumerate() {
            let input = json!({"TableName": table, "ConsistentRead": true});
            let page = self.dynamodb.dynamodb("Scan", &input).await;
            assert!(page.get("LastEvaluatedKey").is_none(), "more than one page");
            for item in page["Items"].as_array().expect("items") {
                let primary: Value = key.iter().map(|name| ((*name).to_owned(), item[*name].clone())).collect();
                found.insert((at, primary.to_string()), item.clone());
            }
        }
        let is_new = |key: &(usize, String), item: &Value| {
            self.seen.get(key).is_none_or(|version| version.item.as_ref() != Some(item))
        };
        let deleted = self.seen.iter().filter(|(key, version)| version.item.is_some() && !found.contains_key(key));
        let deleted: Vec<_> = deleted.map(|(key, _)| (key.clone(), None)).collect();
        let written = found.into_iter().filter(|(key, item)| is_new(key, item));
        let written: Vec<_> = written.map(|(key, item)| (key, Some(item))).chain(deleted).collect();
        for (key, item) in written {
            *writes += 1;
            let version = Version { item, written: *writes };
            self.seen.insert(key.clone(), version.clone());
            self.sent.push_back(Write { key, version, arrives_at });
        }
    }

    fn due(&mut self, now: u64) -> Vec<Write> {
        let (due, sent) = self.sent.drain(..).partition(|write| write.arrives_at <= now);
        self.sent = sent;
        Vec::from(due)
    }

    /// Stores a write of the other region, unless the item was written later here.
    async fn receive(&mut self, Write { key, version, .. }: Write) {
        if self.seen.get(&key).is_some_and(|here| here.written > version.written) {
            return;
        }
        let table = &self.tables[key.0].0;
        if let Some(item) = &version.item {
            self.dynamodb.dynamodb("PutItem", &json!({"TableName": table, "Item": item})).await;
        } else {
            let primary: Value = serde_json::from_str(&key.1).expect("JSON");
            self.dynamodb.dynamodb("DeleteItem", &json!({"TableName": table, "Key": primary})).await;
        }
        self.seen.insert(key, version);
    }
}
