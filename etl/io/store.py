"""Objects in a local folder or in S3, behind one interface.

Writing is one atomic replacement: locally temp file, fsync, ``os.replace``, fsync of the folder; on S3 one
``put_object`` with length and SHA-256. An object whose content would not change is not written again.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import itertools
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

from etl.errors import (
    ConfigError,
    ContentDamaged,
    ObjectChanged,
    ObjectMissing,
    ScratchUnavailable,
    StoreRefused,
    StoreUnavailable,
)
from etl.io.deadline import DeadlineExceeded, Limit, within

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

T = TypeVar("T")
_CHUNK = 1 << 20
_DIGEST = "logbucket-sha256"
# the end of an object, which is all that is read of most Parquet files, has a digest of its own
_TAIL_DIGEST = "logbucket-tail-sha256"
_TAIL_BYTES = 64 * 1024
# nanoseconds since 1970; S3 itself sets LastModified to the time of the upload
_MODIFIED = "logbucket-modified"
_ATTEMPTS = 6
_FIRST_PAUSE_SECONDS = 0.4
_TIMEOUT_SECONDS = 60.0
_DEADLINE_SECONDS = 240.0
_SLOWEST_BYTES_PER_SECOND = 256 * 1024
_OVERLAY = "overlay:"
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+:/")
_IS_MD5 = re.compile(r"[0-9a-f]{32}")
# said with a status that else means a mistake of ours
_PASSING = ("RequestTimeout", "BadDigest", "IncompleteBody", "SlowDown", "XAmzContentSHA256Mismatch")
_CONNECTIONS = 16
_credentials: dict[str, str] = {}
_clients: dict[tuple[Any, ...], S3Client] = {}
_takes = itertools.count()


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
        """A local file with the object's content and modification time; a copy inside ``folder`` unless the store is local.

        Raises ObjectMissing, and ObjectChanged where ``etag`` is given and no longer current.
        """

    def read(self, key: str) -> bytes | None:
        """A small object's bytes, or None where it does not exist."""

    def tail(self, key: str, length: int) -> bytes | None:
        """The last ``length`` bytes of an object, or None where it does not exist."""

    def digest(self, key: str) -> str | None:
        """SHA-256 of the object's content in hex, or None where it does not exist."""

    def put(self, path: Path, key: str, modified_ns: int | None = None) -> bool:
        """Replace an object by a local file; False where it already had that content.

        ``modified_ns`` is the modification time (since 1970) that :meth:`fetch` is to give its copy; else it is now.
        """

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens where there is none."""


def use_credentials(**credentials: str | None) -> None:
    """Use these for every S3 client of this process instead of the AWS environment.

    Keys as in ``boto3.client``: endpoint_url, region_name, aws_access_key_id, aws_secret_access_key, aws_session_token.
    """
    global _credentials
    # as a whole: in a server other threads are making clients meanwhile
    _credentials = {key: value for key, value in credentials.items() if value}


def open_store(uri: str) -> Store:
    """The store at a folder path or ``s3://bucket/prefix``. Raises ConfigError for another kind."""
    if uri.startswith(_OVERLAY):
        from etl.io.overlay import OverlayStore

        folder, _, below = uri.removeprefix(_OVERLAY).partition("\0")
        return OverlayStore(open_store(below), Path(folder))
    if uri.startswith("s3://"):
        return S3Store(uri)
    if _SCHEME.match(uri):
        raise ConfigError("store", uri, "a folder or s3://bucket/prefix")
    return LocalStore(uri)


def overlay_uri(folder: Path, lake: str) -> str:
    """The URI of a lake whose changes stay in ``folder``: for this process only, not for ``sources.toml``."""
    return f"{_OVERLAY}{folder}\0{lake}"


def put_bytes(store: Store, data: bytes, key: str, folder: Path | None = None) -> bool:
    """Store small bytes under a key; ``folder`` holds the temp file, None: one of its own. False where nothing changed.

    Raises ScratchUnavailable, and store errors.
    """
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="logbucket-") as own:
            return put_bytes(store, data, key, Path(own))
    path = folder / f"put-{secrets.token_hex(8)}"
    try:
        path.write_bytes(data)
    except OSError as error:
        raise ScratchUnavailable(path, error.strerror) from None
    try:
        return store.put(path, key)
    finally:
        path.unlink()


