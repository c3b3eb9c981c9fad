"""As much of Kubernetes' API as Helm needs to install, upgrade and uninstall: objects are kept, and nothing runs them.

It is no API server: what it is sent is neither checked against schemas nor completed. It keeps one rule, that of Jobs:
their template can't be changed.

    python -m support.deployment.kubernetes_api     prints its address, and serves until its stdin is closed
"""

from __future__ import annotations

import base64
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

KINDS = {
    "v1": ("Secret", "ConfigMap", "Service", "ServiceAccount", "PersistentVolumeClaim", "Pod"),
    "batch/v1": ("Job",),
    "apps/v1": ("Deployment",),
    "networking.k8s.io/v1": ("NetworkPolicy", "Ingress"),
    "policy/v1": ("PodDisruptionBudget",),
    "autoscaling/v2": ("HorizontalPodAutoscaler",),
}
VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]

OBJECTS: dict[str, dict[str, object]] = {}
"""Path -> object. Each request has the lock while it looks or changes."""

LOCK = threading.Lock()


def plural(kind):
    lower = kind.lower()
    return f"{lower[:-1]}ies" if lower.endswith("y") else f"{lower}es" if lower.endswith("ss") else f"{lower}s"


LISTS = {plural(kind): (kind, version) for version, kinds in KINDS.items() for kind in kinds}


def discovery(path):
    """The document of a path of discovery; None if it is another path."""
    if path == "/version":
        return {"major": "1", "minor": "34", "gitVersion": "v1.34.0"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups = [
            {"name": group, "versions": [version], "preferredVersion": version}
            for group, version in (
                (name.partition("/")[0], {"groupVersion": name, "version": name.partition("/")[2]})
                for name in KINDS
                if "/" in name
            )
        ]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    name = path.removeprefix("/apis/").removeprefix("/api/")
    if name not in KINDS:
        return None
    resources = [
        {"name": plural(kind), "singularName": "", "namespaced": True, "kind": kind, "verbs": VERBS}
        for kind in KINDS[name]
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": resources}


def merged(old, new):
    """A merge patch; lists are replaced."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    result = {key: value for key, value in old.items() if not (key in new and new[key] is None)}
    for key, value in new.items():
        if value is not None:
            result[key] = merged(old.get(key), value)
    return result


def selected(one, selector):
    labels = one["metadata"].get("labels", {})
    return all(
        labels.get(key) == value for key, _, value in (part.partition("=") for part in selector.split(",") if part)
    )


def fields(data):
    """(number, content) of a protobuf message's fields that have a length."""
    at = 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte, at = data[at], at + 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            number()
            continue
        length = number()
        yield key >> 3, data[at : at + length]
        at += length


def pairs(entries):
    """The map of protobuf's entries."""
    return {entry[1].decode(): entry.get(2, b"") for entry in map(dict, map(fields, entries))}


def secret(data):
    """A Secret, of the four bytes and the envelope in which Helm sends it (k8s.io/api/core/v1/generated.proto)."""
    raw = dict(fields(data[4:]))[2]
    parts = list(fields(raw))
    metadata = list(fields(dict(parts)[1]))
    labels = pairs(content for number, content in metadata if number == 11)
    content = pairs(content for number, content in parts if number == 2)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": dict(metadata)[1].decode(),
            "labels": {key: value.decode() for key, value in labels.items()},
        },
        "data": {key: base64.b64encode(value).decode() for key, value in content.items()},
    }


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        url = urlsplit(self.path)
        found = discovery(url.path)
        if found is None and url.path in OBJECTS:
            found = OBJECTS[url.path]
        if found is None and self._is_list(url.path):
            selector = parse_qs(url.query).get("labelSelector", [""])[0]
            with LOCK:
                items = [
                    one
                    for path, one in OBJECTS.items()
                    if path.rpartition("/")[0] == url.path and selected(one, selector)
                ]
            kind, version = LISTS[url.path.rpartition("/")[2]]
            found = {"kind": f"{kind}List", "apiVersion": version, "metadata": {"resourceVersion": "1"}, "items": items}
        self._answer(200 if found is not None else 404, found)

    def do_POST(self):
        one = self._body()
        path = f"{urlsplit(self.path).path}/{one['metadata']['name']}"
        with LOCK:
            is_new = path not in OBJECTS
            if is_new:
                OBJECTS[path] = one
        self._answer(201 if is_new else 409, one if is_new else None)

    def do_PUT(self):
        self._change(lambda _old, new: new)

    def do_PATCH(self):
        self._change(merged)

    def do_DELETE(self):
        self._body()
        with LOCK:
            one = OBJECTS.pop(urlsplit(self.path).path, None)
        self._answer(200 if one else 404, one)

    def _change(self, change):
        path, new = urlsplit(self.path).path, self._body()
        with LOCK:
            old = OBJECTS.get(path)
            is_applied = self.headers["Content-Type"].startswith("application/apply-patch")
            if old is None and not is_applied:
                self._answer(404, None)
                return
            result = new if old is None else change(old, new)
            if old is not None and old.get("kind") == "Job" and old["spec"]["template"] != result["spec"]["template"]:
                self._answer(422, None, "spec.template: field is immutable")
                return
            OBJECTS[path] = result
        self._answer(200, result)

    def _is_list(self, path):
        return "/namespaces/" in path and path.rpartition("/")[2] in LISTS

    def _body(self):
        text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.command in {"POST", "PUT"} and text.startswith(b"k8s\0"):
            return secret(text)
        return json.loads(text) if text and not text.startswith(b"k8s\0") else None

    def _answer(self, status, document, message=""):
        if document is None:
            reasons = {404: "NotFound", 409: "AlreadyExists", 422: "Invalid"}
            document = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status, "message": message}
            document["reason"] = reasons[status]
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()
