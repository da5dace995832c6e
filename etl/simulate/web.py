"""shop_web: nginx combined log with `$request_time` behind the user agent, from two hosts, gzip."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from random import Random
from typing import NamedTuple

from etl.simulate.world import Fate, Record, Source, World, cumulative, in_outage, zipf

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SITE = "https://shop.example"

_BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.6 Mobile/15E148 Safari/604.1"
    ),
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
    (
        "Mozilla/5.0 (Linux; Android 15; SM-S938N) AppleWebKit/537.36 (KHTML, like Gecko) "
        "SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36"
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/26.0 Safari/605.1.15"
    ),
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0",
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0"
    ),
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    (
        "Mozilla/5.0 (Linux; Android 14; SM-A546S; wv) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Version/4.0 Chrome/141.0.7390.43 Mobile Safari/537.36 KAKAOTALK 25.8.2"
    ),
)


class _Bot(NamedTuple):
    name: str
    address: str
    agent: str
    weight: float


_BOTS = (
    _Bot(
        "Googlebot",
        "66.249.66.{}",
        "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/141.0.7390.122 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        30,
    ),
    _Bot(
        "bingbot",
        "157.55.39.{}",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; "
        "+http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36",
        15,
    ),
    _Bot(
        "UptimeRobot",
        "69.162.124.{}",
        "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
        10,
    ),
    _Bot(
        "GPTBot",
        "20.171.207.{}",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
        18,
    ),
    _Bot(
        "ClaudeBot",
        "216.73.216.{}",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
        14,
    ),
    _Bot(
        "PerplexityBot",
        "18.97.9.{}",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0; "
        "+https://perplexity.ai/perplexitybot)",
        7,
    ),
    _Bot("CCBot", "18.97.14.{}", "CCBot/2.0 (https://commoncrawl.org/faq/)", 6),
)
_BOT_WEIGHTS = cumulative([bot.weight for bot in _BOTS])

_PROBE_AGENTS = ("python-requests/2.32.3", "curl/8.5.0", "Go-http-client/1.1", "Mozilla/5.0 zgrab/0.x", "-")
_PROBED = ("/wp-login.php", "/.env", "/.git/config", "/phpmyadmin/index.php", "/xmlrpc.php", "/vendor/.env")
_SEARCHES = ("coat", "wool+socks", "%EC%BD%94%ED%8A%B8", "running%20shoes", "%EC%9A%B4%EB%8F%99%ED%99%94", "tee")
_OUTSIDE = ("-", "-", "https://www.google.com/", "https://search.naver.com/", "https://m.search.naver.com/")


class _Target(NamedTuple):
    """What can be asked for. `median_ms` and `size` are the middle of the lognormal they are drawn with."""

    path: str
    group: str
    method: str
    median_ms: float
    size: int
    query: str = ""


_PAGES = (
    _Target("/", "page", "GET", 40, 18_000),
    _Target("/products", "page", "GET", 70, 32_000, "page={number}"),
    _Target("/search", "page", "GET", 140, 26_000, "q={word}&page={number}"),
    _Target("/cart", "page", "GET", 55, 9_000),
    _Target("/login", "page", "POST", 180, 420),
    _Target("/checkout", "page", "POST", 420, 5_200),
    *(_Target(f"/category/{name}", "page", "GET", 85, 29_000) for name in ("women", "men", "kids", "sale", "home")),
    *(_Target(f"/products/{1000 + 7 * i}", "page", "GET", 60, 24_000) for i in range(120)),
)
_API = (
    _Target("/api/v1/products", "api", "GET", 35, 3_800, "ids={number},1{number}&fields=price,stock"),
    _Target("/api/v1/search", "api", "GET", 95, 5_400, "q={word}&limit=20&offset={number}"),
    _Target("/api/v1/cart", "api", "POST", 48, 640),
    _Target("/api/v1/recommendations", "api", "GET", 160, 2_900, "user_id={number}&slot=home"),
    _Target("/api/v1/session", "api", "GET", 8, 210),
    _Target("/api/v1/events", "api", "POST", 6, 2),
)
_ASSETS = (
    _Target("/assets/app.3f9a1c.js", "asset", "GET", 2, 184_000),
    _Target("/assets/app.77e0b2.css", "asset", "GET", 1, 41_000),
    _Target("/favicon.ico", "asset", "GET", 1, 4_286),
    _Target("/assets/vendor.91bd04.js", "asset", "GET", 2, 312_000),
    _Target("/assets/pretendard.woff2", "asset", "GET", 2, 98_000),
    _Target("/robots.txt", "asset", "GET", 1, 118),
    *(_Target(f"/images/products/{1000 + 7 * i}.png", "asset", "GET", 3, 56_000) for i in range(120)),
)
_TARGETS = (*_PAGES, *_API, *_ASSETS)
_TARGET_WEIGHTS = cumulative(
    [*zipf(len(_PAGES), scale=0.3), *zipf(len(_API), scale=0.25), *zipf(len(_ASSETS), scale=0.45)]
)
_PAGE_WEIGHTS = cumulative(zipf(len(_PAGES), 0.6))

_STATUSES = {
    "page": ((200, 301, 404, 499, 500), cumulative((955, 20, 17, 6, 2))),
    "api": ((200, 400, 401, 404, 429, 499, 500), cumulative((955, 10, 12, 8, 5, 7, 3))),
    "asset": ((200, 304, 206, 404), cumulative((655, 330, 5, 10))),
}
_BODY_OF = {301: 162, 304: 0, 400: 157, 401: 172, 404: 548, 429: 162, 499: 0, 500: 572, 502: 552, 503: 592}


@lru_cache(maxsize=8)
def _visitors(world: World) -> tuple[list[tuple[str, str]], list[float]]:
    """(address, user agent) of the people, most frequent first, with cumulative weights.

    Addresses are from the ranges that RFC 2544, 5737 and 3849 keep for tests, so that no real person is in them.
    """
    rng = world.rng("visitors")
    people = []
    for _ in range(max(40, world.lines_per_hour // 6)):
        if rng.random() < 0.06:
            address = (
                f"2001:db8:{rng.randrange(0x10, 0xFFFF):x}:{rng.randrange(1, 0xFFF):x}::{rng.randrange(1, 0xFFFF):x}"
            )
        else:
            address = f"198.{rng.randrange(18, 20)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"
        people.append((address, rng.choice(_BROWSERS)))
        if rng.random() < 0.08:
            people.append((address, rng.choice(_BROWSERS)))
    return people, cumulative(zipf(len(people), 0.8))


def _answer(rng: Random, target: _Target, outage: bool) -> tuple[int, int, float]:
    """Status, body bytes and milliseconds."""
    if outage and target.group != "asset" and rng.random() < 0.45:
        status = 502 if rng.random() < 0.7 else 503
        return status, _BODY_OF[status], rng.lognormvariate(8, 0.4) if status == 502 else rng.uniform(0, 4)
    statuses, weights = _STATUSES[target.group]
    status = rng.choices(statuses, cum_weights=weights)[0]
    size = _BODY_OF[status] if status in _BODY_OF else round(target.size * rng.lognormvariate(0, 0.25))
    ms = target.median_ms * rng.lognormvariate(0, 0.6)
    return status, size, ms * rng.uniform(5, 40) if rng.random() < 0.01 else ms


def _query(rng: Random, target: _Target) -> str:
    if not target.query:
        return target.path
    return f"{target.path}?{target.query.format(word=rng.choice(_SEARCHES), number=rng.randrange(1, 60))}"


def _tls_hello(rng: Random) -> str:
    """A TLS client hello as nginx escapes it in a log: every byte outside the printable ASCII, `"` and `\\`."""
    tail = bytes(rng.randrange(256) for _ in range(32))
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + tail
    return "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\x{b:02X}" for b in hello)


class _Request(NamedTuple):
    kind: str
    address: str
    agent: str
    referrer: str
    line: str
    status: int
    size: int
    ms: float


def _person(world: World, rng: Random, outage: bool) -> _Request:
    people, weights = _visitors(world)
    address, agent = rng.choices(people, cum_weights=weights)[0]
    target = rng.choices(_TARGETS, cum_weights=_TARGET_WEIGHTS)[0]
    inside = target.group != "page" or rng.random() < 0.6
    referrer = _SITE + rng.choices(_PAGES, cum_weights=_PAGE_WEIGHTS)[0].path if inside else rng.choice(_OUTSIDE)
    status, size, ms = _answer(rng, target, outage)
    line = f"{target.method} {_query(rng, target)} HTTP/{'2.0' if rng.random() < 0.8 else '1.1'}"
    return _Request("request", address, agent, referrer, line, status, size, ms)


def _robot(world: World, rng: Random, outage: bool) -> _Request:
    bot = rng.choices(_BOTS, cum_weights=_BOT_WEIGHTS)[0]
    watches = bot.name == "UptimeRobot"
    target = _PAGES[0] if watches else rng.choices(_PAGES, cum_weights=_PAGE_WEIGHTS)[0]
    status, size, ms = _answer(rng, target, outage)
    line = f"{'HEAD' if watches else 'GET'} {_query(rng, target)} HTTP/1.1"
    address = bot.address.format(rng.randrange(1, 12))
    return _Request(f"bot.{bot.name}", address, bot.agent, "-", line, status, 0 if watches else size, ms)


def _stranger(rng: Random) -> tuple[str, float]:
    return f"203.0.113.{rng.randrange(1, 255)}", rng.uniform(0, 3)


def _probe(world: World, rng: Random, outage: bool) -> _Request:
    address, ms = _stranger(rng)
    line = f"GET {rng.choice(_PROBED)} HTTP/1.1"
    return _Request("probe", address, rng.choice(_PROBE_AGENTS), "-", line, 404, _BODY_OF[404], ms)


def _tls_probe(world: World, rng: Random, outage: bool) -> _Request:
    address, ms = _stranger(rng)
    return _Request("tls_probe", address, "-", "-", _tls_hello(rng), 400, _BODY_OF[400], ms)


def _empty_request(world: World, rng: Random, outage: bool) -> _Request:
    address, ms = _stranger(rng)
    status = rng.choice((400, 408))
    return _Request("empty_request", address, "-", "-", "-", status, 0, 60_000 + ms if status == 408 else ms)


def _cut(world: World, rng: Random, outage: bool) -> _Request:
    return _person(world, rng, outage)._replace(kind="cut_user_agent")


_MAKERS = (_person, _robot, _probe, _tls_probe, _empty_request, _cut)
_MAKER_WEIGHTS = cumulative((0.87, 0.105, 0.018, 0.003, 0.003, 0.001))


def _records(world: World, hour: int, rng: Random) -> Iterator[Record]:
    outages = world.outages()
    moments = world.moments(hour, rng)
    for ms, make in zip(moments, rng.choices(_MAKERS, cum_weights=_MAKER_WEIGHTS, k=len(moments)), strict=True):
        request = make(world, rng, in_outage(outages, ms))
        time = world.time(ms)
        stamp = f"{time.day:02}/{_MONTHS[time.month - 1]}/{time.year}:{time:%H:%M:%S} +0000"
        line = (
            f'{request.address} - - [{stamp}] "{request.line}" {request.status} {request.size} '
            f'"{request.referrer}" "{request.agent}'
        )
        cut = make is _cut
        if cut:
            line = line[: len(line) - rng.randrange(10, len(request.agent) - 10)]
        else:
            line += f'" {request.ms / 1000:.3f}'
        counts = {"requests": 1, "response_bytes": request.size, f"status_{request.status // 100}xx": 1}
        distinct = [("clients", request.address)]
        if request.kind.startswith("bot."):
            counts[request.kind] = 1
        if not cut:
            distinct.append(("visitors", f"{request.address} {request.agent}"))
        yield Record(
            world.arrival(rng, ms),
            rng.choice(_HOSTS),
            line.encode() + b"\n",
            1,
            Fate.PARTIAL if cut or make is _tls_probe else Fate.ROW,
            ms,
            request.kind,
            counts,
            tuple(distinct),
        )


_GARBAGE = (
    b"garbage",
    b"worker process 31 exited on signal 9",
    b"\x00\x00\x00\x00 core dumped",
    b"\xff\xfe\xc3(\xa0\xa1 not text",
    b"log_format main: reopening",
)


def _malformed(rng: Random, good: bytes) -> bytes:
    """Garbage, or a line cut so early that no whole time is left."""
    if rng.random() < 0.4:
        return rng.choice(_GARBAGE)
    return good[: rng.randrange(3, good.index(b"]") - 9)]


_HOSTS = ("web-1", "web-2")

SHOP_WEB = Source(
    name="shop_web",
    hosts=_HOSTS,
    suffix=".log.gz",
    settings='format = "combined"\nzone = "UTC"\nservice_name = "shop"\ndeduplicate = "objects"\n',
    records=_records,
    malformed=_malformed,
    objects_per_hour=2,
    upload_twice=True,
)
