"""Objects in a local folder or in S3, behind one interface.

Writing is one atomic replacement: locally temp file, fsync, ``os.replace``, fsync of the folder; on S3 one
``put_object`` with length and SHA-256. An object whose content would not change is not written again.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

from etl.errors import ObjectChanged, ObjectMissing, StoreRefused, StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

T = TypeVar("T")
_CHUNK = 1 << 20
_DIGEST = "logbucket-sha256"
_ATTEMPTS = 4
_DEADLINE_SECONDS = 60.0
_SLOWEST_BYTES_PER_SECOND = 256 * 1024
_OVERLAY = "overlay:"
_credentials: dict[str, str] = {}
_clients: dict[object, S3Client] = {}


@dataclass(frozen=True)
class Stat:
    """An object as listed: ``size`` in bytes, ``modified`` naive UTC, ``etag`` opaque and equal while unchanged."""

    key: str
    etag: str
    size: int
    modified: datetime


class Store(Protocol):
    """What a store can do. Keys are relative to the store's root and use ``/``."""

    root: str

    def uri(self, key: str) -> str:
        """The URI of a key, as shown to users and stored in rows."""

    def list(self, prefix: str) -> Iterator[Stat]:
        """Objects whose key starts with ``prefix``, sorted by key; none if there are none."""

    def stat(self, key: str) -> Stat | None:
        """One object, or None."""

    def fetch(self, key: str, folder: Path, etag: str | None = None) -> Path:
        """A local file with the object's content; a copy inside ``folder`` unless the store is local.

        Raises ObjectMissing, and ObjectChanged where ``etag`` is given and no longer current.
        """

    def read(self, key: str) -> bytes | None:
        """A small object's bytes, or None where it does not exist."""

    def tail(self, key: str, length: int) -> bytes | None:
        """The last ``length`` bytes of an object, or None where it does not exist."""

    def digest(self, key: str) -> str | None:
        """SHA-256 of the object's content in hex, or None where it does not exist."""

    def put(self, path: Path, key: str) -> bool:
        """Replace an object by a local file; False where it already had that content."""

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens where there is none."""


def use_credentials(**credentials: str | None) -> None:
    """Use these for every S3 client of this process instead of the AWS environment.

    Keys as in ``boto3.client``: endpoint_url, region_name, aws_access_key_id, aws_secret_access_key, aws_session_token.
    """
    _credentials.clear()
    _credentials.update({key: value for key, value in credentials.items() if value})


def open_store(uri: str) -> Store:
    """The store at a folder path or ``s3://bucket/prefix``."""
    if uri.startswith(_OVERLAY):
        from etl.io.overlay import OverlayStore

        folder, _, below = uri.removeprefix(_OVERLAY).partition("\0")
        return OverlayStore(open_store(below), Path(folder))
    if uri.startswith("s3://"):
        return S3Store(uri)
    return LocalStore(uri)


def overlay_uri(folder: Path, lake: str) -> str:
    """The URI of a lake whose changes stay in ``folder``: for this process only, not for ``sources.toml``."""
    return f"{_OVERLAY}{folder}\0{lake}"


def put_bytes(store: Store, data: bytes, key: str, folder: Path) -> bool:
    """Store small bytes under a key; ``folder`` holds the temp file. False where nothing changed."""
    path = folder / f"put-{secrets.token_hex(8)}"
    path.write_bytes(data)
    try:
        return store.put(path, key)
    finally:
        path.unlink()


