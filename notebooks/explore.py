"""A notebook to begin with: traffic, latency and errors of the lake of sources.toml.

marimo edit notebooks/explore.py     in the browser
python notebooks/explore.py          as a script
"""

import marimo

app = marimo.App(width="medium", app_title="Explore the lake")


@app.cell
def _():
    import altair as alt
    import marimo as mo

    import etl

    # of a large lake take some hours only: etl.connect(start="2026-11-22T00", end="2026-11-22T23")
    lake = etl.connect()
    return alt, lake, mo


@app.cell
def _(lake, mo):
    views = lake.sql("SELECT view_name AS name FROM duckdb_views() WHERE NOT internal ORDER BY name").df()
    mo.md(
        f"""# Explore the lake

        {len(views)} views, among them `events_<dataset>` with every row and `metrics_<name>` with an hour's sums; beside them
        the tables `ledger`, `books` and `revisions`. More questions: `docs/cookbook.md`.
        """
    )
    return (views,)


@app.cell
def _(alt, lake, mo):
    traffic = lake.sql(
        """SELECT hour_start, CASE WHEN is_bot THEN 'robots' ELSE 'people' END AS who, sum(requests)::BIGINT AS requests
        FROM metrics_traffic_hourly GROUP BY ALL ORDER BY ALL"""
    ).df()
    traffic_chart = (
        alt.Chart(traffic, title="Requests by hour", width=640)
        .mark_bar()
        .encode(alt.X("hour_start:T", title="hour (UTC)"), alt.Y("requests:Q"), alt.Color("who:N", title=None))
    )
    mo.ui.altair_chart(traffic_chart)
    return traffic, traffic_chart


@app.cell
def _(alt, lake, mo):
    latency = lake.sql(
        """WITH merged AS (
            SELECT hour_start, merge_histograms(list(duration_histogram)) AS durations
            FROM metrics_latency_hourly GROUP BY hour_start
        )
        SELECT hour_start, unnest(['p50', 'p95', 'p99']) AS quantile,
            unnest([percentile(durations, 0.5), percentile(durations, 0.95), percentile(durations, 0.99)]) AS ms
        FROM merged ORDER BY ALL"""
    ).df()
    latency_chart = (
        alt.Chart(latency, title="Time to serve", width=640)
        .mark_line(point=True)
        .encode(
            alt.X("hour_start:T", title="hour (UTC)"),
            alt.Y("ms:Q", title="milliseconds").scale(type="log"),
            alt.Color("quantile:N", title=None),
        )
    )
    mo.ui.altair_chart(latency_chart)
    return latency, latency_chart


@app.cell
def _(lake, mo):
    # the counts by hour become columns in pandas
    errors = (
        lake.sql("SELECT hour_start, coalesce(exception_type, logger_name) AS error, errors FROM metrics_error_hourly")
        .df()
        .pivot_table(index="error", columns="hour_start", values="errors", aggfunc="sum", fill_value=0)
        .rename(columns=lambda hour: f"{hour:%m-%d %H:%M}")
    )
    mo.ui.table(errors.reset_index())
    return (errors,)


if __name__ == "__main__":
    app.run()
