"""Signs and verifies messages by Standard Webhooks 1.0.0, symmetric: HMAC-SHA256 over `id.timestamp.body`.

The `standardwebhooks` package signs text only, and the bodies here are multipart with pictures in them;
it judges this module in the tests instead.
"""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

TOLERANCE = 300
"""Seconds that a message's timestamp may be off, either way."""

MIN_KEY = 16
"""Bytes that a key has at least. Standard Webhooks asks for 24 to 64 of new ones."""

_PREFIX = "whsec_"
_ID = re.compile(
    r"(?P<kind>[a-z]+):(?P<task>[A-Za-z0-9_-]{1,64}):(?P<attempt>0|[1-9]\d{0,8}):[A-Za-z0-9_-]{1,64}", re.A
)


class SignatureInvalid(Exception):
    """The message is unsigned, wrongly signed, too old, too new, or its id has another form."""


@dataclass(frozen=True)
class MessageId:
    """What a verified `webhook-id`, `{kind}:{task}:{attempt}:{n}`, says."""

    kind: str
    task: str
    attempt: int


def decode_secret(secret: str) -> bytes:
    """The key in a `whsec_…` secret, as the backend reads it. Raises ValueError, which does not quote it."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:  # binascii's own, and that of what is not ASCII
        key = b""
    if not secret.startswith(_PREFIX) or len(key) < MIN_KEY:
        raise ValueError(f"each secret must be whsec_ and the base64 of at least {MIN_KEY} bytes")
    return key


class Signer:
    """Signs with the first of its keys and accepts any of them, so that keys can change without a gap."""

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        self._keys = keys

    def sign(self, message_id: str, body: bytes) -> dict[str, str]:
        """The three headers of a message that is sent now."""
        timestamp = str(int(time.time()))
        return {
            "webhook-id": message_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": _signature(self._keys[0], message_id, timestamp, body),
        }

    def verify(self, headers: Mapping[str, str], body: bytes) -> MessageId:
        """What the message's id says. Raises SignatureInvalid; `headers` ignores case."""
        message_id = headers.get("webhook-id", "")
        timestamp = headers.get("webhook-timestamp", "")
        parts = _ID.fullmatch(message_id)
        if parts is None or not re.fullmatch(r"\d{1,12}", timestamp, re.A):
            raise SignatureInvalid
        if abs(time.time() - int(timestamp)) > TOLERANCE:
            raise SignatureInvalid
        expected = [_signature(key, message_id, timestamp, body).encode() for key in self._keys]
        given = headers.get("webhook-signature", "").encode().split(b" ")[:16]
        # Every pair is compared, so that the time tells nothing about which one fitted.
        matches = [hmac.compare_digest(one, other) for one in expected for other in given]
        if not any(matches):
            raise SignatureInvalid
        return MessageId(parts["kind"], parts["task"], int(parts["attempt"]))


def _signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()
