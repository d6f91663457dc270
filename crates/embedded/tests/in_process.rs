//! A call in the process is answered as at the port.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod port;

use serde_json::{Value, json};
use tokenmint_embedded::{Addresses, Embedded, Storage};

use port::call;

const DYNAMODB: &str = "DynamoDB_20120810.";
const KMS: &str = "TrentService.";

/// Two services with the same data: one is called in the process, the other at its port.
struct Pair {
    called: Embedded,
    at_port: Embedded,
}

impl Pair {
    async fn new() -> Self {
        let start = || Embedded::start(Storage::Memory, Addresses::any());
        let pair = Self { called: start().await.unwrap(), at_port: start().await.unwrap() };
        let table = json!({
            "TableName": "clients",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
        });
        for embedded in [&pair.called, &pair.at_port] {
            let (status, output) = dynamodb_port(embedded, "CreateTable", &table.to_string()).await;
            assert_eq!(status, 200, "{output}");
        }
        pair
    }

    /// Sends the same request to both and compares the status and the body.
    async fn same(&self, operation: &str, body: &str) -> Option<(u16, Value)> {
        let (status, output) =
            self.called.in_process().call(&format!("{DYNAMODB}{operation}"), body.as_bytes()).await?;
        let output: Value = serde_json::from_str(&output).unwrap();
        let answer = (status, output);
        assert_eq!(answer, dynamodb_port(&self.at_port, operation, body).await, "{operation} {body}");
        Some(answer)
    }

    /// Both have the same items.
    async fn same_items(&self) -> usize {
        let scan = json!({ "TableName": "clients", "ConsistentRead": true }).to_string();
        let (_, called) = dynamodb_port(&self.called, "Scan", &scan).await;
        let (_, at_port) = dynamodb_port(&self.at_port, "Scan", &scan).await;
        assert_eq!(called, at_port);
        called["Items"].as_array().unwrap().len()
    }
}

async fn dynamodb_port(embedded: &Embedded, operation: &str, body: &str) -> (u16, Value) {
    call(embedded.addresses().dynamodb, &format!("{DYNAMODB}{operation}"), body).await
}

fn error((_, output): &(u16, Value)) -> &str {
    output["__type"].as_str().unwrap_or_default().rsplit('#').next().unwrap()
}

