"""A provider made of a raw socket: it records the exact bytes that came and says exactly what its script says, when
it says so.

A script is a function that is given the connection and called in a thread of its own; it may wait for the test's go.
"""

import contextlib
import datetime
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Received:
    """A request as it came."""

    raw: bytes
    line: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def values(self, name):
        return [value for key, value in self.headers if key.lower() == name]


@dataclass
class Connection:
    sock: socket.socket
    rest: bytes = b""
    raw: bytes = b""

    def _more(self):
        piece = self.sock.recv(65536)
        if not piece:
            raise EOFError
        self.raw += piece
        self.rest += piece

    def read_until(self, mark):
        while mark not in self.rest:
            self._more()
        found, _, self.rest = self.rest.partition(mark)
        return found

    def read_exactly(self, size):
        while len(self.rest) < size:
            self._more()
        found, self.rest = self.rest[:size], self.rest[size:]
        return found

    def read_head(self):
        self.raw = self.rest
        line, *lines = self.read_until(b"\r\n\r\n").split(b"\r\n")
        headers = []
        for one in lines:
            name, _, value = one.partition(b": ")
            headers.append((name, value))
        return Received(b"", line, headers, b"")

    def read_chunk(self):
        size = int(self.read_until(b"\r\n"), 16)
        content = self.read_exactly(size)
        self.read_exactly(2)
        return content

    def read_request(self):
        request = self.read_head()
        if request.values(b"transfer-encoding") == [b"chunked"]:
            while chunk := self.read_chunk():
                request.body += chunk
        else:
            request.body = self.read_exactly(int((request.values(b"content-length") or [b"0"])[0]))
        request.raw = self.raw[: len(self.raw) - len(self.rest)]
        return request

    def send(self, data):
        self.sock.sendall(data)

    def close(self):
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def client_went(self, timeout=10):
        """Wait until the other side hangs up."""
        self.sock.settimeout(timeout)
        try:
            while self.sock.recv(65536):
                pass
        except ConnectionError:
            pass


def answer(body=b'{"ok": true}', status=b"200 OK", headers=b"content-type: application/json\r\n"):
    return b"HTTP/1.1 %b\r\n%bcontent-length: %d\r\n\r\n%b" % (status, headers, len(body), body)


@dataclass
class Upstream:
    """Listens on a port of its own. `script` is called for every connection; the default answers everything."""

    script: Callable | None = None
    tls: ssl.SSLContext | None = None
    requests: list[Received] = field(default_factory=list)
    connections: int = 0
    answer: bytes = answer()

    def __post_init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        scheme = "https" if self.tls else "http"
        self.url = f"{scheme}://{'localhost' if self.tls else '127.0.0.1'}:{self.port}"
        self.errors = []
        self._open = []
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        self._open.append(sock)
        try:
            if self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True)
                self._open.append(sock)
            (self.script or self._answer_everything)(Connection(sock))
        except (EOFError, OSError):
            pass
        except Exception as error:
            self.errors.append(error)

    def _answer_everything(self, connection):
        while True:
            self.requests.append(connection.read_request())
            connection.send(self.answer)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the accept
        self.listener.close()
        self.thread.join(5)
        for sock in self._open:
            with contextlib.suppress(OSError):
                sock.close()
        assert not self.errors, self.errors


def make_authority(folder, *, host="localhost"):
    """Make a CA and a server certificate; returns (path of the CA's PEM, server context)."""
    now = datetime.datetime.now(datetime.UTC)

    def certificate(subject, key, issuer, issuer_key, *, ca):
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
        return builder.sign(issuer_key, hashes.SHA256())

    ca_key = ec.generate_private_key(ec.SECP256R1())
    key = ec.generate_private_key(ec.SECP256R1())
    ca = certificate("Test authority", ca_key, "Test authority", ca_key, ca=True)
    server = certificate(host, key, "Test authority", ca_key, ca=False)
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    (folder / "server.pem").write_bytes(
        server.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return folder / "ca.pem", context
