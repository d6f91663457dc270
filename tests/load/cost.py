"""What tokens cost on AWS, and which quota binds first. Prints the Markdown tables for docs/performance.md.

    cost.py [--cpu-kms MS] [--cpu-sealed MS] [--cpu-known MS] [--dynamodb-ms MS] [--kms-ms MS] [--misses SHARE]
    cost.py --check         checks the arithmetic, and that docs/performance.md has the tables

The CPU times per token are what tests/load/functions.sh prints. Lambda bills the time that passes, so they are divided
by the share of a vCPU that the memory buys, the waits for DynamoDB and KMS are added, and the sum is rounded up to a
whole millisecond. The waits are estimates: replace them by `dynamodb_ms` and `kms_ms` of your function's log.

Not counted, because they are the same for all or too small: data transfer, the monthly price of KMS keys ($1 each),
cold starts, stored data, free tiers. Prices are those of us-east-1, first tier.
"""

import argparse
import math
import pathlib
import sys
from dataclasses import dataclass

# Where the tables stand.
PAGE = pathlib.Path(__file__).parents[2] / "docs/performance.md"

# Every price: dollars for this many units, the page that lists it, and the date of the latest report of that page that
# was at hand. Compare them with the pages before you rely on them: prices change.
PRICES = {
    "Lambda request": (0.20, 1e6, "aws.amazon.com/lambda/pricing", "2024"),
    "Lambda GB-second, arm64": (0.0000133334, 1, "aws.amazon.com/lambda/pricing", "2024"),
    "HTTP API request": (1.00, 1e6, "aws.amazon.com/api-gateway/pricing", "2025-05"),
    "DynamoDB read request unit, on demand": (0.125, 1e6, "aws.amazon.com/dynamodb/pricing/on-demand", "2025-07"),
    # Only for clients with a limit of tokens per hour, one for each token (docs/policy.md). No row below has it.
    "DynamoDB write request unit, on demand": (0.625, 1e6, "aws.amazon.com/dynamodb/pricing/on-demand", "2025-07"),
    "KMS request, RSA 2048": (0.03, 10_000, "aws.amazon.com/kms/pricing", "2026-06"),
    "KMS request, other asymmetric keys": (0.15, 10_000, "aws.amazon.com/kms/pricing", "2026-06"),
    "CloudWatch log byte": (0.50, 1e9, "aws.amazon.com/cloudwatch/pricing", "2026"),
    # The first tier. Each app client costs $6 a month in addition.
    "Cognito machine-to-machine token": (2.25, 1_000, "aws.amazon.com/cognito/pricing", "2025-04"),
}

# Auth0's plans include a number of machine-to-machine tokens, the smaller ones 1,000 a month. No list price for
# millions was found (auth0.com/pricing, and Auth0's community as of 2023).
AUTH0 = "no list price found: 1,000 a month included"

# Every quota: the default, per second unless it says otherwise, and what to do about it.
QUOTAS = {
    "ThrottlingRateLimit": (100, "raise this parameter of the stack, and `ThrottlingBurstLimit`"),
    "API Gateway requests": (10_000, "raise the quota (account and region)"),
    "Lambda concurrency": (1_000, "raise the quota (account and region)"),
    # A function serves at most ten requests a second for each unit of concurrency, however short they are.
    "Lambda requests": (10_000, "raise the concurrency, ten requests a second each"),
    "KMS signatures": (1_000, "raise the quota, or use `sealed`"),
    "DynamoDB reads of a table": (40_000, "raise the quota, or `CLIENT_CACHE_TTL`"),
    "DynamoDB reads of one client": (3_000, "set `CLIENT_CACHE_TTL`"),
}

