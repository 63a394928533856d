#!/usr/bin/python3
"""Judges what `bench visits` saw: can the kinds of names be told apart by what came back, or by how long it took?

    told_apart.py VISITS.jsonl

For each step, apart for names that are locked by their own tries and those that are not, the kinds are compared in pairs:

- the status, headers and body of each try (with what is new in every answer taken out) must be the same;
- which optional question is asked, and which comes first, by the chi-squared test;
- the times, and how long a lock is said to last, by the two-sample Kolmogorov-Smirnov and the Mann-Whitney test.

The tests are scipy's. With many comparisons some p-values are small by chance: `bound` is 0.05 shared among all of them
(Bonferroni), and a comparison below it is a finding; with one it ends with 1. The last line says what the tests are worth:
the least shift of one kind's times that they would have found.
"""

import collections
import itertools
import json
import re
import sys

from scipy import stats

LEVEL = 0.05
# The profile lockout of the default policy: the try that reaches it is still answered as any other.
UNTIL_LOCKED = 5
QUESTION = re.compile(r'<label for="answer-\d+">(.*?)</label>')


def normal_body(body, name):
    """What is new in each answer, or is the name itself, taken out."""
    body = body.replace(name, "NAME")
    body = re.sub(r'(name="(?:csrf|step)" value=")[^"]*', r"\1-", body)
    body = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID", body)
    body = re.sub(r"node-[123]", "NODE", body)
    body = re.sub(r'(name="passquorum-node" content=")\d+', r"\1N", body)
    return QUESTION.sub("QUESTION", body)


def normal_headers(headers):
    """Names, order and values; of a cookie the length. How long the body is depends on the name and the questions, too."""
    shown = []
    for name, value in headers:
        if name == "set-cookie":
            cookie, _, rest = value.partition(";")
            value = f"{cookie.partition('=')[0]}={len(cookie)};{re.sub(r'expires=[^;]*', '', rest, flags=re.I)}"
        elif name in ("date", "x-request-id", "retry-after"):
            value = "-"
        elif name == "content-length":
            continue
        shown.append((name, value))
    return shown


def read(path):
    groups = collections.defaultdict(lambda: collections.defaultdict(list))
    with open(path) as lines:
        for line in lines:
            seen = json.loads(line)
            when = "open" if seen["try"] <= UNTIL_LOCKED else "locked"
            groups[(seen["step"], when)][seen["kind"]].append(seen)
    return groups


def looks(seen):
    shown = [seen["status"], normal_headers(seen["headers"]), normal_body(seen["body"], seen["name"])]
    return json.dumps([seen["try"], *shown])


def chi_squared(first, second, feature):
    counts = [collections.Counter(map(feature, kind)) for kind in (first, second)]
    values = sorted(set(counts[0]) | set(counts[1]))
    if len(values) < 2:
        return None
    return stats.chi2_contingency([[count[value] for value in values] for count in counts]).pvalue


def once_a_name(visits):
    return list({seen["name"]: seen for seen in visits}.values())


def questions(seen):
    return QUESTION.findall(seen["body"])


def retry_after(seen):
    return next((int(value) for name, value in seen["headers"] if name == "retry-after"), None)


def compare(groups):
    """Rows of (step, when, kind, kind, test, p); p is 0 for what is plainly different."""
    for (step, when), kinds in groups.items():
        for one, two in itertools.combinations(sorted(kinds), 2):
            a, b = kinds[one], kinds[two]
            pair = (step, when, one, two)
            same = {looks(seen) for seen in a} == {looks(seen) for seen in b}
            yield (*pair, "looks", 1.0 if same else 0.0)
            for test, feature in (
                ("which questions", lambda seen: tuple(sorted(questions(seen)))),
                ("first question", lambda seen: (questions(seen) or [""])[0]),
            ):
                p = chi_squared(once_a_name(a), once_a_name(b), feature)
                if p is not None:
                    yield (*pair, test, p)
            for what, number in (("time", lambda seen: seen["micros"]), ("Retry-After", retry_after)):
                x, y = ([number(seen) for seen in kind] for kind in (a, b))
                if None not in x + y:
                    yield (*pair, f"Kolmogorov-Smirnov of {what}", stats.ks_2samp(x, y).pvalue)
                    yield (*pair, f"Mann-Whitney of {what}", stats.mannwhitneyu(x, y).pvalue)


def least_shift(groups, bound):
    """How much later the answers to the names of one kind would have to come to be told apart, in microseconds."""
    for shift in (50, 100, 200, 300, 500, 1000, 2000, 5000):
        found = True
        for one, two in itertools.combinations(groups[("name", "open")].values(), 2):
            x, y = [seen["micros"] + shift for seen in one], [seen["micros"] for seen in two]
            found &= min(stats.ks_2samp(x, y).pvalue, stats.mannwhitneyu(x, y).pvalue) < bound
        if found:
            return shift
    return None


def middle(visits):
    times = sorted(seen["micros"] / 1000 for seen in visits)
    return f"{times[len(times) // 2]:.2f} / {times[len(times) * 99 // 100]:.2f}"


def main(path):
    groups = read(path)
    kinds = sorted({kind for kinds in groups.values() for kind in kinds})
    print(f"| step | name is | {' | '.join(kinds)} |\n|{'---|' * (len(kinds) + 2)}")
    for (step, when), kinds in groups.items():
        cells = [f"{len(visits)}: {middle(visits)}" for _, visits in sorted(kinds.items())]
        print(f"| {step} | {when} | " + " | ".join(cells) + " |")
    rows = list(compare(groups))
    bound = LEVEL / len(rows)
    by_test = collections.defaultdict(list)
    for row in rows:
        by_test[row[4]].append(row[5])
    for test, ps in by_test.items():
        print(json.dumps({"test": test, "comparisons": len(ps), "least_p": float(f"{min(ps):.3g}"),
                          "below_0.05": sum(bool(p < LEVEL) for p in ps), "below_bound": sum(bool(p < bound) for p in ps),
                          "bound": float(f"{bound:.3g}")}))
    found = [row for row in rows if row[5] < bound]
    for row in sorted(found, key=lambda row: row[5]):
        print("told apart: " + ", ".join(map(str, row[:5])) + f", p = {row[5]:.2g}")
    print(json.dumps({"a_shift_that_every_pair_shows_us": least_shift(groups, bound)}))
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
