//! Checks the documents' links: the target files, folders and headings must exist in the repository.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::{path, text};

/// Every link is valid, and the index of `docs` lists every page.
#[test]
fn links_lead_somewhere() {
    let documents = documents();
    let broken: Vec<_> = documents.iter().flat_map(|document| broken(document, &text(document))).collect();
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));

    let index = text("docs/README.md");
    let listed: Vec<_> = links(&index).collect();
    let pages = documents.iter().filter_map(|document| document.strip_prefix("docs/"));
    let missing: Vec<_> = pages.filter(|page| *page != "README.md" && !listed.contains(page)).collect();
    assert!(missing.is_empty(), "docs/README.md does not list {}", missing.join(", "));
}

/// The documents: those in the root, all pages in `docs`, and those about the events and the example.
fn documents() -> Vec<String> {
    let pages = std::fs::read_dir(path("docs")).expect("the folder docs");
    let pages = pages.filter_map(|entry| entry.expect("an entry").file_name().into_string().ok());
    let pages = pages.filter(|name| is_markdown(name)).map(|name| format!("docs/{name}"));
    let others =
        ["README.md", "CONTRIBUTING.md", "events/README.md", "examples/protected-api/README.md"].map(str::to_owned);
    let mut documents: Vec<_> = others.into_iter().chain(pages).collect();
    documents.sort();
    documents
}

/// The errors in the links of a document.
fn broken(document: &str, content: &str) -> Vec<String> {
    let check = |link: &str| {
        let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
        let target = if file.is_empty() { document.to_owned() } else { resolve(document, file)? };
        if !path(&target).exists() {
            return Err("there is no such file");
        }
        match anchor {
            None => Ok(()),
            // A link within the document itself, which a test may construct.
            Some(anchor) if target == document => has(content, anchor),
            Some(anchor) if is_markdown(&target) => has(&text(&target), anchor),
            Some(_) => Err("only a document has headings"),
        }
    };
    let is_relative = |link: &&str| !["http://", "https://", "mailto:"].iter().any(|scheme| link.starts_with(scheme));
    let wrong = links(content).filter(is_relative).filter_map(|link| Some((link, check(link).err()?)));
    wrong.map(|(link, why)| format!("{document}: {link}: {why}")).collect()
}

fn has(content: &str, anchor: &str) -> Result<(), &'static str> {
    if anchors(content).iter().any(|own| own == anchor) { Ok(()) } else { Err("there is no such heading") }
}

fn is_markdown(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension == "md")
}

/// The path of a link's target, relative to the repository.
fn resolve(document: &str, link: &str) -> Result<String, &'static str> {
    let mut target = PathBuf::from(document);
    target.pop();
    for part in Path::new(link).components() {
        match part {
            Component::Normal(name) => target.push(name),
            Component::CurDir => {}
            Component::ParentDir if target.pop() => {}
            _ => return Err("it leads out of the repository"),
        }
    }
    target.to_str().map(str::to_owned).ok_or("it is not UTF-8")
}

/// The targets of links, images and reference definitions outside code.
fn links(content: &str) -> impl Iterator<Item = &str> {
    prose(content).flat_map(|line| {
        let definition = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
        let inline = outside_code(line)
            .flat_map(|part| part.split("](").skip(1))
            .map(|rest| rest.split_once(')').map_or(rest, |(target, _)| target));
        definition.into_iter().chain(inline.collect::<Vec<_>>())
    })
}

/// The lines that are not in a fenced block.
fn prose(content: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    content.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

/// The parts of a line between code spans. A link's text may contain code, so its end joins the parts.
fn outside_code(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').step_by(2)
}

/// The anchors that GitHub generates for a document's headings, in order.
fn anchors(content: &str) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let headings = prose(content).filter_map(|line| {
        let heading = line.trim_start_matches('#');
        let level = line.len() - heading.len();
        if (1..=6).contains(&level) { heading.strip_prefix(' ') } else { None }
    });
    headings
        .map(|heading| {
            let anchor = anchor(heading);
            let times = seen.entry(anchor.clone()).or_default();
            *times += 1;
            if *times == 1 { anchor } else { format!("{anchor}-{}", *times - 1) }
        })
        .collect()
}

/// The anchor of a heading: its text in lower case, with hyphens for spaces, and without characters other than
/// letters, digits, hyphens and underscores. For a link, its text is used.
fn anchor(heading: &str) -> String {
    let mut text = String::new();
    let mut rest = heading.trim();
    while let Some((before, after)) = rest.split_once("](") {
        text.push_str(before);
        rest = after.split_once(')').map_or("", |(_, rest)| rest);
    }
    text.push_str(rest);
    let characters = text.chars().flat_map(char::to_lowercase).filter_map(|character| match character {
        ' ' => Some('-'),
        '-' | '_' => Some(character),
        _ => character.is_alphanumeric().then_some(character),
    });
    characters.collect()
}

#[test]
fn headings_have_the_anchors_of_github() {
    for (heading, expected) in [
        ("What is supported", "what-is-supported"),
        ("AWS's own variables", "awss-own-variables"),
        ("What to do: …", "what-to-do-"),
        ("`kms` or `sealed`?", "kms-or-sealed"),
        ("private_key_jwt", "private_key_jwt"),
        ("A & B — C/D", "a--b--cd"),
        ("Ends – with [a link](x.md#y) in it", "ends--with-a-link-in-it"),
        ("Größe 2.0", "größe-20"),
    ] {
        assert_eq!(anchor(heading), expected, "{heading}");
    }
    let document = "# A\n## B\n```\n# not this\n```\n## B\n####### seven\n#none\n## B\n";
    assert_eq!(anchors(document), ["a", "b", "b-1", "b-2"]);
}

/// Each kind of broken link is detected at every position, and no valid link is reported.
#[test]
fn broken_links_are_found() {
    let good = "# Top\n[a](../README.md) [b](http.md#errors), [c](#top)\n[`d`](../crates/oauth) `[e](nothing)`\n\
                ```\n[f](nothing)\n```\n[g](https://example.com/#x)\n[h]: ./clients.md#secrets\n";
    assert_eq!(broken("docs/README.md", good), Vec::<String>::new());
    for bad in [
        "[a](nothing.md)",
        "[a](README)",
        "see [a](http.md), [b](http.md#nothing)",
        "[a](#nothing)",
        "[`a`](nothing.md)",
        "`code` [a](nothing.md) `code`",
        "![a](nothing.png)",
        "[a]: nothing.md",
        "[a](../../README.md)",
        "[a](/README.md)",
        "[a](../template.yaml#parameters)",
        "| a | [b](http.md#Errors) |",
    ] {
        assert_eq!(broken("docs/README.md", &format!("# Top\n{bad}\n")).len(), 1, "{bad}");
    }
}
