"""shop_app: logback lines in zoneless Seoul time with Java stack traces, from two hosts, not compressed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import NamedTuple

from etl.simulate.world import Fate, Record, Source, World, cumulative, in_outage

# Seoul has had no daylight saving time since 1988, so the offset needs no time zone database.
_SEOUL = timedelta(hours=9)
_HOSTS = ("app-1", "app-2")
_CLOCK_SKEW_MS = {"app-1": 0, "app-2": -4_000}
_LINES_PER_RECORD = 1.28

_SERVLET = (
    "org.springframework.web.servlet.FrameworkServlet.service(FrameworkServlet.java:885)",
    "jakarta.servlet.http.HttpServlet.service(HttpServlet.java:658)",
    "org.apache.catalina.core.ApplicationFilterChain.internalDoFilter(ApplicationFilterChain.java:195)",
    "org.apache.catalina.core.StandardWrapperValve.invoke(StandardWrapperValve.java:167)",
    "org.apache.coyote.http11.Http11Processor.service(Http11Processor.java:391)",
    "org.apache.tomcat.util.net.NioEndpoint$SocketProcessor.doRun(NioEndpoint.java:1774)",
    "java.base/java.lang.Thread.run(Thread.java:1583)",
)


class _Message(NamedTuple):
    severity: str
    logger: str
    text: str


class _Error(NamedTuple):
    """A kind of error; `chain` holds (exception, own frames) from the outermost to the root cause."""

    kind: str
    logger: str
    text: str
    chain: tuple[tuple[str, tuple[str, ...]], ...]
    weight: float
    weight_in_outage: float
    from_midway: bool = False


_ERRORS = (
    _Error(
        "payment_timeout",
        "com.shop.checkout.PaymentService",
        "Payment {big} of order {number} failed after {small} attempts",
        (
            (
                "com.shop.checkout.PaymentException: gateway did not answer within {ms} ms",
                (
                    "com.shop.checkout.PaymentService.charge(PaymentService.java:142)",
                    "com.shop.checkout.CheckoutController.pay(CheckoutController.java:87)",
                ),
            ),
            (
                "java.net.SocketTimeoutException: Read timed out",
                (
                    "java.base/sun.nio.ch.NioSocketImpl.timedRead(NioSocketImpl.java:278)",
                    "com.shop.checkout.GatewayClient.post(GatewayClient.java:64)",
                ),
            ),
        ),
        3,
        60,
    ),
    _Error(
        "stock_conflict",
        "com.shop.inventory.StockService",
        "Could not reserve {small} of SKU-{number}",
        (
            (
                (
                    "org.springframework.orm.ObjectOptimisticLockingFailureException: Row was updated by another "
                    "transaction: [com.shop.inventory.Stock#{number}]"
                ),
                ("com.shop.inventory.StockService.reserve(StockService.java:51)",),
            ),
            (
                "org.hibernate.StaleObjectStateException: Row was updated or deleted: [Stock#{number}]",
                ("org.hibernate.persister.entity.AbstractEntityPersister.check(AbstractEntityPersister.java:2651)",),
            ),
        ),
        3,
        3,
    ),
    _Error(
        "cart_null",
        "com.shop.cart.CartController",
        "Cart {hex} could not be shown",
        (
            (
                'java.lang.NullPointerException: Cannot invoke "com.shop.cart.Item.price()" because "item" is null',
                (
                    "com.shop.cart.CartView.total(CartView.java:39)",
                    "com.shop.cart.CartController.show(CartController.java:28)",
                ),
            ),
        ),
        2,
        2,
    ),
    _Error(
        "pool_exhausted",
        "com.shop.order.OrderRepository",
        "Query for customer {number} failed",
        (
            (
                "org.springframework.dao.DataAccessResourceFailureException: Unable to acquire JDBC Connection",
                ("com.shop.order.OrderRepository.findOpen(OrderRepository.java:73)",),
            ),
            (
                "org.hibernate.exception.JDBCConnectionException: Unable to acquire JDBC Connection",
                ("org.hibernate.internal.SessionImpl.connection(SessionImpl.java:512)",),
            ),
            (
                (
                    "java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, "
                    "request timed out after {ms}ms"
                ),
                ("com.zaxxer.hikari.pool.HikariPool.createTimeoutException(HikariPool.java:686)",),
            ),
        ),
        1,
        25,
    ),
    _Error("mail_rejected", "com.shop.mail.MailSender", "Mail to customer {number} rejected: 550 no mailbox", (), 3, 3),
    _Error(
        "search_circuit_open",
        "com.shop.search.SearchService",
        "Search shard {small} refused query {hex}",
        (
            (
                "com.shop.search.CircuitOpenException: breaker 'search-{small}' is open for {ms} ms",
                ("com.shop.search.SearchClient.query(SearchClient.java:118)",),
            ),
        ),
        4,
        4,
        from_midway=True,
    ),
)

_MESSAGES = (
    _Message("INFO", "com.shop.order.OrderService", "Order {number} accepted, {small} items, {big} KRW"),
    _Message("INFO", "com.shop.cart.CartController", "Cart {hex} updated in {ms} ms"),
    _Message("INFO", "com.shop.auth.LoginService", "Customer {number} logged in"),
    _Message("INFO", "com.shop.order.OrderService", "주문 {number} 배송 준비 완료"),
    _Message("DEBUG", "com.shop.search.SearchClient", "query={hex} hits={number} took={ms}ms"),
    _Message("DEBUG", "org.hibernate.SQL", "select s.id, s.count from stock s where s.sku = ? -- {number}"),
    _Message("WARN", "com.shop.checkout.GatewayClient", "Gateway slow: {ms} ms for payment {big}"),
    _Message("WARN", "com.zaxxer.hikari.pool.HikariPool", "HikariPool-1 - {small} threads awaiting connection"),
)
_MESSAGE_WEIGHTS = cumulative((30, 22, 16, 5, 14, 8, 3, 2))
_ERROR_SHARE = 0.015
_ERROR_SHARE_IN_OUTAGE = 0.3


def _fill(rng: Random, text: str) -> str:
    if "{" not in text:
        return text
    return text.format(
        number=rng.randrange(1, 200_000),
        big=rng.randrange(1_000_000, 99_999_999),
        small=rng.randrange(1, 9),
        ms=rng.randrange(3, 30_000),
        hex=f"{rng.getrandbits(48):012x}",
    )


def _trace(rng: Random, error: _Error) -> list[str]:
    """The lines of a stack trace as Throwable.printStackTrace writes them: causes hide the frames they share."""
    lines = []
    for depth, (exception, frames) in enumerate(error.chain):
        lines.append(("Caused by: " if depth else "") + _fill(rng, exception))
        lines += [f"\tat {frame}" for frame in frames]
        lines += [f"\t... {len(_SERVLET) + depth} more"] if depth else [f"\tat {frame}" for frame in _SERVLET]
    return lines


def _records(world: World, hour: int, rng: Random) -> Iterator[Record]:
    outages = world.outages()
    early = [error for error in _ERRORS if not error.from_midway]
    weights = {
        (late, outage): cumulative([e.weight_in_outage if outage else e.weight for e in (_ERRORS if late else early)])
        for late in (False, True)
        for outage in (False, True)
    }
    for ms in world.moments(hour, rng, _LINES_PER_RECORD):
        outage, host = in_outage(outages, ms), rng.choice(_HOSTS)
        event_ms = ms + _CLOCK_SKEW_MS[host]
        trace: list[str] = []
        if rng.random() < (_ERROR_SHARE_IN_OUTAGE if outage else _ERROR_SHARE):
            late = ms >= world.midway_ms
            error = rng.choices(_ERRORS if late else early, cum_weights=weights[late, outage])[0]
            message, kind, trace = (
                _Message("ERROR", error.logger, error.text),
                f"error.{error.kind}",
                _trace(rng, error),
            )
        else:
            message, kind = rng.choices(_MESSAGES, cum_weights=_MESSAGE_WEIGHTS)[0], "message"
        stamp = (world.time(event_ms) + _SEOUL).isoformat(" ", "milliseconds")
        thread = f"http-nio-8080-exec-{rng.randrange(1, 33)}"
        head = f"{stamp} [{thread}] {message.severity:<5} {message.logger} - {_fill(rng, message.text)}"
        counts = {f"severity.{message.severity}": 1}
        if message.severity == "ERROR":
            counts[kind] = 1
        yield Record(
            world.arrival(rng, ms),
            host,
            "".join(f"{line}\n" for line in (head, *trace)).encode(),
            1 + len(trace),
            Fate.ROW,
            event_ms,
            kind,
            counts,
        )


_IMPOSSIBLE = ("2026-13-45 99:99:99.000", "2026-02-30 25:61:00.000", "0000-00-00 00:00:00.000")


def _malformed(rng: Random, good: bytes) -> bytes:
    """A line that starts like a record but holds no time: anything else would continue the record before it."""
    return f"{rng.choice(_IMPOSSIBLE)} [main] INFO  com.shop.Boot - clock not set, boot {rng.randrange(1000)}".encode()


SHOP_APP = Source(
    name="shop_app",
    hosts=_HOSTS,
    suffix=".log",
    settings='format = "logback"\nzone = "Asia/Seoul"\nservice_name = "shop"\ndeduplicate = "none"\n',
    records=_records,
    malformed=_malformed,
    objects_per_hour=2,
    cut_inside_records=True,
)
