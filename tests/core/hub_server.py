"""A hub on this machine: enough of its HTTP interface to search, look up and download."""

import hashlib
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 1000
"""Files of more bytes count as large: their sum is sha256, else git's."""


def git_sum(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Hub:
    """What the server says; a test changes it.

    Attributes:
        repos: Files by kind, id and revision.
        delay: Seconds before every kilobyte of a large file.
        break_after: Bytes of a large file after which the connection is closed, or None.
        status: Code of every answer about a repository, 200 if it is served.
        error_code: `X-Error-Code` beside it.
        served: What is sent instead of a file's own bytes, by name.
        tag: What is sent as every file's ETag, "" for its sum.
        commit: What is sent as every file's commit, "" for the commit.
        asked: Paths that were asked for.
    """

    def __init__(self):
        self.repos = {}
        self.delay = 0.0
        self.break_after = None
        self.status = 200
        self.error_code = ""
        self.served = {}
        self.tag = ""
        self.commit = ""
        self.asked = []

    def add(self, kind, repo_id, files, revision="main", commit=COMMIT, **more):
        self.repos[kind, repo_id, revision] = (commit, files, more)

    def find(self, kind, repo_id, revision):
        for (k, r, name), (commit, files, more) in self.repos.items():
            if (k, r) == (kind, repo_id) and revision in (name, commit):
                return commit, files, more
        return None


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, body):
        hub = self.server.hub
        address = urlsplit(self.path)
        path = unquote(address.path)
        hub.asked.append(path)
        parts = path.strip("/").split("/")
        if parts[0] == "api":
            kind = parts[1].removesuffix("s")
            if len(parts) == 2:
                return self.search(kind, parse_qs(address.query)["search"][0])
            return self.info(kind, "/".join(parts[2:4]), "/".join(parts[5:]) or "main")
        kind = "model"
        if parts[0] == "datasets":
            kind, parts = "dataset", parts[1:]
        return self.file(kind, "/".join(parts[:2]), parts[3], "/".join(parts[4:]), body)

    def refuse(self):
        hub = self.server.hub
        headers = {"X-Error-Code": hub.error_code, "X-Error-Message": "no, says hf_secretsecret12"}
        self.send(hub.status, b'{"error": "no"}', headers)

    def search(self, kind, words):
        hub = self.server.hub
        if hub.status != 200:
            return self.refuse()
        hits = [
            {
                "_id": "1",
                "id": repo_id,
                "downloads": 12,
                "likes": 3,
                "lastModified": "2026-01-02T03:04:05.000Z",
                "gated": more.get("gated", False),
                "tags": ["license:mit"],
            }
            for (k, repo_id, revision), (_, _, more) in hub.repos.items()
            if k == kind and words in repo_id and revision == "main"
        ]
        return self.send(200, json.dumps(hits).encode())

    def info(self, kind, repo_id, revision):
        hub = self.server.hub
        if hub.status != 200:
            return self.refuse()
        if not any(one[:2] == (kind, repo_id) for one in hub.repos):
            return self.send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
        found = hub.find(kind, repo_id, revision)
        if found is None:
            return self.send(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
        commit, files, more = found
        siblings = []
        for name, data in files.items():
            one = {"rfilename": name, "size": len(data), "blobId": git_sum(data)}
            if len(data) > LARGE:
                sha = hashlib.sha256(data).hexdigest()
                one["lfs"] = {"size": len(data), "sha256": sha, "pointerSize": 130}
            siblings.append(one)
        said = {
            "_id": "1",
            "id": repo_id,
            "sha": commit,
            "private": False,
            "gated": more.get("gated", False),
            "tags": [],
            "cardData": {"license": "apache-2.0"},
            "siblings": siblings,
        }
        return self.send(200, json.dumps(said).encode())

    def file(self, kind, repo_id, revision, name, body):
        hub = self.server.hub
        found = hub.find(kind, repo_id, revision)
        if found is None or name not in found[1]:
            return self.send(404, b"", {"X-Error-Code": "EntryNotFound"})
        data = hub.served.get(name, found[1][name])
        tag = hub.tag or hashlib.sha256(found[1][name]).hexdigest()
        headers = {
            "ETag": f'"{tag}"',
            "X-Repo-Commit": hub.commit or found[0],
            "Accept-Ranges": "bytes",
        }
        status, start = 200, 0
        wanted = self.headers.get("Range", "")
        if wanted.startswith("bytes=") and len(data) > 1:
            start = int(wanted[6:].split("-")[0])
            status = 206
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        return self.send(status, data[start:], headers, body=body)

    def send(self, status, data, headers=None, body=True):
        hub = self.server.hub
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if not body or self.command == "HEAD":
            return
        large = len(data) > LARGE and "ETag" in (headers or {})
        if large and hub.break_after is not None:
            self.wfile.write(data[: hub.break_after])
            self.close_connection = True
            return
        try:
            for start in range(0, len(data), 1024):
                if large:
                    time.sleep(hub.delay)
                self.wfile.write(data[start : start + 1024])
                self.wfile.flush()
        except OSError:  # the child was killed, as it should be
            self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub):
        super().__init__(("127.0.0.1", 0), Handler)
        self.hub = hub


@contextmanager
def serve(hub):
    """Serve in a thread; lend the address."""
    server = Server(hub)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
