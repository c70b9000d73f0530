#!/usr/bin/env python3
"""A Git server over TLS for tests: git_https_server.py ROOT CERTIFICATE KEY AUTHORIZATION PORT_FILE

Serves the repositories below ROOT with git's own CGI program. Requests without the header `Authorization:
AUTHORIZATION` are answered 401 (an empty AUTHORIZATION lets all in). A path that begins with /stall/ is the same
repository, but the answer with the pack stops after some bytes and the connection stays open; /moved/ redirects.
Writes its port to PORT_FILE once it listens. Ends with its standard input, or by a signal.
"""
import http.server
import os
import ssl
import subprocess
import sys
import threading

ROOT, CERTIFICATE, KEY, AUTHORIZATION, PORT_FILE = sys.argv[1:6]
STALL_AFTER = 4000
released = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.answer(b"")

    def do_POST(self):
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while True:
                size = int(self.rfile.readline().strip() or b"0", 16)
                body += self.rfile.read(size)
                self.rfile.readline()
                if size == 0:
                    break
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.answer(body)

    def plain(self, status, headers):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def answer(self, body):
        path, _, query = self.path.partition("?")
        if path.startswith("/moved/"):
            return self.plain(302, [("Location", self.path[len("/moved"):])])
        if AUTHORIZATION and self.headers.get("Authorization") != AUTHORIZATION:
            return self.plain(401, [("WWW-Authenticate", 'Basic realm="test"')])
        stall = path.startswith("/stall/")
        if stall:
            path = path[len("/stall"):]
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "GIT_PROJECT_ROOT": ROOT,
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        status = 200
        headers = []
        for line in head.decode().splitlines():
            name, _, value = line.partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            else:
                headers.append((name, value))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if stall and len(content) > STALL_AFTER:
            self.wfile.write(content[:STALL_AFTER])
            self.wfile.flush()
            released.wait()
            return None
        self.wfile.write(content)
        return None


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=True)
with open(PORT_FILE + ".new", "w", encoding="ascii") as file:
    file.write(str(server.server_address[1]))
os.rename(PORT_FILE + ".new", PORT_FILE)
server.serve_forever()
