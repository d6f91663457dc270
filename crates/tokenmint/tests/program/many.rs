//! Many clients.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use dynoxide::{AttributeValue, ImportOptions};
use serde_json::json;
use tokenmint_aws::clients::{self, Author, ClientsTable, NewClient};
use tokenmint_aws::{Sdk, provision};
use tokenmint_embedded::{Addresses, Embedded, Storage};
use tokenmint_oauth::client::{Client, ClientId, StoredSecret};
use tokenmint_oauth::metadata::{ClientMetadata, StoredMetadata};
use tokenmint_oauth::scope::Scope;
use tokenmint_oauth::secret::SecretHash;

use crate::harness::{Data, done, json, program, text};

const MANY: u32 = 10_000;

const TABLE: &str = "tokenmint-clients";

fn id(n: u32) -> ClientId {
    let mut random = [0; 16];
    random[..4].copy_from_slice(&n.to_be_bytes());
    ClientId::from_random(random)
}

/// A client stored before registration access tokens were introduced.
fn client() -> Client {
    let mut metadata = StoredMetadata {
        grant_types: vec!["client_credentials".to_owned()],
        scope: Scope::parse("read write").unwrap(),
        ..StoredMetadata::default()
    };
    metadata.others.insert("client_name".to_owned(), "One of many".into());
    metadata.others.insert("contacts".to_owned(), json!(["a@example.com"]));
    Client {
        client_id: id(0),
        client_id_issued_at: 1_700_000_000,
        client_secrets: vec![StoredSecret { sha256: SecretHash::of("secret"), expires_at: 0 }],
        registration_access_token: None,
        scope_ceiling: None,
        disabled: false,
        expires_at: None,
        metadata: ClientMetadata::from_stored(metadata).unwrap(),
    }
}

/// Stores one client normally, and copies of it in one transaction, because storing each would take many seconds.
async fn fill(data: &Data) {
    let folder = PathBuf::from(&data.folder);
    let embedded = Embedded::start(Storage::Folder(folder.clone()), Addresses::any()).await.unwrap();
    let dynamodb = Sdk::local(&embedded.dynamodb_url(), &embedded.kms_url()).await.dynamodb();
    provision::table(&dynamodb, TABLE, clients::KEY).await.unwrap();
    let client = NewClient::new(&client(), &Author::operator("test")).unwrap();
    ClientsTable::new(dynamodb, TABLE.to_owned()).insert(client).await.unwrap();
    embedded.stop().await;

    let database = dynoxide::Database::new(folder.join("dynamodb.sqlite").to_str().unwrap()).unwrap();
    let scan = serde_json::from_value(json!({ "TableName": TABLE })).unwrap();
    let stored = database.scan(scan).unwrap().items.unwrap().remove(0);
    let copies = (1..MANY).map(|n| {
        let mut copy = stored.clone();
        copy.insert(clients::KEY.to_owned(), AttributeValue::S(id(n).as_str().to_owned()));
        copy
    });
    database.import_items(TABLE, copies.collect(), ImportOptions::default()).unwrap();
}

/// The peak memory of a process, in MiB.
#[cfg(target_os = "linux")]
fn peak(process: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// Lists all clients. Returns their number, and the peak memory before nearly all were read: a pipe buffers fewer
/// than 500 lines, so the program is still running then.
fn list(data: &Data, limit: &str) -> (u32, u64) {
    lines(data, &["list", "--json", "--limit", limit], |line| assert!(line.starts_with(r#"{"client_id":""#)))
}

/// The same for any command that prints a line for each client.
fn lines(data: &Data, options: &[&str], mut each: impl FnMut(String)) -> (u32, u64) {
    let options = data.on(&[&["client"], options].concat());
    let mut process = program(&options).stdout(Stdio::piped()).spawn().unwrap();
    let (mut count, mut most) = (0, 0);
    for line in BufReader::new(process.stdout.take().unwrap()).lines() {
        each(line.unwrap());
        count += 1;
        if count == MANY - 500 {
            most = peak(&process);
        }
    }
    assert!(process.wait().unwrap().success());
    (count, most)
}

/// U6: all clients are listed, exported and imported with a bounded number of them in memory.
#[cfg(target_os = "linux")]
#[test]
fn u6_ten_thousand_clients_are_listed_and_moved_in_bounded_memory() {
    let (data, elsewhere) = (Data::new(), Data::store());
    tokio::runtime::Runtime::new().unwrap().block_on(fill(&data));
    for limit in ["100", "1000"] {
        let (count, mebibytes) = list(&data, limit);
        assert_eq!(count, MANY);
        assert!((1..100).contains(&mebibytes), "{mebibytes} MiB");
    }
    let table = done(&data.on(&["client", "list"]));
    assert_eq!(table.lines().count(), 1 + usize::try_from(MANY).unwrap());

    // A client without a registration access token also gets a new secret.
    let id = id(7);
    let rotated = json(&data.on(&["client", "rotate-secret", id.as_str()]));
    assert_eq!(text(&rotated, "client_id"), id.as_str());

    let mut exported = Vec::new();
    let (count, mebibytes) = lines(&data, &["export", "--with-secret-hashes"], |line| exported.push(line));
    assert_eq!(count, MANY);
    assert!((1..100).contains(&mebibytes), "{mebibytes} MiB");
    let (report, mebibytes) = import(&data, &exported[..3000], &["--plan"]);
    assert_eq!(report, "0 to create, 0 to replace, 3000 unchanged, 0 failed\n");
    assert!((1..100).contains(&mebibytes), "{mebibytes} MiB");
    let (report, _) = import(&elsewhere, &exported[..700], &[]);
    assert_eq!(report, "700 created, 0 replaced, 0 unchanged, 0 failed\n");
    let mut copied = Vec::new();
    lines(&elsewhere, &["export", "--with-secret-hashes"], |line| copied.push(line));
    exported.truncate(700);
    exported.sort();
    copied.sort();
    assert_eq!(copied, exported);
}

/// Imports these lines. Returns the report, and the peak memory before the last were written.
#[cfg(target_os = "linux")]
fn import(data: &Data, lines: &[String], options: &[&str]) -> (String, u64) {
    let options = data.on(&[&["client", "import"], options].concat());
    let mut process = program(&options).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let (most, rest) = lines.split_at(lines.len() - 500);
    for line in most {
        writeln!(stdin, "{line}").unwrap();
    }
    // The program has read all of these but what a pipe buffers.
    let mebibytes = peak(&process);
    for line in rest {
        writeln!(stdin, "{line}").unwrap();
    }
    drop(stdin);
    let output = process.wait_with_output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), mebibytes)
}
