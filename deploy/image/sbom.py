#!/usr/bin/env python3
"""The image's bill of materials, SPDX 2.3 as JSON, on standard output; copies the licence texts too.

  sbom.py --build BUILD --revision R --epoch SECONDS --licences DIR --programs FILE...

What is in the programs is what their link commands name: archives of Debian packages, and the compiler's own run-time
archives. Name, version and source of each come from dpkg, so nothing is listed by hand. The same build gives the same bytes.
"""
import argparse
import datetime
import hashlib
import json
import os
import re
import shutil
import subprocess

TARGETS = ["cmd/plimsolld/plimsolld", "cmd/kubectl-plimsoll/kubectl-plimsoll"]
RUNTIME = ["libc.a", "libm.a", "libstdc++.a", "libgcc.a", "libgcc_eh.a", "libatomic.a"]


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def archives(build):
    found = set()
    for target in TARGETS:
        link = output("ninja", "-C", build, "-t", "commands", "-s", target)
        found.update(word for word in re.split(r"[\s,]+", link) if word.startswith("/") and word.endswith(".a"))
    for name in RUNTIME:
        path = output("g++", "-print-file-name=" + name).strip()
        if os.path.isabs(path):
            found.add(path)
    own = os.path.realpath(build)
    return sorted({os.path.realpath(path) for path in found if not os.path.realpath(path).startswith(own)})


def package_of(path):
    for candidate in (path, path.removeprefix("/usr")):
        found = subprocess.run(["dpkg", "-S", candidate], capture_output=True, text=True)
        if found.returncode == 0:
            return found.stdout.splitlines()[0].split(": ")[0]
    raise SystemExit(f"sbom.py: no Debian package has {path}")


def described(name):
    fields = output("dpkg-query", "-W", "-f=${Package}\n${Version}\n${source:Package}\n${source:Version}\n${Architecture}", name)
    return fields.split("\n")


def spdx_id(name):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def debian_packages(build, licences):
    packages = {}
    for archive in archives(build):
        package, version, source, source_version, arch = described(package_of(archive))
        entry = packages.setdefault(package, {
            "name": package,
            "SPDXID": spdx_id("Package-" + package),
            "versionInfo": version,
            "supplier": "Organization: Debian",
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False,
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "NOASSERTION",
            "copyrightText": "NOASSERTION",
            "sourceInfo": f"built from {source} {source_version}; the licence text is licences/{package}",
            "comment": "",
            "externalRefs": [{
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": f"pkg:deb/debian/{package}@{version}?arch={arch}",
            }],
        })
        entry["comment"] += ("" if not entry["comment"] else ", ") + os.path.basename(archive)
        text = f"/usr/share/doc/{package}/copyright"
        if os.path.exists(text):
            os.makedirs(licences, exist_ok=True)
            shutil.copyfile(os.path.realpath(text), os.path.join(licences, package))
            os.chmod(os.path.join(licences, package), 0o644)
    return [packages[name] for name in sorted(packages)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--revision", required=True)
    parser.add_argument("--epoch", type=int, required=True)
    parser.add_argument("--licences", required=True)
    parser.add_argument("--programs", nargs="+", required=True)
    options = parser.parse_args()
    version = output(options.programs[0], "version").split()[1]
    packages = debian_packages(options.build, options.licences)
    files = [{
        "fileName": "./" + os.path.basename(path),
        "SPDXID": spdx_id("File-" + os.path.basename(path)),
        "checksums": [{"algorithm": "SHA256", "checksumValue": sha256(path)}],
        "licenseConcluded": "NOASSERTION",
        "copyrightText": "NOASSERTION",
    } for path in options.programs]
    own = {
        "name": "plimsoll",
        "SPDXID": "SPDXRef-Package-plimsoll",
        "versionInfo": version,
        "supplier": "Organization: The Plimsoll authors",
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "Apache-2.0",
        "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION",
        "sourceInfo": "revision " + options.revision,
    }
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"])]
    relations += [(own["SPDXID"], "CONTAINS", file["SPDXID"]) for file in files]
    relations += [(own["SPDXID"], "STATIC_LINK", package["SPDXID"]) for package in packages]
    body = json.dumps([own, packages, files], sort_keys=True)
    created = datetime.datetime.fromtimestamp(options.epoch, datetime.timezone.utc)
    print(json.dumps({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": "plimsoll-" + version,
        "documentNamespace": "https://plimsoll.dev/spdx/" + hashlib.sha256(body.encode()).hexdigest(),
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: plimsoll-sbom"]},
        "packages": [own] + packages,
        "files": files,
        "relationships": [{"spdxElementId": a, "relationshipType": r, "relatedSpdxElement": b} for a, r, b in relations],
    }, indent=1))


if __name__ == "__main__":
    main()
