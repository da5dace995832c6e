"""``make up``: what is wrong is said before an Airflow is started on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local import HOME, main


@pytest.mark.parametrize(
    ("text", "said"), [(None, "no such file"), ('lake = "l"\n[sources.web]\nrow = "r"', "sources.web.row")]
)
def test_a_configuration_that_is_wrong_starts_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, said: str
) -> None:
    config = tmp_path / "sources.toml"
    if text:
        config.write_text(text)
    assert main(["up", "--config", str(config)]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / HOME).exists()