MEMORY_GB = 0.5
# 1,769 MB buy one vCPU (Lambda developer guide, "Configure Lambda function memory").
VCPU = 512 / 1769
# An eventually consistent read of an item of up to 4 KB.
READ_UNITS = 0.5
# The log lines of one token. CloudWatch counts 26 bytes for each in addition to its text. Of the function's, 294 bytes
# are measured (`functions.sh`, before it had metrics); the members for the metrics, for a function of the name
# tokenmint-token, take 241 more, and X-Ray's identifier 54. The other two kinds are estimates: Lambda's three records of
# a request (`SystemLogLevel: INFO`), and the API's access log.
LOG_BYTES = (294 + 241 + 54 + 26) + 3 * (250 + 26) + (320 + 26)
RATES = (10, 1_000, 100_000)
# The share of the busiest client in all tokens, for the quota of reads of one item.
BUSIEST = 0.1


@dataclass(frozen=True)
class Mode:
    """One way to issue tokens, and what one token needs."""

    name: str
    cpu_ms: float
    wait_ms: float
    reads: float
    kms: str | None = None

    @property
    def billed_ms(self):
        """Lambda rounds each request up to a millisecond."""
        return math.ceil(self.cpu_ms / VCPU + self.wait_ms)

    def costs(self):
        """Dollars per million tokens, by service."""
        kms = price(self.kms) if self.kms else 0
        return {
            "API Gateway": 1e6 * price("HTTP API request"),
            "Lambda requests": 1e6 * price("Lambda request"),
            "Lambda time": 1e6 * self.billed_ms / 1e3 * MEMORY_GB * price("Lambda GB-second, arm64"),
            "DynamoDB": 1e6 * self.reads * READ_UNITS * price("DynamoDB read request unit, on demand"),
            "KMS": 1e6 * kms,
            "logs": 1e6 * LOG_BYTES * price("CloudWatch log byte"),
        }

    def demands(self, rate):
        """What this rate of tokens takes of each quota, in the quota's unit."""
        reads = rate * self.reads * READ_UNITS
        return {
            "ThrottlingRateLimit": rate,
            "API Gateway requests": rate,
            "Lambda concurrency": rate * self.billed_ms / 1e3,
            "Lambda requests": rate,
            "KMS signatures": rate if self.kms else 0,
            "DynamoDB reads of a table": reads,
            "DynamoDB reads of one client": reads * BUSIEST,
        }

    def used(self, rate):
        """The share of each quota that this rate takes, the largest first."""
        shares = [(demand / QUOTAS[name][0], name) for name, demand in self.demands(rate).items()]
        return sorted(shares, key=lambda share: -share[0])


def price(name):
    """Dollars per unit."""
    dollars, units, _page, _date = PRICES[name]
    return dollars / units


def modes(arguments):
    sign = arguments.kms_ms
    read = arguments.dynamodb_ms
    known_wait = arguments.misses * read
    return [
        Mode("`kms`, RSA 2048", arguments.cpu_kms, read + sign, 1, "KMS request, RSA 2048"),
        Mode("`kms`, ECC", arguments.cpu_kms, read + sign, 1, "KMS request, other asymmetric keys"),
        Mode("`sealed`, every client read", arguments.cpu_sealed, read, 1),
        Mode("`sealed`, known clients", arguments.cpu_known, known_wait, arguments.misses),
    ]


def table(heads, rows):
    return "\n".join("| " + " | ".join(line) + " |" for line in [heads, ["---"] * len(heads), *rows])


def costs_table(rows):
    services = list(rows[0].costs())
    lines = []
    for mode in rows:
        costs = mode.costs().values()
        lines.append([mode.name, f"{mode.billed_ms} ms", *(f"{cost:.3f}" for cost in costs), f"**{sum(costs):.2f}**"])
    nothing = [""] * (len(services) + 1)
    cognito = 1e6 * price("Cognito machine-to-machine token")
    lines.append(["Amazon Cognito, and $6 a month for each client", *nothing, f"**{cognito:,.0f}**"])
    lines.append(["Auth0", *nothing, AUTH0])
    return table(["$ per million tokens", "billed", *services, "sum"], lines)


