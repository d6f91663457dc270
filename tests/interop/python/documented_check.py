"""docs/compatibility.md names the clients and verifiers that the scripts try, in the versions of the lock files."""

import json
import pathlib
import re

from helper import ROOT, check, documented_table, equal, finish

INTEROP = pathlib.Path(__file__).parents[1]

packages = json.loads((INTEROP / "package-lock.json").read_text())["packages"]
requirements = re.findall(r"^([\w.-]+)(?:\[\w+\])?==(\S+)", (INTEROP / "requirements.txt").read_text(), re.MULTILINE)
locked = dict(requirements)
locked |= {path.removeprefix("node_modules/"): about["version"] for path, about in packages.items() if path}

clients, verifiers = documented_table("clients")[1:], documented_table("verifiers")[1:]

for name, version, *_ in clients + verifiers:
    with check(f"the version of {name}"):
        equal(version, locked.get(name))

with check("every script is in the document"):
    scripts = {path.name for glob in ["node/*.js", "python/*_check.py"] for path in INTEROP.glob(glob)}
    page = (ROOT / "docs/compatibility.md").read_text()
    missing = [name for name in scripts - {pathlib.Path(__file__).name} if f"[{name}](" not in page]
    equal(missing, [])

with check("every package that is wanted by name is pinned to one version"):
    wanted = json.loads((INTEROP / "package.json").read_text())["dependencies"]
    equal({name: locked[name] for name in wanted}, wanted)

with check("the versions of the tools that have a lock file"):
    text = (ROOT / "tests/schemathesis/requirements.txt").read_text()
    tools = {name: version for name, version, *_ in documented_table("tools")[1:]}
    pinned = {"playwright-core": locked["playwright-core"], **dict(re.findall(r"^(schemathesis)==(\S+)", text, re.MULTILINE))}
    equal({name: tools.get(name) for name in ["playwright-core", "schemathesis"]}, pinned)

finish()
