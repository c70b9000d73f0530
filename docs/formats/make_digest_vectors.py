#!/usr/bin/env python3
"""Writes digest_vectors.json: a second implementation of digest.md, to check the first one with."""

import hashlib
import json
import pathlib
import struct

KINDS = {1: "application:", 2: "project:", 3: "settings:"}


def u64(value):
    return struct.pack(">Q", value)


def lp(data):
    if isinstance(data, str):
        data = data.encode()
    return u64(len(data)) + data


def sha(data):
    return hashlib.sha256(data).digest()


def uid(hub, key, deletions):
    return sha(lp("leidang.uid.v1") + lp(hub) + lp(key) + lp(u64(deletions)))[:16]


def element(entry):
    out = bytes([1, entry["kind"]]) + lp(entry["key"]) + lp(bytes.fromhex(entry["uid"])) + lp(entry["body"])
    out += u64(len(entry["sources"]))
    for s in entry["sources"]:
        out += lp(s["repo_url"]) + lp(s["target_revision"]) + lp(s["path"])
        out += bytes([s["tool"]]) + lp(bytes.fromhex(s["tree"]))
    return sha(out)


def root(entries):
    counts, sums = [0] * 256, [0] * 256
    for e in entries:
        bucket = sha(e["key"].encode())[0]
        counts[bucket] += 1
        sums[bucket] = (sums[bucket] + int.from_bytes(element(e), "big")) % 2**256
    return sha(b"".join(u64(counts[i]) + sums[i].to_bytes(32, "big") for i in range(256)))


def entry(hub, kind, name, deletions, body, sources=()):
    key = KINDS[kind] + name
    e = {"kind": kind, "key": key, "deletions": deletions, "uid": uid(hub, key, deletions).hex(), "body": body,
         "sources": list(sources)}
    e["element"] = element(e).hex()
    e["bucket"] = sha(key.encode())[0]
    return e


def source(n, tool):
    return {"repo_url": f"https://git.example/r{n}.git", "target_revision": "main", "commit": f"{n:040x}",
            "path": "." if n == 0 else f"apps/größe-{n}", "tool": tool, "tree": sha(f"tree {n}".encode()).hex()}


def main():
    hub = bytes(range(16))
    entries = [
        entry(hub, 1, "leidang/cart", 0, '{"metadata":{"name":"cart"},"spec":{"project":"default"}}', [source(1, 2)]),
        entry(hub, 1, "leidang/cart", 1, '{"metadata":{"name":"cart"},"spec":{"project":"default"}}', [source(1, 2)]),
        entry(hub, 1, "leidang/two", 0, '{"spec":{"n":"é\\u0000"}}', [source(0, 1), source(2, 3)]),
        entry(hub, 2, "default", 0, "{}"),
        entry(hub, 3, "health", 18446744073709551615, ""),
    ]
    many = [entry(hub, 1, f"leidang/app-{i}", 0, "{}") for i in range(600)]
    sets = [
        {"name": "nothing", "entries": [], "root": root([]).hex()},
        {"name": "one", "entries": [0], "root": root([entries[0]]).hex()},
        {"name": "a namesake with another uid", "entries": [1], "root": root([entries[1]]).hex()},
        {"name": "all kinds", "entries": [0, 2, 3, 4], "root": root([entries[i] for i in (0, 2, 3, 4)]).hex()},
    ]
    text = json.dumps({
        "hub_id": hub.hex(), "entries": entries, "sets": sets,
        "many": {"about": "applications leidang/app-0 to app-599, body {}, no sources, no deletions",
                 "root": root(many).hex()},
    }, indent=1, ensure_ascii=False)
    pathlib.Path(__file__).with_name("digest_vectors.json").write_text(text + "\n")


main()