#[tokio::test]
async fn dynamodb_answers_as_at_its_port() {
    let pair = Pair::new().await;
    let key = |id: &str| json!({ "id": { "S": id } });
    let mut requests: Vec<(&str, Value, &str)> = Vec::new();
    let mut expect = |operation, input: Value, error| {
        let mut input = input;
        input.as_object_mut().unwrap().entry("TableName").or_insert_with(|| "clients".into());
        requests.push((operation, input, error));
    };
    let item = json!({
        "id": { "S": "a" }, "n": { "N": "1" }, "b": { "B": "AAEC" }, "flag": { "BOOL": true }, "none": { "NULL": true },
        "list": { "L": [{ "M": { "text": { "S": "é\u{1F511}\"" } } }] },
        // Names and values that look like types.
        "S": { "M": { "S": { "S": "x" }, "N": { "N": "7" }, "BOOL": { "S": "true" } } },
    });
    let new = "attribute_not_exists(id) OR b = :b";
    let b = |value: &str| json!({ ":b": { "B": value } });
    expect("GetItem", json!({ "Key": key("a"), "ConsistentRead": true }), "");
    expect("PutItem", json!({ "Item": item, "ConditionExpression": new, "ExpressionAttributeValues": b("AAEC") }), "");
    // The retry of a write that was stored, and another write of the same key.
    expect("PutItem", json!({ "Item": item, "ConditionExpression": new, "ExpressionAttributeValues": b("AAEC") }), "");
    let failed = "ConditionalCheckFailedException";
    expect(
        "PutItem",
        json!({ "Item": item, "ConditionExpression": new, "ExpressionAttributeValues": b("AAED") }),
        failed,
    );
    expect("PutItem", json!({ "Item": key("b"), "ReturnValues": "ALL_OLD", "ReturnConsumedCapacity": "TOTAL" }), "");
    expect("GetItem", json!({ "Key": key("a") }), "");
    let add = json!({
        "Key": key("a"), "UpdateExpression": "ADD n :one REMOVE flag", "ConditionExpression": "n < :ten",
        "ExpressionAttributeValues": { ":one": { "N": "1" }, ":ten": { "N": "10" } }, "ReturnValues": "ALL_NEW",
    });
    expect("UpdateItem", add, "");
    let absent =
        json!({ "Key": key("z"), "UpdateExpression": "REMOVE n", "ConditionExpression": "attribute_exists(id)" });
    expect("UpdateItem", absent, failed);
    expect("DeleteItem", json!({ "Key": key("b"), "ConditionExpression": "attribute_exists(n)" }), failed);
    expect("DeleteItem", json!({ "Key": key("b"), "ReturnValues": "ALL_OLD" }), "");
    let query = json!({
        "KeyConditionExpression": "id = :id", "ExpressionAttributeValues": { ":id": { "S": "a" } }, "ConsistentRead": true,
    });
    expect("Query", query, "");

    let mistake = "ValidationException";
    for (operation, members) in [
        ("GetItem", json!({ "Key": key("a") })),
        ("PutItem", json!({ "Item": key("a") })),
        ("UpdateItem", json!({ "Key": key("a"), "UpdateExpression": "REMOVE n" })),
        ("DeleteItem", json!({ "Key": key("a") })),
        ("Query", json!({ "KeyConditionExpression": "id = :i", "ExpressionAttributeValues": { ":i": { "S": "a" } } })),
    ] {
        let mut no_table = members.clone();
        no_table["TableName"] = "none".into();
        expect(operation, no_table, "ResourceNotFoundException");
        let mut bad_name = members;
        bad_name["TableName"] = "a table".into();
        expect(operation, bad_name, mistake);
    }
    let large = json!({ "id": { "S": "large" }, "text": { "S": "x".repeat(400 * 1024) } });
    expect("PutItem", json!({ "Item": large }), mistake);
    expect("PutItem", json!({ "Item": { "other": { "S": "a" } } }), mistake);
    expect("PutItem", json!({ "Item": { "id": { "N": "1" } } }), mistake);
    expect("PutItem", json!({ "Item": { "id": { "S": "" } } }), mistake);
    expect("PutItem", json!({ "Item": key("a"), "ConditionExpression": "attribute_exists(" }), mistake);
    expect("PutItem", json!({ "Item": key("a"), "ConditionExpression": "n = :n" }), mistake);
    expect("PutItem", json!({ "Item": key("a"), "ExpressionAttributeValues": { ":n": { "N": "1" } } }), mistake);
    let digits = json!({ "id": { "S": "a" }, "n": { "N": "1".repeat(39) } });
    expect("PutItem", json!({ "Item": digits }), mistake);
    let mut deep = json!({ "S": "x" });
    for _ in 0..33 {
        deep = json!({ "L": [deep] });
    }
    expect("PutItem", json!({ "Item": { "id": { "S": "deep" }, "deep": deep } }), mistake);
    expect("UpdateItem", json!({ "Key": key("a"), "UpdateExpression": "SET" }), mistake);
    expect("UpdateItem", json!({ "Key": { "id": { "N": "1" } }, "UpdateExpression": "REMOVE n" }), mistake);

    for (operation, input, expected) in requests {
        match pair.same(operation, &input.to_string()).await {
            Some(answer) => assert_eq!(error(&answer), expected, "{operation} {input}"),
            // Left to the port, which is possible only for a mistake in the request.
            None => assert_eq!(expected, mistake, "{operation} {input}"),
        }
    }
    assert_eq!(pair.same_items().await, 1);
}

