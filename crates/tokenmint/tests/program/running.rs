//! Commands on data that another process has locked.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Stdio;

use tokenmint_embedded::{Addresses, Embedded, Storage};

use crate::harness::{Data, Server, done, failed, json, program, shell};

fn file(data: &Data) -> PathBuf {
    PathBuf::from(&data.folder).join("running.json")
}

/// A server's announcement does not outlive the server: after a crash, the next command removes it.
#[test]
fn a_server_says_where_its_data_are_as_long_as_it_runs() {
    let data = Data::new();
    for stop in [Server::stop as fn(Server), |mut server| server.process.kill().unwrap()] {
        let server = Server::start(&data.on(&[]));
        assert!(fs::read_to_string(file(&data)).unwrap().contains(&server.url));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(file(&data)).unwrap().permissions().mode() & 0o777, 0o600);
        }
        json(&data.on(&["client", "create"]));
        stop(server);
        json(&data.on(&["client", "create"]));
        assert!(!file(&data).exists());
    }
    assert_eq!(done(&data.on(&["client", "list", "--json"])).lines().count(), 4);
}

#[test]
fn the_services_alone_say_so_too() {
    let data = Data::new();
    let options = data.on(&["aws", "--dynamodb-port", "0", "--kms-port", "0"]);
    let mut process = program(&options).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !file(&data).exists() {
        assert_eq!(process.try_wait().unwrap(), None);
        std::thread::yield_now();
    }
    json(&data.on(&["client", "create"]));
    shell(&format!("kill -TERM {}", process.id()));
    assert!(process.wait().unwrap().success());
    assert!(!file(&data).exists());
    assert_eq!(done(&data.on(&["client", "list", "--json"])).lines().count(), 1);
}

#[test]
fn commands_wait_for_each_other() {
    let data = Data::store();
    let start = || program(&data.on(&["client", "create"])).stdout(Stdio::null()).spawn().unwrap();
    let processes: Vec<_> = (0..6).map(|_| start()).collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    assert_eq!(done(&data.on(&["client", "list", "--json"])).lines().count(), 6);
}

#[tokio::test]
async fn what_holds_the_data_and_does_not_answer_is_named() {
    let data = Data::new();
    let storage = Storage::Folder(PathBuf::from(&data.folder));
    let embedded = Embedded::start(storage, Addresses::any()).await.unwrap();
    let folder = &data.folder;
    assert_eq!(
        failed(&data.on(&["client", "list"]), 1),
        format!(
            "the folder {folder} is in use by a tokenmint that is still starting, or by another command; try again in \
             a moment"
        )
    );
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let running = format!(
        r#"{{"dynamodb":"{address}","kms":"{address}","issuer":"http://127.0.0.1:1","clients_table":"clients",
            "registrations_table":"registrations"}}"#
    );
    fs::write(file(&data), running).unwrap();
    assert_eq!(
        failed(&data.on(&["client", "list"]), 1),
        format!(
            "the folder {folder} is in use by another tokenmint, but its database does not answer at {address}; stop \
             that tokenmint and try again"
        )
    );
    embedded.stop().await;
}
