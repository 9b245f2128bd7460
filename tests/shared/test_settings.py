"""What is missing or wrong in the environment is said in words, variable by variable, and never with its value."""

import pytest

from services.intake.settings import IntakeSettings
from shared.settings import Settings, from_environment


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    for name in IntakeSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


class TestFromEnvironment:
    def test_every_missing_variable_is_named(self, capsys):
        with pytest.raises(SystemExit) as end:
            from_environment(IntakeSettings)

        said = capsys.readouterr().err
        assert end.value.code == 2
        assert {"DATABASE_URL", "LINK_KEY", "SEALING_KEYS"} <= {line.split(":")[0].strip() for line in said.splitlines()}

    def test_a_wrong_secret_is_not_repeated(self, monkeypatch, capsys):
        monkeypatch.setenv("LINK_KEY", "too-short-a-secret")

        with pytest.raises(SystemExit):
            from_environment(IntakeSettings)

        assert "too-short-a-secret" not in capsys.readouterr().err

    def test_a_secret_may_come_from_a_file_which_wins(self, monkeypatch, tmp_path):
        (tmp_path / "url").write_text("postgresql://from-the-file/hoiam\n")
        monkeypatch.setenv("DATABASE_URL", "postgresql://from-the-variable/hoiam")
        monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))

        assert from_environment(Settings).database_url == "postgresql://from-the-file/hoiam"

    def test_a_file_that_is_not_there_is_named(self, monkeypatch, capsys):
        monkeypatch.setenv("DATABASE_URL_FILE", "/nowhere/url")

        with pytest.raises(SystemExit):
            from_environment(Settings)

        assert "/nowhere/url" in capsys.readouterr().err

    def test_more_in_a_batch_than_is_handed_out_makes_no_sense(self, monkeypatch, capsys):
        monkeypatch.setenv("DATABASE_URL", "postgresql://db/hoiam")
        monkeypatch.setenv("BATCH", "300")

        with pytest.raises(SystemExit):
            from_environment(Settings)

        assert "PREFETCH" in capsys.readouterr().err