def take(store: Store, key: str, folder: Path, etag: str | None = None) -> Path:
    """As :meth:`Store.fetch`, but always a file in ``folder``, which keeps one content while the object is replaced.

    Raises as fetch does, and ScratchUnavailable.
    """
    path = store.fetch(key, folder, etag)
    if path.parent == folder:
        return path
    target = folder / f"take-{next(_takes)}"
    try:
        os.link(path, target)
    except FileNotFoundError:
        raise ObjectMissing(f"{store.uri(key)}: no such file; it was deleted after it was listed. Run again.") from None
    except OSError:
        # another filesystem, or links are refused; objects are replaced whole, so one open file is one content
        _copy_file(store, key, path, target)
    return target


def _copy_file(store: Store, key: str, path: Path, target: Path) -> None:
    try:
        shutil.copyfile(path, target)
    except FileNotFoundError:
        raise ObjectMissing(f"{store.uri(key)}: no such file; it was deleted after it was listed. Run again.") from None
    except OSError as error:
        raise ScratchUnavailable(target, error.strerror) from None


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
        for stat in sorted(self._walk(start), key=lambda item: item.key):
            if stat.key.startswith(prefix):
                yield stat

    def _walk(self, folder: Path, above: tuple[tuple[int, int], ...] = ()) -> Iterator[Stat]:
        try:
            found = folder.stat()
            if (found.st_dev, found.st_ino) in above:
                # a link to a folder that it is in
                return
            above = (*above, (found.st_dev, found.st_ino))
            entries = list(os.scandir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            self._refuse("list", str(folder), error)
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from self._walk(Path(entry.path), above)
            elif entry.is_file() and (stat := self._stat(Path(entry.path))):
                yield stat

    def _stat(self, path: Path) -> Stat | None:
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._refuse("look at", str(path), error)
        modified = datetime.fromtimestamp(found.st_mtime_ns // 10**9, UTC).replace(tzinfo=None)
        return Stat(
            path.relative_to(self._path).as_posix(), f"{found.st_size:x}-{found.st_mtime_ns:x}", found.st_size, modified
        )

    def stat(self, key: str) -> Stat | None:
        return self._stat(self._file(key))

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
        except OSError as error:
            self._refuse("read", self.uri(key), error)

    def digest(self, key: str) -> str | None:
        try:
            return file_digest(self._file(key))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._refuse("read", self.uri(key), error)

    def put(self, path: Path, key: str, modified_ns: int | None = None) -> bool:
        target = self._file(key)
        present = self.stat(key)
        if present and present.size == path.stat().st_size and self.digest(key) == file_digest(path):
            return False
        temp = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with path.open("rb") as source, temp.open("wb") as sink:
                shutil.copyfileobj(source, sink, _CHUNK)
                sink.flush()
                if modified_ns is not None:
                    os.utime(sink.fileno(), ns=(modified_ns, modified_ns))
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
    """A bucket and prefix, through boto3 with the usual AWS environment or :func:`use_credentials`.

    Every byte that is read is compared with what the store or the writer told of it: the SHA-256 that :meth:`put` leaves
    with the object, else the checksum that S3 keeps, else an ETag that is the MD5 of the content.
    """

    def __init__(self, uri: str) -> None:
        self.root = uri.rstrip("/")
        self.bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        self._prefix = prefix.rstrip("/") + "/" if prefix.strip("/") else ""
        self._bucket_answered = False

    @property
    def client(self) -> S3Client:
        """The boto3 client, for what only S3 has."""
        return _s3_client()

    def place(self, key: str) -> dict[str, Any]:
        """Bucket and key as boto3 wants them."""
        return {"Bucket": self.bucket, "Key": self._prefix + key}

    def uri(self, key: str) -> str:
        return f"{self.root}/{key}"

    def any_key(self) -> str | None:
        """The key of some object, or None where there is none: one request, whatever lies there."""
        page = self._call(
            "list", "", lambda _: self.client.list_objects_v2(Bucket=self.bucket, Prefix=self._prefix, MaxKeys=20)
        )
        keys = [item["Key"][len(self._prefix) :] for item in page.get("Contents", ())]
        return next((key for key in keys if key and not key.endswith("/")), None)

    def list(self, prefix: str) -> Iterator[Stat]:
        items: list[Any] = []
        more: dict[str, str] = {}
        while True:
            page = self._call("list", prefix, lambda _, more=more: self._page(prefix, more))  # type: ignore[misc]
            items += page.get("Contents", ())
            if not page["IsTruncated"]:
                break
            more = {"ContinuationToken": page["NextContinuationToken"]}
        # consoles mark a folder with an empty object; one that has content is an object like others
        kept = (self._stat(item) for item in items if item["Size"] or not item["Key"].endswith("/"))
        yield from sorted(kept, key=lambda item: item.key)

    def _page(self, prefix: str, more: dict[str, str]) -> Any:
        page = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self._prefix + prefix, **more)  # type: ignore[arg-type]
        # boto3 takes an empty answer for an empty listing, and a lost token for the last page: objects would seem deleted
        if "IsTruncated" not in page or (page["IsTruncated"] and not page.get("NextContinuationToken")):
            raise StoreUnavailable("the listing was cut short")
        return page

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
            return self._call("head", key, lambda _: self.client.head_object(**self.place(key)))
        except ObjectMissing:
            return None

    def fetch(self, key: str, folder: Path, etag: str | None = None) -> Path:
        condition = {"IfMatch": f'"{etag}"'} if etag else {}

        def download(limit: Limit) -> Path:
            # a name for each attempt: one that was given up may still be writing
            path = folder / f"fetch-{secrets.token_hex(8)}"
            with path.open("wb") as sink:
                modified_ns = self._receive(key, sink, limit, **condition)
            os.utime(path, ns=(modified_ns, modified_ns))
            return path

        return self._call("read", key, download)

    def read(self, key: str) -> bytes | None:
        def download(limit: Limit) -> bytes:
            sink = io.BytesIO()
            self._receive(key, sink, limit)
            return sink.getvalue()

        try:
            return self._call("read", key, download)
        except ObjectMissing:
            return None

    def tail(self, key: str, length: int) -> bytes | None:
        def download(limit: Limit) -> bytes:
            if length <= _TAIL_BYTES:
                return self._tail(key, limit)[-length:]
            with tempfile.TemporaryFile(dir=scratch_root()) as sink:
                self._receive(key, sink, limit)
                sink.seek(max(0, sink.tell() - length))
                return sink.read()

        try:
            return self._call("read", key, download)
        except ObjectMissing:
            return None

    def _receive(self, key: str, sink: IO[bytes], limit: Limit, **options: str) -> int:
        """Write a whole object to ``sink``; its modification time in nanoseconds.

        Raises StoreUnavailable unless it is complete and undamaged.
        """
        answer = self._get(key, ChecksumMode="ENABLED", **options)
        limit.extend(answer["ContentLength"] / _SLOWEST_BYTES_PER_SECOND)
        recorded = answer["Metadata"].get(_DIGEST)
        md5 = None if recorded else _md5(answer)
        digest = hashlib.md5(usedforsecurity=False) if md5 else hashlib.sha256()
        size = 0
        while chunk := answer["Body"].read(_CHUNK):
            limit.require()
            digest.update(chunk)
            sink.write(chunk)
            size += len(chunk)
        if size != answer["ContentLength"]:
            raise StoreUnavailable(f"{size} of {answer['ContentLength']} bytes arrived")
        if recorded and digest.hexdigest() != recorded:
            raise ContentDamaged(f"its content is damaged: SHA-256 {digest.hexdigest()}, written was {recorded}")
        if md5 and digest.hexdigest() != md5:
            raise ContentDamaged(
                f"its content is damaged: MD5 {digest.hexdigest()}, ETag {md5} "
                "(if the ETags of this store are no MD5, set LOGBUCKET_ETAG=opaque)"
            )
        kept = answer["Metadata"].get(_MODIFIED, "")
        return int(kept) if kept.isdecimal() else int(answer["LastModified"].timestamp()) * 10**9

    def _tail(self, key: str, limit: Limit) -> bytes:
        answer = self._get(key, Range=f"bytes=-{_TAIL_BYTES}")
        limit.extend(answer["ContentLength"] / _SLOWEST_BYTES_PER_SECOND)
        data: bytes = answer["Body"].read()
        if len(data) != answer["ContentLength"]:
            raise StoreUnavailable(f"{len(data)} of {answer['ContentLength']} bytes arrived")
        # a server that knows no ranges sends the whole
        data = data[-_TAIL_BYTES:]
        recorded = answer["Metadata"].get(_TAIL_DIGEST)
        if recorded and hashlib.sha256(data).hexdigest() != recorded:
            raise ContentDamaged("the end of its content is damaged: its SHA-256 is not the one that was written")
        return data

    def _get(self, key: str, **options: str) -> Any:
        return self.client.get_object(**self.place(key), **options)  # type: ignore[arg-type]

    def digest(self, key: str) -> str | None:
        head = self._head(key)
        if head is None:
            return None
        if recorded := head["Metadata"].get(_DIGEST):
            return str(recorded)
        with tempfile.TemporaryDirectory(dir=scratch_root()) as folder:
            try:
                return file_digest(self.fetch(key, Path(folder)))
            except ObjectMissing:
                return None

    def put(self, path: Path, key: str, modified_ns: int | None = None) -> bool:
        digest = file_digest(path)
        if self.digest(key) == digest:
            return False
        size = path.stat().st_size
        with path.open("rb") as file:
            file.seek(max(0, size - _TAIL_BYTES))
            metadata = {_DIGEST: digest, _TAIL_DIGEST: hashlib.sha256(file.read()).hexdigest()}
        if modified_ns is not None:
            metadata[_MODIFIED] = str(modified_ns)

        def upload(limit: Limit) -> None:
            limit.extend(size / _SLOWEST_BYTES_PER_SECOND)
            with path.open("rb") as body:
                self.client.put_object(
                    **self.place(key),
                    Body=body,
                    ContentLength=size,
                    ChecksumSHA256=base64.b64encode(bytes.fromhex(digest)).decode(),
                    Metadata=metadata,
                )

        self._call("write", key, upload)
        return True

    def delete(self, key: str) -> None:
        self._call("delete", key, lambda _: self.client.delete_object(**self.place(key)))

    def _call(self, verb: str, key: str, call: Callable[[Limit], T]) -> T:
        """One operation: at most ``_ATTEMPTS`` requests, all of them within the deadline plus the time for their bytes."""
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            NoCredentialsError,
            ParamValidationError,
            PartialCredentialsError,
        )
        from urllib3.exceptions import HTTPError

        begun, deadline = time.monotonic(), seconds("LOGBUCKET_STORE_DEADLINE", _DEADLINE_SECONDS)
        end = begun + deadline
        for attempt in range(_ATTEMPTS):
            # half of what is left: after an attempt that is stuck there is time for another
            limit = Limit((end - time.monotonic()) / 2)
            try:
                found = within(limit, call)
                self._bucket_answered = True
                return found
            except ClientError as error:
                last: Exception = error
                self._raise_final(verb, key, error)
            except (NoCredentialsError, PartialCredentialsError):
                raise StoreRefused(
                    f"{self.uri(key)}: cannot {verb}: no AWS credentials found; set AWS_ACCESS_KEY_ID and "
                    "AWS_SECRET_ACCESS_KEY, or name an Airflow connection in LOGBUCKET_AWS_CONN_ID"
                ) from None
            except ParamValidationError as error:
                raise StoreRefused(
                    f"{self.uri(key)}: cannot {verb}: {error}; correct the URI in sources.toml"
                ) from None
            except (StoreUnavailable, DeadlineExceeded, BotoCoreError, HTTPError, ConnectionError) as error:
                last = error
            end += limit.extended
            pause = _FIRST_PAUSE_SECONDS * 2**attempt * (1 + secrets.randbelow(100) / 100)
            if attempt == _ATTEMPTS - 1 or time.monotonic() + pause >= end:
                break
            time.sleep(pause)
        kind = ContentDamaged if isinstance(last, ContentDamaged) else StoreUnavailable
        raise kind(
            f"{self.uri(key)}: cannot {verb}, {attempt + 1} attempts in {time.monotonic() - begun:.0f} s: {last}; "
            "check that the endpoint is reachable, then run again"
        ) from last

    def _raise_final(self, verb: str, key: str, error: Any) -> None:
        """Raise what no further attempt can change; return where one may help."""
        if verb == "head" and error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") in (400, 401, 403):
            self._explain_head(key)
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        said = f"{code or status}: {error.response.get('Error', {}).get('Message', '')}"
        if code == "NoSuchBucket":
            raise StoreRefused(
                f"{self.uri(key)}: bucket {self.bucket!r} does not exist; create it or correct the URI in sources.toml"
            ) from None
        if status == 412:
            raise ObjectChanged(f"{self.uri(key)}: the object was replaced while it was read. Run again.") from None
        if code in ("ExpiredToken", "TokenRefreshRequired"):
            expired = StoreRefused(
                f"{self.uri(key)}: cannot {verb}: {said}; the temporary credentials ended while this ran. Run again "
                "with fresh ones (a retry of an Airflow task fetches them anew); what is done is not done again"
            )
            expired.retryable = True
            raise expired from None
        if code == "RequestTimeTooSkewed":
            raise StoreRefused(
                f"{self.uri(key)}: cannot {verb}: {said}; the clock of this machine says "
                f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC: set it right (NTP) and run again"
            ) from None
        if status in (401, 403) or code in ("InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied"):
            raise StoreRefused(
                f"{self.uri(key)}: cannot {verb}: {said}; "
                "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the permissions of that key on the bucket"
            ) from None
        if status == 404 or code in ("NoSuchKey", "404"):
            if verb == "head":
                self._require_bucket(key)
            raise ObjectMissing(f"{self.uri(key)}: no such object") from None
        hopeless = 300 <= status < 500 and status not in (408, 409, 429) and code not in _PASSING
        if hopeless or status == 501:
            raise StoreRefused(
                f"{self.uri(key)}: cannot {verb}: {said}; correct the URI, the region or the endpoint"
            ) from None

    def _explain_head(self, key: str) -> None:
        """A HEAD's refusal has no body either: ask for the same in a way that is answered with the reason."""
        with contextlib.suppress(ObjectMissing, ObjectChanged):
            self._call("read", key, lambda _: self._get(key, Range="bytes=0-0"))

    def _require_bucket(self, key: str) -> None:
        """A HEAD's 404 has no body: tell a missing bucket from a missing object."""
        if self._bucket_answered:
            return
        try:
            self._call("look for", "", lambda _: self.client.head_bucket(Bucket=self.bucket))
        except ObjectMissing:
            raise StoreRefused(
                f"{self.uri(key)}: bucket {self.bucket!r} does not exist; create it or correct the URI in sources.toml"
            ) from None
        except StoreRefused:
            # a key that may not ask for the bucket may still read in it
            return


