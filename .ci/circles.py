#!/usr/bin/env python3
"""Fails if modules that lie side by side in a crate use each other in a circle. Test modules do not count.

    .ci/circles.py [FOLDER...]      by default every crate of the workspace

A module uses a sibling if it names it by `crate::` or `super::`, in a path or in the braces of a `use`. What a parent
re-exports of its children is the parent's: a child may use it.
"""

import glob
import os
import re
import sys

PATH = re.compile(r"\b(crate|super)((?:::\w+)*)(::\{)?")


def source(file):
    """The code of a file without comments and without its tests."""
    text = re.sub(r"//[^\n]*", "", open(file, encoding="utf-8").read())
    return re.split(r"#\[cfg\(test\)\]\s*mod tests\s*\{", text)[0]


def braces(text, start):
    """The entries of a brace that opens before `start`, each as the names of its path."""
    depth, entries, entry = 1, [], ""
    for character in text[start:]:
        depth += (character == "{") - (character == "}")
        if depth == 0 or (depth == 1 and character == ","):
            entries.append(entry)
            entry = ""
        else:
            entry += character
        if depth == 0:
            break
    return [re.findall(r"\w+", entry.split("{")[0]) for entry in entries if entry.strip()]


def uses(text, module):
    """The absolute paths that a module names, each a list of names below the crate."""
    for match in PATH.finditer(text):
        names = [name for name in match[2].split("::") if name]
        base = [] if match[1] == "crate" else list(module[:-1])
        while names[:1] == ["super"]:
            names, base = names[1:], base[:-1]
        for tail in braces(text, match.end()) if match[3] else [[]]:
            yield base + names + tail


def modules(folder):
    """Every module below a folder by its path, with its source."""
    found = {}
    for directory, _, files in os.walk(folder):
        for file in files:
            path = os.path.relpath(os.path.join(directory, file), folder)
            names = tuple(path[: -len(".rs")].split(os.sep))
            if file.endswith(".rs") and names[-1] != "tests" and names not in [("lib",), ("main",)]:
                found[names[:-1] if names[-1] == "mod" else names] = source(os.path.join(directory, file))
    return found


def circle(edges):
    """A circle in a graph, or None."""
    done, path = set(), []

    def visit(node):
        if node in path:
            return path[path.index(node) :] + [node]
        if node in done:
            return None
        path.append(node)
        found = next(filter(None, map(visit, sorted(edges.get(node, ())))), None)
        path.pop()
        done.add(node)
        return found

    return next(filter(None, map(visit, sorted(edges))), None)


def circles(folder):
    """The circles among siblings, for each module that has children."""
    found = modules(folder)
    for parent in sorted({module[:-1] for module in found}):
        depth, edges = len(parent), {}
        siblings = {module[depth] for module in found if module[:depth] == parent and len(module) > depth}
        for module, text in found.items():
            if module[:depth] != parent or len(module) == depth:
                continue
            for path in uses(text, module):
                if tuple(path[:depth]) == parent and len(path) > depth and path[depth] in siblings - {module[depth]}:
                    edges.setdefault(module[depth], set()).add(path[depth])
        if found_circle := circle(edges):
            yield f"{'::'.join(('crate',) + parent)}: {' -> '.join(found_circle)}"


def main():
    folders = sys.argv[1:] or sorted(glob.glob("crates/*/src") + glob.glob("functions/*/src") + glob.glob("examples/*/src"))
    if not any(modules(folder) for folder in folders):
        sys.exit("circles.py: there are no modules to check")
    bad = [f"{folder}: {found}" for folder in folders for found in circles(folder)]
    if bad:
        sys.exit("circles between modules:\n" + "\n".join(bad))
    print(f"no circles between the modules of {len(folders)} crates")


main()
