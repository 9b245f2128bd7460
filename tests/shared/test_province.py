from collections.abc import Callable
from datetime import date
from pathlib import Path
from shutil import copytree
from unicodedata import is_normalized

import pytest
import yaml

from shared.province import EVERYWHERE, Province, ProvinceError, read_province
from shared.province.reading import _Loader

FOLDER = Path(__file__).parents[2] / "deploy/provinces/quang-tri"

Edit = Callable[[str, str, str], None]


@pytest.fixture(scope="module")
def quang_tri() -> Province:
    return read_province(FOLDER)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the real data, to break."""
    return Path(copytree(FOLDER, tmp_path / "province"))


@pytest.fixture
def edit(folder: Path) -> Edit:
    def replace(file: str, old: str, new: str) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {file}"
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")

    return replace


def problems(folder: Path) -> list[str]:
    with pytest.raises(ProvinceError) as caught:
        read_province(folder)
    return caught.value.problems


def covered(quang_tri: Province, category: str, area: str) -> bool:
    """Whether a rule fits without any answer to the category's questions."""
    return any(
        category in rule.categories and (rule.areas == EVERYWHERE or area in rule.areas) and not rule.attributes for rule in quang_tri.rules
    )


class TestQuangTri:
    def test_has_all_categories_areas_and_agencies(self, quang_tri: Province) -> None:
        kinds = [agency.kind for agency in quang_tri.agencies.values()]

        assert len(quang_tri.categories) == 36
        assert (kinds.count("district"), kinds.count("commune")) == (10, 78)
        assert len(quang_tri.areas) == 10 + 78

    def test_sends_every_category_somewhere_in_every_area_except_the_unclear_one(self, quang_tri: Province) -> None:
        gaps = {category for category in quang_tri.categories for area in quang_tri.areas if not covered(quang_tri, category, area)}

        assert gaps == {"KH99"}

    def test_gives_every_commune_its_own_agency(self, quang_tri: Province) -> None:
        agencies = [area.agency for area in quang_tri.areas.values() if area.code.isdigit()]

        assert len(set(agencies)) == 78
        assert {quang_tri.agencies[code].kind for code in agencies} == {"commune"}

    def test_names_the_old_district_of_communes_of_old_quang_tri_only(self, quang_tri: Province) -> None:
        assert quang_tri.areas["19333"].parent == "dh"
        assert quang_tri.areas["18880"].parent is None

    def test_handles_urgent_classes_as_urgent(self, quang_tri: Province) -> None:
        always = {code for code, category in quang_tri.categories.items() if category.sla_class == quang_tri.policy.urgent_class}

        assert always == {"AN02", "TT01"}
        assert all(rule.urgent for rule in quang_tri.rules if always & set(rule.categories))

    def test_keeps_the_order_of_its_files(self, quang_tri: Province) -> None:
        assert list(quang_tri.categories)[:2] == ["GT01", "GT02"]

    def test_is_written_in_composed_letters(self) -> None:
        for path in FOLDER.iterdir():
            assert is_normalized("NFC", path.read_text(encoding="utf-8")), path.name


class TestAllowance:
    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            ({"clock": "resolve", "sla_class": "S7"}, (7, "days", "working")),
            ({"clock": "resolve", "sla_class": "U4", "urgent": True}, (4, "hours", "wall")),
            ({"clock": "take_up", "sla_class": "S7"}, (8, "hours", "working")),
            ({"clock": "take_up", "sla_class": "U4", "urgent": True}, (1, "hours", "wall")),
            ({"clock": "route", "sla_class": "S7"}, (30, "minutes", "wall")),
            ({"clock": "route", "sla_class": "S7", "unclear": True}, (1, "hours", "working")),
            ({"clock": "approve", "sla_class": "S7"}, (4, "hours", "working")),
            ({"clock": "answer", "sla_class": "C15"}, (1, "days", "wall")),
            ({"clock": "progress", "sla_class": "S1"}, (3, "days", "working")),
            ({"clock": "objection", "sla_class": "S1"}, (7, "days", "wall")),
        ],
    )
    def test_of_each_clock(self, quang_tri: Province, asked: dict[str, object], expected: tuple[int, str, str]) -> None:
        allowance = quang_tri.policy.allowance(**asked)  # type: ignore[arg-type]

        assert (allowance.amount, allowance.unit, allowance.time) == expected