def _md5(answer: Any) -> str | None:
    """The MD5 that an answer's ETag is, or None: multipart uploads and objects encrypted by KMS or the client have another."""
    etag = answer["ETag"].strip('"')
    encrypted = str(answer.get("ServerSideEncryption", "")).startswith("aws:") or answer.get("SSECustomerAlgorithm")
    opaque = encrypted or os.environ.get("LOGBUCKET_ETAG") == "opaque"
    return etag if _IS_MD5.fullmatch(etag) and not opaque else None


def seconds(variable: str, default: float) -> float:
    """A positive number of seconds from the environment. Raises ConfigError."""
    text = os.environ.get(variable) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ConfigError(f"environment variable {variable}", text, "a number of seconds above 0")
    return value


def scratch_root() -> str | None:
    """The folder below which scratch files lie, None for the system's. Raises ConfigError where it is not there."""
    folder = os.environ.get("LOGBUCKET_TMP") or None
    if folder and not Path(folder).is_dir():
        raise ConfigError("environment variable LOGBUCKET_TMP", folder, "an existing folder for scratch files")
    return folder


def _s3_client() -> S3Client:
    """The client of this process for the present credentials: making one takes longer than most requests."""
    timeout = seconds("LOGBUCKET_STORE_TIMEOUT", _TIMEOUT_SECONDS)
    environment = sorted(item for item in os.environ.items() if item[0].startswith("AWS_"))
    # boto3 clients must not cross a fork
    key = (os.getpid(), timeout, *sorted(_credentials.items()), *environment)
    client = _clients.get(key)
    if client is None:
        client = _new_client(timeout)
        _clients.clear()
        _clients[key] = client
    return client


def _new_client(timeout: float) -> S3Client:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        connect_timeout=min(10, timeout),
        read_timeout=timeout,
        retries={"total_max_attempts": 1},
        max_pool_connections=_CONNECTIONS,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path"} if _custom_endpoint() else {},
    )
    options: dict[str, Any] = {"config": config, **_credentials}
    try:
        session = boto3.session.Session()
        # boto3 itself does not read AWS_REGION; S3-compatible servers take any region
        options.setdefault("region_name", session.region_name or os.environ.get("AWS_REGION") or "us-east-1")
        client: S3Client = session.client("s3", **options)
    except (BotoCoreError, ValueError) as error:
        raise StoreRefused(
            f"S3: {error}; correct AWS_PROFILE, AWS_DEFAULT_REGION and AWS_ENDPOINT_URL_S3, which is written as "
            "http://127.0.0.1:9000, or the Airflow connection"
        ) from None
    return client


def _custom_endpoint() -> bool:
    return bool(
        _credentials.get("endpoint_url") or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    )
