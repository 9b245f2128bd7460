"""docs/proof.md says what was measured, and no more."""

import json
import re

import pytest

from services.cli.bench import proof
from services.cli.bench.claims import CLAIMS, Claim
from services.cli.bench.figures import ratio, spread
from services.cli.process import CannotStart
from shared.settings import PROJECT

KEPT = {
    "measured_at": "2026-11-25 16:00 UTC",
    "quick": False,
    "machine": {"processor": "A processor", "cores": 2, "memory_gib": 24, "system": "Linux 6"},
    "versions": {"Python": "3.11.2"},
    "runs": {"pipeline": {"load_before": 0.4, "seconds": 300}},
    "figures": {"pipeline": {"vs_celery": 4.9, "vs_celery_lowest": 4.5, "vs_celery_highest": 5.2, "vs_faststream": 4.1}},
}
FAULT = {
    "fault": "kill sla",
    "faults": 9,
    "offered": 900,
    "accepted": 800,
    "lost": 0,
    "duplicated": 0,
    "stopped": 7,
    "parked": 0,
    "recovery_seconds": 2.5,
    "measured_on": "2026-11-25",
}


def row(page: str, bench: str, figure: str) -> list[str]:
    anchor = f'<a id="{bench}-{figure.replace("_", "-")}"></a>'
    [line] = [line for line in page.splitlines() if anchor in line]
    return [cell.strip() for cell in line.replace(anchor, "").strip("|").split("|")]


class TestPage:
    def test_a_row_has_the_median_its_spread_the_target_and_the_verdict(self):
        page = proof.page(KEPT)

        assert row(page, "pipeline", "vs_celery")[2:] == ["4.9 ×", "4.5 – 5.2", "≥ 5 ×", "**missed**"]
        assert row(page, "pipeline", "vs_faststream")[2:] == ["4.1 ×", "", "≥ 4 ×", "met"]

    def test_what_was_not_measured_is_said_to_be_so(self):
        assert row(proof.page(KEPT), "intake", "throughput_vs_plain")[2:] == ["not measured", "", "≥ 2.5 ×", ""]

    def test_faults_are_rows_with_their_totals_above(self):
        page = proof.page({**KEPT, "faults": [FAULT, FAULT | {"fault": "cut network", "lost": None}]})

        assert "| kill sla | 9 | 900 | 800 | 0 | 0 | 7 | 0 | 2.5 | 2026-11-25 |" in page
        assert "| cut network | 9 | 900 | 800 |  | 0 | 7 | 0 | 2.5 | 2026-11-25 |" in page
        assert "18 faults. Of 1,600 accepted reports 0 were lost and 0 had an effect twice; 14 duplicates were stopped." in page

    def test_builds_broken_on_purpose_are_apart_and_count_for_nothing(self):
        page = proof.page({**KEPT, "faults": [FAULT, FAULT | {"fault": "CONTROL inbox off", "duplicated": 12, "control": True}]})

        assert "9 faults. Of 800 accepted reports 0 were lost and 0 had an effect twice; 7 duplicates were stopped." in page
        assert page.index("broken on purpose") < page.index("| CONTROL inbox off | 9 | 900 | 800 | 0 | 12 |")

    def test_names_the_machine_the_versions_and_the_load(self):
        page = proof.page(KEPT)

        assert "A processor, 2 cores, 24 GiB, Linux 6" in page
        assert "Python 3.11.2" in page
        assert "Took 300 s; the load of the machine before was 0.4." in page

    @pytest.mark.parametrize(
        ("value", "at_most", "verdict"), [(1.0, True, "met"), (1.01, True, "**missed**"), (1.0, False, "met"), (0.99, False, "**missed**")]
    )
    def test_a_target_is_met_or_missed_at_its_very_edge(self, value, at_most, verdict):
        assert Claim(bench="b", figure="f", what="w", target=1, at_most=at_most).verdict(value) == verdict


class TestReadme:
    def test_every_figure_leads_to_its_row(self):
        readme, page = (PROJECT / "README.md").read_text(encoding="utf-8"), proof.PAGE.read_text(encoding="utf-8")
        links = re.findall(r"\]\(docs/proof\.md#([a-z0-9-]+)\)", readme)

        assert links
        assert [link for link in links if f'<a id="{link}"></a>' not in page] == []

    def test_says_what_the_row_says(self):
        brief = proof.brief(KEPT)

        assert "- [4.9 ×](docs/proof.md#pipeline-vs-celery)" in brief
        assert "intake" not in brief

    def test_says_how_many_faults_lost_how_many_reports(self):
        brief = proof.brief({**KEPT, "faults": [FAULT, FAULT | {"lost": 12, "control": True}]})

        assert "- [0 of 800](docs/proof.md#faults): accepted reports lost in 9 faults" in brief


class TestKeeping:
    def test_takes_what_the_benches_left(self, tmp_path):
        (tmp_path / "machine.json").write_text(json.dumps({"quick": True}))
        (tmp_path / "pipeline.json").write_text(json.dumps({"vs_celery": 5}))

        assert proof.measured(tmp_path) == {"quick": True, "figures": {"pipeline": {"vs_celery": 5}}}

    def test_a_folder_without_the_note_of_the_machine_is_refused(self, tmp_path):
        with pytest.raises(CannotStart, match="hoiam bench all"):
            proof.measured(tmp_path)


class TestFigures:
    def test_a_ratio_is_of_rounds_and_not_of_medians(self):
        assert ratio("of", [1, 9, 4], [1, 3, 2]) == {"of": 2.0, "of_lowest": 1.0, "of_highest": 3.0}

    def test_a_spread_has_both_ends(self):
        assert spread("p50", [3, 1, 2]) == {"p50": 2, "p50_lowest": 1, "p50_highest": 3}


def test_no_two_claims_share_a_row():
    assert len({claim.anchor for claim in CLAIMS}) == len(CLAIMS)
