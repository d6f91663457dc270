//! Both services over their ports, as seen by a client, across restarts.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod port;

use serde_json::{Value, json};
use tokenmint_embedded::{Addresses, Embedded, Error, Storage};
use tokio::net::TcpListener;

use port::call;

async fn kms(embedded: &Embedded, operation: &str, input: Value) -> Value {
    let target = format!("TrentService.{operation}");
    let (status, output) = call(embedded.addresses().kms, &target, &input.to_string()).await;
    assert_eq!(status, 200, "{output}");
    output
}

async fn dynamodb(embedded: &Embedded, operation: &str, input: Value) -> Value {
    let target = format!("DynamoDB_20120810.{operation}");
    let (status, output) = call(embedded.addresses().dynamodb, &target, &input.to_string()).await;
    assert_eq!(status, 200, "{output}");
    output
}

async fn start(folder: &tempfile::TempDir) -> Result<Embedded, Error> {
    Embedded::start(Storage::Folder(folder.path().join("data")), Addresses::any()).await
}

#[tokio::test]
async fn a_restart_finds_keys_and_items_again() {
    let folder = tempfile::tempdir().unwrap();
    let embedded = start(&folder).await.unwrap();
    let input = json!({ "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY" });
    let created = kms(&embedded, "CreateKey", input).await;
    let key = created["KeyMetadata"]["Arn"].clone();
    let public_key = kms(&embedded, "GetPublicKey", json!({ "KeyId": key })).await["PublicKey"].take();
    let table = json!({
        "TableName": "clients",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "client_id", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "client_id", "KeyType": "HASH" }],
    });
    dynamodb(&embedded, "CreateTable", table).await;
    let item = json!({ "client_id": { "S": "c1" }, "secret": { "B": "AAEC" } });
    dynamodb(&embedded, "PutItem", json!({ "TableName": "clients", "Item": item })).await;
    embedded.stop().await;

    let embedded = start(&folder).await.unwrap();
    let found = kms(&embedded, "GetPublicKey", json!({ "KeyId": key })).await;
    assert_eq!(found["KeyId"], key);
    assert_eq!(found["PublicKey"], public_key);
    let get = json!({ "TableName": "clients", "Key": { "client_id": { "S": "c1" } } });
    assert_eq!(dynamodb(&embedded, "GetItem", get).await["Item"], item);
    embedded.stop().await;
}

#[tokio::test]
async fn a_folder_in_use_and_a_port_in_use_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let embedded = start(&folder).await.unwrap();
    let error = start(&folder).await.unwrap_err();
    assert!(matches!(&error, Error::FolderInUse { folder: named } if named.ends_with("data")));

    let taken = embedded.addresses().kms;
    let addresses = Addresses { kms: taken, ..Addresses::any() };
    let error = Embedded::start(Storage::Memory, addresses).await.unwrap_err();
    assert!(matches!(error, Error::Listen { address, .. } if address == taken));
    assert_eq!(error.to_string(), format!("cannot listen on {taken}: address already in use"));
}

#[tokio::test]
async fn a_damaged_folder_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("kms.json"), "{").unwrap();
    assert!(matches!(start(&folder).await, Err(Error::DamagedKeys { .. })));
    std::fs::remove_file(data.join("kms.json")).unwrap();
    std::fs::write(data.join("dynamodb.sqlite"), "not a database".repeat(100)).unwrap();
    assert!(matches!(start(&folder).await, Err(Error::Database { .. })));
}

#[tokio::test]
async fn a_mistake_is_answered_in_the_form_that_the_sdk_reads() {
    let embedded = Embedded::in_memory().await.unwrap();
    let address = embedded.addresses().kms;
    for (target, input, error) in [
        ("TrentService.DescribeKey", r#"{"KeyId":"alias/none"}"#, "NotFoundException"),
        ("TrentService.Nothing", "{}", "UnknownOperationException"),
        ("DescribeKey", "{}", "UnknownOperationException"),
        ("TrentService.DescribeKey", "{", "SerializationException"),
        ("TrentService.DescribeKey", "[]", "SerializationException"),
    ] {
        let (status, output) = call(address, target, input).await;
        assert!((400..500).contains(&status), "{target} {status}");
        assert_eq!(output["__type"], error);
        assert!(output["message"].is_string());
    }
}

#[tokio::test]
async fn after_a_stop_nobody_listens() {
    let embedded = Embedded::in_memory().await.unwrap();
    let addresses = embedded.addresses();
    assert_eq!(embedded.dynamodb_url(), format!("http://{}", addresses.dynamodb));
    assert_eq!(embedded.kms_url(), format!("http://{}", addresses.kms));
    embedded.stop().await;
    TcpListener::bind(addresses.dynamodb).await.unwrap();
    TcpListener::bind(addresses.kms).await.unwrap();
}