class TestAgencyOn:
    def test_the_day_of_a_merger_is_the_successor(self, quang_tri: Province) -> None:
        assert quang_tri.agency_on("sgtvt", date(2025, 2, 28)).code == "sgtvt"
        assert quang_tri.agency_on("sgtvt", date(2025, 3, 1)).code == "sxd"

    def test_follows_several_mergers(self, folder: Path, edit: Edit) -> None:
        edit("agencies.yaml", "email: sxd@quangtri.example", "email: sxd@quangtri.example, effective_to: 2026-01-01, successor: snnmt")

        assert read_province(folder).agency_on("sgtvt", date(2026, 1, 1)).code == "snnmt"


class TestReadProvince:
    @pytest.mark.parametrize(
        ("file", "old", "new", "problem"),
        [
            ("rules.yaml", "categories: [GT03]", "categories: [GT33]", "gt03: unknown category 'GT33'"),
            ("rules.yaml", "agency: nuoc}", "agency: nuocc}", "cn01: unknown agency 'nuocc'"),
            ("rules.yaml", "agency: pctt, supporting: [area]", "agency: pctt, supporting: [xa]", "tt01: unknown agency 'xa'"),
            ("rules.yaml", '"19333"', '"19334"', "do-thi-dong-ha: unknown area '19334'"),
            ("rules.yaml", "categories: [GT06], agency: sgtvt", "categories: [GT06]", "gt06: agency: Field required"),
            ("rules.yaml", "agency: cqltt", "agency: cqltt, sla_class: S9", "tm01: unknown SLA class 'S9'"),
            ("rules.yaml", "{NHA_MANG: [mobi]}", "{NHA_MANG: [moby]}", "vt01-mobi: VT01.NHA_MANG has no value 'moby'"),
            ("rules.yaml", "{NHA_MANG: [mobi]}", "{HANG: [mobi]}", "vt01-mobi: category VT01 has no attribute 'HANG'"),
            ("rules.yaml", "code: gt06", "code: gt05", "gt05: code is used twice in rules"),
            ("rules.yaml", "agency: cqltt", "agency: cqltt, urgnt: true", "tm01: urgnt: Extra inputs are not permitted"),
            ("categories.yaml", "  - code: GT06", "  - code: GT05", "GT05: code is used twice in categories"),
            ("categories.yaml", ", en: Public transport", "", "GT06: name.en: Field required"),
            (
                "categories.yaml",
                "en: Public transport",
                'en: ""',
                "GT06: name.en: String should have at least 1 character",
            ),
            ("categories.yaml", "group: thien-tai", "group: thien-dia", "TT01: unknown group 'thien-dia'"),
            ("categories.yaml", "sla_class: C15", "sla_class: C16", "GY01: unknown SLA class 'C16'"),
            ("categories.yaml", "key: viettel", "key: vnpt", "VT01: NHA_MANG: value 'vnpt' is given twice"),
            ("categories.yaml", "redirects:", "redirect:", "unknown list 'redirect'"),
            ("agencies.yaml", "code: ttt,", "code: stp,", "stp: code is used twice in agencies"),
            (
                "agencies.yaml",
                "code: ttt,",
                "code: area,",
                "area: is the word for the agency of an area and can't be a code",
            ),
            ("agencies.yaml", "parent: vpub", "parent: ubnd", "ioc: unknown agency 'ubnd'"),
            ("agencies.yaml", "successor: stc", "successor: stcc", "skhdt: unknown agency 'stcc'"),
            ("agencies.yaml", "successor: stc", "successor: skhdt", "skhdt: succeeds itself"),
            (
                "agencies.yaml",
                "effective_to: 2025-03-01, successor: stc",
                "successor: stc",
                "skhdt: has a successor but no effective_to",
            ),
            ("areas.yaml", "agency: ubnd-dong-ha,", "agency: ubnd-dongha,", "19333: unknown agency 'ubnd-dongha'"),
            ("areas.yaml", 'code: "19351"', 'code: "19333"', "19333: code is used twice in areas"),
            ("areas.yaml", 'code: "19351"', "code: 19351", "19351: code: Input should be a valid string"),
            ("policy.yaml", "urgent_class: U4", "urgent_class: U5", "urgent_class: unknown SLA class 'U5'"),
            (
                "policy.yaml",
                "worked_days: [2026-01-10]",
                "worked_days: [2026-01-02]",
                "holidays: 2026-01-02 is both closed and worked",
            ),
            (
                "policy.yaml",
                '"11:30"',
                "11:30",
                'working_hours.spans.0.end: Value error, must be a time in quotes, such as "07:30"',
            ),
            ("policy.yaml", '"17:00"', '"07:00"', "working_hours.spans.1: Value error, begins at 13:30 but ends at 07:00"),
            ("policy.yaml", "  objection:\n", "  rest:\n", "clocks.rest.[key]: Input should be 'route', 'take_up', 'resolve'"),
            ("policy.yaml", "  resolve: {} # the class decides\n", "", "clocks: Dictionary should have at least 7 items"),
            ("policy.yaml", "amount: 30, ", "amount: 0, ", "clocks.route.normal.amount: Input should be greater than 0"),
            ("province.yaml", "arbiter: vpub", "arbiter: vpbu", "unknown agency 'vpbu'"),
            (
                "province.yaml",
                "Asia/Ho_Chi_Minh",
                "Asia/Hochiminh",
                "time_zone: Value error, unknown time zone 'Asia/Hochiminh'",
            ),
            ("province.yaml", "tracking_prefix: QT", "", "tracking_prefix: Field required"),
            ("province.yaml", "code: quang-tri", "code: quang-tri\ncode: qt", "cannot be read: key written twice: code"),
            ("areas.yaml", "areas:", "areas: [", "cannot be read:"),
            ("areas.yaml", "parent: cc", "parent: cco", "19742: unknown area 'cco'"),
            ("areas.yaml", "areas:", "areas: []\nothers:", "areas: expected a list with entries"),
            ("categories.yaml", "- code: NHA_MANG", "- code: NHA_MANG\n        datatype: text", "VT01: NHA_MANG: lists have values"),
            (
                "policy.yaml",
                "    normal: {amount: 4, unit: hours,",
                "    urgent: {amount: 4, unit: hours,",
                "clocks: approve: no normal allowance",
            ),
        ],
    )
    def test_names_the_file_and_entry_of_what_is_wrong(self, folder: Path, edit: Edit, file: str, old: str, new: str, problem: str) -> None:
        edit(file, old, new)

        assert any(found.startswith(f"{file}: {problem}") for found in problems(folder)), problems(folder)

    def test_reports_everything_at_once(self, folder: Path, edit: Edit) -> None:
        edit("rules.yaml", "agency: nuoc}", "agency: nuocc}")
        edit("categories.yaml", ", en: Public transport", "")
        edit("policy.yaml", "bounces: 2", "bounces: two")

        assert [problem.split(":")[0] for problem in problems(folder)] == ["policy.yaml", "categories.yaml", "rules.yaml"]

    def test_says_once_what_is_wrong_with_an_entry_others_point_to(self, folder: Path, edit: Edit) -> None:
        edit("agencies.yaml", "email: cat@quangtri.example", "email: nowhere")

        assert len(problems(folder)) == 1

    def test_misses_a_file_by_name(self, folder: Path) -> None:
        (folder / "rules.yaml").unlink()

        assert problems(folder)[0].startswith("rules.yaml: cannot be read:")

    def test_says_it_all_in_one_text(self, folder: Path, edit: Edit) -> None:
        edit("province.yaml", "arbiter: vpub", "arbiter: vpbu")

        with pytest.raises(ProvinceError, match=r"has 1 problem\(s\):\n  province.yaml: unknown agency 'vpbu'"):
            read_province(folder)

    def test_uses_the_fast_loader(self) -> None:
        assert not yaml.__with_libyaml__ or issubclass(_Loader, yaml.CSafeLoader)