def quota_cell(mode, rate):
    """The quotas of which this rate takes more than half, and how much."""
    binding = [name for share, name in mode.used(rate) if share > 0.5]
    if not binding:
        share, name = mode.used(rate)[0]
        return f"none: {share:.0%} of {name}"
    demands = mode.demands(rate)
    return "; ".join(f"{name} ({demands[name]:,.0f} of {QUOTAS[name][0]:,})" for name in binding)


def quotas_table(rows):
    lines = [[mode.name, *(quota_cell(mode, rate) for rate in RATES)] for mode in rows]
    heads = ["quotas of which more than half is used, the tightest first", *(f"{rate:,} tokens/s" for rate in RATES)]
    return table(heads, lines)


def remedies(rows):
    """What to do about each quota that binds."""
    needed = {name for mode in rows for rate in RATES for share, name in mode.used(rate) if share > 0.5}
    lines = [f"- {name}: {remedy}." for name, (_, remedy) in QUOTAS.items() if name in needed]
    lines.append(
        "- From nothing: Lambda gives a function 1,000 more concurrency, or 10,000 more requests a second, every "
        f"10 s, so {RATES[-1]:,} tokens/s take {RATES[-1] // 10_000 * 10} s. Provisioned concurrency is there at once."
    )
    return "\n".join(lines)


def sources():
    """The table of prices."""
    lines = [
        [name, f"${dollars:g} per {units:,.0f}", page, date] for name, (dollars, units, page, date) in PRICES.items()
    ]
    return table(["list price", "$", "page", "as of"], lines)


def self_check():
    mode = Mode("x", cpu_ms=0.29, wait_ms=1, reads=1, kms="KMS request, RSA 2048")
    # 0.29 ms of CPU at 0.2894 vCPU take 1.002 ms, with the wait 2.002 ms.
    assert mode.billed_ms == 3, mode.billed_ms
    costs = mode.costs()
    assert math.isclose(costs["KMS"], 3), costs
    assert math.isclose(costs["DynamoDB"], 0.0625), costs
    assert math.isclose(costs["API Gateway"] + costs["Lambda requests"], 1.2), costs
    assert math.isclose(costs["Lambda time"], 1e6 * 0.003 * 0.5 * 0.0000133334), costs
    assert mode.used(10)[:2] == [(0.1, "ThrottlingRateLimit"), (0.01, "KMS signatures")], mode.used(10)
    assert mode.used(1_000)[:2] == [(10, "ThrottlingRateLimit"), (1, "KMS signatures")], mode.used(1_000)
    known = Mode("y", cpu_ms=0.05, wait_ms=0, reads=0)
    assert known.billed_ms == 1 and known.used(100_000)[1][0] == 10, known.used(100_000)
    assert set(known.demands(1)) == set(QUOTAS)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    # What functions.sh printed for docs/performance.md. A vCPU of arm64 is taken to be as fast as one of that machine.
    parser.add_argument("--cpu-kms", type=float, default=0.386, help="CPU ms per token, kms [%(default)s]")
    parser.add_argument("--cpu-sealed", type=float, default=0.326, help="the same, sealed, cache off [%(default)s]")
    parser.add_argument("--cpu-known", type=float, default=0.158, help="the same, sealed, known client [%(default)s]")
    parser.add_argument("--dynamodb-ms", type=float, default=3, help="wait for a GetItem [%(default)s]")
    parser.add_argument("--kms-ms", type=float, default=8, help="wait for a Sign [%(default)s]")
    parser.add_argument("--misses", type=float, default=0.01, help="share of tokens of unknown clients [%(default)s]")
    parser.add_argument("--check", action="store_true", help="check the arithmetic, and the tables of docs/performance.md")
    arguments = parser.parse_args()
    self_check()
    rows = modes(arguments)
    parts = [costs_table(rows), sources(), quotas_table(rows), remedies(rows)]
    if arguments.check:
        page = PAGE.read_text()
        for part in parts:
            assert part in page, f"docs/performance.md lacks this:\n{part}"
        print("cost.py: the checks pass")
        return
    sys.stdout.write("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
