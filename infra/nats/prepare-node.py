#!/usr/bin/env python3
"""Prepares a NATS node before its service starts: data disk, program, certificates, configuration.

Runs as root before every start of nats.service and is safe to repeat. What is missing makes it fail, and systemd
tries again: a new node waits here until its archive and its certificates have been put in place. A node that was
prepared once starts with what it has when the vault or the storage account cannot be reached.
Standard library only: a node has no way to the internet.
"""

import argparse
import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
import urllib.parse
import urllib.request

TIMEOUT_SECONDS = 20


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default="/", help="directory that stands for the root of the node")
    parser.add_argument("--metadata", default="http://169.254.169.254", help="instance metadata service")
    options = parser.parse_args()
    node = Node(options.root, options.metadata)
    if options.root == "/":
        mount_data_disk()
    try:
        node.fetch()
    except Exception as error:
        if not node.is_complete():
            raise
        print(f"started with what is there: {error}", file=sys.stderr)
    node.check()


class Node:
    def __init__(self, root, metadata):
        self.root = root
        self.metadata = metadata
        self.configuration = os.path.join(root, "etc/nats")
        self.programs = os.path.join(root, "opt/ddhub")

    def fetch(self):
        """Reads what the deployment says (userData), then fetches what it names."""
        plan = json.loads(base64.b64decode(self.read_metadata(
            "/metadata/instance/compute/userData?api-version=2021-01-01&format=text")))
        self.fetch_program(plan)
        secrets = {name: self.read_secret(plan, name) for name in (
            "nats-ca", "nats-broker-nkey", f"{plan['node']}-certificate", f"{plan['node']}-key")}
        os.makedirs(self.configuration, mode=0o755, exist_ok=True)
        for name, text in plan["files"].items():
            self.write(os.path.join(self.configuration, name), text, 0o644)
        self.write(os.path.join(self.configuration, "ca.crt"), secrets["nats-ca"], 0o644)
        self.write(os.path.join(self.configuration, "node.crt"), secrets[f"{plan['node']}-certificate"], 0o644)
        self.write(os.path.join(self.configuration, "node.key"), secrets[f"{plan['node']}-key"], 0o640)
        self.write(os.path.join(self.configuration, "keys.env"),
                   f"DDHUB_BROKER_NKEY={secrets['nats-broker-nkey']}\n", 0o640)

    def fetch_program(self, plan):
        program = os.path.join(self.programs, f"nats-server-{plan['version']}-{plan['sha256'][:12]}")
        if not os.path.exists(program):
            name = f"nats-server-v{plan['version']}-linux-amd64"
            token = self.token("https://storage.azure.com/", plan["clientId"])
            archive = read(f"{plan['artefactsUrl']}/{name}.tar.gz",
                           {"Authorization": f"Bearer {token}", "x-ms-version": "2023-11-03"})
            digest = hashlib.sha256(archive).hexdigest()
            if digest != plan["sha256"]:
                raise SystemExit(f"the digest of {name}.tar.gz is {digest}, not {plan['sha256']}: refused")
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                content = tar.extractfile(f"{name}/nats-server").read()
            self.write(program, content, 0o755, group=False)
        link = os.path.join(self.programs, "nats-server")
        if os.path.lexists(link + ".new"):
            os.remove(link + ".new")
        os.symlink(os.path.basename(program), link + ".new")
        os.replace(link + ".new", link)

    def read_secret(self, plan, name):
        # The audience is the domain of the vault, which differs between clouds.
        domain = urllib.parse.urlsplit(plan["vaultUri"]).hostname.split(".", 1)[1]
        token = self.token(f"https://{domain}", plan["clientId"])
        answer = read(f"{plan['vaultUri']}secrets/{name}?api-version=7.4", {"Authorization": f"Bearer {token}"})
        return json.loads(answer)["value"]

    def token(self, resource, client_id):
        query = urllib.parse.urlencode({
            "api-version": "2018-02-01", "resource": resource, "client_id": client_id})
        return json.loads(self.read_metadata(f"/metadata/identity/oauth2/token?{query}"))["access_token"]

    def read_metadata(self, path):
        return read(self.metadata + path, {"Metadata": "true"})

    def is_complete(self):
        names = ("node.conf", "cluster.conf", "nats.conf", "ca.crt", "node.crt", "node.key", "keys.env")
        files = [os.path.join(self.configuration, name) for name in names]
        return all(os.path.exists(file) for file in files + [os.path.join(self.programs, "nats-server")])

    def check(self):
        """Asks nats-server itself whether it could start with this."""
        with open(os.path.join(self.configuration, "keys.env"), encoding="utf-8") as keys:
            environment = dict(line.strip().split("=", 1) for line in keys if "=" in line)
        subprocess.run(
            [os.path.join(self.programs, "nats-server"), "-t", "--config",
             os.path.join(self.configuration, "node.conf")],
            env={**os.environ, **environment}, check=True)

    def write(self, path, content, mode, group=True):
        """Puts a file in place at once or not at all; the group nats may read it."""
        os.makedirs(os.path.dirname(path), exist_ok=True)
        partial = path + ".partial"
        data = content if isinstance(content, bytes) else content.encode()
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(data)
        os.chmod(partial, mode)
        if group and self.root == "/":
            shutil.chown(partial, "root", "nats")
        os.replace(partial, path)


def read(url, headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_SECONDS) as answer:
        return answer.read()


def mount_data_disk():
    """The first data disk, formatted at its first use, at /var/lib/nats."""
    target = "/var/lib/nats"
    os.makedirs(target, exist_ok=True)
    if not os.path.ismount(target):
        device = data_disk()
        if subprocess.run(["blkid", device], check=False).returncode != 0:
            subprocess.run(["mkfs.ext4", "-q", "-L", "nats-data", device], check=True)
        subprocess.run(["mount", "-o", "noatime", device, target], check=True)
    shutil.chown(target, "nats", "nats")


def data_disk():
    """Linux names it by its controller: NVMe or SCSI."""
    names = ("/dev/disk/azure/data/by-lun/0", "/dev/disk/azure/scsi1/lun0")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for name in names:
            if os.path.exists(name):
                return os.path.realpath(name)
        time.sleep(1)
    raise SystemExit("there is no data disk")


if __name__ == "__main__":
    main()