/// What is not a request of the operation is left to the port, and changes nothing.
#[tokio::test]
async fn the_port_answers_what_a_call_cannot() {
    let pair = Pair::new().await;
    let called = pair.called.in_process();
    let item = json!({ "TableName": "clients", "Item": { "id": { "S": "a" } } }).to_string();
    let deep = format!(r#"{{"TableName":"clients","Item":{}1{}}}"#, r#"{"a":"#.repeat(200), "}".repeat(200));
    for (target, body) in [
        ("DynamoDB_20120810.PutItem", ""),
        ("DynamoDB_20120810.PutItem", "{"),
        ("DynamoDB_20120810.PutItem", "[]"),
        ("DynamoDB_20120810.PutItem", "{}"),
        ("DynamoDB_20120810.PutItem", r#"{"TableName":1}"#),
        ("DynamoDB_20120810.PutItem", r#"{"TableName":"clients","Item":{"id":{"S":1}}}"#),
        ("DynamoDB_20120810.PutItem", r#"{"TableName":"clients","Item":{"id":{"S":"a"},"n":{"N":"one"}}}"#),
        ("DynamoDB_20120810.PutItem", &deep),
        ("DynamoDB_20120810.ListTables", "{}"),
        ("DynamoDB_20120810.TransactWriteItems", "{}"),
        ("DynamoDB_20120810.", &item),
        ("DynamoDB_20991231.PutItem", &item),
        ("PutItem", &item),
        ("", &item),
        ("TrentService.ListKeys", "{"),
        ("TrentService.ListKeys", "[]"),
    ] {
        assert_eq!(called.call(target, body.as_bytes()).await, None, "{target} {body}");
    }
    assert_eq!(called.call("DynamoDB_20120810.PutItem", &[b'"', 0xff, b'"']).await, None);
    assert_eq!(pair.same_items().await, 0);
}

#[tokio::test]
async fn kms_answers_as_at_its_port() {
    let embedded = Embedded::in_memory().await.unwrap();
    let called = embedded.in_process();
    let create = json!({ "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY" }).to_string();
    let (status, created) = called.call("TrentService.CreateKey", create.as_bytes()).await.unwrap();
    assert_eq!(status, 200, "{created}");
    let created: Value = serde_json::from_str(&created).unwrap();
    let key = &created["KeyMetadata"]["Arn"];
    let message = json!({ "KeyId": key, "Message": "AAAA", "SigningAlgorithm": "ECDSA_SHA_384" });
    for (operation, input, succeeds) in [
        ("DescribeKey", json!({ "KeyId": key }), true),
        ("GetPublicKey", json!({ "KeyId": key }), true),
        ("ListKeys", json!({}), true),
        ("GetPublicKey", json!({ "KeyId": "alias/none" }), false),
        ("Sign", message, false),
        ("Decrypt", json!({ "CiphertextBlob": "AAAA" }), false),
        ("Nothing", json!({}), false),
    ] {
        let (target, input) = (format!("{KMS}{operation}"), input.to_string());
        let (status, output) = called.call(&target, input.as_bytes()).await.unwrap();
        let output: Value = serde_json::from_str(&output).unwrap();
        assert_eq!(status == 200, succeeds, "{operation} {output}");
        assert_eq!((status, output), call(embedded.addresses().kms, &target, &input).await, "{operation}");
    }
}

/// A client in the process and one at the port see the same data.
#[tokio::test]
async fn both_ways_lead_to_the_same_data() {
    let pair = Pair::new().await;
    let put = json!({ "TableName": "clients", "Item": { "id": { "S": "a" }, "n": { "N": "1" } } }).to_string();
    let get = json!({ "TableName": "clients", "Key": { "id": { "S": "a" } } }).to_string();
    pair.called.in_process().call("DynamoDB_20120810.PutItem", put.as_bytes()).await.unwrap();
    let (_, found) = dynamodb_port(&pair.called, "GetItem", &get).await;
    assert_eq!(found["Item"]["n"]["N"], "1");
    dynamodb_port(&pair.called, "DeleteItem", &get).await;
    let (status, gone) = pair.called.in_process().call("DynamoDB_20120810.GetItem", get.as_bytes()).await.unwrap();
    assert_eq!((status, gone.as_str()), (200, "{}"));
}