def file_digest(path: Path) -> str:
    """SHA-256 of a local file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class LocalStore:
    """A folder. Names that start with a dot are nobody's objects: temp files of writers."""

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/") or "/"
        self._path = Path(self.root)

    def uri(self, key: str) -> str:
        return f"{self.root.rstrip('/')}/{key}"

    def _file(self, key: str) -> Path:
        if any(part in ("..", ".") for part in key.split("/")):
            raise StoreRefused(f"{self.root}: key {key!r} would leave the folder; expected a key below it")
        return self._path / key

    def list(self, prefix: str) -> Iterator[Stat]:
        start = self._file(prefix.rpartition("/")[0])
        if not start.is_dir():
            return
        for stat in sorted(self._walk(start), key=lambda item: item.key):
            if stat.key.startswith(prefix):
                yield stat

    def _walk(self, folder: Path) -> Iterator[Stat]:
        try:
            entries = list(os.scandir(folder))
        except FileNotFoundError:
            return
        except OSError as error:
            self._refuse("list", str(folder), error)
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from self._walk(Path(entry.path))
            elif entry.is_file():
                with contextlib.suppress(FileNotFoundError):
                    yield self._stat(Path(entry.path), entry.stat())

    def _stat(self, path: Path, found: os.stat_result) -> Stat:
        modified = datetime.fromtimestamp(found.st_mtime_ns // 10**9, UTC).replace(tzinfo=None)
        return Stat(
            path.relative_to(self._path).as_posix(), f"{found.st_size:x}-{found.st_mtime_ns:x}", found.st_size, modified
        )

    def stat(self, key: str) -> Stat | None:
        path = self._file(key)
        try:
            return self._stat(path, path.stat())
        except (FileNotFoundError, NotADirectoryError):
            return None

    def fetch(self, key: str, folder: Path, etag: str | None = None) -> Path:
        path = self._file(key)
        current = self.stat(key)
        if current is None:
            raise ObjectMissing(f"{self.uri(key)}: no such file; it was deleted after it was listed. Run again.")
        if etag is not None and current.etag != etag:
            raise ObjectChanged(
                f"{self.uri(key)}: the file changed while it was read. Run again when its writer is done."
            )
        if not os.access(path, os.R_OK):
            raise StoreRefused(
                f"{self.uri(key)}: permission denied; make the file readable for this user and run again"
            )
        return path

    def read(self, key: str) -> bytes | None:
        try:
            return self._file(key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._refuse("read", self.uri(key), error)

    def tail(self, key: str, length: int) -> bytes | None:
        try:
            with self._file(key).open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - length))
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def digest(self, key: str) -> str | None:
        try:
            return file_digest(self._file(key))
        except (FileNotFoundError, NotADirectoryError):
            return None

    def put(self, path: Path, key: str) -> bool:
        target = self._file(key)
        if (
            target.exists()
            and target.stat().st_size == path.stat().st_size
            and file_digest(target) == file_digest(path)
        ):
            return False
        temp = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with path.open("rb") as source, temp.open("wb") as sink:
                shutil.copyfileobj(source, sink, _CHUNK)
                sink.flush()
                os.fsync(sink.fileno())
            temp.replace(target)
            _sync_folder(target.parent)
        except OSError as error:
            with contextlib.suppress(OSError):
                temp.unlink()
            self._refuse("write", self.uri(key), error)
        return True

    def delete(self, key: str) -> None:
        try:
            self._file(key).unlink(missing_ok=True)
        except OSError as error:
            self._refuse("delete", self.uri(key), error)

    def _refuse(self, verb: str, where: str, error: OSError) -> NoReturn:
        raise StoreRefused(
            f"{where}: cannot {verb}: {error.strerror or error}; correct the folder or its permissions and run again"
        )


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class S3Store:
    """A bucket and prefix, through boto3 with the usual AWS environment or :func:`use_credentials`."""

    def __init__(self, uri: str) -> None:
        self.root = uri.rstrip("/")
        self._bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        self._prefix = prefix.rstrip("/") + "/" if prefix.strip("/") else ""
        self._bucket_answered = False

    @property
    def _client(self) -> S3Client:
        # to make a client and connect it takes longer than most requests, but it must not cross a fork
        environment = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        made_for = (os.getpid(), *sorted({**environment, **_credentials}.items()))
        found = _clients.get(made_for)
        if found is None:
            found = _clients[made_for] = _s3_client()
        return found

    def uri(self, key: str) -> str:
        return f"{self.root}/{key}"

    def list(self, prefix: str) -> Iterator[Stat]:
        def all_pages() -> list[Stat]:
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            return [
                self._stat(item) for page in pages for item in page.get("Contents", ()) if not item["Key"].endswith("/")
            ]

        yield from sorted(self._call("list", prefix, all_pages), key=lambda item: item.key)

    def _stat(self, item: Any) -> Stat:
        modified = item["LastModified"].astimezone(UTC).replace(tzinfo=None, microsecond=0)
        return Stat(item["Key"][len(self._prefix) :], item["ETag"].strip('"'), item["Size"], modified)

    def stat(self, key: str) -> Stat | None:
        head = self._head(key)
        if head is None:
            return None
        return self._stat({"Key": self._prefix + key, "ETag": head["ETag"], "Size": head["ContentLength"], **head})

    def _head(self, key: str) -> Any:
        try:
            return self._call(
                "head", key, lambda: self._client.head_object(Bucket=self._bucket, Key=self._prefix + key)
            )
        except ObjectMissing:
            return None

    def fetch(self, key: str, folder: Path, etag: str | None = None) -> Path:
        path = folder / f"fetch-{secrets.token_hex(8)}"
        condition = {"IfMatch": f'"{etag}"'} if etag else {}

        def download() -> None:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key, **condition)  # type: ignore[arg-type]
            expected = answer["ContentLength"]
            deadline = time.monotonic() + _DEADLINE_SECONDS + expected / _SLOWEST_BYTES_PER_SECOND
            digest = hashlib.sha256()
            with path.open("wb") as sink:
                while chunk := answer["Body"].read(_CHUNK):
                    digest.update(chunk)
                    sink.write(chunk)
                    if time.monotonic() > deadline:
                        raise StoreUnavailable(f"{self.uri(key)}: no complete answer within the deadline")
            recorded = answer["Metadata"].get(_DIGEST)
            if path.stat().st_size != expected or (recorded and recorded != digest.hexdigest()):
                raise StoreUnavailable(f"{self.uri(key)}: the answer was cut short or damaged")

        self._call("read", key, download)
        return path

    def read(self, key: str) -> bytes | None:
        try:
            return self._call("read", key, lambda: self._body(key))
        except ObjectMissing:
            return None

    def tail(self, key: str, length: int) -> bytes | None:
        try:
            return self._call("read", key, lambda: self._body(key, Range=f"bytes=-{length}"))
        except ObjectMissing:
            return None

    def _body(self, key: str, **options: Any) -> bytes:
        answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key, **options)
        data = answer["Body"].read()
        if len(data) != answer["ContentLength"]:
            raise StoreUnavailable(f"{self.uri(key)}: the answer was cut short")
        return data

    def digest(self, key: str) -> str | None:
        head = self._head(key)
        if head is None:
            return None
        if recorded := head["Metadata"].get(_DIGEST):
            return str(recorded)
        body = self.read(key)
        return None if body is None else hashlib.sha256(body).hexdigest()

    def put(self, path: Path, key: str) -> bool:
        digest = file_digest(path)
        if self.digest(key) == digest:
            return False
        checksum = base64.b64encode(bytes.fromhex(digest)).decode()

        def upload() -> None:
            with path.open("rb") as body:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=self._prefix + key,
                    Body=body,
                    ContentLength=path.stat().st_size,
                    ChecksumSHA256=checksum,
                    Metadata={_DIGEST: digest},
                )

        self._call("write", key, upload)
        return True

    def delete(self, key: str) -> None:
        self._call("delete", key, lambda: self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key))

    def _call(self, verb: str, key: str, call: Callable[[], T]) -> T:
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            IncompleteReadError,
            NoCredentialsError,
            ReadTimeoutError,
        )
        from urllib3.exceptions import HTTPError

        last: Exception | None = None
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(0.2 * 4**attempt)
            try:
                found = call()
                self._bucket_answered = True
                return found
            except ClientError as error:
                last = error
                self._raise_final(verb, key, error)
            except NoCredentialsError:
                raise StoreRefused(
                    f"{self.uri(key)}: cannot {verb}: no AWS credentials found; set AWS_ACCESS_KEY_ID and "
                    "AWS_SECRET_ACCESS_KEY, or name an Airflow connection in LOGBUCKET_AWS_CONN_ID"
                ) from None
            except (
                StoreUnavailable,
                IncompleteReadError,
                ReadTimeoutError,
                BotoCoreError,
                HTTPError,
                ConnectionError,
            ) as error:
                last = error
        raise StoreUnavailable(
            f"{self.uri(key)}: cannot {verb} after {_ATTEMPTS} attempts: {last}; check that the endpoint is reachable, then run again"
        ) from last

    def _raise_final(self, verb: str, key: str, error: Any) -> None:
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "NoSuchBucket":
            raise StoreRefused(
                f"{self.uri(key)}: bucket {self._bucket!r} does not exist; create it or correct the URI in sources.toml"
            ) from None
        if status == 412:
            raise ObjectChanged(f"{self.uri(key)}: the object was replaced while it was read. Run again.") from None
        if status in (401, 403) or code in (
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "AccessDenied",
            "ExpiredToken",
        ):
            raise StoreRefused(
                f"{self.uri(key)}: cannot {verb}: {code or status}: {error.response.get('Error', {}).get('Message', '')}; "
                "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the permissions of that key on the bucket"
            ) from None
        if status == 404 or code in ("NoSuchKey", "404"):
            if verb != "head":
                raise ObjectMissing(f"{self.uri(key)}: no such object") from None
            self._require_bucket(key)
            raise ObjectMissing(f"{self.uri(key)}: no such object") from None

    def _require_bucket(self, key: str) -> None:
        """A HEAD's 404 has no body: tell a missing bucket from a missing object."""
        if self._bucket_answered:
            return

        from botocore.exceptions import ClientError

        try:
            self._client.head_bucket(Bucket=self._bucket)
            self._bucket_answered = True
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                error.response["Error"]["Code"] = "NoSuchBucket"
                self._raise_final("head", key, error)


def _s3_client() -> S3Client:
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=10,
        read_timeout=60,
        retries={"mode": "standard", "max_attempts": 3},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path"} if _custom_endpoint() else {},
    )
    session = boto3.session.Session()
    options: dict[str, Any] = {"config": config, **_credentials}
    # boto3 itself does not read AWS_REGION; S3-compatible servers take any region
    options.setdefault("region_name", session.region_name or os.environ.get("AWS_REGION") or "us-east-1")
    client: S3Client = session.client("s3", **options)
    return client


def _custom_endpoint() -> bool:
    return bool(
        _credentials.get("endpoint_url") or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    )
