//! Operator's commands without data: a typo in `--data` creates nothing.

use std::fs;
use std::path::Path;

use crate::harness::{Data, failed, run};

const COMMANDS: [&[&str]; 15] = [
    &["client", "list"],
    &["client", "show", "3e7f1cbb"],
    &["client", "create", "--scope", "a"],
    &["client", "disable", "3e7f1cbb"],
    &["client", "enable", "3e7f1cbb"],
    &["client", "delete", "3e7f1cbb", "--yes"],
    &["client", "rotate-secret", "3e7f1cbb"],
    &["client", "trust", "spiffe", "--client", "3e7f1cbb", "--id", "spiffe://prod.example.com/billing"],
    &["client", "set-policy", "3e7f1cbb", "--ttl", "15m"],
    // Any file: it is read first, and no token.
    &["client", "check-assertion", "Cargo.toml"],
    &["client", "export"],
    &["client", "import"],
    &["registration-token", "create", "--uses", "1", "--expires-in", "1d"],
    &["registration-token", "list"],
    &["registration-token", "revoke", "kX3vRw0f"],
];

#[test]
fn no_command_creates_a_folder() {
    let data = Data::new();
    let folder = &data.folder;
    let expected = format!(
        "there is no tokenmint data in {folder}; create it with `tokenmint serve --data '{folder}'`, or name another \
         folder with --data"
    );
    for command in COMMANDS {
        assert_eq!(failed(&data.on(command), 1), expected, "{command:?}");
        assert!(!Path::new(folder).exists(), "{command:?}");
    }
}

#[test]
fn no_command_writes_into_a_folder_of_something_else() {
    let data = Data::new();
    fs::create_dir(&data.folder).unwrap();
    let file = Path::new(&data.folder).join("lock");
    fs::write(&file, "somebody's").unwrap();
    for command in COMMANDS {
        assert!(failed(&data.on(command), 1).starts_with("there is no tokenmint data in "), "{command:?}");
    }
    assert_eq!(fs::read_dir(&data.folder).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(&file).unwrap(), "somebody's");
}

/// The list above contains every command.
#[test]
fn no_command_is_forgotten() {
    let listed = |command: &str| {
        let help = run(&[command, "--help"]).stdout;
        let (_, commands) = help.split_once("Commands:\n").unwrap();
        let names = commands.lines().take_while(|line| !line.is_empty()).map(|line| line.trim().split(' ').next());
        names.map(Option::unwrap).filter(|name| *name != "help").map(str::to_owned).collect::<Vec<_>>()
    };
    let known = |command: &str| {
        let own = COMMANDS.iter().filter(|line| line[0] == command);
        own.map(|line| line[1].to_owned()).collect::<Vec<_>>()
    };
    for command in ["client", "registration-token"] {
        assert_eq!(listed(command), known(command));
    }
}