class TestDigest:
    def test_ignores_how_the_files_are_written(self, folder: Path, edit: Edit, quang_tri: Province) -> None:
        edit("rules.yaml", "{code: gt03, priority: 10,", "{priority: 10,   code: gt03,")

        assert read_province(folder).digest == quang_tri.digest

    @pytest.mark.parametrize(
        ("file", "old", "new"),
        [
            ("province.yaml", '"1900868674"', '"1900868675"'),
            ("categories.yaml", "vi: Đèn đường hỏng", "vi: Đèn đường tắt"),
            ("categories.yaml", "{vi: Thiên tai, en: Disasters}", "{vi: Thiên tai, en: Disaster}"),
            ("categories.yaml", "key: viettel, name: {vi: Viettel", "key: viettel, name: {vi: Viettel Telecom"),
            ("categories.yaml", "[góp ý, hiến kế", "[góp ý, hiến kế hay"),
            ("categories.yaml", "text:\n      vi: Đây là tranh chấp", "text:\n      vi: Đó là tranh chấp"),
            ("agencies.yaml", "email: ioc@", "email: trung-tam@"),
            ("areas.yaml", "latitude: 16.7933", "latitude: 16.7934"),
            ("rules.yaml", "code: gt03, priority: 10", "code: gt03, priority: 11"),
            ("policy.yaml", "bounces: 2", "bounces: 3"),
        ],
    )
    def test_changes_with_any_content(self, folder: Path, edit: Edit, quang_tri: Province, file: str, old: str, new: str) -> None:
        edit(file, old, new)

        assert read_province(folder).digest != quang_tri.digest
