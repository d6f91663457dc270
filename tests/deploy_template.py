"""Writes a copy of a built template without what MiniStack lacks, and names each part that it leaves out.

    deploy_template.py TEMPLATE COPY
"""

import json
import pathlib
import sys

from samtranslator.yaml_helper import yaml_parse


def skipped(what):
    print(f"deploy: skipped: {what}")


def mentions(value, names):
    """Whether a part of a template refers to one of the resources."""
    if isinstance(value, dict):
        for key, member in value.items():
            if key == "Ref" and member in names:
                return True
            if key == "Fn::GetAtt" and (member if isinstance(member, str) else member[0]).split(".")[0] in names:
                return True
            if key == "Fn::Sub" and any(f"${{{name}" in json.dumps(member) for name in names):
                return True
            if mentions(member, names):
                return True
        return False
    return isinstance(value, list) and any(mentions(member, names) for member in value)


def statements(value):
    """Every statement of every policy in a resource."""
    if isinstance(value, dict):
        for key, member in value.items():
            if key == "Statement":
                yield from member
            else:
                yield from statements(member)
    elif isinstance(value, list):
        for member in value:
            yield from statements(member)


def lacking(resource):
    """What MiniStack's CloudFormation does not know of a resource, or None."""
    from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

    kind, properties = resource["Type"], resource.get("Properties", {})
    if kind not in _RESOURCE_HANDLERS and not kind.startswith(("AWS::Serverless::", "AWS::CloudFormation::")):
        return kind
    if kind == "AWS::CloudWatch::Alarm" and "Metrics" in properties:
        return "alarm on an expression"
    return None


# What the template does in more than one region, with TablePrefix. This stack has one.
REGIONS = {"TablesAreShared", "IsReplica", "HasReplicaRegion", "HasSecondReplicaRegion"}
OF_REGIONS = ("MakesShared", "Replicates")


def in_one_region(value):
    """The value with the branch of one region, where a condition asks for it."""
    if isinstance(value, dict):
        branches = value.get("Fn::If", [None])
        if branches[0] in REGIONS:
            return in_one_region(branches[2])
        return {key: in_one_region(member) for key, member in value.items()}
    return [in_one_region(member) for member in value] if isinstance(value, list) else value


def adapt(source, target):
    template = yaml_parse(pathlib.Path(source).read_text())
    resources, outputs = template["Resources"], template["Outputs"]
    for name, resource in list(resources.items()):
        if resource.get("Condition", "").startswith(OF_REGIONS):
            skipped(f"{name}, of more than one region")
            del resources[name]
    resources = template["Resources"] = in_one_region(resources)
    outputs = template["Outputs"] = in_one_region(outputs)
    dropped = set()
    while True:
        for name, resource in list(resources.items()):
            missing = lacking(resource)
            if missing:
                skipped(f"{name}: MiniStack has no {missing}")
            elif mentions(resource, dropped):
                skipped(f"{name}, which refers to what is skipped")
            else:
                continue
            dropped.add(name)
            del resources[name]
            break
        else:
            break
    for name in [name for name, output in outputs.items() if mentions(output, dropped)]:
        skipped(f"the output {name}, which refers to what is skipped")
        del outputs[name]
    for resource in resources.values():
        depends = resource.pop("DependsOn", [])
        depends = [name for name in ([depends] if isinstance(depends, str) else depends) if name not in dropped]
        if depends:
            resource["DependsOn"] = depends

    # A condition that MiniStack evaluates otherwise would deny every call.
    for name, resource in resources.items():
        for statement in statements(resource):
            conditions = statement.get("Condition", {})
            for operator, keys in list(conditions.items()):
                for key in list(keys):
                    if key.startswith("kms:"):
                        reason = "MiniStack knows no such key"
                    elif key == "aws:PrincipalArn":
                        reason = "to MiniStack it is the ARN of the session, to AWS that of the role"
                    else:
                        continue
                    skipped(f"{name}, {statement['Sid']}: the condition {key}: {reason}")
                    del keys[key]
                if not keys:
                    del conditions[operator]
    pathlib.Path(target).write_text(json.dumps(template))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    adapt(*sys.argv[1:])
