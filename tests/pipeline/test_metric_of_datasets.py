"""A metric of several datasets, of a source whose log gives two: one object a day holds the rows of both."""

from __future__ import annotations

from tests.pipeline.conftest import World

PAUSE = "[2026-11-22T{time}+0000][1.0s][info][gc] GC({number}) Pause Young (Normal) (G1 Evacuation Pause) 24M->4M(256M) 3.456ms"
START = "[2026-11-22T{time}+0000][1.0s][info][gc] Using G1"


def test_an_hour_that_one_dataset_gets_late_keeps_the_rows_of_the_others(world: World) -> None:
    world.configure('[sources.gc]\nraw = "raw/gc/%Y/%m/%d/%H/"\nformat = "jvm_gc_unified"\nstart = "2026-11-22T00"\n')
    world.land(
        "gc/2026/11/22/13/a.log", [START.format(time="13:00:00.000"), PAUSE.format(time="13:00:01.000", number=1)]
    )
    world.run("gc", "2026-11-22T13")
    sql = "SELECT dataset, hour(hour_start), rows FROM metrics_attribute_hourly WHERE attribute = '' ORDER BY ALL"
    assert world.query(sql) == [("app_log", 13, 1), ("jvm_gc", 13, 1)]
    world.land(
        "gc/2026/11/22/14/b.log", [PAUSE.format(time=time, number=2) for time in ("13:59:59.000", "14:00:00.000")]
    )
    world.run("gc", "2026-11-22T14")
    assert world.query(sql) == [("app_log", 13, 1), ("jvm_gc", 13, 2), ("jvm_gc", 14, 1)]
    before = world.objects()
    world.run("gc", "2026-11-22T13", "2026-11-22T14")
    assert world.objects() == before
