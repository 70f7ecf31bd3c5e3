#!/usr/bin/env python3
"""Makes an OCI image archive of one layer by hand: a static busybox with its applets as links.

    oci_image.py --busybox FILE [--pause] NAME OUT.tar

With --pause the image's entry point only waits, as a pod sandbox does. The same input gives the same bytes.
Layout: https://github.com/opencontainers/image-spec (image-layout.md, manifest.md, config.md).
"""
import argparse
import hashlib
import io
import json
import subprocess
import tarfile


def entry(name, kind=tarfile.REGTYPE, data=b"", link="", mode=0o755):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname, info.mode = kind, len(data), link, mode
    return info, io.BytesIO(data)


def archive(entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for info, data in entries:
            tar.addfile(info, data)
    return out.getvalue()


def layer(busybox):
    applets = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True).stdout.split()
    with open(busybox, "rb") as f:
        program = f.read()
    entries = [entry(d, tarfile.DIRTYPE) for d in ("bin", "etc", "proc", "sys", "dev", "root")]
    entries.append(entry("tmp", tarfile.DIRTYPE, mode=0o1777))
    entries.append(entry("etc/passwd", data=b"root:x:0:0:root:/root:/bin/sh\n", mode=0o644))
    entries.append(entry("bin/busybox", data=program))
    entries += [entry("bin/" + a, tarfile.SYMTYPE, link="busybox") for a in applets if a != "busybox"]
    return archive(entries)


def image(name, busybox, pause):
    blobs = {}

    def blob(media_type, data):
        digest = hashlib.sha256(data).hexdigest()
        blobs["blobs/sha256/" + digest] = data
        return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}

    def encode(value):
        return json.dumps(value, sort_keys=True).encode()

    # Uncompressed on purpose: unpacking costs an emulated machine more than the bytes.
    layer_blob = blob("application/vnd.oci.image.layer.v1.tar", layer(busybox))
    command = ["/bin/sh", "-c", "trap 'exit 0' TERM INT; while :; do sleep 86400 & wait $!; done"] if pause else ["/bin/sh"]
    config = blob("application/vnd.oci.image.config.v1+json", encode({
        "architecture": "amd64", "os": "linux",
        "config": {"Env": ["PATH=/bin"], "Entrypoint" if pause else "Cmd": command, "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [layer_blob["digest"]]}}))
    manifest_type = "application/vnd.oci.image.manifest.v1+json"
    manifest = blob(manifest_type, encode(
        {"schemaVersion": 2, "mediaType": manifest_type, "config": config, "layers": [layer_blob]}))
    manifest["annotations"] = {"io.containerd.image.name": name,
                               "org.opencontainers.image.ref.name": name.rsplit(":", 1)[1]}
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [manifest]}
    entries = [entry("oci-layout", data=encode({"imageLayoutVersion": "1.0.0"}), mode=0o644),
               entry("index.json", data=encode(index), mode=0o644)]
    return archive(entries + [entry(path, data=data, mode=0o644) for path, data in blobs.items()])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--busybox", required=True)
    parser.add_argument("--pause", action="store_true")
    parser.add_argument("name")
    parser.add_argument("out")
    args = parser.parse_args()
    with open(args.out, "wb") as f:
        f.write(image(args.name, args.busybox, args.pause))


if __name__ == "__main__":
    main()
