"""### Log reports

An entry in Airflow's navigation and a tab on each DAG: stored reports, freshness, books, quarantine and revisions of the lake.

Whoever is logged in to Airflow may read; nothing can be changed here. Every page is HTML without scripts, and reads only the hours
it shows. Airflow imports this file in all its components, so what is heavy is imported where the API server needs it.
"""

# no postponed annotations here: FastAPI reads those of functions that are made in a function
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from fastapi import FastAPI

PREFIX = "/log-reports"
PAGES = Path(__file__).parent / "pages"
STORE_DEADLINE_SECONDS = "15"
REPORTS, OBJECTS, RECORDS, REVISIONS = 50, 100, 50, 100
"""How many of each a page lists."""


class LogReports(AirflowPlugin):
    """What Airflow finds; the addresses have no leading slash, so that they hold below any base URL."""

    name = "logbucket_reports"
    external_views: ClassVar[list[dict[str, Any]]] = [
        {
            "name": "Log reports",
            "href": f"{PREFIX[1:]}/",
            "destination": "nav",
            "url_route": "log-reports",
            "nav_top_level": True,
            "icon": f"{PREFIX[1:]}/icon.svg?ink=black",
            "icon_dark_mode": f"{PREFIX[1:]}/icon.svg?ink=white",
        },
        {
            "name": "Log reports",
            "href": f"{PREFIX[1:]}/dag/{{DAG_ID}}",
            "destination": "dag",
            "url_route": "log-reports-of-dag",
            "icon": f"{PREFIX[1:]}/icon.svg?ink=black",
            "icon_dark_mode": f"{PREFIX[1:]}/icon.svg?ink=white",
        },
    ]

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The web application; only the API server asks for it."""
        return [{"name": "Log reports", "app": application(), "url_prefix": PREFIX}]


def application() -> "FastAPI":
    """The pages, for users that Airflow has authenticated."""
    import os
    from datetime import UTC, datetime, timedelta
    from typing import Annotated, Literal

    from airflow.api_fastapi.core_api.security import get_user
    from airflow.sdk.exceptions import AirflowFailException
    from fastapi import Depends, FastAPI, Query, Request, Response
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException

    from etl.config import load
    from etl.errors import ConfigError, EtlError, ObjectMissing
    from etl.model.hours import parse_hour
    from etl.stages import browse

    # a task may wait for minutes until the store answers again, a reader does not
    os.environ.setdefault("LOGBUCKET_STORE_DEADLINE", STORE_DEADLINE_SECONDS)
    pages = Pages()
    app = FastAPI(dependencies=[Depends(get_user)], docs_url=None, redoc_url=None, openapi_url=None)
    number = Annotated[int, Query(alias="page", ge=1, le=100_000)]
    short_text = Annotated[str | None, Query(max_length=2000)]

    def now() -> datetime:
        return datetime.now(UTC).replace(tzinfo=None)

    def settings() -> Any:
        from etl.tasks import use_aws_connection

        use_aws_connection()
        try:
            return load()
        except ConfigError as error:
            # no fault of the address that was asked for
            raise EtlError(str(error)) from error

    def name_of(lake: Any) -> str:
        # where a folder lies on the server is nobody's business
        return lake.lake if "://" in lake.lake else os.path.relpath(lake.lake, lake.path.parent)

    def day_of(lake: Any, source: str, text: str | None) -> Any:
        newest = None if text else browse.newest_landing_hour(lake, source, now())
        return browse.a_day(text) if text else newest.date() if newest else now().date()

    @app.get("/")
    def overview(request: Request) -> Response:
        lake = settings()
        latest: dict[str, Any] = {}
        for report in browse.reports(lake):
            latest.setdefault(report.name, report)
        return pages.show(
            request, "overview", sources=browse.freshness(lake, now()), latest=list(latest.values()), lake=name_of(lake)
        )

    @app.get("/icon.svg")
    def icon(ink: Literal["black", "white"] = "black") -> Response:
        headers = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}
        text = (PAGES / "icon.svg").read_text(encoding="utf-8").replace("currentColor", ink)
        return Response(text, media_type="image/svg+xml", headers=headers)

    @app.get("/dag/{dag_id}")
    def of_dag(request: Request, dag_id: str) -> Response:
        lake = settings()
        if name := browse.source_of_dag(lake, dag_id):
            return source(request, name)
        if (name := dag_id.removeprefix("report_")) != dag_id:
            return reports(request, 1, name)
        if dag_id in ("audit", "watchdog", "replay"):
            return overview(request)
        return pages.show(request, "other_dag", dag_id=dag_id)

    @app.get("/reports")
    def reports(request: Request, page: number = 1, name: short_text = None) -> Response:
        found = browse.reports(settings(), name or None)
        shown = found[(page - 1) * REPORTS : page * REPORTS]
        return pages.show(request, "reports", name=name, list=browse.Page(shown, len(found), page, REPORTS))

    @app.get("/reports/{name}/{period}")
    def report(request: Request, name: str, period: str) -> Response:
        stored = browse.stored_report(settings(), name, period)
        return pages.show(request, "report", name=name, period=period, size=len(stored.encode()))

    @app.get("/reports/{name}/{period}/html")
    def report_html(name: str, period: str, download: bool = False) -> Response:
        headers = {"Content-Security-Policy": REPORT_POLICY, **HEADERS}
        if download:
            headers["Content-Disposition"] = f'attachment; filename="{name}-{period}.html"'
        return Response(browse.stored_report(settings(), name, period), media_type="text/html", headers=headers)

    @app.get("/sources/{source_name}")
    def source(request: Request, source_name: str) -> Response:
        [found] = browse.freshness(settings(), now(), [source_name])
        return pages.show(request, "source", source=source_name, about=found)

    @app.get("/sources/{source_name}/books")
    def books(request: Request, source_name: str, page: number = 1, day: short_text = None) -> Response:
        lake = settings()
        chosen = day_of(lake, source_name, day)
        return pages.show(
            request,
            "books",
            source=source_name,
            day=chosen,
            **browse.books_of_day(lake, source_name, chosen, page, OBJECTS),
            partitions=browse.partitions_of_day(lake, source_name, chosen),
        )

    @app.get("/sources/{source_name}/quarantine")
    def quarantine(
        request: Request, source_name: str, page: number = 1, day: short_text = None, reason: short_text = None
    ) -> Response:
        lake = settings()
        chosen = day_of(lake, source_name, day)
        return pages.show(
            request,
            "quarantine",
            source=source_name,
            day=chosen,
            reason=reason,
            days=browse.quarantine_days(lake, source_name, chosen, 14),
            **browse.quarantined(lake, source_name, chosen, reason or None, page, RECORDS),
        )

    @app.get("/sources/{source_name}/quarantine/record")
    def record(
        request: Request, source_name: str, hour: str, uri: str, line: Annotated[int, Query(ge=0, lt=1 << 62)]
    ) -> Response:
        try:
            landing_hour = parse_hour(hour)
        except ValueError as error:
            raise ConfigError("hour", hour, str(error)) from None
        found = browse.quarantined_record(settings(), source_name, landing_hour, uri, line)
        return pages.show(request, "record", source=source_name, day=landing_hour.date(), record=found)

    @app.get("/sources/{source_name}/revisions")
    def revisions(request: Request, source_name: str, page: number = 1, day: short_text = None) -> Response:
        lake = settings()
        last = day_of(lake, source_name, day)
        first = last - timedelta(days=30)
        found = browse.revisions_of_days(lake, source_name, first, last, page, REVISIONS)
        return pages.show(request, "revisions", source=source_name, day=last, first=first, list=found)

    @app.exception_handler(EtlError)
    def failed(request: Request, error: EtlError) -> Response:
        wrong_request = isinstance(error, ConfigError | ObjectMissing)
        title = "There is no such page" if wrong_request else "The lake cannot be read now"
        return pages.show(request, "error", 404 if wrong_request else 503, title=title, message=str(error))

    @app.exception_handler(AirflowFailException)
    def unconnected(request: Request, error: AirflowFailException) -> Response:
        return pages.show(request, "error", 503, title="The lake cannot be read now", message=str(error))

    @app.exception_handler(Exception)
    def broken(request: Request, error: Exception) -> Response:
        message = f"{type(error).__name__}. The log of the API server has the whole story; please report it."
        return pages.show(request, "error", 500, title="This page is broken", message=message)

    @app.exception_handler(RequestValidationError)
    def refused(request: Request, error: RequestValidationError) -> Response:
        said = "; ".join(f"{item['loc'][-1]}: {item['msg']}" for item in error.errors())
        return pages.show(request, "error", 422, title="This address does not make sense", message=said)

    @app.exception_handler(HTTPException)
    def answered(request: Request, error: HTTPException) -> Response:
        titles = {401: "Log in to Airflow first", 403: "Log in to Airflow again", 404: "There is no such page"}
        title = titles.get(error.status_code, "This cannot be done here")
        return pages.show(request, "error", error.status_code, title=title, message=str(error.detail))

    return app


HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}
REPORT_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'"
)


class Pages:
    """The templates in `pages/`. Whatever they show of logs, names or addresses is escaped."""

    def __init__(self) -> None:
        import base64
        import hashlib

        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        from etl import text
        from etl.config import BUILT_IN_SQL
        from etl.model.hours import format_hour

        def legible(value: Any) -> Any:
            return text.visible(value) if type(value) is str else value

        def lines(record: str) -> list[str]:
            return [text.visible(line) for line in record.split("\n")]

        self._environment = Environment(
            loader=FileSystemLoader(PAGES),
            autoescape=True,
            finalize=legible,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            count=text.count,
            size=text.size,
            share=text.share,
            hour=format_hour,
            lines=lines,
            ago=_ago,
            visible=text.visible,
        )
        look = BUILT_IN_SQL / "look" / "style.css"
        self._style = "\n".join(path.read_text(encoding="utf-8") for path in (look, PAGES / "style.css"))
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        self._policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; frame-src 'self'; form-action 'self'; "
            "base-uri 'none'; frame-ancestors 'self'"
        )

    def show(self, request: Any, page: str, status: int = 200, **values: Any) -> Any:
        """A page as a response; links in it begin with `base`, the address of this application."""
        from fastapi.responses import HTMLResponse
        from markupsafe import Markup

        template = self._environment.get_template(f"{page}.html.j2")
        text = template.render(base=request.scope["root_path"], style=Markup(self._style), **values)
        return HTMLResponse(text, status, {"Content-Security-Policy": self._policy, **HEADERS})


def _ago(hours: int) -> str:
    return "this hour" if hours == 0 else f"{hours} h ago" if hours < 48 else f"{hours // 24:,} days ago"
