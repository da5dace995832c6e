"""The world of the pipeline tests, for faults."""

from tests.pipeline.conftest import line, web, world

__all__ = ["line", "web", "world"]
